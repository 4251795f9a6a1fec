"""Two and three requests at once, in every order of their calls: whoever interrupts whom, money and stock stay right.

Every day a sample of each; in the slow tests each pair with every single preemption, and a sample of those with two, or
all of them: `SCHEDULES=0 pytest -m slow tests/faults/test_schedules.py`.
"""

import os
from random import Random
from typing import Any

import pytest

from cart.contract import Cart
from fraud import store as fraud_store
from inventory.contract import stock_key
from local.database import Database
from market.money import Money
from market.table import Write, update
from orders import parts, shelves
from orders import store as order_store
from payments import service as payments
from payments.model import Payment
from refunds import store as refund_store
from tests.faults.cells.conflicts import CONFLICTS
from tests.faults.cells.floor import Floor
from tests.faults.cells.schedules import Stage, Switch, Turn, explore, sample

pytestmark = pytest.mark.contract("7.2", "10.2", "11.2", "11.4", "12.2", "12.3")
MOST = int(os.environ.get("SCHEDULES", "40"))
"""Schedules with two preemptions."""


class Trial:
    """Plays one conflict again and again, and keeps what went wrong, by schedule."""

    def __init__(self, floor: Floor, name: str) -> None:
        self._floor, self._conflict = floor, CONFLICTS[name]
        self.broken: dict[tuple[Switch, ...], list[str]] = {}
        self.played = 0

    def __call__(self, switches: tuple[Switch, ...]) -> list[Turn]:
        floor, stage = self._floor, Stage()
        with floor.doors():
            actors = self._conflict.prepare(floor)
            floor.begin(self._conflict.name, stage)
            answers, turns = stage.play(actors, switches)
            floor.begin("", None)
            if found := self._conflict.check(floor, answers):
                self.broken[switches] = found
        self.played += 1
        return turns

    def sampled(self, times: int) -> "Trial":
        dice = Random(f"schedules of {self._conflict.name}")
        for _ in sample(self, dice=dice, times=times, preemptions=2):
            continue
        return self

    def explored(self, preemptions: int) -> "Trial":
        for _ in explore(self, preemptions=preemptions, most=MOST if preemptions > 1 else 0):
            continue
        return self


@pytest.fixture
def floor(dynoxide: Database, environment: pytest.MonkeyPatch) -> Floor:
    return Floor(environment, dynoxide)


@pytest.mark.parametrize("name", list(CONFLICTS)[::2])
def test_whoever_comes_between_all_stays_right(floor: Floor, name: str) -> None:
    assert Trial(floor, name).sampled(2).broken == {}


@pytest.mark.parametrize("name", ["the last unit", "two refunds of one line"])
def test_each_single_interruption_leaves_all_right(floor: Floor, name: str) -> None:
    trial = Trial(floor, name).explored(1)
    assert trial.broken == {}
    assert trial.played > 2


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CONFLICTS if "three" not in name])
def test_two_interruptions_leave_all_right(floor: Floor, name: str) -> None:
    with floor.doors():
        requests = len(CONFLICTS[name].prepare(floor))
    trial = Trial(floor, name)
    assert (trial.explored(2) if requests == 2 else trial.sampled(40)).broken == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CONFLICTS if "three" in name])
def test_three_at_once_in_many_orders_leave_all_right(floor: Floor, name: str) -> None:
    assert Trial(floor, name).sampled(60).broken == {}


def test_a_schedule_is_the_same_each_time(floor: Floor) -> None:
    trial = Trial(floor, "two refunds of one line")
    whole = trial(())
    assert {turn.actor for turn in whole} == {"sam", "grace"}
    switches = ((2, "grace"),)
    once = trial(switches)
    assert once == trial(switches)
    assert [turn.actor for turn in once[:4]] == ["sam", "sam", "grace", "grace"]


# -- bugs planted on purpose


def finds(floor: Floor, name: str, promise: str) -> bool:
    """Whether one interruption breaks the promise."""
    trial = Trial(floor, name)
    for _ in explore(trial, preemptions=1):
        if any(line.startswith(promise) for found in trial.broken.values() for line in found):
            return True
    return False


def test_stock_that_is_held_unasked_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unasked(sku: str, quantity: int, _price: Money, _limit: Any = None) -> Write:
        return update(stock_key(sku), "SET held = held + :n, available = available - :n", {":n": quantity})

    monkeypatch.setattr(shelves, "hold", unasked)
    assert finds(floor, "the last unit", "I1")


def test_refunds_that_do_not_look_at_the_version_are_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = refund_store._save

    def blind(*given: Any) -> Write:
        write = honest(*given)
        names, values = (
            dict(write.request["ExpressionAttributeNames"]),
            dict(write.request["ExpressionAttributeValues"]),
        )
        values.pop(":version", None)
        request = {k: v for k, v in write.request.items() if k != "ConditionExpression"}
        request |= {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        return Write(write.action, write.key, request)

    monkeypatch.setattr(refund_store, "_save", blind)
    assert finds(floor, "two refunds of one line", "I5")


def test_a_second_click_that_is_not_recognized_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cart, "order_of", lambda _cart, _key: None)
    assert finds(floor, "a double click on order", "I12")


def test_a_part_that_is_cancelled_twice_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(key: Any, text: str, values: Any = None, **_: Any) -> Write:
        return update(key, text, {name: value for name, value in (values or {}).items() if name in text})

    monkeypatch.setattr(parts, "update", unfenced)
    assert finds(floor, "vendor and customer cancelling one part", "I1")


def test_a_review_that_is_decided_twice_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def unfenced(screened: Any, status: str, **_: str) -> None:
        key = fraud_store.record_key(screened.order_id)
        fraud_store._table.write(update(key, "SET status = :status", {":status": status}))

    monkeypatch.setattr(fraud_store, "end", unfenced)
    assert finds(floor, "approving and rejecting", "answered")


def test_a_sale_that_overlooks_a_cancellation_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = order_store._move

    def careless(order: Any, status: str, stamp: str, reason: str = "") -> Write:
        move = honest(order, status, stamp, reason)
        text = f"SET status = :status, {stamp} = :now"
        values = {":status": status, ":now": "2027-01-15T08:00:00.000Z", ":pending": "pending_payment"}
        return update(move.key, text, values, when="status = :pending", otherwise=move.otherwise)

    monkeypatch.setattr(order_store, "_move", careless)
    monkeypatch.setattr(payments, "cancel", lambda _: None)
    assert finds(floor, "cancelling and capturing", "I2")


def test_an_intent_that_is_left_open_is_found(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    def left_open(payment: Payment) -> Payment:
        return payment

    monkeypatch.setattr(payments, "_leave", left_open)
    monkeypatch.setattr(payments, "_paid_late", lambda *_: None)
    assert finds(floor, "another method and paying by the first", "I3")
