"""Stripe tells us what happened, often twice, late and out of order; others pretend to be Stripe."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from market.errors import Invalid
from payments.gateway import TOLERANCE_SECONDS, BadSignature, Notice
from payments.model import ProviderUnavailable
from payments.simulators.stripe_memory import Delivery, signature
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import ORDER, World, world

__all__ = ["world"]

SECRET = cards.CREDENTIALS["webhook_secret"]


def event(**changed: Any) -> bytes:
    """An event as Stripe sends it, about an intent of an order."""
    intent = {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": 4999,
        "amount_received": 0,
        "currency": "eur",
        "metadata": {"order_id": ORDER.order_id},
        "status": "requires_capture",
    }
    body = {"id": "evt_1", "object": "event", "livemode": False, "data": {"object": intent}}
    return orjson.dumps(body | {"type": "payment_intent.amount_capturable_updated"} | changed)


def signed(world: World, body: bytes, *, off: int = 0, secret: str = SECRET) -> str:
    return signature(body, [secret], int(world.now.timestamp()) + off)


def receive(world: World, body: bytes, header: str) -> Notice:
    return world.port.receive({"stripe-signature": header}, body)


def now(world: World, off: int = 0) -> str:
    return f"t={int(world.now.timestamp()) + off}"


def mark(header: str) -> str:
    return next(part for part in header.split(",") if part.startswith("v1="))


FORGERIES: dict[str, Callable[[World, bytes], str]] = {
    "no signature": lambda world, body: "",
    "nonsense": lambda world, body: "sign here, please",
    "another secret": lambda world, body: signed(world, body, secret="whsec_another"),
    "an empty secret": lambda world, body: signed(world, body, secret=""),
    "another body": lambda world, body: signed(world, body + b" "),
    "older than the tolerance": lambda world, body: signed(world, body, off=-TOLERANCE_SECONDS - 1),
    "25 hours old": lambda world, body: signed(world, body, off=-25 * 3600),
    "from the future": lambda world, body: signed(world, body, off=TOLERANCE_SECONDS + 1),
    "an old mark under a new time": lambda world, body: f"{now(world)},{mark(signed(world, body, off=-3600))}",
    "two times": lambda world, body: f"{now(world)},{signed(world, body, off=-3600)}",
    "no time": lambda world, body: mark(signed(world, body)),
    "a time that is no number": lambda world, body: signed(world, body).replace("t=1", "t=x"),
    "a time in other digits": lambda world, body: signed(world, body).replace("t=1", "t=\u0661"),
    "a negative time": lambda world, body: signed(world, body).replace("t=", "t=-"),
    "only the old scheme": lambda world, body: signed(world, body).replace("v1=", "v0="),
    "an empty mark": lambda world, body: f"{now(world)},v1=",
    "half a mark": lambda world, body: f"{now(world)},{mark(signed(world, body))[:-32]}",
    "a mark in other letters": lambda world, body: f"{now(world)},v1=" + "\u00e9" * 64,
    "a flood of marks": lambda world, body: f"{now(world)}" + ",v1=0" * 2000 + f",{mark(signed(world, body))}",
}


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("how", FORGERIES)
def test_what_stripe_did_not_sign_just_now_is_refused(world: World, how: str) -> None:
    body = event()
    with pytest.raises(BadSignature):
        receive(world, body, FORGERIES[how](world, body))


@pytest.mark.contract("12.2")
def test_a_changed_body_is_refused(world: World) -> None:
    header = signed(world, event())
    for tampered in (event(type="payment_intent.succeeded"), event().replace(b"4999", b"4998"), b""):
        with pytest.raises(BadSignature):
            receive(world, tampered, header)


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("off", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_a_stamp_within_the_tolerance_is_believed_either_way(world: World, off: int) -> None:
    notice = receive(world, event(), signed(world, event(), off=off))
    assert (notice.id, notice.type, notice.intent.amount) == ("evt_1", "authorized", ORDER.amount)


@pytest.mark.contract("12.2")
def test_while_the_secret_is_rolled_either_signature_will_do(world: World) -> None:
    stamp = int(world.now.timestamp())
    for secrets in (["whsec_next", SECRET], [SECRET, "whsec_next"]):
        assert receive(world, event(), signature(event(), secrets, stamp)).type == "authorized"


@pytest.mark.contract("12.2")
@pytest.mark.parametrize("changed", [{"account": "acct_another"}, {"account": None}, {"livemode": True}])
def test_an_event_of_another_account_or_mode_is_refused(world: World, changed: dict[str, Any]) -> None:
    body = event(**changed)
    with pytest.raises(BadSignature):
        receive(world, body, signed(world, body))


def test_an_event_that_names_our_own_account_is_heard(world: World) -> None:
    body = event(account=cards.ACCOUNT)
    assert receive(world, body, signed(world, body)).type == "authorized"


@pytest.mark.contract("12.2")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"null",
        b'"event"',
        b"{}",
        b"[" * 10_000,
        event(object="charge"),
        event(id=7),
        event(data=None),
        event(data={"object": []}),
        event(data={"object": {"object": "payment_intent"}}),
        event(data={"object": {"object": "payment_intent", "id": "pi_1", "status": "x", "amount": "y"}}),
        event(data={"object": {"object": "charge", "metadata": "none"}}),
    ],
)
def test_a_signed_body_that_is_no_event_is_unreadable_not_a_crash(world: World, body: bytes) -> None:
    with pytest.raises(Invalid):
        receive(world, body, signed(world, body))


@pytest.mark.contract("12.2")
def test_the_life_of_a_payment_is_told_in_our_words(world: World) -> None:
    intent = world.pay(cards.DECLINED)
    world.stripe.pay(intent.client_secret, cards.GOOD)
    world.stripe.deliver()
    world.port.capture(ORDER.order_id, intent.reference, ORDER.amount)
    world.stripe.deliver()
    world.port.refund("ref_1", intent.reference, ORDER.amount)
    world.stripe.deliver()
    assert world.types() == ["declined", "authorized", "captured", "refunded"]
    assert {notice.intent.order_id for notice in world.heard if notice.type != "other"} == {ORDER.order_id}


@pytest.mark.contract("12.2")
def test_a_voided_payment_is_told_as_voided_whatever_stripe_says_of_its_charge(world: World) -> None:
    intent = world.pay()
    world.port.void(ORDER.order_id, intent.reference)
    world.stripe.deliver(backwards=True)
    assert world.types() == ["voided"] * 3


@pytest.mark.contract("12.2")
def test_a_dispute_names_the_order_although_stripes_event_does_not(world: World) -> None:
    reference = world.captured(cards.DISPUTED)
    world.stripe.deliver()
    (dispute,) = [notice for notice in world.heard if notice.type == "disputed"]
    assert (dispute.intent.order_id, dispute.intent.reference) == (ORDER.order_id, reference)
    assert dispute.failure == "fraudulent"


@pytest.mark.contract("12.2")
def test_an_event_said_twice_is_the_same_notice(world: World) -> None:
    world.stripe.travel(Delivery(times=2), cards.GOOD)
    world.pay()
    world.stripe.deliver()
    authorized = [notice for notice in world.heard if notice.type == "authorized"]
    assert len(authorized) == 2
    assert authorized[0] == authorized[1]


@pytest.mark.contract("12.2")
def test_events_in_any_order_tell_of_the_payment_as_it_is_now(world: World) -> None:
    world.captured()
    world.stripe.deliver(backwards=True)
    assert set(world.types()) == {"authorized", "captured"}
    assert {notice.intent.status for notice in world.heard if notice.intent.reference and notice.type != "other"} == {
        "captured"
    }


@pytest.mark.contract("12.2")
def test_an_event_that_comes_a_day_late_says_that_the_payment_was_given_up(world: World) -> None:
    world.stripe.travel(Delivery(delay=25 * 3600), ORDER.order_id)
    intent = world.pay()
    world.stripe.deliver()
    assert world.types() == []
    world.port.void(ORDER.order_id, intent.reference)
    world.pass_(hours=26)
    world.stripe.deliver()
    assert set(world.types()) == {"voided"}


@pytest.mark.contract("12.2")
def test_an_event_that_never_comes_is_found_by_asking(world: World) -> None:
    world.stripe.travel(Delivery(times=0))
    intent = world.pay()
    assert world.stripe.deliver() == 0
    assert world.port.retrieve(intent.reference).status == "authorized"


@pytest.mark.contract("12.2")
def test_an_event_is_not_believed_about_money_but_stripe_is(world: World) -> None:
    reference = world.pay().reference
    told = orjson.loads(event())
    told["data"]["object"] |= {"id": reference, "amount": 1, "currency": "jpy", "metadata": {"order_id": "ord_eve"}}
    notice = world.port.parse(orjson.dumps(told))
    assert (notice.intent.amount, notice.intent.order_id) == (ORDER.amount, ORDER.order_id)


@pytest.mark.contract("12.2")
def test_an_event_that_cannot_be_looked_into_comes_again(world: World) -> None:
    world.pay()
    world.stripe.break_(f"GET {world.pay().reference}", "timeout")
    with pytest.raises(ProviderUnavailable):
        world.stripe.deliver()


@pytest.mark.contract("12.2")
def test_what_is_not_about_our_orders_is_only_noted(world: World) -> None:
    headers = {"authorization": f"Bearer {cards.CREDENTIALS['api_key']}"}
    made = world.stripe.handle("POST", "/v1/payment_intents", headers, b"amount=500&currency=eur")
    world.stripe.pay(orjson.loads(made[2])["client_secret"], cards.GOOD)
    setup = world.port.setup("ada", "")
    world.stripe.save(setup.client_secret, cards.GOOD)
    world.stripe.deliver()
    assert world.heard
    assert world.types() == []
