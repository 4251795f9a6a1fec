"""SSLCommerz takes money, fails to, falls silent and gives back; its own book says what really happened to it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from random import Random

import pytest

from market.money import Money
from payments.model import CaptureRefused, Contradicted, NotPayable, ProviderUnavailable, RefundRefused
from payments.simulators.sslcommerz import BKASH, DECLINED, NEVER, REFUSED, REVERSED, RISKY, SAME, SLOW, TWICE, VISA
from tests.services.payments.sslcommerz import IPN, ORDER, REFERENCE, World, world

__all__ = ["world"]

DUE = ORDER.amount


@pytest.mark.contract("12.1", "12.3")
def test_a_customer_pays_at_sslcommerz_and_it_is_taken_at_once(world: World) -> None:
    opened = world.open()
    assert (opened.status, opened.reference, opened.amount) == ("pending", REFERENCE, DUE)
    assert opened.redirect.startswith("https://sandbox.sslcommerz.com/EasyCheckOut/")

    world.gateway.pay(REFERENCE)
    world.gateway.send()
    notice = world.heard[0]
    assert (notice.type, notice.intent.order_id, notice.intent.amount) == ("authorized", ORDER.order_id, DUE)
    assert world.gateway.charged(REFERENCE) == DUE

    taken = world.port.capture(ORDER.order_id, REFERENCE, DUE)
    assert (taken.status, taken.amount, taken.fee) == ("captured", DUE, Money(3_750, "BDT"))


@pytest.mark.contract("12.1")
def test_a_session_names_where_to_come_back_and_whom_to_notify_and_tells_little_of_the_customer(world: World) -> None:
    world.open()
    form = world.gateway.forms[REFERENCE]

    assert (form["tran_id"], form["value_a"], form["ipn_url"]) == (REFERENCE, ORDER.order_id, IPN)
    assert (form["total_amount"], form["currency"]) == ("1500.00", "BDT")
    assert {form[f"{end}_url"] for end in ("success", "fail", "cancel")} == {
        f"{ORDER.return_url}?payment={end}" for end in ("success", "fail", "cancel")
    }
    assert form["cus_email"] == ORDER.email
    assert {form[name] for name in ("cus_add1", "cus_city", "cus_phone")} == {"not given"}


@pytest.mark.contract("12.3")
def test_opening_twice_is_the_same_payment_and_another_attempt_is_another(world: World) -> None:
    assert world.open().reference == world.open().reference
    assert len(world.gateway.transactions) == 1
    assert world.open(attempt=2).reference == f"{ORDER.order_id}-2"


@pytest.mark.contract("12.3")
def test_opening_what_is_paid_already_tells_that_it_is(world: World) -> None:
    world.paid()

    assert world.open().status == "captured"
    assert world.gateway.charged(REFERENCE) == DUE


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    ("end", "failure"),
    [
        (lambda world: world.gateway.pay(REFERENCE, DECLINED), "failed"),
        (lambda world: world.gateway.cancel(REFERENCE), "cancelled"),
        (lambda world: world.gateway.leave(REFERENCE), "unattempted"),
    ],
)
def test_an_attempt_that_comes_to_nothing_is_declined_and_needs_a_new_one(
    world: World, end: Callable[[World], None], failure: str
) -> None:
    world.open()
    end(world)
    world.gateway.send()

    assert (world.heard[0].type, world.heard[0].failure) == ("declined", failure)
    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, REFERENCE, DUE)
    with pytest.raises(NotPayable):
        world.open()
    world.open(attempt=2)
    world.gateway.pay(f"{ORDER.order_id}-2")
    world.gateway.send()
    assert world.heard[-1].intent.reference == f"{ORDER.order_id}-2"


@pytest.mark.contract("12.2")
def test_a_payment_whose_notification_never_comes_is_found_by_asking(world: World) -> None:
    world.gateway.manner = NEVER
    world.notified()

    assert world.port.retrieve(REFERENCE).status == "captured"
    assert world.port.capture(ORDER.order_id, REFERENCE, DUE).status == "captured"


@pytest.mark.contract("12.1")
def test_a_pending_payment_is_unknown_until_it_comes_through(world: World) -> None:
    world.notified(SLOW)
    assert world.port.retrieve(REFERENCE).status == "pending"
    with pytest.raises(Contradicted):
        world.port.capture(ORDER.order_id, REFERENCE, DUE)

    world.gateway.settle(REFERENCE)
    assert world.port.capture(ORDER.order_id, REFERENCE, DUE).status == "captured"


@pytest.mark.contract("12.1")
def test_an_abandoned_session_is_voided_without_a_refund_and_paid_late_it_is_given_back(world: World) -> None:
    world.open()
    assert world.port.retrieve(REFERENCE).status == "pending"
    assert world.port.void(ORDER.order_id, REFERENCE).status == "voided"
    assert world.gateway.refunds == {}

    world.gateway.pay(REFERENCE)
    world.gateway.send()
    assert world.heard[0].type == "authorized"
    with pytest.raises(ProviderUnavailable):
        world.port.void(ORDER.order_id, REFERENCE)
    world.gateway.decide()
    assert world.port.void(ORDER.order_id, REFERENCE).status == "voided"
    assert world.port.void(ORDER.order_id, REFERENCE).status == "voided"
    assert world.gateway.given_back(REFERENCE) == DUE
    assert len(world.gateway.refunds) == 1


@pytest.mark.contract("12.1")
def test_a_void_whose_refund_is_cancelled_is_not_passed_over(world: World) -> None:
    world.paid()
    with pytest.raises(ProviderUnavailable):
        world.port.void(ORDER.order_id, REFERENCE)

    world.gateway.decide("cancelled")
    with pytest.raises(Contradicted):
        world.port.void(ORDER.order_id, REFERENCE)


@pytest.mark.contract("12.1")
def test_another_amount_than_ours_is_not_confirmed(world: World) -> None:
    world.paid()

    with pytest.raises(CaptureRefused):
        world.port.capture(ORDER.order_id, REFERENCE, Money(150_001, "BDT"))


@pytest.mark.contract("12.3")
@pytest.mark.parametrize("fault", ["lost", "timeout", "500", "429"])
@pytest.mark.parametrize("verb", ["session", "query", "validate", "refund", "refund_query"])
def test_a_call_whose_answer_did_not_come_is_repeated_without_a_second_effect(
    world: World, verb: str, fault: str
) -> None:
    back = Money(50_000, "BDT")
    steps = {
        "session": lambda: world.open(),
        "query": lambda: world.port.capture(ORDER.order_id, REFERENCE, DUE),
        "validate": lambda: world.hear(notification),
    }
    step = steps.get(verb, lambda: world.port.refund("rfd_1", REFERENCE, back))
    if verb != "session":
        world.paid()
    notification = world.gateway._untold[-1] if world.gateway._untold else b""

    world.gateway.fail(fault, verb)
    with pytest.raises(ProviderUnavailable):
        step()
    step()
    step()

    assert len(world.gateway.transactions) == 1
    assert world.gateway.charged(REFERENCE) == (Money(0, "BDT") if verb == "session" else DUE)
    assert world.gateway.given_back(REFERENCE) == (back if verb.startswith("refund") else Money(0, "BDT"))


@pytest.mark.contract("12.3")
def test_a_refund_is_pending_until_sslcommerz_has_decided(world: World) -> None:
    world.paid()
    first = world.port.refund("rfd_1", REFERENCE, Money(50_000, "BDT"))
    assert (first.status, first.amount) == ("pending", Money(50_000, "BDT"))

    world.gateway.decide()
    again = world.port.refund("rfd_1", REFERENCE, Money(50_000, "BDT"))
    assert (again.status, again.reference) == ("succeeded", first.reference)
    assert world.gateway.given_back(REFERENCE) == Money(50_000, "BDT")


@pytest.mark.contract("12.3")
def test_a_refund_that_sslcommerz_cancels_has_failed(world: World) -> None:
    world.paid()
    world.port.refund("rfd_1", REFERENCE, DUE)
    world.gateway.decide("cancelled")

    assert world.port.refund("rfd_1", REFERENCE, DUE).status == "failed"
    assert world.gateway.given_back(REFERENCE) == Money(0, "BDT")


@pytest.mark.contract("12.3")
def test_a_repeated_refund_that_is_turned_away_waits_for_a_person_and_is_not_refused(world: World) -> None:
    world.gateway.duplicates = REFUSED
    world.paid()
    world.gateway.fail("lost", "refund")
    with pytest.raises(ProviderUnavailable):
        world.port.refund("rfd_1", REFERENCE, Money(50_000, "BDT"))

    assert world.port.refund("rfd_1", REFERENCE, Money(50_000, "BDT")).status == "pending"
    assert world.gateway.given_back(REFERENCE) == Money(50_000, "BDT")


@pytest.mark.contract("12.3")
def test_refunds_that_race_never_give_back_more_than_was_taken(world: World) -> None:
    world.paid()

    def refund(number: int) -> str:
        try:
            return world.port.refund(f"rfd_{number % 5}", REFERENCE, Money(45_000, "BDT")).status
        except RefundRefused:
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refund, range(20)))

    assert len(world.gateway.refunds) == 3
    assert world.gateway.given_back(REFERENCE) == Money(135_000, "BDT")
    assert set(answers) == {"pending", "refused"}


@pytest.mark.contract("12.3")
@pytest.mark.parametrize(
    "amount", [Money(150_001, "BDT"), Money(0, "BDT"), Money(-1, "BDT"), Money(100, "USD"), Money(200_000, "BDT")]
)
def test_what_was_not_taken_is_not_given_back(world: World, amount: Money) -> None:
    world.paid()

    with pytest.raises(RefundRefused):
        world.port.refund("rfd_1", REFERENCE, amount)
    assert world.gateway.refunds == {}


@pytest.mark.contract("12.3")
def test_nothing_is_given_back_before_it_was_paid(world: World) -> None:
    world.open()

    with pytest.raises(RefundRefused):
        world.port.refund("rfd_1", REFERENCE, DUE)


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    ("amount", "written", "taka", "fee"),
    [
        (Money(4_999, "USD"), "49.99", Money(552_389, "BDT"), Money(125, "USD")),
        (Money(12_000, "JPY"), "12000", Money(900_000, "BDT"), Money(300, "JPY")),
    ],
)
def test_other_currencies_are_compared_as_asked_and_refunded_at_their_own_rate(
    world: World, amount: Money, written: str, taka: Money, fee: Money
) -> None:
    world.notified(amount=amount)
    assert world.gateway.forms[REFERENCE]["total_amount"] == written
    assert world.gateway.charged(REFERENCE) == taka
    taken = world.port.capture(ORDER.order_id, REFERENCE, amount)
    assert (taken.amount, taken.fee) == (amount, fee)

    third = Money(amount.amount // 3, amount.currency)
    world.port.refund("rfd_1", REFERENCE, third)
    world.port.refund("rfd_2", REFERENCE, third)
    world.port.refund("rfd_3", REFERENCE, amount - third - third)
    assert 0 <= (taka - world.gateway.given_back(REFERENCE)).amount <= 2


@pytest.mark.contract("12.3")
def test_a_full_refund_of_a_converted_payment_is_all_of_it(world: World) -> None:
    world.paid(amount=Money(4_999, "USD"))
    world.port.refund("rfd_1", REFERENCE, Money(4_999, "USD"))

    assert world.gateway.given_back(REFERENCE) == world.gateway.charged(REFERENCE)


@pytest.mark.contract("12.1")
@pytest.mark.parametrize(
    "amount", [Money(999, "BDT"), Money(50_000_001, "BDT"), Money(1_500, "KWD"), Money(100, "CHF")]
)
def test_amounts_that_sslcommerz_does_not_take_are_not_opened(world: World, amount: Money) -> None:
    with pytest.raises(NotPayable):
        world.open(amount)
    assert world.gateway.transactions == {}


@pytest.mark.contract("12.8")
def test_doubts_are_logged_and_a_telephone_number_is_not_taken_for_a_card(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.notified(RISKY)
    assert "risky payment" in capsys.readouterr().out
    card = world.heard[0].intent.card
    assert card is not None
    assert (card.bin, card.last4, card.brand, card.country) == ("455445", "4326", "visa", "BD")

    world.open(attempt=2)
    world.gateway.pay(f"{ORDER.order_id}-2", BKASH)
    world.gateway.send()
    card = world.heard[-1].intent.card
    assert card is not None
    assert (card.bin, card.last4) == ("", "")


@pytest.mark.contract("12.3")
def test_a_refund_id_too_long_for_sslcommerz_still_refunds_once(world: World) -> None:
    world.paid()
    for _ in range(2):
        world.port.refund("rfd_" + "x" * 40, REFERENCE, Money(10_000, "BDT"))

    assert [len(name) for name in world.gateway.refunds] == [30]


@pytest.mark.contract("12.2")
def test_a_notification_told_twice_is_one_notice(world: World) -> None:
    world.gateway.manner = TWICE
    world.notified()

    assert len(world.heard) == 2
    assert world.heard[0].id == world.heard[1].id


@pytest.mark.contract("12.2")
def test_a_failure_told_after_the_payment_is_not_taken_for_the_present(world: World) -> None:
    world.open()
    late = world.gateway.signed(dict(world.gateway.transactions[REFERENCE], status="FAILED", store_id="market0live"))
    world.gateway.pay(REFERENCE)

    world.hear(late)
    assert world.heard[0].type == "authorized"


@pytest.mark.contract("12.1")
def test_a_store_that_sslcommerz_does_not_know_is_our_fault_and_no_decline(world: World) -> None:
    world.paid()
    world.gateway._password = "changed"

    with pytest.raises(RuntimeError):
        world.port.retrieve(REFERENCE)


@pytest.mark.contract("12.3", "26.1")
@pytest.mark.parametrize("seed", range(40))
def test_whatever_goes_wrong_in_whatever_order_the_book_is_right_in_the_end(world: World, seed: int) -> None:
    """Seeded: verbs are called again and again, in any order, while SSLCommerz fails, decides and repeats itself."""
    chance = Random(seed)
    world.paid(chance.choice([VISA, VISA, SLOW, DECLINED]))
    world.gateway.duplicates = chance.choice([SAME, REFUSED])
    asked = {f"rfd_{number}": Money(chance.randint(1, 75_000), "BDT") for number in range(4)}
    steps = [
        lambda: world.gateway.send(),
        lambda: world.open(),
        lambda: world.port.capture(ORDER.order_id, REFERENCE, DUE),
        lambda: world.port.refund(name := chance.choice(sorted(asked)), REFERENCE, asked[name]),
        lambda: world.port.refund(name := chance.choice(sorted(asked)), REFERENCE, asked[name]),
        lambda: world.gateway.decide(chance.choice(["refunded", "refunded", "cancelled"])),
        lambda: setattr(world.gateway, "manner", chance.choice([TWICE, REVERSED])),
    ] + [lambda: world.port.void(ORDER.order_id, REFERENCE)] * (seed % 3 == 0)
    for _ in range(40):
        if chance.random() < 0.4:
            verb = chance.choice(["session", "validate", "query", "refund", "refund_query"])
            world.gateway.fail(chance.choice(["lost", "timeout", "500", "429"]), verb)
        with suppress(ProviderUnavailable, CaptureRefused, RefundRefused, NotPayable):
            chance.choice(steps)()
        assert world.gateway.charged(REFERENCE) in (DUE, Money(0, "BDT"))
        assert world.gateway.given_back(REFERENCE).amount <= world.gateway.charged(REFERENCE).amount

    world.gateway._faults.clear()
    made = {name: refund["refund_amount"] for name, refund in world.gateway.refunds.items()}
    assert made.keys() <= asked.keys() | {f"undo-{ORDER.order_id}"}
    assert all(asked.get(name, DUE).decimal() == amount for name, amount in made.items())
    assert (world.port.retrieve(REFERENCE).status == "captured") == bool(world.gateway.charged(REFERENCE).amount)
