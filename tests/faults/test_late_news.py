"""News that comes again, three days late and out of order, told without dice: of payments, and in every flow."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from ledger import store as ledger_store
from local.database import Database
from market import ids
from market.table import Write, put
from orders import parts
from payments import store as payment_store
from payments import webhooks
from tests import shop
from tests.faults.cells import books
from tests.faults.cells.floor import Floor, Lateness
from tests.faults.cells.flows import FLOWS, Flow
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout

JSON = dict[str, Any]
THREE_DAYS = 3 * 86_400.0
TIMED = ("never told, so asked", "never told, so reconciled", "paid in a longer hold")
EVENT_FLOWS = [name for name in FLOWS if name not in TIMED]
"""Those that hear of everything, at any time; the others lose webhooks on purpose, or are about the end of a hold."""
SOME_EVERY_DAY = [
    flow if number % 3 == 0 else pytest.param(flow, marks=pytest.mark.slow) for number, flow in enumerate(EVENT_FLOWS)
]
pytestmark = pytest.mark.contract("12.2", "11.4", "12.3", "12.4")
on_dynoxide = pytest.mark.parametrize("database", ["dynoxide"], indirect=True)


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[Checkout]:
    running = Checkout(environment)
    yield running
    running.close()


@pytest.fixture
def floor(dynoxide: Database, environment: pytest.MonkeyPatch) -> Floor:
    return Floor(environment, dynoxide)


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[JSON]:
    """Every webhook message that was worked off, in its order."""
    messages: list[JSON] = []
    honest = webhooks.work

    def work(message: JSON) -> None:
        messages.append(message)
        honest(message)

    monkeypatch.setattr(webhooks, "work", work)
    return messages


def declined_twice(checkout: Checkout) -> str:
    """An order with two declined cards behind it, so with one more to try."""
    shop.stock("LAMP", 10)
    number = checkout.place()
    for _ in range(2):
        checkout.pay("ada", number, cards.DECLINED)
        checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    return number


def hear_again(message: JSON) -> None:
    webhooks.work(orjson.loads(orjson.dumps(message)))


@on_dynoxide
def test_the_last_decline_heard_again_is_counted_once(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    hear_again(heard[1])
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"


@on_dynoxide
def test_an_older_decline_heard_again_is_counted_once(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    hear_again(heard[0])
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"


@on_dynoxide
def test_a_decline_heard_after_the_good_card_changes_nothing(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    checkout.pay("ada", number)
    checkout.run()
    for message in list(heard):
        hear_again(message)
    checkout.wait(25 * 3600)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert checkout.provider_book(number)[0] == "captured"


@on_dynoxide
def test_an_authorization_heard_a_day_after_the_order_was_given_up_charges_nothing(
    checkout: Checkout, heard: list[JSON]
) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.break_("POST capture", "before", 10**6)
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(25 * 3600)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    for message in list(heard):
        hear_again(message)
    checkout.wait(3600)
    assert checkout.provider_book(number) == ("voided", 0)
    assert shop.shelf("LAMP") == (10, 0)


# -- every message of every flow


def told(floor: Floor, flow: Flow, lateness: Lateness, *, again: bool = False, patience: float = 0.0) -> list[str]:
    """The broken promises of a flow whose messages come so; again: and once more after three days, newest first."""
    with floor.doors():
        floor.patience = patience

        def watch() -> None:
            first = len(floor.posted)
            floor.lateness = lambda number: lateness(number - first)

        flow.act(floor, watch)
        floor.settle()
        found = books.violations(floor, flow.end) if again else []
        floor.leap(THREE_DAYS)
        if again:
            floor.post_again()
        floor.settle()
        return found + books.violations(floor, flow.end)


def twice(_: int) -> tuple[float, ...]:
    return (0.0, 0.0)


def shuffled(number: int) -> tuple[float, ...]:
    """Up to half a minute late, so that younger messages overtake older ones, and the copy of every third later yet."""
    late = float(number * 17 % 31)
    return (late, late + 40.0) if number % 3 == 0 else (late,)


@pytest.mark.parametrize("flow", SOME_EVERY_DAY)
def test_news_heard_twice_and_again_after_three_days_changes_nothing(floor: Floor, flow: str) -> None:
    assert told(floor, FLOWS[flow], twice, again=True) == []


@pytest.mark.parametrize("flow", SOME_EVERY_DAY)
def test_news_that_overtakes_other_news_changes_no_end(floor: Floor, flow: str) -> None:
    assert told(floor, FLOWS[flow], shuffled, patience=150.0) == []


IMPATIENT = {"review approved", "review rejected", "invoiced and credited", "cancelled after the authorization"}
"""Flows in which somebody waits for news before the next thing is done."""


@pytest.mark.parametrize("flow", ["part cancelled"])
def test_any_news_that_comes_three_days_late_changes_no_end(floor: Floor, flow: str) -> None:
    assert late_by_three_days(floor, flow) == {}


@pytest.mark.slow
@pytest.mark.parametrize("flow", [flow for flow in EVENT_FLOWS if flow not in IMPATIENT])
def test_any_news_of_any_flow_that_comes_three_days_late_changes_no_end(floor: Floor, flow: str) -> None:
    assert late_by_three_days(floor, flow) == {}


def late_by_three_days(floor: Floor, flow: str) -> dict[int, list[str]]:
    """The broken promises of the flow, by which of its messages comes three days late.

    An order that comes to nothing may do so because its time was over, before the word came why it should.
    """
    story, before = FLOWS[flow], list[int]()
    with floor.doors():
        story.act(floor, lambda: before.append(len(floor.posted)))
        floor.settle()
        messages = len(floor.posted) - before[0]
    broken = {}
    for which in range(messages):
        found = [line for line in told(floor, story, only(which)) if not ended_by_time(line)]
        if found:
            broken[which] = found
    return broken


def only(which: int) -> Lateness:
    return lambda number: (THREE_DAYS - 60.0,) if number == which else (0.0,)


def ended_by_time(line: str) -> bool:
    """Whether it only says that a cancelled order was cancelled for another reason."""
    return line.startswith("I2: the order is ('cancelled', 'payment_") and " and not ('cancelled', " in line


# -- bugs planted on purpose


@on_dynoxide
def test_a_decline_that_is_counted_twice_is_found(
    checkout: Checkout, heard: list[JSON], monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = payment_store.decline
    monkeypatch.setattr(payment_store, "decline", lambda name, notice: honest(name, replace(notice, id=ids.ulid())))
    number = declined_twice(checkout)
    hear_again(heard[0])
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"


def test_a_balance_that_counts_what_it_heard_again_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(entry: Any) -> list[Write]:
        written = put(ledger_store.entry_key(entry), ledger_store._entry_item(entry))
        return [written, ledger_store._weigh(entry, entry.net, 1)]

    monkeypatch.setattr(ledger_store, "_added", unfenced)
    monkeypatch.setattr(ledger_store, "stored", lambda _: {})
    found = told(floor, FLOWS["refunded a line"], twice)
    assert any(line.startswith("I7") for line in found)


def test_a_vendor_who_is_given_a_part_once_more_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def give(order: Any, part: Any) -> None:
        key = parts.part_key(part.vendor_id, order.id)
        parts.TABLE.write(put(key, parts._item(order, part, "unfulfilled")))

    monkeypatch.setattr(parts, "give", give)
    found = told(floor, FLOWS["part cancelled"], twice, again=True)
    assert any(line.startswith("I10") for line in found)
