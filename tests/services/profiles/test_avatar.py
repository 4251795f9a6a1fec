"""Avatars: what is a picture, whose it is, and that none is left behind."""

import base64
import json

import pytest

from market import config
from profiles import gateway, pictures
from profiles.pictures import MAX_BYTES, Picture
from tests.services.profiles.conftest import BOB, MEDIA, Desk, files, hear, jpeg, png, webp

pytestmark = pytest.mark.contract("3.1")
PATH = "/v1/me/avatar"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [(png(40, 30), "image/png"), (jpeg(40, 30), "image/jpeg"), (webp(40, 30), "image/webp")],
)
def test_a_picture_is_told_by_its_bytes(content: bytes, content_type: str) -> None:
    assert pictures.picture_of(content) == Picture(content_type, 40, 30)


EXTENDED = b"VP8X" + (10).to_bytes(4, "little") + b"\0\0\0\0" + (39).to_bytes(3, "little") + (29).to_bytes(3, "little")


def test_an_extended_webp_tells_its_canvas() -> None:
    content = b"RIFF" + (len(EXTENDED) + 4).to_bytes(4, "little") + b"WEBP" + EXTENDED

    assert pictures.picture_of(content) == Picture("image/webp", 40, 30)


PAGE = b"<html><script>alert(1)</script></html>"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        PAGE,
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
        b"GIF89a" + PAGE,
        b"%PDF-1.7",
        png() + PAGE,
        PAGE + png(),
        png()[:-4],
        png()[:20],
        b"\x89PNG\r\n\x1a\n" + PAGE,
        jpeg() + PAGE,
        jpeg() + b"PK\x03\x04 an archive",
        jpeg()[:-2],
        jpeg()[:9],
        b"\xff\xd8\xff" + PAGE + b"\xff\xd9",
        webp() + PAGE,
        webp()[:-3],
        b"RIFF\x16\0\0\0WEBPHTML" + PAGE[:14],
        png(0, 7),
        jpeg(7, 0),
    ],
)
def test_what_is_not_a_picture_and_nothing_else_is_refused(desk: Desk, content: bytes) -> None:
    key = desk.upload(content)

    refused = desk.confirm(key)

    assert (refused.status, refused.json["code"]) == (422, "not_a_picture")
    assert files(MEDIA) == [], "it is not even kept"


@pytest.mark.parametrize("content", [png(5001, 5000), png() + b"\0" * MAX_BYTES])
def test_a_picture_has_a_size(desk: Desk, content: bytes) -> None:
    refused = desk.confirm(desk.upload(content))

    assert (refused.status, refused.json["code"]) == (422, "picture_too_large")


def test_the_form_lets_s3_take_one_picture_of_one_type_under_one_name(desk: Desk) -> None:
    offer = desk.ask("POST", PATH, {"contentType": "image/webp"}).json

    policy = json.loads(base64.b64decode(offer["fields"]["policy"]))["conditions"]
    assert {"key": offer["fields"]["key"]} in policy
    assert {"Content-Type": "image/webp"} in policy
    assert {"bucket": MEDIA} in policy
    assert ["content-length-range", 1, MAX_BYTES] in policy
    assert offer["fields"]["key"] == f"uploads/avatars/{desk.user}/{offer['key']}"
    assert offer["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"
    assert offer["maxBytes"] == MAX_BYTES
    assert desk.ask("POST", PATH, {"contentType": "image/svg+xml"}).status == 422


def test_a_confirmed_picture_is_shown_under_a_name_that_tells_nothing(desk: Desk) -> None:
    key = desk.upload(jpeg())

    answer = desk.confirm(key)

    assert answer.status == 200, answer
    (name,) = files(MEDIA)
    assert answer.json["avatarUrl"] == f"/{name}"
    assert name.startswith("media/avatars/pic_")
    assert key not in name
    assert desk.user not in name
    stored = config.client("s3").get_object(Bucket=MEDIA, Key=name)
    assert stored["ContentType"] == "image/jpeg", "whatever the form said"
    assert stored["Body"].read() == jpeg()


def test_confirming_twice_changes_nothing(desk: Desk) -> None:
    key = desk.upload(png())
    first = desk.confirm(key)

    assert desk.confirm(key).json == first.json
    assert len(files(MEDIA)) == 1


def test_only_ones_own_upload_can_be_confirmed(desk: Desk) -> None:
    key = desk.upload(png())

    refused = Desk(BOB).confirm(key)

    assert (refused.status, refused.json["code"]) == (409, "upload_missing")
    assert desk.confirm("avt_" + "0" * 26).json["code"] == "upload_missing"
    assert desk.confirm(f"../{BOB}/{key}").status == 422
    assert desk.confirm(key).status == 200


def test_the_picture_before_is_deleted_and_so_is_a_removed_one(desk: Desk) -> None:
    first = desk.confirm(desk.upload(png())).json["avatarUrl"]
    second = desk.confirm(desk.upload(jpeg())).json["avatarUrl"]

    hear()
    assert [f"/{name}" for name in files(MEDIA)] == [second] != [first]
    removed = desk.ask("DELETE", PATH)
    assert "avatarUrl" not in removed.json
    assert desk.ask("DELETE", PATH).json == removed.json
    hear()
    hear()
    assert files(MEDIA) == []


def test_a_picture_that_was_published_and_never_shown_is_found(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """We end between publishing and showing: the next picture finds what was left."""
    key = desk.upload(png())
    with monkeypatch.context() as broken:
        broken.setattr("profiles.store.show_avatar", _crash)
        assert desk.confirm(key).status == 500
    assert len(files(MEDIA)) == 2

    answer = desk.confirm(key)
    hear()

    assert answer.status == 200
    assert [f"/{name}" for name in files(MEDIA)] == [answer.json["avatarUrl"]]


def test_two_pictures_at_once_leave_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is confirmed while the first is being published: the first must give way."""
    first, second = desk.upload(png()), desk.upload(jpeg())
    publish = gateway.publish

    def meanwhile(name: str, content: bytes, content_type: str) -> None:
        monkeypatch.setattr(gateway, "publish", publish)
        assert desk.confirm(second).status == 200
        publish(name, content, content_type)

    monkeypatch.setattr(gateway, "publish", meanwhile)
    refused = desk.confirm(first)
    hear()

    assert (refused.status, refused.json["code"]) == (409, "avatar_changed")
    shown = desk.ask("GET", "/v1/me/profile").json["avatarUrl"]
    assert [f"/{name}" for name in files(MEDIA) if name.startswith("media/")] == [shown]


def _crash(*_: object, **__: object) -> None:
    raise ConnectionError
