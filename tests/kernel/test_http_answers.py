"""What routes answer: bodies, headers, problems, versions; and requests side by side."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from aws_lambda_powertools.event_handler.api_gateway import Route

from market.http import ANYONE, ServiceApi
from tests.http import Response, call, request
from tests.kernel import lamps
from tests.kernel.lamps import api

pytestmark = pytest.mark.usefixtures("embedded_table")
WISH = {"name": "brass"}
KEY = "a-key-of-my-own"


def ask(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, path, body, **options)


def buy(
    lamp: str = "brass", body: Any = WISH, *, caller: str = "ada", key: str = KEY, route: str = "/v1/lamps/{}/purchases"
) -> Response:
    return ask("POST", route.format(lamp), body, caller=caller, headers={"Idempotency-Key": key})


def test_an_answer_is_json_in_camel_case() -> None:
    answer = ask("POST", "/v1/lamps", WISH | {"freeText": "please"}, caller="ada")

    assert answer.status == 201
    assert answer.json == {"lampName": "brass", "quantity": 1, "saidBy": "ada"}
    assert answer.headers["content-type"] == "application/json"


def test_every_answer_forbids_sniffing_and_caching_and_names_its_request() -> None:
    for answer in (ask("GET", "/v1/lamps"), ask("GET", "/v1/nothing"), ask("POST", "/v1/lamps", WISH)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert len(answer.headers["x-request-id"]) == 26


def test_ready_json_is_answered_as_it_is() -> None:
    assert ask("GET", "/v1/ready").body == '{"ready":true}'


def test_a_domain_problem_is_answered_with_its_members() -> None:
    answer = ask("POST", "/v1/lamps", {"name": "last"}, caller="ada")

    assert answer.status == 409
    assert (answer.json["code"], answer.json["lamp"]) == ("sold_out", "last")
    assert answer.json["requestId"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(("kind", "status", "wait"), [("busy", 503, "7"), ("often", 429, "1")])
def test_problems_that_pass_say_when_to_come_again(kind: str, status: int, wait: str) -> None:
    answer = ask("GET", f"/v1/trouble/{kind}")

    assert (answer.status, answer.headers["retry-after"]) == (status, wait)


@pytest.mark.parametrize("kind", ["crash", "unfit"])
def test_a_crash_is_a_500_that_tells_nothing(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    answer = ask("GET", f"/v1/trouble/{kind}")

    assert (answer.status, answer.json["code"]) == (500, "internal_error")
    assert "swordfish" not in answer.body + capsys.readouterr().out


def test_a_good_correlation_id_is_kept_and_a_bad_one_replaced(capsys: pytest.CaptureFixture[str]) -> None:
    for given in ("checkout-42", "x", 'a" injected: "b', "y" * 65):
        ask("GET", "/v1/lamps", headers={"X-Correlation-Id": given})

    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert ["requestId" in line for line in logged] == [True, False, False, False], "said where it is not the same"
    assert [line["correlationId"] == "checkout-42" for line in logged] == [True, False, False, False]


def test_a_view_with_a_version_has_an_etag_and_may_be_cached() -> None:
    answer = ask("GET", "/v1/lamps/brass", caller="ada")

    assert answer.headers["etag"] == '"3"'
    assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize(
    ("wanted", "status"),
    [
        ('"3"', 200),
        ("*", 200),
        ("", 200),
        ('"1", "3"', 200),
        ('W/"3"', 200),
        ('"2"', 412),
        ("3", 412),
        ('"33"', 412),
        ("x", 412),
    ],
)
def test_a_change_needs_the_version_that_the_caller_read(wanted: str, status: int) -> None:
    answer = ask("PATCH", "/v1/lamps/brass", WISH, caller="ada", headers={"If-Match": wanted})

    assert answer.status == status, answer


@pytest.mark.parametrize("key", ["", "short", "x" * 129, "with space inside", "ünïcödé-key", "line\nbreak"])
def test_a_missing_or_odd_idempotency_key_is_refused(key: str) -> None:
    answer = buy(key=key)

    assert (answer.status, answer.json["code"]) == (400, "idempotency_key_required")


def test_the_same_request_has_the_same_key_and_fingerprint() -> None:
    assert buy().json == buy().json


def test_another_caller_or_key_is_another_request() -> None:
    keys = [answer.json["key"] for answer in (buy(), buy(caller="bob"), buy(key="another-key"))]

    assert len(set(keys)) == 3
    assert KEY not in str(keys)


def test_a_key_used_for_another_body_or_another_thing_shows_in_the_fingerprint() -> None:
    prints = [answer.json["fingerprint"] for answer in (buy(), buy(body={"name": "tin"}), buy("tin"))]

    assert len(set(prints)) == 3


def test_two_threads_never_see_each_others_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them meet once before their bodies are read, and once inside their handlers."""
    people, rounds = 4, 25
    door, admit = Barrier(people), api._resolver._before

    def admit_together(route: Any, event: Any, arguments: Any) -> None:
        door.wait(5)
        admit(route, event, arguments)

    monkeypatch.setattr(api._resolver, "_before", admit_together)
    lamps.together.append(Barrier(people))
    try:
        with ThreadPoolExecutor(people) as pool:
            answers = list(pool.map(_echo, range(people * rounds)))
    finally:
        lamps.together.clear()

    for number, answer in enumerate(answers):
        name = f"caller-{number}"
        assert answer.status == 200, answer
        assert (answer.json["caller"], answer.json["vendor"], answer.json["header"]) == (name, f"ven-{number}", name)
        assert (answer.json["path"], answer.json["wish"]) == (name, name)
        assert json.loads(answer.json["body"])["name"] == name
    assert len({answer.json["key"] for answer in answers}) == len(answers)


def _echo(number: int) -> Response:
    name = f"caller-{number}"
    headers = {"Idempotency-Key": "the-same-for-all", "X-Mine": name}
    path = f"/v1/echo/{name}"
    return ask(
        "POST", path, {"name": name}, caller=name, roles="customer vendor", vendor_id=f"ven-{number}", headers=headers
    )


def test_the_first_requests_of_a_route_may_come_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes first builds what all others use; were two to build it, each would crash from then on."""
    people, build, door = 4, Route._build_middleware_stack, Barrier(2)

    def build_together(*arguments: Any, **named: Any) -> None:
        with suppress(BrokenBarrierError):
            door.wait(0.2)  # for a second one, which must not come
        build(*arguments, **named)

    monkeypatch.setattr(Route, "_build_middleware_stack", build_together)
    fresh = ServiceApi(lamps.MANIFEST)
    fresh.get("/v1/lamps", callers=[ANYONE])(lamps.browse)
    with ThreadPoolExecutor(people) as pool:
        answers = list(pool.map(lambda _: call(fresh.handler, "GET", "/v1/lamps"), range(people)))

    assert [answer.status for answer in answers] == [200] * people
    assert call(fresh.handler, "GET", "/v1/lamps").status == 200


def test_nothing_of_a_request_is_left_for_the_next() -> None:
    buy()
    answer = ask("POST", "/v1/echo/x", WISH, caller="bob")

    assert answer.json["code"] == "idempotency_key_required"


def test_requests_leave_nothing_behind_in_memory() -> None:
    def held() -> int:
        return sum(len(value) for value in vars(api._resolver).values() if isinstance(value, list | dict))

    buy()
    before = held()
    for _ in range(10):
        buy()

    assert held() == before


def test_a_binary_body_reaches_a_raw_route() -> None:
    event = request("POST", "/v1/signals", "-")
    answer = api.handler(event | {"body": base64.b64encode(b"\xff\x00").decode(), "isBase64Encoded": True}, None)

    assert json.loads(answer["body"]) == {"bytes": 2}


def test_routes_tell_the_infrastructure_who_may_call() -> None:
    routes = {(route.method, route.path): route for route in api.routes}

    assert routes["POST", "/v1/lamps"].callers == {"customer"}
    assert routes["POST", "/v1/lamps"].name == "order"
    assert routes["GET", "/v1/lamps"].callers == {"anyone"}


def test_the_openapi_document_describes_every_route() -> None:
    document = api.openapi()
    order = document["paths"]["/v1/lamps"]["post"]

    assert document["openapi"].startswith("3.1")
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, route.path.replace("<", "{").replace(">", "}")) for route in api.routes}
    assert (order["operationId"], order["tags"]) == ("lamps_order", ["lamps"])
    assert order["security"] == [{"bearer": []}]
    assert set(order["responses"]) == {"201", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503"}
    assert "sold_out" in order["responses"]["409"]["description"]
    assert "application/problem+json" in order["responses"]["409"]["content"]


def test_public_routes_need_no_token_in_the_openapi_document() -> None:
    browse = api.openapi()["paths"]["/v1/lamps"]["get"]

    assert not browse.get("security")
    assert "401" not in browse["responses"]
    assert (browse["summary"], "second paragraph" in browse["description"]) == ("All lamps", True)


def test_wire_names_are_camel_case_in_the_openapi_document() -> None:
    schemas = api.openapi()["components"]["schemas"]

    assert set(schemas["Wish"]["properties"]) == {"name", "quantity", "price", "freeText"}
    assert set(schemas["LampView"]["properties"]) == {"lampName", "quantity", "saidBy"}
