"""The refund, from reserved to given back and booked or refused, with the provider's own book to compare with."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from typing import Any

import orjson
import pytest

from market import config
from orders.api import handler as orders_api
from payments.tasks import handler as payments_tasks
from refunds.tasks import handler as refunds_tasks
from tests import shop
from tests.http import call
from tests.sagas.checkout import order_id
from tests.sagas.refunds import (
    ALL,
    REFUSING,
    SLOW,
    TOTAL,
    Desk,
    assert_books_agree,
    assert_given_back,
    assert_nothing_given_back,
)

pytestmark = pytest.mark.contract("12.3")

HOUR, QUARTER = 3_600, 900
STEPS = ("refunds-consumer", "refund", "POST refund", "book")


@pytest.fixture
def desk(database: str, environment: pytest.MonkeyPatch) -> Iterator[Desk]:
    running = Desk(environment)
    running.open_shop()
    yield running
    running.close()


def some(sku: str, quantity: int) -> dict[str, Any]:
    return {"lines": [{"sku": sku, "quantity": quantity}], "reason": "returned"}


def settle(desk: Desk) -> None:
    """Let everything be tried as often as it is; machines under test retry at once, queues after a minute or two."""
    desk.run()
    desk.wait(QUARTER)


@pytest.mark.contract("12.3", "12.4", "12.5")
def test_a_refund_gives_the_money_back_and_books_it(desk: Desk) -> None:
    number = desk.sell()
    made = desk.ask(number).json
    assert (made["status"], made["amount"]["amount"]) == ("requested", TOTAL)
    desk.run()
    assert_given_back(desk, number)
    assert desk.executions()[made["id"]] == "SUCCEEDED"
    history = next(e for e in desk.runtime.workflows.executions() if e.name == made["id"])
    assert desk.runtime.workflows.history(history.arn) == ["ExecuteRefund", "BookRefund"]
    assert desk.ask(number).json["code"] == "nothing_to_refund"


@pytest.mark.contract("12.3", "12.5")
def test_refunds_piece_by_piece_keep_the_books_equal_after_each(desk: Desk) -> None:
    number = desk.sell()
    goodwill = {"lines": [{"sku": "CHAIR", "amount": {"amount": 333, "currency": "EUR"}}], "reason": "goodwill"}
    for body in (some("LAMP", 1), goodwill, {"shipping": True, "reason": "late"}, some("LAMP", 1)):
        assert desk.ask(number, body).status == 201
        desk.run()
        assert_books_agree(desk, number)
        assert desk.payment_status(number) == "partially_refunded"
    assert desk.ask(number).json["amount"]["amount"] == 8_000 - 333
    desk.run()
    assert desk.provider_book(number) == ("refunded", 0)
    assert_books_agree(desk, number)
    assert desk.payment_status(number) == "refunded"


@pytest.mark.contract("12.3", "12.5")
def test_tax_is_taken_back_from_the_state_unit_by_unit(desk: Desk) -> None:
    number = desk.sell(country="DE")
    owed = -desk.balances(number)["tax:DE"]
    assert owed > 0
    for body in (some("LAMP", 1), some("LAMP", 1), some("CHAIR", 1)):
        desk.ask(number, body)
        desk.run()
        assert_books_agree(desk, number)
    assert 0 < -desk.balances(number)["tax:DE"] < owed, "the tax of the shipping is left"
    desk.ask(number)
    desk.run()
    assert desk.provider_book(number) == ("refunded", 0)
    assert {account for account, amount in desk.balances(number).items() if amount} == {
        "provider:sandbox",
        "provider_fees",
    }


def test_a_vendor_that_was_paid_out_may_owe_us(desk: Desk) -> None:
    number = desk.sell()
    desk.ask(number, some("CHAIR", 1))
    desk.run()
    assert desk.balances(number)["vendor:ven_wood"] == -490, "its shipping is what is left to it"
    assert desk.balances(number)["commission"] == -400


@pytest.mark.parametrize("asks", [2, 3])
def test_refunds_at_once_give_back_what_was_captured_and_no_more(desk: Desk, asks: int) -> None:
    number = desk.sell()
    with ThreadPoolExecutor(asks) as pool:
        answers = [job.result() for job in [pool.submit(desk.ask, number) for _ in range(asks)]]
    assert sorted(answer.status for answer in answers) == [201] + [409] * (asks - 1)
    settle(desk)
    assert_given_back(desk, number)


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", STEPS)
def test_a_call_that_is_lost_and_comes_again_does_no_harm(desk: Desk, what: str, when: str, times: int) -> None:
    number = desk.sell()
    desk.break_(what, when, times)
    desk.ask(number)
    settle(desk)
    assert_given_back(desk, number)


@pytest.mark.slow
@pytest.mark.parametrize(
    "faults",
    list(combinations([(what, when) for what in STEPS for when in ("before", "after")], 2)),
    ids=lambda pair: "+".join(f"{what}-{when}" for what, when in pair).replace(" ", "-"),
)
def test_two_calls_that_are_lost_do_no_harm(desk: Desk, faults: tuple[tuple[str, str], ...]) -> None:
    number = desk.sell()
    for what, when in faults:
        desk.break_(what, when)
    desk.ask(number)
    settle(desk)
    assert_given_back(desk, number)


@pytest.mark.parametrize("death", ["Sandbox.Timedout", "Runtime.ExitError", "Lambda.ClientExecutionTimeoutException"])
@pytest.mark.parametrize("what", ["refund", "book"])
def test_a_function_that_dies_is_no_refusal(desk: Desk, what: str, death: str) -> None:
    number = desk.sell()
    desk.death = death
    desk.break_(what, "after")
    desk.ask(number)
    settle(desk)
    assert_given_back(desk, number)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["refunds-consumer", "refund", "book"])
def test_a_death_at_any_aws_call_of_a_step_does_no_harm(desk: Desk, what: str, when: str) -> None:
    cells = 0
    while True:
        number = desk.sell()
        desk.killer.aim(what, cells, when)
        desk.ask(number)
        settle(desk)
        assert_given_back(desk, number)
        if not desk.killer.struck:
            break
        cells += 1
    assert cells >= 2, "each step reads and writes"


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_death_at_any_aws_call_of_a_refusal_does_no_harm(desk: Desk, when: str) -> None:
    cells = 0
    while True:
        number = desk.sell(REFUSING)
        desk.killer.aim("refuse", cells, when)
        desk.ask(number)
        settle(desk)
        assert_refused(desk, number)
        if not desk.killer.struck:
            break
        cells += 1
    assert cells >= 3


def assert_refused(desk: Desk, number: str) -> None:
    """Staff see it, the reservation is back, nothing was given or booked."""
    (shown,) = desk.refunds(number)
    assert (shown["status"], shown["failure"]) == ("failed", "refund_refused")
    assert desk.executions()[shown["id"]] == "SUCCEEDED"
    assert_nothing_given_back(desk, number)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["refund", "POST refund", "refuse"])
def test_a_refusal_gives_the_reservation_back_once(desk: Desk, what: str, when: str) -> None:
    number = desk.sell(REFUSING)
    desk.break_(what, when, 2)
    desk.ask(number, some("LAMP", 2))
    settle(desk)
    assert_refused(desk, number)
    failed = [e for e in shop.announced() if e["type"] == "refund.failed"]
    assert len(failed) == 1
    assert desk.ask(number).json["amount"]["amount"] == TOTAL, "all of it may be asked for again"


def test_a_provider_that_takes_its_time_is_asked_again(database: str, environment: pytest.MonkeyPatch) -> None:
    desk = Desk(environment, retry_scale=1.0)
    desk.open_shop()
    number = desk.sell(SLOW)
    desk.ask(number)
    desk.run()
    assert desk.refunds(number)[0]["status"] == "requested"
    desk.wait(2 * HOUR)
    assert_given_back(desk, number)
    assert desk.calls["POST refund"] > 1
    desk.close()


# -- events


def hear_again(desk: Desk, envelope: dict[str, Any], source: str) -> None:
    entry = {"Source": source, "DetailType": envelope["type"], "EventBusName": config.setting("BUS_NAME")}
    desk.runtime.bus.put([entry | {"Detail": orjson.dumps(envelope).decode()}])


def test_a_request_heard_three_times_and_hours_late_is_carried_out_once(desk: Desk) -> None:
    number = desk.sell()
    desk.ask(number)
    (envelope,) = [e for e in shop.announced() if e["type"] == "refund.requested"]
    desk.run()
    for wait in (0, QUARTER, 2 * HOUR):
        desk.wait(wait)
        hear_again(desk, envelope, "market.refunds")
        desk.run()
    assert_given_back(desk, number)
    assert desk.calls["POST refund"] == 1


def test_a_request_whose_event_was_lost_for_good_is_found_by_the_schedule(desk: Desk) -> None:
    number = desk.sell()
    desk.break_("refunds-consumer", "before", 10**6)
    desk.ask(number)
    desk.run()
    assert_nothing_given_back(desk, number)
    desk.wait(HOUR)
    assert_given_back(desk, number)


# -- cancelled parts


def cancel(number: str, vendor: str = "") -> None:
    path = f"/v1/orders/{number}/parts/{vendor}/cancellation" if vendor else f"/v1/orders/{number}/cancellation"
    answer = call(orders_api, "POST", path, caller="ada")
    assert answer.status == 202, answer


@pytest.mark.contract("11.4", "12.3")
def test_a_paid_order_that_is_cancelled_is_refunded_and_its_stock_is_back(desk: Desk) -> None:
    number = desk.sell()
    cancel(number)
    settle(desk)
    assert desk.provider_book(number) == ("refunded", 0)
    assert sorted(refund["amount"]["amount"] for refund in desk.refunds(number)) == [4_490, 8_490]
    assert_books_agree(desk, number)
    assert (shop.shelf("LAMP"), shop.shelf("CHAIR")) == ((100, 0), (100, 0))
    assert desk.payment_status(number) == "refunded"


@pytest.mark.contract("11.4", "12.3")
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_cancelled_part_is_refunded_once_whatever_is_lost_or_repeated(desk: Desk, when: str) -> None:
    number = desk.sell()
    desk.ask(number, some("LAMP", 1))
    for what in STEPS:
        desk.break_(what, when)
    cancel(number, "ven_lights")
    settle(desk)
    (envelope,) = [e for e in shop.announced() if e["type"] == "order.part_cancelled"]
    for _ in range(2):
        hear_again(desk, envelope, "market.orders")
        settle(desk)
    assert desk.provider_book(number) == ("captured", 8_490)
    assert sorted(refund["amount"]["amount"] for refund in desk.refunds(number)) == [2_000, 2_490]
    assert_books_agree(desk, number)


# -- parked


def parked(desk: Desk) -> dict[str, Any]:
    name = next(name for name in desk.runtime.depths() if name.endswith("parked-refund"))
    (message,) = desk.runtime.queues.peek(name)
    return dict(orjson.loads(message.body))


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["refund", "POST refund"])
def test_a_provider_that_never_answers_is_left_to_a_person_with_the_money_still_reserved(
    desk: Desk, what: str, when: str
) -> None:
    number = desk.sell()
    desk.break_(what, when, 10**6)
    desk.ask(number)
    settle(desk)
    (refund,) = desk.refunds(number)
    assert (refund["status"], desk.executions()[refund["id"]]) == ("requested", "FAILED")
    assert desk.ask(number).json["code"] == "nothing_to_refund", "nobody gives it back a second time meanwhile"
    message = parked(desk)
    assert (message["orderId"], message["refundId"]) == (order_id(number), refund["id"])
    assert not {"executed", "failure"} & set(message)

    desk.break_(what, when, 0)  # the runbook: the cause is removed, then its tasks by hand
    message["executed"] = payments_tasks({"task": "refund", "input": message})
    refunds_tasks({"task": "book", "input": message})
    assert_given_back(desk, number)


def test_a_booking_that_never_works_is_left_to_a_person_who_finishes_it(desk: Desk) -> None:
    number = desk.sell()
    desk.break_("book", "before", 10**6)
    desk.ask(number)
    settle(desk)
    assert desk.provider_book(number) == ("refunded", 0)
    message = parked(desk)
    desk.break_("book", "before", 0)
    for _ in range(2):
        refunds_tasks({"task": "book", "input": message})
    assert_given_back(desk, number)


def test_a_refusal_that_cannot_be_recorded_is_left_to_a_person_who_finishes_it(desk: Desk) -> None:
    number = desk.sell(REFUSING)
    desk.break_("refuse", "before", 10**6)
    desk.ask(number)
    settle(desk)
    message = parked(desk)
    assert message["failure"]["Error"] == "RefundRefused"
    desk.break_("refuse", "before", 0)
    for _ in range(2):
        refunds_tasks({"task": "refuse", "input": message})
    assert [refund["status"] for refund in desk.refunds(number)] == ["failed"]
    assert_nothing_given_back(desk, number)


def test_a_refund_that_a_person_refuses_without_a_cause_is_named_by_its_error(desk: Desk) -> None:
    number = desk.sell()
    desk.break_("refund", "before", 10**6)
    desk.ask(number, ALL)
    settle(desk)
    message = parked(desk) | {"failure": {"Error": "RefundRefused", "Cause": ""}}
    refunds_tasks({"task": "refuse", "input": message})
    assert [refund["failure"] for refund in desk.refunds(number)] == ["RefundRefused"]
    assert_nothing_given_back(desk, number)
