"""A person with a profile, both buckets, and the pictures that they might send."""

import struct
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from market import clock, config
from profiles import api, avatar_api, consumer, requests_api, schedule
from tests.http import Response, call
from tests.services.outbox import announced

ADA = "ada-0000-4000-8000-000000000001"
BOB = "bob-0000-4000-8000-000000000002"
MEDIA, DOCUMENTS = "media-of-tests", "documents-of-tests"

LONDON = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Sq",
    "city": "London",
    "postalCode": "sw1y4jh",
    "country": "GB",
}


class Desk:
    """What one person does over HTTP, and what the service does by itself."""

    def __init__(self, user: str = ADA) -> None:
        self.user = user

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(_handler(path), method, path, body, caller=self.user, **options)

    def add(self, **changes: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/v1/me/addresses", LONDON | changes)
        assert answer.status == 201, answer
        return dict(answer.json)

    def addresses(self) -> list[dict[str, Any]]:
        return list(self.ask("GET", "/v1/me/addresses").json["items"])

    def defaults(self) -> list[str]:
        return [entry["id"] for entry in self.addresses() if entry["isDefault"]]

    def upload(self, content: bytes) -> str:
        """What a browser does: ask for a form, send the picture. Answers the key to confirm."""
        offer = self.ask("POST", "/v1/me/avatar", {"contentType": "image/png"})
        assert offer.status == 201, offer
        config.client("s3").put_object(Bucket=MEDIA, Key=offer.json["fields"]["key"], Body=content)
        return str(offer.json["key"])

    def confirm(self, key: str) -> Response:
        return self.ask("PUT", "/v1/me/avatar", {"key": key})


def _handler(path: str) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    if path.endswith("/avatar"):
        return avatar_api.handler
    return requests_api.handler if path.endswith(("/export", "/erasure")) else api.handler


def hear(*types: str) -> int:
    """Deliver what was announced to the service's consumer, each of these types, and count them."""
    heard = [envelope for envelope in announced() if envelope["type"] in (types or consumer.MANIFEST.consumes)]
    for envelope in heard:
        batch = {"Records": [{"messageId": "1", "body": orjson.dumps({"detail": envelope}).decode()}]}
        batch["Records"][0]["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:profiles-events"
        assert consumer.handler(batch)["batchItemFailures"] == []
    return len(heard)


def tick() -> dict[str, int]:
    return schedule.handler({})


def files(bucket: str) -> list[str]:
    return [entry["Key"] for entry in config.client("s3").list_objects_v2(Bucket=bucket).get("Contents", ())]


class Watch:
    """A clock that is set by hand; it starts at the present."""

    def __init__(self, start: datetime) -> None:
        self.at = start

    def __call__(self) -> datetime:
        return self.at

    def later(self, **by: float) -> None:
        self.at += timedelta(**by)


@pytest.fixture
def desk(database: str, environment: pytest.MonkeyPatch) -> Desk:
    environment.setenv("MEDIA_BUCKET", MEDIA)
    environment.setenv("DOCUMENTS_BUCKET", DOCUMENTS)
    for bucket in (MEDIA, DOCUMENTS):
        config.client("s3").create_bucket(Bucket=bucket)
    return Desk()


@pytest.fixture
def watch() -> Iterator[Watch]:
    made = Watch(clock.now())
    with clock.running_on(made):
        yield made


def png(width: int = 2, height: int = 3) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 30)) + chunk(b"IEND", b"")
    )


def jpeg(width: int = 2, height: int = 3) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    segment = lambda marker, data: b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data  # noqa: E731
    return (
        b"\xff\xd8"
        + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
        + segment(0xC0, frame)
        + segment(0xDA, b"\1\1\0\0\x3f\0")
        + b"\x12\x34\xff\xd9"
    )


def webp(width: int = 2, height: int = 3) -> bytes:
    body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 11
    chunk = b"VP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk
