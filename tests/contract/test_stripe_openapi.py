"""What we send to Stripe, and what our Stripe answers, against what Stripe publishes.

Three publications: the OpenAPI file of the API's version 2020-08-27 (paths, parameters, types, required fields), the
fixtures of a later version (which fields an object has), and the typed parameters of the SDK, made from the OpenAPI
file of the very version that we pin. Where they differ, what changed since is named here.
"""

import functools
import inspect
import re
import tarfile
import typing
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson
import pytest
import stripe
from openapi_schema_validator import OAS30ReadValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from market.money import Money
from payments.providers.stripe_http import API_VERSION
from payments.simulators.stripe_memory import VERSION
from tests.services.payments import stripe as cards
from tests.services.payments import test_stripe as tests
from tests.services.payments import test_stripe_lost as lost_tests
from tests.services.payments import test_stripe_money as money_tests
from tests.services.payments import test_stripe_saved as saved_tests
from tests.services.payments import test_stripe_webhooks as webhook_tests
from tests.services.payments.stripe import World, world_of

ARCHIVE = Path(__file__).parents[3] / "shared/data/contracts/stripe-openapi.tar.gz"
SPEC, FIXTURES = "2022-04-12/spec3.json", "openapi/fixtures3.json"

OPERATIONS = {
    "PostPaymentIntents": "PaymentIntentCreateParams",
    "GetPaymentIntents": "PaymentIntentListParams",
    "GetPaymentIntentsSearch": "PaymentIntentSearchParams",
    "GetPaymentIntentsIntent": "PaymentIntentRetrieveParams",
    "PostPaymentIntentsIntentCapture": "PaymentIntentCaptureParams",
    "PostPaymentIntentsIntentCancel": "PaymentIntentCancelParams",
    "PostRefunds": "RefundCreateParams",
    "GetRefunds": "RefundListParams",
    "PostCustomers": "CustomerCreateParams",
    "GetCustomersSearch": "CustomerSearchParams",
    "GetCustomersCustomerPaymentMethods": "CustomerPaymentMethodListParams",
    "PostPaymentMethodsPaymentMethodDetach": "PaymentMethodDetachParams",
    "PostSetupIntents": "SetupIntentCreateParams",
}
"""What we ask for, by Stripe's name, with the SDK's type of the parameters."""

OF_BROWSERS = {"PostPaymentIntentsIntentConfirm", "PostSetupIntentsIntentConfirm"}

# Since 2022-11-15 a charge shows its refunds only when asked to, and an intent its charge instead of a list of charges.
NO_LONGER_SHOWN = {"charge": {"refunds"}}
# Since 2023 automatic payment methods may be kept from redirecting; in 2026 a new parameter took the place of types.
LATER_PARAMETERS = {"automatic_payment_methods.allow_redirects", "allowed_payment_method_types"}
# Card numbers are for Stripe's script in the browser, which speaks to Stripe as it likes.
BROWSERS_ONLY = "payment_method_data"
LATER_EXPANSIONS = {"latest_charge"}
# Fields that Stripe documents, but leaves out of its fixtures because they are only there at times.
ONLY_AT_TIMES = {
    "charge": {"failure_code", "failure_message"},
    "refund": {"failure_reason", "failure_balance_transaction"},
    "payment_method_details": set[str](),
}
NO_JSON = {lost_tests.test_an_answer_that_is_no_json_is_an_unknown_outcome}

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"Stripe's OpenAPI files are not there: {ARCHIVE.name}")


@functools.cache
def document(name: str) -> dict[str, Any]:
    with tarfile.open(ARCHIVE) as archive:
        member = archive.extractfile(name)
        assert member is not None
        read: dict[str, Any] = orjson.loads(member.read())
    if name == SPEC:
        for kind, fields in NO_LONGER_SHOWN.items():
            schema = read["components"]["schemas"][kind]
            schema["required"] = [field for field in schema["required"] if field not in fields]
        return dict(_with_nulls(read))
    return read


def _with_nulls(schema: Any) -> Any:
    """Spells out that `nullable` means null too beside `enum` and `anyOf`, where OpenAPI 3.0 leaves it open."""
    if isinstance(schema, list):
        return [_with_nulls(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _with_nulls(item) for name, item in schema.items() if name != "nullable"}
    if schema.get("nullable") is not True:
        return inner
    return {"anyOf": [inner, {"enum": [None]}]} | {n: v for n, v in inner.items() if n.startswith("x-")}


@functools.cache
def operations() -> list[tuple[str, re.Pattern[str], dict[str, Any]]]:
    return [
        (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), operation)
        for path, methods in sorted(document(SPEC)["paths"].items(), key=lambda item: "{" in item[0])
        for method, operation in methods.items()
    ]


@functools.cache
def validator(pointer: str) -> Any:
    registry: Registry[Any] = Registry().with_resource("urn:s", Resource.from_contents(document(SPEC), DRAFT4))
    return OAS30ReadValidator({"$ref": f"urn:s#{pointer}"}, registry=registry)


class Witness:
    """Stands between us and Stripe and holds both to what is published."""

    def __init__(self, handle: Callable[..., Any]) -> None:
        self.handle = handle
        self.seen: set[str] = set()
        self.exchanges = 0

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        path, _, query = path.partition("?")
        pointer, operation = _operation(method, path)
        assert method == "GET" or not query
        sent = _read_form(query if method == "GET" else body.decode())
        if headers.get("user-agent", "").startswith("Stripe/v1 PythonBindings"):
            _check_headers(method, headers)
            _check_types(operation["operationId"], sent)
        else:  # a browser, or somebody at Stripe's dashboard
            sent.pop(BROWSERS_ONLY, None)
        _check_parameters(operation, sent)
        answer = self.handle(method, path + (f"?{query}" if query else ""), headers, body)
        self.seen.add(operation["operationId"])
        self.exchanges += 1
        which = "200" if answer[0] == 200 else "default"
        told = orjson.loads(answer[2])
        _check(f"{pointer}/responses/{which}/content/application~1json/schema", told)
        for found in _objects(told):
            _check_fields(found)
        return answer


def _operation(method: str, path: str) -> tuple[str, dict[str, Any]]:
    for known, pattern, operation in operations():
        if known == method and pattern.fullmatch(path):
            template = next(p for p, ms in document(SPEC)["paths"].items() if ms.get(method.lower()) is operation)
            return f"/paths/{template.replace('/', '~1')}/{method.lower()}", operation
    raise AssertionError(f"Stripe publishes no {method} {path}")


def _check_headers(method: str, headers: Mapping[str, str]) -> None:
    assert headers["stripe-version"] == API_VERSION
    if method == "POST":
        assert headers["content-type"] == "application/x-www-form-urlencoded"
        assert 0 < len(headers["idempotency-key"]) <= 255


def _read_form(text: str) -> dict[str, Any]:
    """Nested dicts of text; members of arrays under their numbers."""
    read: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        *path, last = re.findall(r"[^\[\]]+", name)
        inside = functools.reduce(lambda found, step: found.setdefault(step, {}), path, read)
        assert last not in inside, f"{name} is sent twice"
        inside[last] = value
    return read


def _check_parameters(operation: dict[str, Any], sent: dict[str, Any]) -> None:
    known = {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}
    required = {p["name"] for p in operation.get("parameters", ()) if p["in"] == "query" and p["required"]}
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
        known |= schema["properties"]
        required |= set(schema.get("required", ()))
    assert required <= set(sent), f"{required - set(sent)} are required"
    for name, value in sent.items():
        if name in LATER_PARAMETERS:
            continue
        assert name in known, f"{operation['operationId']} has no parameter {name}"
        assert _fits(known[name], value, name), f"{name}={value} is not {known[name]}"
    for path in sent.get("expand", {}).values():
        _check_expansion(operation, path)


def _fits(schema: dict[str, Any] | None, value: Any, path: str) -> bool:
    """Whether text from a form can be read as the schema wants it."""
    if not schema:
        return False
    if "anyOf" in schema:
        return any(_fits(choice, value, path) for choice in schema["anyOf"])
    if not isinstance(value, dict):
        return _text_fits(schema, value)
    if schema.get("type") == "array":
        return list(value) == [str(n) for n in range(len(value))] and all(
            _fits(schema["items"], item, path) for item in value.values()
        )
    inner, others = schema.get("properties", {}), schema.get("additionalProperties")
    return schema.get("type") == "object" and all(
        f"{path}.{name}" in LATER_PARAMETERS or _fits(inner.get(name, others), item, f"{path}.{name}")
        for name, item in value.items()
    )


def _text_fits(schema: dict[str, Any], value: str) -> bool:
    kinds = {"integer": r"-?\d+", "boolean": "true|false", "string": r"(?s).*"}
    shaped = re.fullmatch(kinds.get(schema.get("type", ""), "(?!)"), value) is not None
    return shaped and value in schema.get("enum", [value]) and len(value) <= schema.get("maxLength", len(value))


def _check_expansion(operation: dict[str, Any], path: str) -> None:
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    for step in path.split("."):
        schema = _reached(schema)
        if step == "data":
            schema = schema["properties"]["data"]["items"]
            continue
        if step in LATER_EXPANSIONS:
            schema = {"$ref": "#/components/schemas/charge"}
            continue
        assert step in schema["x-expandableFields"], f"{path} cannot be expanded"
        schema = schema["properties"][step]["x-expansionResources"]["oneOf"][0]


def _reached(schema: dict[str, Any]) -> dict[str, Any]:
    return document(SPEC)["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def _check_types(operation: str, sent: dict[str, Any]) -> None:
    """The SDK's own types of the parameters, for the version that we pin."""
    assert operation in OPERATIONS, f"{operation} is for browsers"
    known = getattr(stripe.params, OPERATIONS[operation]).__annotations__
    assert set(sent) <= set(known), f"the SDK knows no {set(sent) - set(known)} for {operation}"


def _check(pointer: str, value: Any) -> None:
    errors = validator(pointer).iter_errors(value)
    problems = [f"{'/'.join(map(str, error.absolute_path))}: {error.message}"[:300] for error in errors]
    assert not problems, problems


def _objects(told: Any) -> Iterator[dict[str, Any]]:
    """Every object in an answer, however deep."""
    inner = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    if isinstance(told, dict) and str(told.get("object")) in document(FIXTURES)["resources"]:
        yield told
    for value in inner:
        yield from _objects(value)


def _check_fields(found: dict[str, Any]) -> None:
    kind = found["object"]
    fixture = document(FIXTURES)["resources"][kind]
    unknown = set(found) - set(fixture) - ONLY_AT_TIMES.get(kind, set())
    assert not unknown, f"a {kind} has no {unknown}"
    for name, value in found.items():
        shown = fixture.get(name)
        if value is not None and shown is not None and not (isinstance(value, str) or isinstance(shown, str)):
            assert type(value) is type(shown), f"{kind}.{name} is a {type(shown).__name__}"


def _plain(module: Any) -> list[Callable[[World], None]]:
    """The module's tests that need nothing but a world."""
    return [
        test
        for name, test in vars(module).items()
        if name.startswith("test_") and list(inspect.signature(test).parameters) == ["world"] and test not in NO_JSON
    ]


def _losses() -> list[Callable[[World], None]]:
    losing = (
        lost_tests.test_an_order_whose_opening_was_lost_is_opened_once_more_and_charged_once,
        lost_tests.test_a_capture_whose_answer_was_lost_takes_the_money_once,
        lost_tests.test_a_void_whose_answer_was_lost_gives_back_the_authorization,
        lost_tests.test_a_refund_whose_answer_was_lost_is_made_once,
    )
    faults = [("lost", "after"), ("rate", "before"), ("busy", "before"), ("crash", "after")]
    return [functools.partial(test, kind=kind, when=when) for test in losing for kind, when in faults]


def _others() -> list[Callable[[World], None]]:
    fractions = money_tests.test_every_currency_is_charged_in_stripes_units_and_told_in_ours
    declines = tests.test_a_declined_card_leaves_the_payment_open_for_another
    saved = saved_tests.test_a_saved_card_that_does_not_pay_leaves_the_payment_open
    return [
        functools.partial(fractions, amount=Money(500, "JPY"), units=500),
        functools.partial(fractions, amount=Money(5120, "KWD"), units=5120),
        functools.partial(declines, card=cards.EMPTY, why="insufficient_funds"),
        functools.partial(saved, card=cards.SECURE_ALWAYS),
        functools.partial(tests.test_a_payment_that_waits_for_3d_secure_is_still_pending, card=cards.SECURE_ALWAYS),
    ]


@pytest.mark.contract("26.1", "12.1")
def test_every_exchange_with_stripe_is_as_stripe_publishes_it(environment: pytest.MonkeyPatch) -> None:
    seen, exchanges = set(), 0
    modules = (tests, lost_tests, money_tests, saved_tests, webhook_tests)
    for scene in [*chain.from_iterable(map(_plain, modules)), *_losses(), *_others()]:
        with pytest.MonkeyPatch.context() as patch, world_of(patch) as world:
            witness = Witness(world.stripe.handle)
            patch.setattr(world.stripe, "handle", witness)
            world.handler = witness
            scene(world)
        seen |= witness.seen
        exchanges += witness.exchanges

    assert seen == OPERATIONS.keys() | OF_BROWSERS
    assert exchanges > 500


@pytest.mark.contract("26.1", "12.2")
def test_every_webhook_of_our_stripe_is_as_stripe_publishes_it(environment: pytest.MonkeyPatch) -> None:
    with world_of(environment) as world:
        told: list[dict[str, Any]] = []
        world.stripe.tell = lambda body, _: told.append(orjson.loads(body))
        for number, card in enumerate((cards.GOOD, cards.DISPUTED, cards.SLOW_REFUND, cards.FAILING_REFUND)):
            reference = world.pay(card, order_id=f"ord_{number}").reference
            world.port.capture(f"ord_{number}", reference, cards.DUE)
            if card != cards.DISPUTED:
                world.port.refund(f"ref_{number}", reference, cards.DUE)
        world.pay(cards.DECLINED, order_id="ord_declined")
        world.pay(cards.SECURE_ALWAYS, order_id="ord_secure")
        world.port.void("ord_voided", world.pay(order_id="ord_voided").reference)
        world.stripe.save(world.port.setup("ada", "").client_secret, cards.GOOD)
        world.pass_(hours=2)
        world.stripe.deliver()
        for event in told:
            _check("/components/schemas/event", event)
            _check(f"/components/schemas/{event['data']['object']['object']}", event["data"]["object"])
            for found in _objects(event):
                _check_fields(found)
        kinds = typing.get_args(stripe.Event.__annotations__["type"])
        assert {event["type"] for event in told} <= set(kinds)
        assert {"charge.dispute.created", "refund.failed", "payment_intent.canceled"} <= {e["type"] for e in told}


def test_the_pinned_version_is_the_one_that_the_sdk_was_made_for() -> None:
    assert API_VERSION == stripe.api_version == VERSION


@pytest.mark.contract("26.1")
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/payment_intents", b"amount=100"),
        ("POST", "/v1/payment_intents", b"amount=1.5&currency=eur"),
        ("POST", "/v1/payment_intents", b"amount=100&currency=eur&order_id=1"),
        ("POST", "/v1/payment_intents", b"amount=100&currency=eur&capture_method=later"),
        ("POST", "/v1/refunds", b"payment_intent=pi_1&expand[0]=customer"),
        ("POST", "/v1/refunds/re_1/undo", b""),
        ("GET", "/v1/refunds?payment_intent=pi_1&limit=all", b""),
    ],
)
def test_the_witness_objects_to_what_stripe_does_not_publish(method: str, path: str, body: bytes) -> None:
    witness = Witness(lambda *request: (200, {}, b"{}"))
    headers = {"authorization": "Bearer sk_test_1", "stripe-version": API_VERSION, "idempotency-key": "key"}
    headers |= {"content-type": "application/x-www-form-urlencoded", "user-agent": "Stripe/v1 PythonBindings/16.1.0"}

    with pytest.raises(AssertionError):
        witness(method, path, headers, body)
