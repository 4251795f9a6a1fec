"""Stripe charges, declines and lets go; its own book says what really happened to the money."""

import pytest

from market.errors import NotFound
from payments.model import (
    CaptureRefused,
    Card,
    Contradicted,
    Mismatch,
)
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import DUE, ORDER, World, euros, world

__all__ = ["world"]


# -- the happy path


@pytest.mark.contract("12.1", "12.3")
def test_a_customer_pays_and_the_money_is_taken_once(world: World) -> None:
    opened = world.open()
    assert (opened.status, opened.order_id, opened.amount) == ("pending", ORDER.order_id, DUE)
    assert opened.client_secret.startswith(opened.reference)

    world.stripe.pay(opened.client_secret, cards.GOOD)
    world.stripe.deliver()
    assert world.types() == ["authorized"]
    told = world.heard[-1]
    assert (told.intent.reference, told.intent.amount, told.intent.status) == (opened.reference, DUE, "authorized")
    assert world.book() == [("requires_capture", 0, 0)]

    taken = world.port.capture(ORDER.order_id, opened.reference, DUE)
    assert (taken.status, taken.amount) == ("captured", DUE)
    assert world.book() == [("succeeded", 4999, 0)]


@pytest.mark.contract("12.1")
def test_stripe_is_asked_to_authorize_only_and_is_told_nothing_of_the_person(world: World) -> None:
    opened = world.open(email="ada@example.com")
    kept = world.stripe.memory.objects[opened.reference]
    assert (kept["capture_method"], kept["automatic_payment_methods"]["enabled"]) == ("manual", True)
    assert kept["metadata"] == {"order_id": ORDER.order_id}
    assert b"ada@" not in b"".join(body for *_, body in world.sent).replace(b"%40", b"@")


@pytest.mark.contract("12.3")
def test_every_write_that_moves_money_carries_a_key_made_from_our_ids(world: World) -> None:
    reference = world.captured()
    world.port.refund("ref_1", reference, euros(100))
    other = world.open(order_id="ord_2").reference
    world.port.void("ord_2", other)
    assert world.writes() == [
        ("/v1/payment_intents", f"create-{ORDER.order_id}"),
        (f"/v1/payment_intents/{reference}/capture", f"capture-{ORDER.order_id}-{reference}"),
        ("/v1/refunds", "refund-ref_1"),
        ("/v1/payment_intents", "create-ord_2"),
        (f"/v1/payment_intents/{other}/cancel", f"void-ord_2-{other}"),
    ]


@pytest.mark.contract("12.3")
def test_opening_twice_gives_the_same_intent_and_another_attempt_a_new_one(world: World) -> None:
    assert world.open().reference == world.open().reference
    assert world.open(attempt=2).reference != world.open().reference


@pytest.mark.contract("12.1", "12.4")
def test_the_fee_and_the_card_are_known_once_the_money_is_taken(world: World) -> None:
    reference = world.pay(cards.MASTERCARD).reference
    assert world.port.retrieve(reference).fee is None
    taken = world.port.capture(ORDER.order_id, reference, DUE)
    assert taken.fee == euros(145 + 30)
    assert taken.card == Card(
        fingerprint=taken.card.fingerprint if taken.card else "", last4="4444", brand="mastercard", country="US"
    )
    assert taken.card.fingerprint


@pytest.mark.contract("12.8")
def test_the_same_card_has_the_same_fingerprint_whoever_pays(world: World) -> None:
    one, two = world.pay(), world.pay(order_id="ord_2", customer_id="cus_ours_2")
    other = world.pay(cards.BRITISH, order_id="ord_3")
    assert one.card
    assert two.card
    assert other.card
    assert one.card.fingerprint == two.card.fingerprint != other.card.fingerprint


@pytest.mark.contract("12.4")
def test_a_card_from_abroad_costs_more(world: World) -> None:
    reference = world.pay(cards.BRITISH).reference
    assert world.port.capture(ORDER.order_id, reference, DUE).fee == euros(220 + 30)


@pytest.mark.contract("12.4")
def test_a_fee_taken_in_another_currency_is_told_in_the_orders(world: World) -> None:
    world.stripe.memory.rates["eur"] = ("usd", 12_340)
    reference = world.pay().reference
    assert world.port.capture(ORDER.order_id, reference, DUE).fee == euros(175)


# -- declines and 3-D Secure


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("4000000000000002", "generic_decline"),
        ("4000000000009995", "insufficient_funds"),
        ("4000000000009987", "lost_card"),
        ("4000000000009979", "stolen_card"),
        ("4000000000000069", "expired_card"),
        ("4000000000000127", "incorrect_cvc"),
        ("4000000000000119", "processing_error"),
        ("4000000000000341", "generic_decline"),
    ],
)
def test_a_declined_card_leaves_the_payment_open_for_another(world: World, card: str, why: str) -> None:
    intent = world.pay(card)
    assert intent.status == "pending"
    world.stripe.deliver()
    assert [(notice.type, notice.failure) for notice in world.heard if notice.type != "other"] == [("declined", why)]

    world.stripe.pay(intent.client_secret, cards.GOOD)
    assert world.port.retrieve(intent.reference).status == "authorized"
    assert world.book() == [("requires_capture", 0, 0)]


@pytest.mark.contract("12.1")
@pytest.mark.parametrize("card", [cards.SECURE, cards.SECURE_ALWAYS])
def test_a_payment_that_waits_for_3d_secure_is_still_pending(world: World, card: str) -> None:
    intent = world.pay(card)
    assert intent.status == "pending"
    with pytest.raises(Contradicted):
        world.port.capture(ORDER.order_id, intent.reference, DUE)
    world.stripe.authenticate(intent.reference)
    assert world.port.retrieve(intent.reference).status == "authorized"
    assert world.port.capture(ORDER.order_id, intent.reference, DUE).status == "captured"


@pytest.mark.contract("12.1")
def test_failed_3d_secure_is_a_decline(world: World) -> None:
    intent = world.pay(cards.SECURE_ALWAYS)
    world.stripe.authenticate(intent.reference, passed=False)
    world.stripe.deliver()
    assert [notice.failure for notice in world.heard if notice.type == "declined"] == [
        "payment_intent_authentication_failure"
    ]
    assert world.port.retrieve(intent.reference).status == "pending"


def test_passed_3d_secure_may_still_be_declined(world: World) -> None:
    intent = world.pay(cards.SECURE_DECLINED)
    world.stripe.authenticate(intent.reference)
    world.stripe.deliver()
    assert world.types() == ["attempted", "declined"]


# -- capture and void


@pytest.mark.contract("12.1")
def test_a_refused_capture_is_final_and_takes_nothing(world: World) -> None:
    reference = world.pay().reference
    world.stripe.block(reference)
    for _ in range(2):
        with pytest.raises(CaptureRefused):
            world.port.capture(ORDER.order_id, reference, DUE)
    assert world.book() == [("requires_capture", 0, 0)]


@pytest.mark.contract("12.1")
def test_an_authorization_that_lapsed_cannot_be_captured(world: World) -> None:
    reference = world.pay().reference
    world.pass_(days=7)
    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, reference, DUE)
    assert world.port.retrieve(reference).status == "voided"


@pytest.mark.contract("12.3")
def test_capturing_again_is_fine_even_when_stripe_has_forgotten_the_key(world: World) -> None:
    reference = world.captured()
    world.pass_(hours=25)
    assert world.port.capture(ORDER.order_id, reference, DUE).status == "captured"
    assert world.book() == [("succeeded", 4999, 0)]


def test_another_amount_captured_by_somebody_else_is_a_mismatch(world: World) -> None:
    reference = world.pay().reference
    headers = {"authorization": f"Bearer {cards.CREDENTIALS['api_key']}"}
    world.stripe.handle("POST", f"/v1/payment_intents/{reference}/capture", headers, b"amount_to_capture=1000")
    with pytest.raises(Mismatch):
        world.port.capture(ORDER.order_id, reference, DUE)


@pytest.mark.contract("12.1")
def test_voiding_gives_back_the_authorization_and_again_is_fine(world: World) -> None:
    reference = world.pay().reference
    assert world.port.void(ORDER.order_id, reference).status == "voided"
    world.pass_(hours=25)
    assert world.port.void(ORDER.order_id, reference).status == "voided"
    assert world.book() == [("canceled", 0, 0)]


def test_what_was_captured_cannot_be_voided(world: World) -> None:
    reference = world.captured()
    with pytest.raises(Contradicted):
        world.port.void(ORDER.order_id, reference)
    assert world.book() == [("succeeded", 4999, 0)]


def test_each_attempt_of_an_order_is_voided_by_itself(world: World) -> None:
    first, second = world.open(), world.open(attempt=2)
    assert world.port.void(ORDER.order_id, first.reference).status == "voided"
    assert world.port.void(ORDER.order_id, second.reference).status == "voided"


def test_a_payment_that_stripe_does_not_know_is_not_found(world: World) -> None:
    with pytest.raises(NotFound):
        world.port.retrieve("pi_nowhere")
