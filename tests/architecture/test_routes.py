"""Who may call what: the exact public routes, and what asks for an Idempotency-Key."""

import importlib
import json
from pathlib import Path

import pytest

from market.http import ANYONE, CUSTOMER, GUEST, KEY, STAFF, VENDOR, ServiceApi
from market.shapes import View
from tests.architecture.code import ROOT, Project
from tests.architecture.promises import (
    money_is_moved_once,
    public_routes_are_those_agreed,
    routes_follow_the_style,
    what_may_be_none_is_not_required,
)
from tests.architecture.sample import broken, sound
from tests.kernel.lamps import MANIFEST

PUBLIC = """
GET  /v1/categories
GET  /v1/flags
GET  /v1/products
GET  /v1/products/<slug>
GET  /v1/previews/<token>
GET  /v1/suggestions
GET  /v1/inventory/<sku>
GET  /v1/prices/<sku>
GET  /v1/promotions
GET  /v1/promotions/<promotion_id>
GET  /v1/promotions/badges
GET  /v1/rates
GET  /v1/tax/rates
GET  /v1/vendors
GET  /v1/vendors/<vendor_id>
GET  /v1/vendors/<vendor_id>/shipping/zones
POST /v1/auth/register
POST /v1/auth/verify
POST /v1/auth/resend
POST /v1/auth/login
POST /v1/auth/challenge
POST /v1/auth/passkey
GET  /v1/auth/providers
POST /v1/auth/social
POST /v1/auth/refresh
POST /v1/auth/forgot-password
POST /v1/auth/reset-password
POST /v1/guests
POST /v1/payments/webhook/<name>
POST /v1/api-keys/report-leak
"""
"""Every route without an access token. The webhook is signed by the provider."""

DOCUMENTATION = """
GET  /
GET  /health
GET  /openapi.json
GET  /sitemap.xml
GET  /docs
GET  /docs/<name>
"""
SANDBOX = """
POST /sandbox/v1/carriers/v2/shipments
POST /sandbox/v1/payment_intents
GET  /sandbox/v1/payment_intents
GET  /sandbox/v1/payment_intents/<intent_id>
POST /sandbox/v1/payment_intents/<intent_id>/confirm
POST /sandbox/v1/payment_intents/<intent_id>/capture
POST /sandbox/v1/payment_intents/<intent_id>/void
POST /sandbox/v1/payment_intents/<intent_id>/refund
POST /sandbox/v1/setup_intents
POST /sandbox/v1/setup_intents/<setup_id>/confirm
GET  /sandbox/v1/customers/<customer>/methods
DELETE /sandbox/v1/customers/<customer>/methods/<method_id>
"""
"""Another company's API, played in every stage but production; it has keys and secrets of its own."""

MONEY = {"orders", "payments", "ledger"}
KEYED = {"POST /v1/orders", "POST /v1/admin/payments/<order_no>/settlement"}
ONCE_BY_NATURE = {
    "POST /v1/checkout/summary": "changes prices in the cart only",
    "POST /v1/orders/<order_no>/cancellation": "an order is cancelled once",
    "POST /v1/orders/<order_no>/parts/<vendor_id>/cancellation": "a part is cancelled once",
    "POST /v1/me/orders/claim": "an order is claimed once",
    "POST /v1/vendors/<vendor_id>/orders/<order_no>/cancellation": "a part is cancelled once",
    "POST /v1/vendors/<vendor_id>/orders/<order_no>/notes": "a note moves nothing",
    "POST /v1/admin/orders/<order_no>/cancellation": "an order and each of its parts are cancelled once",
    "POST /v1/admin/orders/<order_no>/notes": "a note moves nothing",
    "POST /v1/admin/orders/<order_no>/compensation": "a payment is undone once, however often that is asked for",
    "POST /v1/payments/intent": "an order has one payment; asking again gives the same one",
    "POST /v1/payments/webhook/<name>": "a payment's status is its fence",
    "POST /v1/me/payment-methods": "it takes no money, and the provider keeps a card once",
    "POST /v1/admin/ledger/vendors/<vendor_id>/rebuild": "it moves nothing, and sets to what the journals say",
}


KEYS_ALONE = {"/v1/whoami"}
"""What only programs ask."""

OWN = {"POST /v1/vendors/apply", "PATCH /v1/vendors/<vendor_id>"}
"""Not below /v1/me: whoever applies to sell, and a vendor's profile, which an applicant without a team may change."""


def listed(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("\n") if line.strip()]


@pytest.fixture(scope="module")
def apis() -> dict[str, ServiceApi]:
    """The api object of every function of kind `api`."""
    names = [
        function.handler.rpartition(".")[0]
        for service in Project(ROOT).services
        for function in service.manifest.functions
        if function.kind == "api"
    ]
    return {name: importlib.import_module(name).api for name in names}


def test_exactly_these_routes_are_public(apis: dict[str, ServiceApi]) -> None:
    found = list(public_routes_are_those_agreed(apis, listed(PUBLIC + DOCUMENTATION + SANDBOX)))

    assert not found, "\n" + "\n".join(found)


def test_guests_have_doors_of_their_own(apis: dict[str, ServiceApi]) -> None:
    """A route for guests has no authorizer before it: none is for somebody else too, none hides among others' paths."""
    routes = [route for api in apis.values() for route in api.routes]
    for_guests = {(route.method, route.path) for route in routes if GUEST in route.callers}

    assert for_guests == {(route.method, route.path) for route in routes if route.path.startswith("/v1/guest/")}
    assert all(route.callers == {GUEST} for route in routes if GUEST in route.callers)
    shared = {(route.method, route.path) for route in routes if CUSTOMER in route.callers}
    assert {(method, path.replace("/guest/", "/", 1)) for method, path in for_guests} <= shared


def test_programs_have_doors_of_their_own(apis: dict[str, ServiceApi]) -> None:
    """What a key opens is a route of vendors or staff too, with the same permission; nothing else is below /v1/api."""
    routes = [route for api in apis.values() for route in api.routes]
    for_keys = {(route.method, route.path, route.needs) for route in routes if KEY in route.callers}

    assert for_keys == {(r.method, r.path, r.needs) for r in routes if r.path.startswith("/v1/api/")}
    for_keys.remove(("GET", "/v1/api/whoami", ""))  # what a key says of itself, whatever it may do
    assert all(route.callers == {KEY} for route in routes if KEY in route.callers)
    assert all(needs for _, _, needs in for_keys)
    shared = {(route.method, route.path, route.needs) for route in routes if route.callers & {VENDOR, STAFF}}
    alone = {(method, path.replace("/api/", "/", 1), needs) for method, path, needs in for_keys} - shared
    assert {path for _, path, _ in alone} <= KEYS_ALONE


def test_whoever_may_do_something_to_others_needs_a_permission_for_it(apis: dict[str, ServiceApi]) -> None:
    """What is left without one is a person's own, whatever else they are."""
    own = {
        f"{route.method} {route.path}"
        for api in apis.values()
        for route in api.routes
        if route.callers & {VENDOR, STAFF} and not route.needs
    }

    assert {place for place in own if "/v1/me" not in place and "/v1/auth/" not in place} == OWN


def test_routes_follow_one_style(apis: dict[str, ServiceApi]) -> None:
    found = list(routes_follow_the_style(apis))

    assert not found, "\n" + "\n".join(found)


def test_every_route_is_described(apis: dict[str, ServiceApi]) -> None:
    """Building the document builds the validation of each route: a parameter that Powertools cannot read fails here."""
    for name, api in apis.items():
        described = {(method.upper(), path) for path, methods in api.openapi()["paths"].items() for method in methods}
        assert described == {(r.method, r.path.replace("<", "{").replace(">", "}")) for r in api.routes}, name


def test_no_answer_promises_what_it_may_leave_out() -> None:
    description = json.loads((ROOT / "functions/backbone/openapi.json").read_text())

    found = list(what_may_be_none_is_not_required(description["components"]["schemas"]))

    assert not found, "\n" + "\n".join(found)


def test_money_moves_once() -> None:
    found = list(money_is_moved_once(Project(ROOT), KEYED, ONCE_BY_NATURE, MONEY))

    assert not found, "\n" + "\n".join(found)


@pytest.fixture
def small() -> dict[str, ServiceApi]:
    api = ServiceApi(MANIFEST)
    api.get("/v1/lamps", callers=[ANYONE])(lambda: {})
    api.post("/v1/lamps/<lamp>", callers=[CUSTOMER])(lambda lamp: {})
    return {"lamps.api": api}


def test_a_route_that_became_public_is_reported(small: dict[str, ServiceApi]) -> None:
    assert list(public_routes_are_those_agreed(small, ["GET /v1/lamps"])) == []
    assert list(public_routes_are_those_agreed(small, [])) == ["lamps.api: GET /v1/lamps is public"]


def test_a_public_route_that_is_gone_is_reported(small: dict[str, ServiceApi]) -> None:
    (found,) = public_routes_are_those_agreed(small, ["GET /v1/lamps", "POST /v1/lamps/<lamp>"])

    assert found.startswith("POST /v1/lamps/<lamp> is agreed to be public")


def test_routes_without_style_are_reported(small: dict[str, ServiceApi]) -> None:
    small["rooms.api"] = ServiceApi(MANIFEST)
    assert list(routes_follow_the_style(small)) == ["rooms.api: the api has no routes"]
    small["rooms.api"].get("/rooms", callers=[ANYONE])(lambda: {})
    small["rooms.api"].post("/v1/lamps/<room>", callers=[CUSTOMER])(lambda room: {})
    assert list(routes_follow_the_style(small)) == [
        "rooms.api: /rooms has no version",
        "rooms.api: POST /v1/lamps/<room> is a route of lamps.api too",
    ]


class Shade(View):
    colour: str | None
    width: int | None = None


def test_a_promise_of_what_may_be_none_is_reported() -> None:
    assert list(what_may_be_none_is_not_required({"Shade": Shade.model_json_schema()})) == [
        "Shade.colour may be none, but is required: it lacks a default"
    ]


def test_a_post_without_a_key_is_reported(tmp_path: Path) -> None:
    route = "POST /v1/lamps/<lamp>"
    project = sound(tmp_path)
    assert list(money_is_moved_once(project, {route}, {}, {"lamps"})) == []
    assert list(money_is_moved_once(project, {}, {}, {"lamps"})) == [f"{route} is in neither list"]
    assert list(money_is_moved_once(project, {}, {route, "POST /x"}, {"lamps"})) == [
        "POST /x is listed, but is not there"
    ]
    project = broken(tmp_path, "functions/lamps/api.py", "api.idempotency()", "api.caller")
    assert list(money_is_moved_once(project, {route}, {}, {"lamps"})) == [
        f"{route} does not ask for an Idempotency-Key"
    ]
