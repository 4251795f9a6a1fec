"""A payment in review while calls are lost and functions die; and bugs planted on purpose, which these checks find."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fraud import contract, store
from fraud import service as fraud
from fraud.model import APPROVED
from market.table import Write, update
from payments import screening
from tests import shop
from tests.sagas import checkout as cards
from tests.sagas.review import DOUBTFUL, REVIEW_SECONDS, TOTAL, Reviewed, assert_waiting, cancel, held
from tests.sagas.test_checkout import assert_nothing_left, assert_sold

pytestmark = [pytest.mark.contract("12.8", "11.2")]


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[Reviewed]:
    running = Reviewed(environment)
    yield running
    running.close()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["capture", "await_review", "resolve_review", "fraud-consumer", "POST capture"])
def test_a_call_that_is_lost_is_made_again(checkout: Reviewed, what: str, when: str) -> None:
    checkout.break_(what, when, 3)
    number = held(checkout)
    checkout.wait(600)
    assert_waiting(checkout, number)
    assert checkout.decide(number).status == 200
    checkout.run()
    checkout.wait(900)
    assert_sold(checkout, number, TOTAL)
    assert checkout.uses() == 1


def test_a_wait_that_never_begins_ends_the_review_and_the_order(checkout: Reviewed) -> None:
    checkout.break_("await_review", "before", 10**6)
    number = held(checkout)
    checkout.wait(1_200)
    assert_nothing_left(checkout, number, "payment_declined")
    assert checkout.queue() == [(number, "expired")]


def test_an_answer_about_the_review_that_never_comes_gives_everything_back(checkout: Reviewed) -> None:
    checkout.break_("resolve_review", "before", 10**6)
    number = held(checkout)
    checkout.wait(REVIEW_SECONDS + 1_800)
    assert_nothing_left(checkout, number, "checkout_failed")
    assert checkout.queue() == [(number, "withdrawn")]


def each_death(what: str, most: int) -> list[Any]:
    return [
        pytest.param(what, when, number, id=f"{what}-{when}-{number}")
        for when in ("before", "after")
        for number in range(most)
    ]


@pytest.mark.parametrize(
    ("what", "when", "number", "decision"),
    [
        pytest.param(*death.values, decision, id=f"{decision}-{death.id}")
        for decision, calls in (("approve", 9), ("reject", 6))
        for death in (
            *each_death("payments-webhooks", 8),
            *each_death("capture", 2),
            *each_death("await_review", 1),
            *each_death("decision", calls),
            *each_death("fraud-consumer", 2),
        )
    ],
)
@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
def test_a_death_at_any_aws_call_of_the_review_costs_nobody_anything(
    checkout: Reviewed, what: str, when: str, number: int, decision: str
) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2_000))
    order = checkout.place()
    checkout.run()
    if what != "fraud-consumer":
        checkout.kill(what, when, number)
    checkout.pay("ada", order, DOUBTFUL)
    checkout.run()
    checkout.wait(600)
    assert_waiting(checkout, order)
    if what == "fraud-consumer":
        checkout.kill(what, when, number)
    if checkout.decide(order, decision).status == 500:
        assert checkout.decide(order, decision).status in (200, 409)
    else:
        assert what != "decision"
    checkout.run()
    checkout.wait(900)
    assert checkout.killed
    if decision == "approve":
        assert_sold(checkout, order, TOTAL)
    else:
        assert_nothing_left(checkout, order, "payment_declined")
    screens = what in ("capture", "payments-webhooks")
    assert checkout.uses() in ((0, 1) if screens else (1,)), "a screen that dies may forget, not count twice"
    assert shop.types(shop.announced()).count("fraud.review_needed") == 1


@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
@pytest.mark.parametrize(("what", "when", "number"), each_death("resolve_review", 3))
def test_a_death_at_any_aws_call_of_the_timeout_costs_nobody_anything(
    checkout: Reviewed, what: str, when: str, number: int
) -> None:
    order = held(checkout)
    checkout.kill(what, when, number)
    checkout.wait(REVIEW_SECONDS + 900)
    assert checkout.killed
    assert_nothing_left(checkout, order, "payment_declined")
    assert checkout.queue() == [(order, "expired")]


@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
@pytest.mark.parametrize(("what", "when", "number"), each_death("capture", 6))
def test_a_death_at_any_aws_call_of_the_capture_that_was_approved_costs_nobody_anything(
    checkout: Reviewed, what: str, when: str, number: int
) -> None:
    order = held(checkout)
    checkout.kill(what, when, number)
    checkout.decide(order)
    checkout.run()
    checkout.wait(900)
    assert checkout.killed
    assert_sold(checkout, order, TOTAL)


@pytest.mark.parametrize("card", [cards.GOOD, DOUBTFUL])
def test_a_payment_that_is_tried_again_is_screened_and_counted_once(checkout: Reviewed, card: str) -> None:
    checkout.break_("POST capture", "before", 2)
    number = held(checkout, card)
    checkout.decide(number)
    checkout.run()
    checkout.wait(900)
    assert_sold(checkout, number, TOTAL)
    assert checkout.uses() == 1


@pytest.mark.parametrize("database", ["dynoxide"], indirect=True)
def test_the_deaths_reach_every_aws_call_of_the_review(checkout: Reviewed) -> None:
    """What `each_death` is told by hand above, compared with what there is."""
    number = held(checkout)
    expected = {"payments-webhooks": 8, "capture": 2, "await_review": 1}
    assert {what: checkout.aws[what] for what in expected} == expected
    checkout.decide(number)
    admitted, recorded = ["blocked?", "may they?"], ["as it was"]
    steps = [*admitted, "look", *recorded, "decide", *recorded, "count", "look", "the order"]
    assert checkout.aws["decision"] == len(steps)
    checkout.run()
    assert checkout.aws["capture"] == 6, "two reads, three of the sandbox's own calls, the captured payment"


# -- bugs planted on purpose


def violated(checkout: Reviewed, story: Callable[[], str], checks: Callable[[str], None]) -> bool:
    try:
        checks(story())
    except AssertionError:
        return True
    return False


def test_a_screening_that_is_counted_twice_is_found(checkout: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter(range(100))
    honest = contract.signals.use_of

    def forgetful(facts: contract.Facts, key: bytes) -> Any:
        use = honest(facts, key)
        return type(use)(use.at, f"x{next(ids)}", use.account, use.card, use.ip)

    monkeypatch.setattr(contract.signals, "use_of", forgetful)
    monkeypatch.setattr(screening, "known", lambda *_: None)
    monkeypatch.setattr(contract, "_record", unfenced_record)

    def story() -> str:
        checkout.break_("POST capture", "before", 2)
        number = held(checkout, cards.GOOD)
        checkout.wait(600)
        return number

    def counted_once(_: str) -> None:
        assert checkout.uses() == 1

    assert violated(checkout, story, counted_once)


def unfenced_record(screened: contract.Screening) -> Write:
    """The record without its condition."""
    return update(
        contract.record_key(screened.order_id),
        "SET status = :status, order_no = :number, screened_at = :at, verdict = :verdict",
        {":status": screened.status, ":number": screened.order_no, ":at": screened.screened_at, ":verdict": "review"},
    )


def test_an_approval_after_a_rejection_is_found(checkout: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(screened: contract.Screening, status: str, **_: str) -> None:
        store._table.write(update(contract.record_key(screened.order_id), "SET status = :status", {":status": status}))

    monkeypatch.setattr(store, "end", unfenced)
    number = held(checkout)
    answers = [checkout.decide(number, "reject").status, checkout.decide(number, "approve").status]
    assert answers != [200, 409]


def test_a_review_that_times_out_into_the_capture_is_found(checkout: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(of_order: str) -> None:
        screened = fraud._known(of_order)
        if screened.status != APPROVED:
            store.end(screened, APPROVED, by="nobody")

    monkeypatch.setattr(fraud, "resolve", generous)

    def story() -> str:
        number = held(checkout)
        checkout.wait(REVIEW_SECONDS + 600)
        return number

    assert violated(checkout, story, lambda number: assert_nothing_left(checkout, number, "payment_declined"))


def test_a_capture_that_does_not_ask_the_screen_is_found(checkout: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screening, "admit", lambda *_: None)
    assert violated(checkout, lambda: held(checkout), lambda number: assert_waiting(checkout, number))


def test_a_cancelled_order_that_stays_in_review_is_found(checkout: Reviewed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fraud, "withdraw", lambda _: None)

    def story() -> str:
        number = held(checkout)
        cancel(number)
        checkout.run()
        return number

    assert violated(checkout, story, lambda number: assert_nothing_left(checkout, number, "cancelled_by_customer"))
