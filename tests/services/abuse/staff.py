"""Staff at the abuse service's routes, and events that it hears."""

from typing import Any

from abuse import api, consumer
from access import consumer as access
from tests.http import Response, call
from tests.services.outbox import announced, message

GRACE: dict[str, Any] = {"caller": "grace", "roles": "customer staff"}


def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, f"/v1/admin/abuse{path}", body, **(GRACE | options))


def block(network: str, reason: str = "scraping", **body: Any) -> Response:
    return send("POST", "/blocks", {"network": network, "reason": reason} | body)


def networks() -> list[str]:
    return [entry["network"] for entry in send("GET", "/blocks").json["items"]]


def hear(kind: str, event_id: str = "", **data: Any) -> list[Any]:
    """Let the consumer hear an event; the messages that it could not take."""
    return list(consumer.handler({"Records": [message(kind, data, event_id)]})["batchItemFailures"])


def slow_down() -> None:
    """Let access hear of all allowances that were announced, the latest first and each of them twice."""
    told = [event for event in announced() if event["type"] == "abuse.allowance_changed"]
    for event in sorted([*told, *told], key=lambda event: event["data"]["told"], reverse=True):
        heard = access.handler({"Records": [message(event["type"], event["data"], event["eventId"])]})
        assert heard["batchItemFailures"] == []
