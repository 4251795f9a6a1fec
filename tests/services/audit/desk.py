"""An auditor's desk: entries as the kernel announces them, deliveries of a queue, and what the routes tell."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from audit import archive, consumer, store
from audit.api import handler as api
from audit.model import CHAINS, Head, Link, read
from audit.schedule import handler as schedule
from market import clock, config
from tests.http import Response, call

JSON = dict[str, Any]
BUCKET = "market-dev-audit"
AUDITOR = {"caller": "usr_auditor", "roles": "staff", "permissions": "audit.read"}
ANYTIME = "9999-12-31"


def entry(number: int = 0, **different: Any) -> JSON:
    """What the kernel records of one action; `number` makes its id."""
    told: JSON = {
        "entry_id": f"aud_01kahz3m8x{number:016d}",
        "at": "2026-11-20T10:00:00.000Z",
        "service": "orders",
        "action": "orders.cancel_for_staff",
        "actor": {"type": "user", "id": "usr_grace"},
        "permission": "orders.cancel",
        "scope": "platform",
        "subject": {"order_no": "MK-0R3K7Q8H-2MX4TQ9Z"},
        "address": "192.0.2.7",
        "agent": "tests",
        "request_id": "01kahz3m8x",
        "correlation_id": "01kahz3m8x",
        "changes": [
            {
                "item": "ORD#usr_ada|ord_0r3k7q8h2mx4tq9z",
                "before": {"status": "paid", "version": number},
                "after": {"status": "cancelled", "version": number + 1},
            }
        ],
    }
    return told | different


def of_chain(chain: int, count: int, **different: Any) -> list[JSON]:
    """So many entries of one chain."""
    found = (told for number in range(10_000) if read(told := entry(number, **different)).chain == chain)
    return [next(found) for _ in range(count)]


def batch(told: Iterable[JSON]) -> JSON:
    """A delivery of the queue: each entry as the event that the bus delivered."""
    return {"Records": [record(number, "audit.recorded", data) for number, data in enumerate(told)]}


def record(number: int, event_type: str, data: JSON) -> JSON:
    detail = {
        "eventId": f"evt-{data.get('entry_id', number)}",
        "type": event_type,
        "version": 1,
        "occurredAt": "2026-11-20T10:00:00.000Z",
        "actor": {"type": "user", "id": "usr_grace"},
        "data": data,
        "trace": {"requestId": "01kahz3m8x", "correlationId": "01kahz3m8x"},
    }
    body = json.dumps({"source": "market.orders", "detail-type": event_type, "detail": detail})
    return {"messageId": str(number), "body": body, "eventSourceARN": "arn:aws:sqs:us-east-1:1:market-dev-audit-events"}


def tell(told: Iterable[JSON]) -> list[str]:
    """Deliver entries in batches of ten, as the queue does; ids of the messages that failed."""
    waiting, failed = list(told), []
    while waiting:
        answer = consumer.handler(batch(waiting[:10]))
        failed += [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
        waiting = waiting[10:]
    return failed


def archived(events: Iterable[JSON]) -> JSON:
    """Deliver events of any type, by their data, to the archive of all events."""
    return archive.handler({"Records": [record(number, "order.paid", data) for number, data in enumerate(events)]})


def chains() -> dict[int, list[Link]]:
    """Every chain, each link of it checked."""
    return {chain: list(store.links(chain, Head(), ANYTIME)) for chain in range(CHAINS)}


def stored() -> list[str]:
    """The ids of all entries in the chains."""
    return sorted(link.entry["entry_id"] for links in chains().values() for link in links)


@contextmanager
def at(moment: str) -> Iterator[None]:
    """A time such as `2026-11-20T09:00`."""
    then = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    with clock.running_on(lambda: then):
        yield


def night(moment: str) -> dict[str, int]:
    """The nightly run at that time."""
    with at(moment):
        return schedule({})


def files() -> dict[str, bytes]:
    """Every version of every file in the bucket; there must be one of each."""
    s3 = config.client("s3")
    versions = s3.list_object_versions(Bucket=BUCKET).get("Versions", [])
    names = [version["Key"] for version in versions]
    assert len(names) == len(set(names)), "written over"
    return {name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in sorted(names)}


def get(path: str, *, who: JSON = AUDITOR, **query: Any) -> Response:
    return call(api, "GET", path, query=query, **who)
