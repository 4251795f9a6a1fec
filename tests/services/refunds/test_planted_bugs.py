"""Mistakes put into the refunds on purpose: each must be found by the tests, or they prove nothing."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from market.table import Item, Write, put
from orders.contract import LineSnapshot
from refunds import model, service, store
from refunds.contract import account_key
from refunds.model import Account, LineShare, LineTally, LineWish, Refund
from tests.services.refunds import desk, test_refunds, test_settling, test_shares

pytestmark = pytest.mark.contract("12.3", "12.5")

FOUND = (AssertionError, pytest.fail.Exception)


@pytest.fixture
def table(database: str) -> None:
    desk.two_vendors()


def without_condition(write: Write) -> Write:
    request = {name: value for name, value in write.request.items() if name != "ConditionExpression"}
    used = str(request.get("UpdateExpression", ""))
    names = {name: word for name, word in request.get("ExpressionAttributeNames", {}).items() if name in used}
    values = {name: v for name, v in request.get("ExpressionAttributeValues", {}).items() if name in used}
    for name, kept in (("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)):
        request.pop(name, None)
        request |= {name: kept} if kept else {}
    return replace(write, request=request, otherwise=None)


def unchecked(fragment: Callable[..., Write]) -> Callable[..., Write]:
    return lambda *given, **named: without_condition(fragment(*given, **named))


@pytest.mark.usefixtures("table")
def test_an_account_that_is_written_without_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_save", unchecked(store._save))
    with pytest.raises(FOUND):
        test_refunds.test_a_decision_taken_on_an_old_account_is_not_written()


@pytest.mark.usefixtures("table")
def test_a_refund_of_an_order_that_is_not_checked_to_be_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    def ignored(customer_id: str, order_id: str, **_: Any) -> Write:
        return put(account_key(f"{customer_id}-{order_id}"), Item())

    monkeypatch.setattr(store, "still_paid", ignored)
    with pytest.raises(FOUND):
        test_refunds.test_an_order_that_stops_being_paid_meanwhile_gives_nothing_back()


@pytest.mark.usefixtures("table")
def test_a_reservation_that_is_not_given_back_after_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Account, "give_back", lambda self, _shares: replace(self, version=self.version + 1))
    with pytest.raises(FOUND):
        test_settling.test_a_refused_refund_gives_its_reservation_back()


@pytest.mark.usefixtures("table")
def test_a_refund_that_is_booked_each_time_it_is_asked_to(monkeypatch: pytest.MonkeyPatch) -> None:
    books: list[str] = []
    booked, read = service.book, store.get

    def anew(order_id: str, name: str, *given: Any, **named: Any) -> Write:
        books.append(name)
        return booked(order_id, f"{name}-{len(books)}", *given, **named)

    def forgetful(order_id: str, refund_id: str) -> Refund:
        return replace(read(order_id, refund_id), status=model.REQUESTED)

    monkeypatch.setattr(service, "book", anew)
    monkeypatch.setattr(store, "_settle", unchecked(store._settle))
    monkeypatch.setattr(store, "get", forgetful)
    with pytest.raises(FOUND):
        test_settling.test_a_refund_that_succeeds_is_booked_once_and_told()


@pytest.mark.usefixtures("table")
def test_a_key_that_is_not_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "_asked", lambda _item: None)
    monkeypatch.setattr(store, "put", lambda key, item, **_: put(key, item))
    with pytest.raises(FOUND):
        test_refunds.test_the_same_request_again_answers_the_same_refund()


@pytest.mark.usefixtures("table")
def test_a_vendor_that_may_touch_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = model.price
    monkeypatch.setattr(model, "price", lambda *given, **_: whole(*given))
    with pytest.raises(FOUND):
        test_refunds.test_a_vendor_gives_back_its_own_part_only()


def per_unit(line: LineSnapshot, sofar: LineTally, wish: LineWish) -> LineShare:
    """Each unit rounded for itself: the mistake that loses or invents a cent."""
    made = exact(line, sofar, wish)
    if not wish.quantity:
        return made
    amount = min(model.share(line.charge.amount, 1, line.quantity) * wish.quantity, line.charge.amount - sofar.amount)
    return replace(made, tally=made.tally._replace(amount=amount))


exact = model._line


def found_by_any(check: Callable[[int], None]) -> bool:
    for seed in test_shares.SEEDS:
        try:
            check(seed)
        except FOUND:
            return True
    return False


def test_units_that_are_rounded_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_line", per_unit)
    assert found_by_any(test_shares.test_unit_after_unit_in_any_split_gives_exactly_the_charge)
    with pytest.raises(FOUND):
        test_shares.test_three_units_of_a_discounted_line("EUR")


def test_a_tax_that_is_rounded_refund_by_refund(monkeypatch: pytest.MonkeyPatch) -> None:
    def alone(line: LineSnapshot, sofar: LineTally, wish: LineWish) -> LineShare:
        made = exact(line, sofar, wish)
        tax = model.share(line.tax.amount if line.tax else 0, made.tally.amount, line.charge.amount)
        return replace(made, tally=made.tally._replace(tax=tax))

    monkeypatch.setattr(model, "_line", alone)
    assert found_by_any(test_shares.test_unit_after_unit_in_any_split_gives_exactly_the_charge)


def test_a_commission_that_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "_commissions", lambda _order, _account, shares: dict.fromkeys(shares.vendors, 0))
    assert found_by_any(test_shares.test_everything_at_once_is_everything)


def test_a_goodwill_that_is_forgotten_when_units_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(line: LineSnapshot, sofar: LineTally, wish: LineWish) -> LineShare:
        return exact(line, sofar._replace(amount=sofar.amount - sofar.goodwill, goodwill=0), wish)

    monkeypatch.setattr(model, "_line", generous)
    assert found_by_any(test_shares.test_whatever_is_asked_and_whatever_fails_the_sum_is_never_above_what_was_captured)


@pytest.mark.usefixtures("table")
def test_the_unspoiled_refunds_pass() -> None:
    test_refunds.test_a_decision_taken_on_an_old_account_is_not_written()
    for seed in test_shares.SEEDS[:20]:
        test_shares.test_unit_after_unit_in_any_split_gives_exactly_the_charge(seed)
