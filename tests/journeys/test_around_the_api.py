"""What surrounds the API: its description, its pages, and the thread that leads from a request to all it set off."""

import json
from typing import Any

import pytest

from demo.client import until
from local.harness import Running
from local.synth import synthesized
from local.templates import load
from tests.journeys.books import exported
from tests.journeys.fair import Fair
from tests.shop import order_body

JSON = dict[str, Any]


@pytest.mark.contract("26.3")
def test_the_description_has_every_route_of_the_templates_and_no_other(server: Running) -> None:
    described = server.call("GET", "/openapi.json").json
    assert described["openapi"].startswith("3.1")
    routes = {f"{method.upper()} {path}" for path, entry in described["paths"].items() for method in entry}
    declared = {route.key for route in load(synthesized()).routes if route.protocol == "HTTP"}
    assert routes == declared
    for path, entry in described["paths"].items():
        for method, operation in entry.items():
            assert operation["summary"], f"{method} {path}"
            assert operation["operationId"], f"{method} {path}"


@pytest.mark.contract("26.3")
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/docs", "text/html"),
        ("/docs/swagger-ui.js", "text/javascript"),
        ("/docs/swagger-ui.css", "text/css"),
        ("/docs/start.js", "text/javascript"),
        ("/mailbox", "text/html"),
        ("/health", "application/json"),
    ],
)
def test_the_pages_answer(server: Running, path: str, kind: str) -> None:
    answer = server.call("GET", path)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(kind)
    assert answer.body


@pytest.mark.contract("24.1")
def test_a_correlation_id_leads_from_the_request_to_events_and_logs(server: Running, fair: Fair, operator: Any) -> None:
    fair.sell("lights", "THREAD", 500, 5)
    token = operator.person("joy@example.com")
    thread, summary = "thread-of-ariadne-1", fair.fill(token, ("THREAD", 1))
    headers = {"idempotency-key": "joy-orders-once", "x-correlation-id": thread}
    answer = server.call("POST", "/v1/orders", order_body(summary), token=token, headers=headers)
    assert answer.status == 201, answer
    fair.pay(token, answer.json["orderNo"])

    def traces() -> dict[str, str]:
        envelopes = [event["envelope"] for event in exported(server.data, "events")]
        about = [envelope for envelope in envelopes if envelope["data"].get("order_id") == answer.json["id"]]
        return {envelope["type"]: envelope["trace"]["correlationId"] for envelope in about}

    until(lambda: "order.paid" in traces(), "the announcement", patience=20)
    assert traces() == dict.fromkeys(("order.created", "payment.succeeded", "order.paid"), thread)
    until(lambda: len(_logged(server, thread) & WORKED) == len(WORKED), "the logs", patience=20)


WORKED = {("request", "orders"), ("event consumed", "orders"), ("task done", "payments"), ("task done", "orders")}


def _logged(server: Running, thread: str) -> set[tuple[str, str]]:
    lines = [json.loads(line) for line in server.log().splitlines() if line.startswith("{") and thread in line]
    return {(line["event"], line.get("service", "")) for line in lines if line.get("correlationId") == thread}


@pytest.mark.contract("25.1")
def test_no_log_has_a_password_a_token_or_an_address(server: Running, fair: Fair, operator: Any) -> None:
    token = operator.person("kim@example.com")
    fair.ask("GET", "/v1/me", token=token)
    said = server.log()
    assert said
    for secret in ("kim@example.com", "Correct-horse-9", token[-40:], "St James"):
        assert secret not in said
