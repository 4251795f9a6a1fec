"""Whatever is sent to whichever route: a clear refusal, no crash, and nothing is changed."""

import base64
import json
import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, count, islice
from random import Random
from typing import Any
from urllib.parse import quote

import pytest

from local.harness import Reply, marketplace
from tests.journeys import hostile, scenery
from tests.journeys.hostile import Operation
from tests.journeys.scenery import Scene

JSON = dict[str, Any]
pytestmark = pytest.mark.contract("25.1")
_CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
ALL_HAVE_ONE = frozenset(
    {
        "GET /v1/admin/abuse/scores/{user_id}",
        "DELETE /v1/admin/abuse/scores/{user_id}",
        "GET /v1/vendors/{vendor_id}/shipping/zones",
    }
)
"""Of an account that nothing was heard of the score is a clean one; who has no table of zones has the platform's."""

_LEAKS = re.compile(r"Traceback|\.py\b|pydantic|botocore|powertools|ClientError|dynamodb", re.IGNORECASE)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with marketplace() as inside:
        yield scenery.on(inside)


@pytest.fixture(params=["a quarter", pytest.param("all", marks=pytest.mark.slow)])
def operations(request: pytest.FixtureRequest, scene: Scene) -> list[Operation]:
    """Every fourth route on ordinary days."""
    return scene.operations[:: 4 if request.param == "a quarter" else 1]


def assert_refused(answer: Reply, *, within: range = range(400, 500)) -> None:
    """A problem document as promised, that tells nothing of the inside."""
    assert answer.status in within, answer
    assert answer.headers["content-type"] == "application/problem+json", answer
    problem = answer.json
    assert _CODE.match(problem["code"]), answer
    assert problem["status"] == answer.status, answer
    assert problem["requestId"] == answer.headers["x-request-id"], answer
    assert not _LEAKS.search(answer.text), answer


def assert_rows_refused(answer: Reply) -> None:
    """An import judges its rows one by one: it answers, but takes none of them."""
    if answer.status == 200:
        assert (answer.json["created"], answer.json["updated"]) == (0, 0), answer
    else:
        assert_refused(answer)


def judge(operation: Operation, answer: Reply, what: Any, *, within: range = range(400, 500)) -> Iterator[str]:
    """What is wrong with this answer to something wrong: nothing, or a sentence."""
    try:
        if operation.path.endswith("/import"):
            assert_rows_refused(answer)
        else:
            assert_refused(answer, within=within)
    except AssertionError:
        yield f"{operation} answers {answer.status} {answer.text[:200]} to {str(what)[:150]}"


def with_bodies(operations: list[Operation]) -> list[Operation]:
    return [operation for operation in operations if operation.body or operation.raw]


def test_no_route_takes_a_body_that_it_cannot_read(scene: Scene, operations: list[Operation]) -> None:
    before, found = scene.state(), []
    for operation in with_bodies(operations):
        for what, body in hostile.BODIES.items():
            found += judge(operation, scene.send(operation, body), what)
        for kind in hostile.TYPES if not operation.raw else ():
            answer = scene.send(operation, json.dumps(operation.sample()).encode(), headers={"content-type": kind})
            found += judge(operation, answer, kind, within=range(415, 416))
    assert not found, "\n".join(found)
    assert scene.state() == before


def test_every_field_of_every_body_is_held_to_its_schema(scene: Scene, operations: list[Operation]) -> None:
    before, found, tried = scene.state(), [], 0
    for operation in with_bodies(operations):
        for place, body in operation.wrong():
            tried += 1
            found += judge(operation, scene.send(operation, json.dumps(body).encode()), (place, body))
    assert not found, "\n".join(found)
    assert tried > 5 * len(with_bodies(operations))
    assert scene.state() == before


def test_no_route_takes_a_query_that_it_does_not_know_how_to_read(scene: Scene, operations: list[Operation]) -> None:
    before, found = scene.state(), []
    for operation in operations:
        for parameter in operation.query:
            kind = hostile.resolved(parameter["schema"], operation.schemas)
            values = hostile.NUMBERS if kind.get("type") == "integer" else ()
            values = hostile.CURSORS if parameter["name"] == "cursor" else values
            values = ("nonsense", "☃") if "enum" in kind or "pattern" in kind else values
            for value in (value for value in values if not hostile.fits(kind, value)):
                answer = scene.send(operation, query=f"{parameter['name']}={quote(value, safe='%')}")
                found += judge(operation, answer, (parameter["name"], value))
    assert not found, "\n".join(found)
    assert scene.state() == before


def test_a_cursor_of_one_list_is_refused_by_every_other(scene: Scene) -> None:
    cursor = scene.fair.ask("GET", "/v1/products?limit=1")["nextCursor"]
    lists = [
        op for op in scene.operations if any(p["name"] == "cursor" for p in op.query) and op.path != "/v1/products"
    ]
    assert len(lists) >= 6
    assert [wrong for op in lists for wrong in judge(op, scene.send(op, query=f"cursor={cursor}"), "foreign")] == []


def test_ids_that_nobody_has_are_not_found(scene: Scene, operations: list[Operation]) -> None:
    before, found = scene.state(), []
    for operation in (op for op in operations if str(op) not in ALL_HAVE_ONE):
        for name in operation.names:
            for segment in hostile.SEGMENTS:
                answer = scene.send(operation, scene.body(operation), **{name: segment})
                found += judge(operation, answer, (name, segment))
    assert not found, "\n".join(found)
    assert scene.state() == before


@pytest.mark.contract("1.3", "2.2")
def test_nobody_gets_in_with_a_token_that_is_not_good(scene: Scene, operations: list[Operation]) -> None:
    before, found, tokens = scene.state(), [], _bad_tokens(scene)
    for operation in operations:
        for what, header in tokens.items() if not operation.public else ():
            answer = scene.inside.call(operation.method, scene.path(operation), scene.body(operation), headers=header)
            found += judge(operation, answer, what, within=range(431, 432) if what == "longer" else range(401, 402))
    assert not found, "\n".join(found)
    assert scene.state() == before


def _bad_tokens(scene: Scene) -> dict[str, dict[str, str]]:
    good = scene.fair.tokens["staff"]
    head, claims, signature = good.split(".")
    key = scene.inside.inside.cloud.key
    known = key.verify(good)
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    tokens = {
        "garbage": "garbage",
        "three parts": "a.b.c",
        "dots": "...",
        "no signature": f"{head}.{claims}.",
        "algorithm none": f"{none}.{claims}.",
        "other claims": f"{head}.{claims[:-4]}AAAA.{signature}",
        "bytes": "\x80\xff.\x00.\x01",
        "long": "a" * 9_000,
        "longer": "a" * 60_000,
        "expired": key.sign(known | {"exp": known["iat"] - 1}),
        "of the future": key.sign(known | {"iat": known["exp"]}),
        "another pool": key.sign(known | {"iss": "https://evil.example"}),
        "another client": key.sign(known | {"client_id": "evil"}),
        "id token": key.sign(known | {"token_use": "id"}),
        "no expiry": key.sign({k: v for k, v in known.items() if k != "exp"}),
    }
    headers = {what: {"authorization": f"Bearer {token}"} for what, token in tokens.items()}
    return headers | {
        "nothing": {},
        "empty": {"authorization": ""},
        "another scheme": {"authorization": f"Basic {good}"},
    }


@pytest.mark.contract("2.2", "10.1")
def test_nobody_gets_in_as_a_guest_without_a_good_token(scene: Scene) -> None:
    """Neither with a spoiled guest token, nor with an account's, nor with a guest's where an account is asked for."""
    before, found, guest = scene.state(), [], scene.fair.tokens["guest"]
    claim, _, signature = guest.rpartition(".")
    another = scene.inside.call("POST", "/v1/guests").json["guestToken"]
    spoiled = (
        "",
        "garbage",
        claim,
        f"{claim}.{'0' * 64}",
        f"{another.rpartition('.')[0]}.{signature}",
        f"{guest}0",
        guest[:-1],
    )
    doors = [op for op in scene.operations if "guest" in op.callers]
    assert len(doors) >= 5
    for operation in doors:
        path, body = scene.path(operation), scene.body(operation)
        for token in (*spoiled, scene.fair.tokens["ada"]):
            answer = scene.inside.call(operation.method, path, body, headers={"guest-token": token} if token else {})
            found += judge(operation, answer, token, within=range(401, 402))
        for token in (guest, scene.fair.tokens["ada"], scene.fair.tokens["staff"]):
            found += judge(
                operation, scene.inside.call(operation.method, path, body, token=token), token, within=range(401, 402)
            )
    for operation in (op for op in scene.operations if not op.public and "guest" not in op.callers):
        for headers in ({"guest-token": guest}, {"authorization": f"Bearer {guest}"}):
            answer = scene.inside.call(operation.method, scene.path(operation), scene.body(operation), headers=headers)
            found += judge(operation, answer, headers, within=range(401, 402))
    assert not found, "\n".join(found)
    assert scene.state() == before


@pytest.mark.contract("2.2")
def test_nobody_gets_in_as_a_program_without_a_good_key(scene: Scene) -> None:
    """Neither with a spoiled key, nor with a person's token, nor with a key where a person is asked for."""
    before, found, key = scene.state(), [], scene.fair.tokens["key"]
    head, _, secret = key.rpartition("_")
    spoiled = ("", "garbage", head, secret, key[:-1], f"{key}0", f"{head}_{secret[::-1]}", key.swapcase(), key * 9)
    doors = [op for op in scene.operations if "key" in op.callers]
    assert len(doors) >= 25
    for operation in doors:
        path, body = scene.path(operation), scene.body(operation)
        for token in (*spoiled, scene.fair.tokens["staff"]):
            answer = scene.inside.call(operation.method, path, body, headers={"api-key": token})
            found += judge(operation, answer, token, within=range(401, 402))
        for kind in scenery.PEOPLE:
            found += judge(operation, scene.send(operation, body, kind=kind), kind, within=range(401, 402))
    for operation in (op for op in scene.operations if not op.public and "key" not in op.callers):
        for headers in ({"api-key": key}, {"authorization": f"Bearer {key}"}, {"guest-token": key}):
            answer = scene.inside.call(operation.method, scene.path(operation), scene.body(operation), headers=headers)
            found += judge(operation, answer, headers, within=range(401, 402))
    assert not found, "\n".join(found)
    assert scene.state() == before


@pytest.mark.contract("2.1", "2.2")
def test_roles_open_only_their_own_doors(scene: Scene) -> None:
    before, found = scene.state(), []
    closed = [op for op in scene.operations if op.callers <= {"vendor", "staff"}]
    assert len(closed) >= 15
    for operation in closed:
        answer = scene.inside.call(operation.method, scene.path(operation), token=scene.fair.tokens["ada"])
        assert_refused(answer)
        found += judge(operation, answer, "a customer", within=range(403, 404))
    assert not found, "\n".join(found)
    assert scene.state() == before


@pytest.mark.contract("2.4")
def test_what_belongs_to_others_does_not_exist(scene: Scene) -> None:
    """The body is right, so that nothing but the owner is in the way."""
    before, found = scene.state(), []
    fair = scene.fair
    for operation in scene.operations:
        for name, stranger in (("vendor_id", "wood"), ("order_no", "bob")):
            mine = "vendor" in operation.callers if name == "vendor_id" else "customer" in operation.callers
            if name in operation.names and mine and not operation.public:
                body = RIGHT.get(str(operation), scene.body(operation))
                answer = scene.inside.call(operation.method, scene.path(operation), body, token=fair.tokens[stranger])
                found += judge(operation, answer, stranger, within=range(404, 405))
    foreign = {"orderNo": scene.places["order_no"]}
    answer = scene.inside.call("POST", "/v1/payments/intent", foreign, token=fair.tokens["bob"])
    assert_refused(answer, within=range(404, 405))
    assert not found, "\n".join(found)
    assert scene.state() == before


RIGHT: dict[str, JSON] = {
    "PATCH /v1/vendors/{vendor_id}": {"description": "Made by hand"},
    "PATCH /v1/vendors/{vendor_id}/inventory/{sku}": {"available": 5},
    "POST /v1/vendors/{vendor_id}/inventory": {"rows": [{"sku": "LAMP", "adjust": 1}]},
    "POST /v1/vendors/{vendor_id}/transfers": {"to": f"wh_{'0' * 26}", "lines": [{"sku": "LAMP", "units": 1}]},
    "PATCH /v1/vendors/{vendor_id}/transfers/{transfer_id}": {"version": 1, "close": "lost", "reason": "Fell off"},
    "POST /v1/vendors/{vendor_id}/products/import": {"rows": [{}]},
    "POST /v1/vendors/{vendor_id}/orders/{order_no}/refunds": {"all": True, "reason": "returned"},
}
"""Bodies for routes whose rules a schema cannot tell."""


@pytest.mark.contract("10.1")
def test_a_cart_has_one_currency(scene: Scene) -> None:
    before = scene.state()
    wish = {"sku": "FUTON", "quantity": 1}
    answer = scene.inside.call("POST", "/v1/cart/items", wish, token=scene.fair.tokens["ada"])
    assert_refused(answer)
    assert answer.json["code"] == "mixed_currencies"
    assert scene.state() == before


@pytest.mark.contract("11.6")
def test_an_order_needs_a_usable_idempotency_key_and_the_cart_that_was_seen(scene: Scene) -> None:
    token, fair = scene.fair.tokens["ada"], scene.fair
    seen = fair.ask("POST", "/v1/checkout/summary", {}, token=token)
    before = scene.state()
    for key in ("", "short", "a" * 129, "with spaces in it", "☃" * 8, "tab\tinside"):
        answer = fair.place(token, seen, key) if key else scene.inside.call("POST", "/v1/orders", {}, token=token)
        assert_refused(answer)
    other_currency = seen["total"] | {"currency": "USD"}
    changes: list[JSON] = [
        {"total": {"amount": 1, "currency": "EUR"}},
        {"total": other_currency},
        {"cartVersion": 10**9},
    ]
    for number, change in enumerate(changes):
        answer = fair.place(token, seen | change, f"a-good-key-{number}")
        assert_refused(answer)
        assert answer.json["code"] in ("price_changed", "cart_changed", "no_rate"), answer
    assert scene.state() == before


@pytest.mark.parametrize("match", ['"999"', "W/", "garbage", '"☃"', '"' + "9" * 400 + '"', "'; drop"])
def test_an_etag_of_another_version_changes_nothing(scene: Scene, match: str) -> None:
    before = scene.state()
    token = scene.fair.tokens["lights"]
    for path, body in (("/v1/me", {"name": "Eve"}), (f"/v1/vendors/{scene.places['vendor_id']}", {"name": "Eve"})):
        answer = scene.inside.call("PATCH", path, body, token=token, headers={"if-match": match})
        assert_refused(answer, within=range(412, 413))
    assert scene.state() == before


UNKNOWN = [
    *(("GET", path) for path in ("/nothing", "/v1", "/v1//cart", "/v1/cart/", "/" + "a/" * 3_000, "/v1/orders/a%2Fb")),
    *(("DELETE", "/v1/orders"), ("PUT", "/v1/cart"), ("TRACE", "/v1/cart"), ("FOO", "/v1/me")),
]


def test_what_is_at_no_address_and_which_method_is_unknown_is_said(scene: Scene) -> None:
    for method, path in UNKNOWN:
        answer = scene.inside.call(method, path, token=scene.fair.tokens["ada"])
        assert_refused(answer, within=range(404, 406))


# -- generated


@cache
def _wrong_objects(operation: Operation) -> list[JSON]:
    return [body for _, body in operation.wrong() if isinstance(body, dict)]


def _broken(chance: Random, operation: Operation) -> Any:
    """A body that is wrong in one place, or in all of them, or bytes."""
    match chance.choice(("wrong", "scraps", "bytes", "spoiled")):
        case "bytes":
            return b"\x00" + chance.randbytes(chance.randrange(60))
        case "scraps":
            return hostile.scrap(chance, chance.choice(hostile.FLAT))
        case "spoiled":
            body = chance.choice(_wrong_objects(operation))
            name = chance.choice(sorted(body) or ["anything"])
            return body | {name: hostile.scrap(chance), f"no_such_{hostile.text(chance)}": hostile.scrap(chance)}
    return chance.choice(_wrong_objects(operation))


def attack(scene: Scene, seed: int) -> Iterator[list[str]]:
    """One wrong body and one wrong address, always the same for a seed, and what is wrong with each answer.

    Seeds in a row go to all routes in turn, at first by somebody who may, then by every other kind of caller.
    """
    chance = Random(seed)
    operation, kind = _turn(seed, [op for op in with_bodies(scene.operations) if op.body])
    body = _broken(chance, operation)
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    yield list(judge(operation, scene.send(operation, sent, kind=kind), (seed, kind, body)))
    wild, kind = _turn(seed, [op for op in scene.operations if op.names and str(op) not in ALL_HAVE_ONE])
    name, text = chance.choice(wild.names), hostile.text(chance, least=1)
    if text not in (scene.places[name], "start.js") and text.strip("."):
        segment = quote(text, safe="")
        answer = scene.send(wild, scene.body(wild), kind=kind, **{name: segment})
        fine = _nothing_there(wild, kind, name, answer)
        yield [] if fine else list(judge(wild, answer, (seed, kind, segment)))


def _nothing_there(operation: Operation, kind: str, name: str, answer: Reply) -> bool:
    """Whether staff read what a vendor has, and a vendor whom nobody knows has nothing."""
    return (operation.method, kind, name, answer.status) == ("GET", "staff", "vendor_id", 200)


def _turn(seed: int, operations: list[Operation]) -> tuple[Operation, str]:
    kinds = ("", *scenery.KINDS)
    return operations[seed % len(operations)], kinds[seed // len(operations) % len(kinds)]


def assert_withstood(scene: Scene, first: int, *, inputs: int) -> None:
    before = scene.state()
    answers = chain.from_iterable(attack(scene, seed) for seed in count(first))
    found = [wrong for answer in islice(answers, inputs) for wrong in answer]
    assert not found, "\n".join(found)
    assert scene.state() == before


def test_generated_nonsense_is_refused(scene: Scene) -> None:
    assert_withstood(scene, 0, inputs=300)


@pytest.mark.slow
def test_much_more_generated_nonsense_is_refused(scene: Scene) -> None:
    assert_withstood(scene, 150, inputs=20_000)
