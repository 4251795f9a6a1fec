"""A payment held back by the fraud screen until a person, the customer or time decides; with the sandbox's own book."""

from collections.abc import Iterator

import pytest

from fraud import service as fraud
from orders import service as orders
from payments import taking
from payments.model import CAPTURED
from tests import shop
from tests.sagas import checkout as cards
from tests.sagas.checkout import order_id, templates
from tests.sagas.review import (
    DOUBTFUL,
    ON_BLOCK_LIST,
    REVIEW_SECONDS,
    TOTAL,
    Reviewed,
    assert_waiting,
    cancel,
    held,
)
from tests.sagas.test_checkout import assert_nothing_left, assert_sold

pytestmark = [pytest.mark.contract("12.8", "11.2")]


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[Reviewed]:
    running = Reviewed(environment)
    yield running
    running.close()


# -- what the screen says


def test_an_ordinary_payment_takes_no_transition_more_than_before(checkout: Reviewed) -> None:
    number = held(checkout, cards.GOOD)
    assert checkout.history(number) == ["AwaitPayment", "Confirm"]
    assert_sold(checkout, number, TOTAL)
    assert checkout.screening(number)["status"] == "passed"
    assert checkout.queue() == []


def test_a_blocked_payment_ends_the_order_and_its_customer_hears_of_a_decline(checkout: Reviewed) -> None:
    number = held(checkout, ON_BLOCK_LIST)
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.provider_book(number) == ("voided", 0)
    assert checkout.calls["POST capture"] == 0
    shown = shop.order_of("ada", number)
    assert not any(word in str(shown).lower() for word in ("fraud", "risk", "block", "review", "score"))


def test_a_doubtful_payment_waits_for_a_person(checkout: Reviewed) -> None:
    number = held(checkout)
    assert_waiting(checkout, number)
    assert shop.types(shop.announced()).count("fraud.review_needed") == 1
    reasons = {reason["rule"] for reason in checkout.screening(number)["reasons"]}
    assert "risky_bin" in reasons


def test_an_approved_payment_is_captured_once(checkout: Reviewed) -> None:
    number = held(checkout)
    assert checkout.decide(number).status == 200
    checkout.run()
    assert checkout.history(number) == ["AwaitPayment", "Capture", "AwaitReview", "Capture", "Confirm"]
    assert_sold(checkout, number, TOTAL)
    assert checkout.uses() == 1


def test_a_rejected_payment_gives_everything_back(checkout: Reviewed) -> None:
    number = held(checkout)
    assert checkout.decide(number, "reject").status == 200
    checkout.run()
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.calls["POST capture"] == 0
    assert checkout.queue() == [(number, "rejected")]


@pytest.mark.contract("7.2")
def test_a_review_holds_the_goods_past_the_orders_hold_and_the_schedule_leaves_it_alone(checkout: Reviewed) -> None:
    number = held(checkout)
    checkout.wait(cards.HOLD_SECONDS + 1_200)
    assert_waiting(checkout, number)
    assert list(checkout.executions()) == [order_id(number)], "the schedule begins no second checkout"
    checkout.decide(number)
    checkout.run()
    assert_sold(checkout, number, TOTAL)


@pytest.mark.contract("7.2")
def test_beginning_a_checkout_again_that_is_in_review_or_over_changes_nothing(checkout: Reviewed) -> None:
    number = held(checkout)
    for _ in range(2):
        orders.start_checkout(orders.Waiting(order_id(number), "ada", 1))
        checkout.run()
    assert_waiting(checkout, number)
    checkout.decide(number, "reject")
    checkout.run()
    orders.start_checkout(orders.Waiting(order_id(number), "ada", 1))
    checkout.run()
    assert_nothing_left(checkout, number, "payment_declined")


def test_a_review_may_take_three_days() -> None:
    (states,) = [
        m.definition["States"] for m in templates().machines.values() if "AwaitReview" in m.definition["States"]
    ]
    assert states["AwaitReview"]["TimeoutSeconds"] == 3 * 86_400


def test_a_review_that_nobody_ends_is_a_rejection(checkout: Reviewed) -> None:
    number = held(checkout)
    checkout.wait(REVIEW_SECONDS - 60)
    assert_waiting(checkout, number)
    checkout.wait(120)
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.history(number)[3:] == ["AskReviewer", "GiveUpOrder", "WasItPaid", "UndoPayment", "Cancelled"]
    assert checkout.decide(number).status == 409
    assert checkout.queue() == [(number, "expired")]
    assert checkout.calls["POST capture"] == 0


# -- decisions, early, late and twice


def test_only_the_first_decision_counts(checkout: Reviewed) -> None:
    number = held(checkout)
    answers = [checkout.decide(number, decision).status for decision in ("reject", "approve", "reject")]
    assert answers == [200, 409, 409]
    checkout.run()
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.decide(number).status == 409


def test_a_decision_that_is_announced_twice_changes_nothing_the_second_time(checkout: Reviewed) -> None:
    number = held(checkout)
    checkout.break_("fraud-consumer", "after", 2)
    checkout.decide(number)
    checkout.run()
    checkout.wait(900)
    assert_sold(checkout, number, TOTAL)


@pytest.mark.parametrize(("decision", "sold"), [("approve", True), ("reject", False)])
def test_a_decision_before_the_machine_waits_is_found_by_it(checkout: Reviewed, decision: str, sold: bool) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2_000))
    number = checkout.place()
    checkout.before("await_review", lambda: checkout.decide(number, decision))
    checkout.pay("ada", number, DOUBTFUL)
    checkout.run()
    checkout.wait(900)
    if sold:
        assert_sold(checkout, number, TOTAL)
    else:
        assert_nothing_left(checkout, number, "payment_declined")


def test_an_approval_whose_word_is_lost_for_good_is_found_when_the_wait_ends(checkout: Reviewed) -> None:
    number = held(checkout)
    checkout.break_("fraud-consumer", "before", 10**6)
    checkout.decide(number)
    checkout.wait(REVIEW_SECONDS - 600)
    assert checkout.provider_book(number) == ("authorized", 0)
    checkout.wait(900)
    assert_sold(checkout, number, TOTAL)
    assert checkout.history(number)[3:] == ["AskReviewer", "Capture", "Confirm"]


# -- the customer wants out


def test_a_customer_may_cancel_while_in_review(checkout: Reviewed) -> None:
    number = held(checkout)
    assert cancel(number) == 202
    checkout.run()
    assert_nothing_left(checkout, number, "cancelled_by_customer")
    assert checkout.queue() == [(number, "withdrawn")]
    assert checkout.decide(number).status == 409


def test_a_cancellation_and_an_approval_at_once_charge_nobody(checkout: Reviewed) -> None:
    number = held(checkout)
    assert cancel(number) == 202
    assert checkout.decide(number).status == 200
    checkout.run()
    checkout.wait(900)
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_a_cancellation_just_before_the_screen_is_not_left_in_review(checkout: Reviewed) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2_000))
    number = checkout.place()
    checkout.run()

    def cancelled() -> None:
        assert cancel(number) == 202
        fraud.withdraw(order_id(number))

    checkout.before("capture", cancelled)
    checkout.pay("ada", number, DOUBTFUL)
    checkout.run()
    checkout.wait(900)
    assert_nothing_left(checkout, number, "cancelled_by_customer")


def test_a_payment_that_was_captured_before_is_not_screened_again(checkout: Reviewed) -> None:
    number = held(checkout, cards.GOOD)
    before = checkout.screening(number)
    result = taking.capture("ada", order_id(number))
    assert result["amount"] == {"amount": TOTAL, "currency": "EUR"}
    assert checkout.screening(number) == before
    assert checkout.provider_book(number)[0] == CAPTURED
