"""Files that go straight to a bucket, or come from it, by an address that we signed: checked as S3 does."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from urllib3 import encode_multipart_formdata

from local.files import Files
from local.http_gateway import Answer, Request
from local.signed_files import SignedFiles
from local.storage import Storage
from market import config

pytestmark = pytest.mark.contract("3.1")
BUCKET, HOST = "media-here", "127.0.0.1:8080"
LIMIT = 20


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator["Bucket"]:
    settings = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://{HOST}/s3",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    config.forget()
    storage = Storage(tmp_path / "db")
    yield Bucket(Files(storage, tmp_path / "files", frozenset({BUCKET})))
    storage.close()
    config.forget()


class Bucket:
    def __init__(self, files: Files) -> None:
        self.files, self.door = files, SignedFiles(files)

    def offer(self, **more: Any) -> dict[str, Any]:
        conditions = [{"Content-Type": "image/png"}, ["content-length-range", 1, LIMIT]]
        asked = {"Fields": {"Content-Type": "image/png"}, "Conditions": conditions, "ExpiresIn": 60} | more
        offer: dict[str, Any] = config.client("s3").generate_presigned_post(Bucket=BUCKET, Key="uploads/one", **asked)
        return offer

    def post(self, offer: dict[str, Any], content: bytes = b"a picture", bucket: str = BUCKET, **fields: str) -> Answer:
        sent = offer["fields"] | fields | {"file": ("x.png", content)}
        body, kind = encode_multipart_formdata(list(sent.items()))
        request = Request("POST", f"/s3/{bucket}", headers=[("content-type", kind), ("host", HOST)], body=body)
        assert self.door.serves(request)
        return self.door.answer(request)

    def get(self, url: str) -> Answer:
        path, _, query = url.removeprefix(f"http://{HOST}").partition("?")
        return self.door.answer(Request("GET", path, query, headers=[("host", HOST)]))


def test_a_form_that_we_signed_puts_a_file_into_the_bucket(bucket: Bucket) -> None:
    assert bucket.post(bucket.offer()).status == 204

    stored = bucket.files.find(BUCKET, "uploads/one")
    assert stored is not None
    assert (stored.path.read_bytes(), stored.type) == (b"a picture", "image/png")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"key": "uploads/two"}, 403),
        ({"Content-Type": "text/html"}, 403),
        ({"x-amz-signature": "0" * 64}, 403),
        ({"x-amz-date": "20200101T000000Z"}, 403),
        ({"acl": "public-read"}, 403),
        ({"bucket": "elsewhere"}, 403),
        ({"content": b"x" * (LIMIT + 1)}, 400),
        ({"content": b""}, 403),
    ],
)
def test_a_form_that_differs_from_what_we_signed_is_refused(
    bucket: Bucket, change: dict[str, Any], status: int
) -> None:
    assert bucket.post(bucket.offer(), **change).status == status
    assert bucket.files.find(BUCKET, "uploads/one") is None


def test_a_policy_of_ones_own_is_refused(bucket: Bucket) -> None:
    offer = bucket.offer()
    policy = json.loads(base64.b64decode(offer["fields"]["policy"]))
    policy["conditions"] = [{"key": "uploads/one"}]
    forged = base64.b64encode(json.dumps(policy).encode()).decode()

    assert bucket.post(offer, policy=forged).status == 403


def test_a_form_ends(bucket: Bucket) -> None:
    assert bucket.post(bucket.offer(ExpiresIn=-1)).status == 403


def test_a_signed_address_gives_the_file_and_nothing_else(bucket: Bucket) -> None:
    bucket.files.operations()["PutObject"](
        {"Bucket": BUCKET, "Key": "exports/a/b.zip", "Body": b"zip", "ContentType": "application/zip"}
    )
    asked = {
        "Bucket": BUCKET,
        "Key": "exports/a/b.zip",
        "ResponseContentDisposition": 'attachment; filename="my-data.zip"',
    }
    url = config.client("s3").generate_presigned_url("get_object", Params=asked, ExpiresIn=60)

    found = bucket.get(url)
    assert (found.status, found.body) == (200, b"zip")
    assert ("content-disposition", 'attachment; filename="my-data.zip"') in found.headers
    assert bucket.get(url.replace("b.zip", "c.zip")).status == 403
    assert bucket.get(url.partition("?")[0]).status == 403
    assert bucket.get(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600")).status == 403
    missing = config.client("s3").generate_presigned_url("get_object", Params=asked | {"Key": "no"}, ExpiresIn=60)
    assert bucket.get(missing).status == 404
    over = config.client("s3").generate_presigned_url("get_object", Params=asked, ExpiresIn=-5)
    assert bucket.get(over).status == 403
