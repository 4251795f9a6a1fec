"""What we send to PayPal, and what our PayPal answers, against the OpenAPI files that PayPal publishes."""

import functools
import re
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest
from openapi_schema_validator import OAS30ReadValidator, OAS30Validator, OAS30WriteValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT4

from market import config
from market.money import Money
from payments.gateway import Card
from payments.simulators.network import Network
from payments.simulators.paypal_book import CARD
from tests.services.payments import test_paypal as tests
from tests.services.payments import test_paypal_failures as failures
from tests.services.payments import test_paypal_webhooks as webhook_tests
from tests.services.payments.paypal import BASE, World, world_of

ARCHIVE = Path(__file__).parents[3] / "shared/data/contracts/paypal-openapi.tar.gz"
FILES = (
    "checkout_orders_v2",
    "payments_payment_v2",
    "notifications_webhooks_v1",
    "reporting_transactions_v1",
)
OPERATIONS = {
    "orders.create",
    "orders.get",
    "orders.authorize",
    "authorizations.get",
    "authorizations.capture",
    "authorizations.reauthorize",
    "authorizations.void",
    "captures.get",
    "captures.refund",
    "verify-webhook-signature.post",
    "search.get",
}
# Not in the files, but in PayPal's pages on rate limits and on funding failures.
UNPUBLISHED = {"RATE_LIMIT_REACHED"}
UNPUBLISHED_ISSUES = {("orders.authorize", "INSTRUMENT_DECLINED")}

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason=f"PayPal's OpenAPI files are not there: {ARCHIVE.name}")


@functools.cache
def documents() -> dict[str, dict[str, Any]]:
    with tarfile.open(ARCHIVE) as archive:
        return {name: orjson.loads(archive.extractfile(f"openapi/{name}.json").read()) for name in FILES}


@functools.cache
def operations() -> list[tuple[str, re.Pattern[str], str, dict[str, Any]]]:
    """Method, path, name of its file and the operation."""
    found = []
    for name, document in documents().items():
        for path, methods in document["paths"].items():
            pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))
            found += [(m.upper(), pattern, name, op) for m, op in methods.items() if m != "parameters"]
    return found


@functools.cache
def registry() -> Registry[Any]:
    resources = ((f"urn:{name}", Resource.from_contents(doc, DRAFT4)) for name, doc in documents().items())
    return Registry().with_resources(resources)


class Witness:
    """Stands between us and PayPal and holds both to the published files."""

    def __init__(self, handle: Callable[..., Any]) -> None:
        self.handle = handle
        self.seen: set[str] = set()
        self.exchanges = 0

    def __call__(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        if path == "/v1/oauth2/token":
            return self.handle(method, path, headers, body)
        target = urlsplit(path)
        name, operation, parameters = _operation(method, target.path)
        given = {"path": parameters, "query": dict(parse_qsl(target.query)), "header": headers}
        _check_parameters(name, operation, given)
        if schema := _body_schema(name, operation.get("requestBody")):
            # PayPal describes the event that we send back with the schema of the event that it sends, all read-only.
            validator = OAS30Validator if "verify" in target.path else OAS30WriteValidator
            _check(validator, name, schema, orjson.loads(body))
        else:
            assert not body
        answer = self.handle(method, path, headers, body)
        self.seen.add(operation["operationId"])
        self.exchanges += 1
        _check_answer(name, operation, answer[0], answer[2])
        return answer


def _operation(method: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    for known, pattern, name, operation in operations():
        if known == method and (match := pattern.fullmatch(path)):
            return name, operation, match.groupdict()
    raise AssertionError(f"PayPal publishes no {method} {path}")


def _check_parameters(name: str, operation: dict[str, Any], given: Mapping[str, Mapping[str, str]]) -> None:
    declared = set()
    for listed in operation.get("parameters", ()):
        parameter = _resolved(name, listed)
        where, key = parameter["in"], parameter["name"]
        value = given[where].get(key.lower() if where == "header" else key)
        declared.add((where, key))
        assert value is not None or not parameter.get("required"), f"{key} is required"
        if value is not None:
            typed = int(value) if parameter["schema"].get("type") == "integer" else value
            _check(OAS30WriteValidator, name, parameter["schema"], typed)
    assert {("query", key) for key in given["query"]} <= declared


def _check_answer(name: str, operation: dict[str, Any], status: int, body: bytes) -> None:
    found = orjson.loads(body or b"{}")
    issues = {(operation["operationId"], detail["issue"]) for detail in found.get("details", ())}
    if found.get("name") in UNPUBLISHED or issues & UNPUBLISHED_ISSUES:
        return
    responses = operation["responses"]
    response = _resolved(name, responses.get(str(status)) or responses["default"])
    if schema := _body_schema(name, response):
        _check(OAS30ReadValidator, name, schema, found)


def _resolved(name: str, listed: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in listed:
        return listed
    found: Any = documents()[name]
    for step in listed["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)


def _body_schema(name: str, message: dict[str, Any] | None) -> dict[str, Any] | None:
    content = _resolved(name, message or {}).get("content", {})
    return content["application/json"]["schema"] if content else None


def _check(validator: Any, name: str, schema: dict[str, Any], value: Any) -> None:
    absolute = orjson.loads(orjson.dumps(schema).replace(b'"#/', f'"urn:{name}#/'.encode()))
    checker = validator(absolute, registry=registry(), format_checker=validator.FORMAT_CHECKER)
    problems = [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message}"[:300] for error in checker.iter_errors(value)
    ]
    assert not problems, problems


CARD_PAID: dict[str, Any] = {
    "by": CARD,
    "told": Card(bin="455445", last4="4326", brand="visa", country="DE"),
}
SCENES: list[Callable[[World], None]] = [
    tests.test_a_buyer_approves_at_paypal_and_the_money_is_taken_once,
    tests.test_opening_twice_gives_the_same_order,
    tests.test_a_declined_buyer_may_approve_again_with_something_else,
    tests.test_a_capture_that_the_buyer_cannot_pay_is_refused_for_good,
    tests.test_a_reviewed_capture_is_unknown_until_paypal_has_decided,
    tests.test_an_order_that_paypal_has_forgotten_is_no_answer,
    tests.test_an_approval_that_comes_after_giving_up_is_held_and_let_go,
    tests.test_an_approval_whose_webhook_never_comes_can_still_be_captured,
    failures.test_lost_answers_do_no_harm_even_after_paypal_has_forgotten_our_request_ids,
    failures.test_a_capture_that_someone_else_made_in_between_is_found,
    failures.test_while_our_own_account_is_restricted_nothing_is_refused_for_good,
    functools.partial(tests.test_the_means_of_payment_is_told_without_a_name_or_an_address, **CARD_PAID),
    failures.test_parts_are_given_back_until_nothing_is_left,
    failures.test_refunds_that_race_never_give_back_more_than_was_taken,
    tests.test_a_capture_of_another_amount_is_refused,
    tests.test_after_29_days_there_is_nothing_left_to_capture,
    tests.test_an_invoice_number_is_paid_once_whatever_we_call_the_attempt,
    tests.test_refunds_and_disputes_are_told_with_their_order,
    tests.test_the_reconciler_reads_each_payment_once_from_paypals_report,
    tests.test_one_token_serves_until_it_runs_out_and_a_revoked_one_is_replaced,
    webhook_tests.test_a_replayed_webhook_holds_the_money_once,
    webhook_tests.test_a_forged_approval_of_an_order_that_nobody_approved_authorizes_nothing,
]


def _faults() -> list[Callable[[World], None]]:
    check = failures.test_a_call_whose_answer_did_not_come_is_repeated_without_a_second_effect
    verbs = ("create", "authorize", "capture", "refund", "void")
    return [
        functools.partial(check, verb=verb, fault=fault) for verb in verbs for fault in ("lost", "500", "in_progress")
    ]


def _currencies() -> list[Callable[[World], None]]:
    check = tests.test_currencies_without_decimals_are_written_as_paypal_wants_them
    return [functools.partial(check, amount=Money(1200, "JPY"), value="1200")] + [
        functools.partial(tests.test_an_authorization_is_renewed_once_its_funds_are_no_longer_promised, days=days)
        for days in (2, 4)
    ]


@pytest.mark.contract("26.1", "12.1")
def test_every_exchange_with_paypal_is_as_paypal_publishes_it(environment: pytest.MonkeyPatch) -> None:
    seen, exchanges = set(), 0
    for scene in SCENES + _faults() + _currencies():
        with pytest.MonkeyPatch.context() as patch, world_of(patch) as world:
            witness = Witness(world.paypal.handle)
            config.use_http(Network({BASE: witness}))
            scene(world)
        seen |= witness.seen
        exchanges += witness.exchanges

    assert seen == OPERATIONS
    assert exchanges > 150


@pytest.mark.contract("26.1")
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/checkout/orders", {"intent": "AUTHORIZE"}),
        ("/v2/checkout/orders", {"intent": "HOLD", "purchase_units": [{"amount": {}}]}),
        ("/v2/payments/captures/C1/refund", {"amount": {"currency_code": "EUR", "value": 10.5}}),
        ("/v2/payments/captures/C1/refund", {"amount": {"currency_code": "euro", "value": "1"}}),
        ("/v2/payments/captures/C1/give-back", {}),
    ],
)
def test_the_witness_objects_to_what_paypal_does_not_publish(path: str, body: dict[str, Any]) -> None:
    witness = Witness(lambda *request: (201, {}, b"{}"))

    with pytest.raises(AssertionError):
        witness("POST", path, {}, orjson.dumps(body))
