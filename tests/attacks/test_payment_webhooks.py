"""Webhooks of payment providers as a way in: what one did not sign just now, for this payment, changes nothing."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from market import clock, config
from payments.api import handler as payments
from payments.providers.sandbox import sign
from payments.simulators.stripe_memory import signature
from tests import shop
from tests.http import Response, call
from tests.services.payments import stripe as cards
from tests.services.payments.conftest import till
from tests.services.payments.test_stripe_saga import StripeCheckout, checkout
from tests.services.payments.test_stripe_webhooks import event as stripe_event
from tests.services.payments.test_webhooks import event, opened
from tests.services.payments.till import TOTAL, Till

__all__ = ["checkout", "till"]
pytestmark = pytest.mark.contract("12.2")
JSON = dict[str, Any]


def state() -> str:
    """Everything stored but the tally of refused webhooks."""
    items = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"), ConsistentRead=True)["Items"]
    kept = [item for item in items if item["pk"]["S"] != "PAY#incidents"]
    kept.sort(key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2, default=sorted).decode()


def knock(name: str, body: bytes | str, headers: JSON, **options: Any) -> Response:
    text = body if isinstance(body, str) else body.decode()
    sent = {"content-type": "application/json"} | headers
    return call(payments, "POST", f"/v1/payments/webhook/{name}", text, headers=sent, **options)


def forged(body: bytes, at: int, key: bytes) -> str:
    """The sandbox's signature, with another key."""
    mark = hmac.new(key, f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={mark}"


def _sandbox(signature: Callable[[bytes, int], str]) -> Callable[[bytes, int], Response]:
    return lambda body, now: knock("sandbox", body, {"sandbox-signature": signature(body, now)})


def _mark(body: bytes, at: int) -> str:
    return sign(body, at).partition("v1=")[2]


AT_THE_DOOR: dict[str, Callable[[bytes, int], Response]] = {
    "no header": lambda body, now: knock("sandbox", body, {}),
    "another key": _sandbox(lambda body, now: forged(body, now, b"guessed")),
    "an empty key": _sandbox(lambda body, now: forged(body, now, b"")),
    "the name of the key as the key": _sandbox(lambda body, now: forged(body, now, b"sandbox-webhook")),
    "a signature cut short": _sandbox(lambda body, now: sign(body, now)[:-1]),
    "a signature drawn out": _sandbox(lambda body, now: sign(body, now) + "0"),
    "half a signature": _sandbox(lambda body, now: f"t={now},v1={_mark(body, now)[:32]}"),
    "capitals": _sandbox(lambda body, now: f"t={now},v1={_mark(body, now).upper()}"),
    "an older scheme": _sandbox(lambda body, now: sign(body, now).replace("v1=", "v0=")),
    "several signatures": _sandbox(lambda body, now: f"{sign(body, now)},v1={'0' * 64}"),
    "the header twice, one of them old": _sandbox(lambda body, now: f"{sign(body, now - 3600)},{sign(body, now)}"),
    "the header twice, one of another body": _sandbox(lambda body, now: f"{sign(b'{}', now)},{sign(body, now)}"),
    "the same header twice": _sandbox(lambda body, now: f"{sign(body, now)},{sign(body, now)}"),
    "two times": _sandbox(lambda body, now: f"t={now},{sign(body, now - 3600)}"),
    "an hour old": _sandbox(lambda body, now: sign(body, now - 3600)),
    "from tomorrow": _sandbox(lambda body, now: sign(body, now + 86_400)),
    "an old mark with a new time": _sandbox(lambda body, now: f"t={now},v1={_mark(body, now - 3600)}"),
    "a time with a sign": _sandbox(lambda body, now: f"t=+{now},v1={_mark(body, now)}"),
    "a time with zeros before": _sandbox(lambda body, now: f"t=00{now},v1={_mark(body, now)}"),
    "blanks": _sandbox(lambda body, now: sign(body, now).replace(",", ", ")),
    "re-encoded": lambda body, now: knock(
        "sandbox", orjson.dumps(orjson.loads(body), option=orjson.OPT_INDENT_2), {"sandbox-signature": sign(body, now)}
    ),
    "letters written as numbers": lambda body, now: knock(
        "sandbox", body.replace(b"authorized", b"\\u0061uthorized"), {"sandbox-signature": sign(body, now)}
    ),
    "a mark of byte order before": lambda body, now: knock(
        "sandbox", "\ufeff" + body.decode(), {"sandbox-signature": sign(body, now)}
    ),
    "a second body behind": lambda body, now: knock("sandbox", body + body, {"sandbox-signature": sign(body, now)}),
    "the signature in the address": lambda body, now: knock(
        "sandbox", body, {}, query={"sandbox-signature": sign(body, now)}
    ),
    "another's header": lambda body, now: knock("sandbox", body, {"stripe-signature": sign(body, now)}),
    "another provider's door": lambda body, now: knock("cod", body, {"sandbox-signature": sign(body, now)}),
    "the door in capitals": lambda body, now: knock("SANDBOX", body, {"sandbox-signature": sign(body, now)}),
    "the door with a dot": lambda body, now: knock("sandbox.", body, {"sandbox-signature": sign(body, now)}),
    "the door with a null": lambda body, now: knock("sandbox%00", body, {"sandbox-signature": sign(body, now)}),
    "another method": lambda body, now: call(
        payments, "PUT", "/v1/payments/webhook/sandbox", body.decode(), headers={"sandbox-signature": sign(body, now)}
    ),
    "too much": lambda body, now: knock("sandbox", body + b" " * 70_000, {"sandbox-signature": sign(body, now)}),
}  # fmt: skip


@pytest.mark.parametrize("how", AT_THE_DOOR)
def test_what_the_provider_did_not_sign_just_now_is_not_heard(till: Till, how: str) -> None:
    number, reference = opened(till)
    till.run()
    before, queued = state(), till.runtime.depths()
    answer = AT_THE_DOOR[how](event(number, reference), clock.epoch())
    assert answer.status in (400, 404, 405, 413), answer
    till.run()
    assert (state(), till.runtime.depths()) == (before, queued)
    assert till.payment(number)["status"] == "pending"


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": TOTAL - 1},
        {"amount": TOTAL + 1},
        {"amount": 0},
        {"amount": -TOTAL},
        {"currency": "JPY"},
        {"currency": "eur"},
        {"id": "pi_of_another"},
        {"amount": 2**63 - 1},
        {"amount": True},
        {"orderId": "ord_0000000000000000"},
        {"orderId": None},
    ],
    ids=str,
)
def test_a_signed_report_of_other_money_or_another_order_moves_nothing(till: Till, changes: JSON) -> None:
    """As if the provider erred, or its key were known: what it says must fit the payment, or people look at it."""
    number, reference = opened(till)
    till.run()
    before = till.payment(number)
    answer = till.hear(event(number, reference, **changes))
    assert answer.status in (200, 400)
    till.wait(600)
    assert till.payment(number)["status"] == before["status"] == "pending"
    assert till.accounts(number) == {}
    assert not [name for name in till.runtime.dead_letters() if "payments" in name]


@pytest.mark.parametrize(
    "changes", [{}, {"amount": str(TOTAL)}, {"amount": float(TOTAL)}, {"refunded": TOTAL}], ids=str
)
def test_even_a_signed_report_is_not_believed_against_the_providers_own_book(till: Till, changes: JSON) -> None:
    """As if its key were known to who did not pay: the provider gives no money, so nothing is sold."""
    number, reference = opened(till)
    till.run()
    assert till.hear(event(number, reference, **changes)).status == 200
    till.wait(600)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert till.payment(number)["status"] == "voided"
    assert till.intents(number) == [("voided", 0)]
    assert till.accounts(number) == {}


def test_a_genuine_report_that_is_replayed_for_another_order_pays_for_neither(till: Till) -> None:
    """Somebody pays one order, and sends what the provider said of it for theirs."""
    paid = till.sold()
    (genuine, *_) = till.webhooks
    number, _ = opened(till)
    before = till.payment(paid)
    for _ in range(3):
        till.tell_again(genuine)
    swapped = genuine.replace(shop.order_of("ada", paid)["id"], shop.order_of("ada", number)["id"]).encode()
    assert till.hear(swapped, signature=sign(genuine.encode(), clock.epoch())).status == 400
    till.run()
    assert till.payment(paid) == before
    assert till.payment(number)["status"] == "pending"


def test_a_report_of_one_provider_does_not_pay_what_was_opened_with_another(checkout: StripeCheckout) -> None:
    number = checkout.place()
    checkout.run()
    checkout.open("ada", number)
    before = state()
    body = event(number, "pi_1")
    for name, header in (("sandbox", "sandbox-signature"), ("stripe", "stripe-signature")):
        assert knock(name, body, {header: sign(body, clock.epoch())}).status in (400, 404)
    checkout.run()
    assert state() == before
    assert checkout.books(number) == [("requires_payment_method", 0, 0)]


@pytest.mark.parametrize(
    "changed",
    [
        {"account": "acct_another"},
        {"livemode": True},
        {"type": "payment_intent.succeeded", "livemode": 1},
        {"object": "v2.core.event"},
    ],
    ids=str,
)
def test_a_signed_event_of_another_account_is_not_heard_at_the_door(checkout: StripeCheckout, changed: JSON) -> None:
    number = checkout.place()
    checkout.run()
    checkout.open("ada", number)
    before = state()
    body = stripe_event(**changed)
    mark = signature(body, [cards.CREDENTIALS["webhook_secret"]], clock.epoch())
    assert knock("stripe", body, {"stripe-signature": mark}).status == 400
    checkout.run()
    assert state() == before
