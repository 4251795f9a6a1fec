"""Uploads: small pictures, told by their content; an SVG may only draw."""

import base64

import pytest

from catalog import media_api
from market import config
from tests.http import Response, request

pytestmark = pytest.mark.contract("6.1")

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\0" * 20
SVG = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">%s</svg>'


@pytest.fixture
def bucket(environment: pytest.MonkeyPatch, embedded_table: str) -> str:
    environment.setenv("MEDIA_BUCKET", "media")
    config.client("s3").create_bucket(Bucket="media")
    return "media"


def upload(content: bytes, *, vendor_id: str = "ven_ada", to: str = "ven_ada", kind: str = "image/png") -> Response:
    event = request(
        "POST", f"/v1/vendors/{to}/media", "", caller="usr", roles="vendor", vendor_id=vendor_id,
        headers={"content-type": kind},
    )  # fmt: skip
    event |= {"body": base64.b64encode(content).decode(), "isBase64Encoded": True}
    answer = media_api.handler(event)
    return Response(answer["statusCode"], answer["headers"], answer["body"])


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        ((SVG % '<path d="M0 0h8"/>').encode(), "image/svg+xml"),
        ((SVG % '<g fill="url(#g)"><use href="#g"/></g><!-- a note -->').encode(), "image/svg+xml"),
        (b'<?xml version="1.0" encoding="UTF-8"?>\n' + (SVG % "").encode(), "image/svg+xml"),
    ],
)
def test_a_picture_is_kept_with_the_type_of_its_content(bucket: str, content: bytes, kind: str) -> None:
    answer = upload(content, kind="text/html")

    assert (answer.status, answer.json["contentType"]) == (201, kind)
    key = answer.json["url"].lstrip("/")
    kept = config.client("s3").get_object(Bucket=bucket, Key=key)
    assert (kept["Body"].read(), kept["ContentType"]) == (content, kind)


def test_the_same_picture_has_the_same_address(bucket: str) -> None:
    assert upload(PNG).json["url"] == upload(PNG).json["url"] != upload(PNG + b"x").json["url"]


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        "<path onclick='alert(1)'/>",
        "<path ONLOAD='alert(1)'/>",
        "<a href='javascript:alert(1)'><path/></a>",
        "<use href='https://elsewhere.example/x.svg#a'/>",
        "<use xmlns:xlink='http://www.w3.org/1999/xlink' xlink:href='data:image/svg+xml,x'/>",
        "<image href='https://elsewhere.example/track.png'/>",
        "<foreignObject><div xmlns='http://www.w3.org/1999/xhtml'>x</div></foreignObject>",
        "<style>@import url(https://elsewhere.example/x.css)</style>",
        "<path style='fill: url(https://elsewhere.example/x)'/>",
        "<path fill='url( \"//elsewhere.example/x\")'/>",
        "<path style='fill: u\\72l(//elsewhere.example)'/>",
        "<set attributeName='href' to='javascript:alert(1)'/>",
        "<animate attributeName='x'/>",
        "<?xml-stylesheet href='x.css'?>",
        "<![CDATA[<script>]]>",
        "<h:script xmlns:h='http://www.w3.org/1999/xhtml'>alert(1)</h:script>",
        "<path/>" * 6000,
    ],
)
def test_an_svg_that_does_more_than_draw_is_refused(bucket: str, inside: str) -> None:
    answer = upload((SVG % inside).encode())

    assert (answer.status, answer.json["code"]) == (422, "unsafe_picture"), answer
    assert "Contents" not in config.client("s3").list_objects_v2(Bucket=bucket)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"hello", b"GIF89a", b"<html><script>alert(1)</script></html>", b"<svg", b"\x89PNG", b"<svg>\xff</svg>",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        (SVG % "").encode("utf-16"),
        b"<svg xmlns='http://www.w3.org/2000/svg'>" + b"<g>" * 50_000,
    ],
    ids=range(10),
)  # fmt: skip
def test_what_is_no_picture_is_refused(bucket: str, content: bytes) -> None:
    answer = upload(content, kind="image/svg+xml")

    assert answer.status == 422, answer
    assert answer.json["code"] in ("not_a_picture", "unsafe_picture")


def test_a_picture_has_at_most_200_kilobytes(bucket: str) -> None:
    assert upload(PNG + b"\0" * 200 * 1024).status == 413


def test_nobody_uploads_for_another_vendor(bucket: str) -> None:
    assert upload(PNG, to="ven_bob").status == 404
