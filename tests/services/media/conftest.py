"""A vendor and a customer who upload, the buckets, and the queue through which files are asked for."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import orjson
import pytest

from market import clock, config
from media import api, consumer, gateway, processing, schedule
from media.model import PART_BYTES
from tests.http import Response, call
from tests.services.media.samples import jpeg
from tests.services.outbox import announced

ADA, BOB = "ada-0000-4000-8000-000000000001", "bob-0000-4000-8000-000000000002"
LAMPS, POTS = "ven_lamps", "ven_pots"
MEDIA, DOCUMENTS = "media-of-tests", "documents-of-tests"


class Studio:
    """What a vendor does over HTTP, the browser in between, and what the service does by itself."""

    def __init__(self, vendor: str = LAMPS) -> None:
        self.vendor = vendor

    def ask(self, method: str, path: str, body: Any = None, vendor: str = "", **options: Any) -> Response:
        own = vendor or self.vendor
        address = f"/v1/vendors/{own}/media{path}"
        return call(
            api.handler, method, address, body, caller=f"owner-of-{own}", roles="vendor", vendor_id=own, **options
        )

    def begin(self, size: int, kind: str = "image/jpeg", **more: Any) -> dict[str, Any]:
        answer = self.ask("POST", "/uploads", {"files": [{"name": "a.jpg", "size": size, "type": kind} | more]})
        assert answer.status == 201, answer
        return dict(answer.json["items"][0])

    def send(self, media_id: str, content: bytes) -> None:
        """Every part to where the upload wants it."""
        media = found(media_id)
        for number, size in media.parts.items():
            start = (number - 1) * PART_BYTES
            put_part(media, number, content[start : start + size])

    def upload(self, content: bytes, kind: str = "image/jpeg", **more: Any) -> str:
        """The whole way; the id of what was uploaded and, where it is good, is ready."""
        begun = self.begin(len(content), kind, **more)
        self.send(begun["id"], content)
        assert self.ask("POST", f"/{begun['id']}/completion").status == 200
        tell(begun["id"])
        return str(begun["id"])

    def shown(self, media_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/{media_id}")
        assert answer.status == 200, answer
        return dict(answer.json)

    def fate(self, content: bytes, kind: str = "image/jpeg") -> str:
        """What becomes of a file: `ready`, or why it was refused."""
        seen = self.shown(self.upload(content, kind))
        return str(seen.get("reason") or seen["status"])


class Customer:
    def __init__(self, user: str = ADA) -> None:
        self.user = user

    def ask(self, method: str, path: str, body: Any = None) -> Response:
        return call(api.handler, method, f"/v1/media{path}", body, caller=self.user)

    def upload(self, purpose: str = "review", content: bytes | None = None) -> str:
        given = content or jpeg(200, 100)
        file = {"name": "broken.jpg", "size": len(given), "type": "image/jpeg", "purpose": purpose}
        answer = self.ask("POST", "/uploads", {"files": [file]})
        assert answer.status == 201, answer
        media_id = str(answer.json["items"][0]["id"])
        put_part(found(media_id), 1, given)
        assert self.ask("POST", f"/{media_id}/completion").status == 200
        tell(media_id)
        return media_id


def found(media_id: str) -> Any:
    from media import store

    media = store.find(media_id)
    assert media is not None
    return media


def put_part(media: Any, number: int, content: bytes) -> None:
    config.client("s3").upload_part(
        Bucket=MEDIA,
        Key=gateway.upload_key(media.id),
        UploadId=media.upload_id,
        PartNumber=number,
        Body=content,
    )


def tell(media_id: str, *, how: str = "bus") -> dict[str, Any]:
    """The news that a file arrived, as the bus brings it, or as S3 would by itself."""
    key = gateway.upload_key(media_id)
    news: dict[str, Any] = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": MEDIA}, "object": {"key": key}},
    }
    if how == "s3":
        news = {"Records": [{"s3": {"bucket": {"name": MEDIA}, "object": {"key": key}}}]}
    return process(orjson.dumps(news).decode())


def process(*bodies: str) -> dict[str, Any]:
    records = [
        {"messageId": str(number), "body": body, "eventSourceARN": "arn:aws:sqs:::media-arrivals"}
        for number, body in enumerate(bodies)
    ]
    return processing.handler({"Records": records})


def work_off() -> int:
    """Process what was asked for through the queue; how much that was."""
    sqs, url = config.client("sqs"), config.setting("MEDIA_QUEUE_URL")
    done = 0
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            assert process(message["Body"])["batchItemFailures"] == []
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            done += 1
    return done


def hear(*types: str) -> int:
    """Deliver what was announced of these types to the service's consumer, and count it."""
    heard = [envelope for envelope in announced() if envelope["type"] in types]
    for envelope in heard:
        record = {"messageId": "1", "eventSourceARN": "arn:aws:sqs:::media-events"}
        record["body"] = orjson.dumps({"detail": envelope}).decode()
        assert consumer.handler({"Records": [record]})["batchItemFailures"] == []
    return len(heard)


def sweep() -> dict[str, int]:
    return schedule.handler({})


def files(prefix: str = "") -> list[str]:
    answer = config.client("s3").list_objects_v2(Bucket=MEDIA, Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", ())]


def content(key: str) -> bytes:
    return bytes(config.client("s3").get_object(Bucket=MEDIA, Key=key)["Body"].read())


def said(kind: str) -> list[dict[str, Any]]:
    return [envelope["data"] for envelope in announced() if envelope["type"] == kind]


@pytest.fixture
def studio(database: str, environment: pytest.MonkeyPatch) -> Studio:
    environment.setenv("MEDIA_BUCKET", MEDIA)
    environment.setenv("DOCUMENTS_BUCKET", DOCUMENTS)
    for bucket in (MEDIA, DOCUMENTS):
        config.client("s3").create_bucket(Bucket=bucket)
    queue = config.client("sqs").create_queue(QueueName="media-arrivals")
    environment.setenv("MEDIA_QUEUE_URL", queue["QueueUrl"])
    return Studio()


@pytest.fixture
def customer(studio: Studio) -> Customer:
    return Customer()


@pytest.fixture
def later() -> Iterator[Callable[..., None]]:
    """Lets time pass."""
    at = [clock.now()]

    def pass_by(**by: float) -> None:
        at[0] += timedelta(**by)

    with clock.running_on(lambda: at[0]):
        yield pass_by
