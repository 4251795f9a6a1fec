"""What Stripe gives back, in every currency, and what its book says of a period."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from market.money import Money
from payments.model import (
    NotPayable,
    ProviderUnavailable,
    RefundRefused,
)
from tests.services.payments import stripe as cards
from tests.services.payments.stripe import DUE, ORDER, World, euros, world

__all__ = ["world"]


# -- refunds


@pytest.mark.contract("12.3")
def test_parts_are_given_back_until_nothing_is_left(world: World) -> None:
    reference = world.captured()
    assert world.port.refund("ref_1", reference, euros(2000)).amount == euros(2000)
    part = world.port.retrieve(reference)
    assert (part.status, part.refunded) == ("captured", euros(2000))
    world.port.refund("ref_2", reference, euros(2999))
    whole = world.port.retrieve(reference)
    assert (whole.status, whole.refunded) == ("refunded", DUE)
    with pytest.raises(RefundRefused):
        world.port.refund("ref_3", reference, euros(1))
    assert world.book() == [("succeeded", 4999, 4999)]


@pytest.mark.contract("12.3")
def test_more_than_is_left_is_refused(world: World) -> None:
    reference = world.captured()
    world.port.refund("ref_1", reference, euros(2000))
    with pytest.raises(RefundRefused):
        world.port.refund("ref_2", reference, euros(3000))
    assert world.book() == [("succeeded", 4999, 2000)]


@pytest.mark.contract("12.3")
def test_what_was_not_captured_cannot_be_given_back(world: World) -> None:
    for reference in (world.open().reference, world.pay(order_id="ord_2").reference, "pi_nowhere"):
        with pytest.raises(RefundRefused):
            world.port.refund("ref_1", reference, euros(1))


@pytest.mark.contract("12.3")
def test_refunds_that_race_never_exceed_what_was_captured(world: World) -> None:
    reference = world.captured()

    def refund(number: int) -> str:
        try:
            return world.port.refund(f"ref_{number}", reference, euros(1000)).status
        except RefundRefused:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(refund, range(12)))
    assert outcomes == ["refused"] * 8 + ["succeeded"] * 4
    assert world.book() == [("succeeded", 4999, 4000)]


@pytest.mark.contract("12.3")
def test_the_same_refund_asked_for_by_many_at_once_is_made_once(world: World) -> None:
    reference = world.captured()

    def refund(_: int) -> str:
        try:
            return world.port.refund("ref_1", reference, euros(1000)).status
        except ProviderUnavailable:
            return "unknown"

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(refund, range(12))) <= {"succeeded", "unknown"}
    assert world.port.refund("ref_1", reference, euros(1000)).status == "succeeded"
    assert world.book() == [("succeeded", 4999, 1000)]


@pytest.mark.contract("12.3")
def test_a_slow_refund_is_pending_until_stripe_says_otherwise(world: World) -> None:
    reference = world.captured(cards.SLOW_REFUND)
    assert world.port.refund("ref_1", reference, euros(1000)).status == "pending"
    world.pass_(hours=1)
    assert world.port.refund("ref_1", reference, euros(1000)).status == "succeeded"


@pytest.mark.contract("12.3")
def test_a_refund_that_fails_afterwards_is_told_and_not_made_anew(world: World) -> None:
    reference = world.captured(cards.FAILING_REFUND)
    assert world.port.refund("ref_1", reference, euros(1000)).status == "succeeded"
    world.pass_(hours=1)
    assert world.port.refund("ref_1", reference, euros(1000)).status == "failed"
    assert world.book() == [("succeeded", 4999, 0)]
    world.stripe.deliver()
    assert "expired_or_canceled_card" in [notice.failure for notice in world.heard]


def test_a_disputed_charge_cannot_be_given_back(world: World) -> None:
    reference = world.captured(cards.DISPUTED)
    with pytest.raises(RefundRefused):
        world.port.refund("ref_1", reference, euros(1000))


# -- currencies


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    ("amount", "units"),
    [
        (Money(500, "JPY"), 500),
        (Money(5000, "KRW"), 5000),
        (Money(5, "ISK"), 500),
        (Money(500, "UGX"), 50_000),
        (Money(50_000, "MGA"), 500),
        (Money(5120, "KWD"), 5120),
        (Money(1990, "BHD"), 1990),
        (Money(1999, "USD"), 1999),
    ],
)
def test_every_currency_is_charged_in_stripes_units_and_told_in_ours(world: World, amount: Money, units: int) -> None:
    reference = world.pay(amount=amount).reference
    taken = world.port.capture(ORDER.order_id, reference, amount)
    assert world.book() == [("succeeded", units, 0)]
    assert taken.amount == amount
    assert taken.fee
    assert taken.fee.currency == amount.currency
    world.port.refund("ref_1", reference, amount)
    assert world.port.retrieve(reference).refunded == amount


@pytest.mark.parametrize("amount", [Money(5124, "KWD"), Money(150, "MGA"), Money(1, "EUR"), Money(10**9, "EUR")])
def test_an_amount_that_stripe_has_no_number_for_is_not_payable_there(world: World, amount: Money) -> None:
    with pytest.raises(NotPayable):
        world.open(amount)
    assert world.book() == []


def test_a_fraction_that_stripe_cannot_give_back_is_refused(world: World) -> None:
    reference = world.captured(amount=Money(5120, "KWD"))
    with pytest.raises(RefundRefused):
        world.port.refund("ref_1", reference, Money(1, "KWD"))


# -- the book


@pytest.mark.contract("11.2")
def test_the_book_of_a_period_has_every_page_and_only_our_orders(world: World) -> None:
    world.open(order_id="ord_before")
    world.pass_(minutes=1)
    since = world.now
    for number in range(103):
        world.open(order_id=f"ord_{number}")
    headers = {"authorization": f"Bearer {cards.CREDENTIALS['api_key']}"}
    world.stripe.handle("POST", "/v1/payment_intents", headers, b"amount=500&currency=eur")
    world.pass_(minutes=1)
    world.open(order_id="ord_after")

    found = [intent.order_id for intent in world.port.recent(since, world.now)]
    assert sorted(found) == sorted(f"ord_{number}" for number in range(103))
    assert list(world.port.recent(world.now + timedelta(hours=1), world.now + timedelta(hours=2))) == []


def test_the_book_shows_what_was_taken_and_given_back(world: World) -> None:
    since = world.now
    reference = world.captured()
    world.port.refund("ref_1", reference, euros(1000))
    (line,) = world.port.recent(since, since + timedelta(minutes=1))
    assert (line.status, line.amount, line.refunded, line.fee) == ("captured", DUE, euros(1000), euros(175))
