"""Staff at the abuse service's routes, and events that it hears."""

import json
from typing import Any

from abuse import api, consumer
from market import ids
from tests.http import Response, call

GRACE: dict[str, Any] = {"caller": "grace", "roles": "customer staff"}


def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, f"/v1/admin/abuse{path}", body, **(GRACE | options))


def block(network: str, reason: str = "scraping", **body: Any) -> Response:
    return send("POST", "/blocks", {"network": network, "reason": reason} | body)


def networks() -> list[str]:
    return [entry["network"] for entry in send("GET", "/blocks").json["items"]]


def hear(kind: str, event_id: str = "", **data: Any) -> list[Any]:
    """Let the consumer hear an event; the messages that it could not take."""
    envelope = {
        "eventId": event_id or ids.ulid(), "type": kind, "version": 1, "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {"type": "system", "id": "x"}, "data": data, "trace": {},
    }  # fmt: skip
    record = {"messageId": "m", "eventSourceARN": "a:b:q", "body": json.dumps({"detail": envelope})}
    return list(consumer.handler({"Records": [record]})["batchItemFailures"])
