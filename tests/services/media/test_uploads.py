"""Files come in parts, in any order, as often as needed, and are put together once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from market import config
from media import gateway
from media.model import PART_BYTES, Media
from tests.services.media.conftest import (
    BOB,
    MEDIA,
    POTS,
    Customer,
    Studio,
    files,
    found,
    put_part,
    said,
    sweep,
    tell,
)
from tests.services.media.samples import jpeg

pytestmark = pytest.mark.contract("6.2")


def test_an_upload_says_where_each_part_goes_and_how_long_it_is(studio: Studio) -> None:
    begun = studio.begin(2 * PART_BYTES + 5)

    assert begun["status"] == "uploading"
    assert [(part["number"], part["bytes"]) for part in begun["upload"]["parts"]] == [
        (1, PART_BYTES), (2, PART_BYTES), (3, 5),
    ]  # fmt: skip
    assert all("content-length" in part["url"] and begun["id"] in part["url"] for part in begun["upload"]["parts"])


def test_up_to_twenty_files_begin_at_once(studio: Studio) -> None:
    file = {"name": "a.jpg", "size": 10, "type": "image/jpeg"}

    assert len(studio.ask("POST", "/uploads", {"files": [file] * 20}).json["items"]) == 20
    assert studio.ask("POST", "/uploads", {"files": [file] * 21}).status == 422
    assert studio.ask("POST", "/uploads", {"files": []}).status == 422


@pytest.mark.parametrize("kind", ["image/heic", "image/svg+xml", "text/html", "application/pdf", "video/quicktime"])
def test_what_is_not_taken_is_refused_before_it_is_sent(studio: Studio, kind: str) -> None:
    assert studio.ask("POST", "/uploads", {"files": [{"name": "a", "size": 10, "type": kind}]}).status == 422


def test_too_large_a_file_is_refused_before_it_is_sent(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("MEDIA_MAX_IMAGE_BYTES", "1000")
    answer = studio.ask("POST", "/uploads", {"files": [{"name": "a", "size": 1001, "type": "image/png"}]})

    assert (answer.status, answer.json["code"], answer.json["limit"]) == (422, "file_too_large", 1000)
    assert studio.ask("POST", "/uploads", {"files": [{"name": "a", "size": 0, "type": "image/png"}]}).status == 422


@pytest.mark.parametrize("name", ["../../etc/passwd", "/media/x.svg", "C:\\x.jpg", "%2e%2e%2f.jpg", "a" * 200])
def test_a_name_is_a_word_for_people_and_never_part_of_a_key(studio: Studio, name: str) -> None:
    content = jpeg(50, 50)
    media_id = studio.upload(content, name=name)

    assert studio.shown(media_id)["name"] == name
    assert all(key.split("/")[1] == media_id for key in files())


def test_an_upload_is_resumed_by_asking_which_parts_are_missing(studio: Studio) -> None:
    content = jpeg(60, 60)
    size = 2 * PART_BYTES + len(content)
    begun = studio.begin(size)
    media = found(begun["id"])
    put_part(media, 3, content)
    put_part(media, 1, b"\0" * PART_BYTES)

    parts = studio.shown(media.id)["upload"]["parts"]

    assert [part["arrived"] for part in parts] == [True, False, True]
    assert [("url" in part) for part in parts] == [False, True, False]
    refused = studio.ask("POST", f"/{media.id}/completion")
    assert (refused.status, refused.json["code"], refused.json["missing"]) == (409, "upload_incomplete", [2])


def test_a_part_of_another_length_has_not_arrived(studio: Studio) -> None:
    begun = studio.begin(100)
    media = found(begun["id"])
    put_part(media, 1, b"x" * 101)

    assert studio.shown(media.id)["upload"]["parts"][0]["arrived"] is False
    assert studio.ask("POST", f"/{media.id}/completion").json["missing"] == [1]
    put_part(media, 1, b"x" * 100)
    assert studio.ask("POST", f"/{media.id}/completion").status == 200


def test_a_part_too_many_keeps_the_file_from_being_put_together(studio: Studio) -> None:
    media = found(studio.begin(100)["id"])
    put_part(media, 1, b"x" * 100)
    put_part(media, 2, b"x" * 100)

    assert studio.ask("POST", f"/{media.id}/completion").json["code"] == "upload_incomplete"


def test_a_part_of_another_upload_does_not_count(studio: Studio) -> None:
    mine, other = found(studio.begin(100)["id"]), found(studio.begin(100)["id"])

    put_part(other, 1, b"x" * 100)
    assert studio.shown(mine.id)["upload"]["parts"][0]["arrived"] is False


def test_completing_twice_or_at_once_puts_the_file_together_once(studio: Studio) -> None:
    content = jpeg(80, 40)
    begun = studio.begin(len(content))
    studio.send(begun["id"], content)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: studio.ask("POST", f"/{begun['id']}/completion"), range(4)))

    assert {answer.status for answer in answers} == {200}
    assert studio.ask("POST", f"/{begun['id']}/completion").json["status"] == "processing"
    tell(begun["id"])
    assert studio.ask("POST", f"/{begun['id']}/completion").json["status"] == "ready"


def test_a_completion_whose_writer_died_half_way_is_repeated(studio: Studio) -> None:
    content = jpeg(80, 40)
    begun = studio.begin(len(content))
    studio.send(begun["id"], content)
    media = found(begun["id"])
    held = gateway.parts(media)
    assert held is not None
    assert gateway.finish(media, held)  # S3 did it, and nobody wrote that down

    answer = studio.ask("POST", f"/{media.id}/completion")

    assert (answer.status, answer.json["status"]) == (200, "processing")


def test_a_part_that_is_sent_again_while_they_are_put_together_is_said(studio: Studio) -> None:
    content = jpeg(80, 40)
    media = found(studio.begin(len(content))["id"])
    put_part(media, 1, b"x" * len(content))
    listed = gateway.parts

    def send_again(asked: Media) -> dict[int, gateway.Part] | None:
        before = listed(asked)
        put_part(asked, 1, content)
        return before

    with pytest.MonkeyPatch.context() as racing:
        racing.setattr(gateway, "parts", send_again)
        refused = studio.ask("POST", f"/{media.id}/completion")
    assert (refused.status, refused.json["code"], refused.json["missing"]) == (409, "upload_incomplete", [])

    assert studio.ask("POST", f"/{media.id}/completion").json["status"] == "processing"


def test_the_news_of_a_file_may_come_before_the_completion_was_answered(studio: Studio) -> None:
    content = jpeg(80, 40)
    begun = studio.begin(len(content))
    studio.send(begun["id"], content)
    media = found(begun["id"])
    held = gateway.parts(media)
    assert held is not None
    gateway.finish(media, held)
    tell(media.id, how="s3")

    answer = studio.ask("POST", f"/{media.id}/completion")

    assert (answer.status, answer.json["status"]) == (200, "ready")


def test_news_of_a_file_that_is_not_put_together_changes_nothing(studio: Studio) -> None:
    begun = studio.begin(100)
    tell(begun["id"])

    assert (found(begun["id"]).status, found(begun["id"]).attempts) == ("uploading", 0)


def test_an_upload_given_up_cannot_be_completed(studio: Studio) -> None:
    content = jpeg(80, 40)
    begun = studio.begin(len(content))
    studio.send(begun["id"], content)

    assert studio.ask("DELETE", f"/{begun['id']}").status == 204
    assert studio.ask("POST", f"/{begun['id']}/completion").status == 404
    assert studio.ask("DELETE", f"/{begun['id']}").status == 404
    assert "Uploads" not in config.client("s3").list_multipart_uploads(Bucket=MEDIA)


def test_an_upload_that_the_bucket_forgot_is_begun_anew(studio: Studio) -> None:
    media = found(studio.begin(100)["id"])
    gateway.abort(media)

    assert studio.ask("POST", f"/{media.id}/completion").json["code"] == "upload_gone"


def test_an_upload_that_nobody_completes_ends_within_a_day(studio: Studio, later: Callable[..., None]) -> None:
    media = found(studio.begin(100)["id"])
    put_part(media, 1, b"x" * 100)
    later(hours=22)
    assert sweep() == {"looked": 0, "failed": 0}
    later(hours=2)
    assert sweep() == {"looked": 1, "failed": 0}

    assert studio.ask("GET", f"/{media.id}").status == 404
    assert "Uploads" not in config.client("s3").list_multipart_uploads(Bucket=MEDIA)


def test_others_neither_see_nor_touch_an_upload(studio: Studio, customer: Customer) -> None:
    begun = studio.begin(100)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/completion")):
        assert studio.ask(method, f"/{begun['id']}{path}", vendor=POTS).status == 404
        assert customer.ask(method, f"/{begun['id']}{path}").status == 404
    assert studio.ask("PATCH", f"/{begun['id']}", {"alts": {"": "x"}}, vendor=POTS).status == 404
    own = customer.upload()
    assert Customer(BOB).ask("GET", f"/{own}").status == 404
    assert studio.ask("GET", f"/{own}").status == 404


def test_the_library_lists_what_a_vendor_has(studio: Studio) -> None:
    first = studio.upload(jpeg(50, 50))
    second = studio.begin(10)["id"]
    studio.ask("DELETE", f"/{studio.begin(10)['id']}")

    page = studio.ask("GET", "", query={"limit": 1}).json
    rest = studio.ask("GET", "", query={"cursor": page["nextCursor"]}).json

    assert [entry["id"] for entry in (*page["items"], *rest["items"])] == [second, first]
    assert rest["items"][0]["sources"][0]["url"].startswith(f"/media/{first}/")
    assert studio.ask("GET", "", vendor=POTS).json["items"] == []


def test_a_customer_has_room_for_a_hundred_files(customer: Customer, environment: pytest.MonkeyPatch) -> None:
    environment.setattr("media.service.MAX_OF_A_CUSTOMER", 2)
    file = {"name": "a", "size": 10, "type": "image/png", "purpose": "review"}

    assert customer.ask("POST", "/uploads", {"files": [file, file]}).status == 201
    assert customer.ask("POST", "/uploads", {"files": [file]}).json["code"] == "too_many_media"


def test_whoever_listens_hears_once_that_a_medium_is_ready(studio: Studio) -> None:
    media_id = studio.upload(jpeg(50, 50))
    tell(media_id)
    tell(media_id, how="s3")

    (event,) = said("media.ready")
    assert (event["media_id"], event["kind"], event["purpose"]) == (media_id, "image", "product")
