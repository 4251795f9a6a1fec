"""Money that comes by hand while some of it goes back: what was collected is paid back, once, and only that."""

from typing import Any

import pytest

from market.tasks import Transient
from payments import history, store, taking, waiting
from payments.model import ProviderUnavailable
from payments.providers.cod import CashOnDelivery
from tests import shop
from tests.sagas.checkout import order_id
from tests.services.payments.till import TOTAL, Till, euros

pytestmark = pytest.mark.contract("12.1", "12.3")


def collected(till: Till) -> str:
    """A paid order whose cash the courier is about to hand in."""
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    return number


def test_cash_that_comes_while_a_refund_begins_is_to_be_paid_back(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    number, begin = collected(till), history.begin_refund

    def settled_first(*given: Any) -> Any:
        assert till.settle(number).status == 200
        return begin(*given)

    with monkeypatch.context() as between:
        between.setattr(history, "begin_refund", settled_first)
        with pytest.raises(Transient):
            till.refund(number, "rfd_1", 490)
    till.refund(number, "rfd_1", 490)
    (task,) = till.incidents()
    assert (task["reason"], task["amount"]["amount"]) == ("pay_back_by_hand", 490)


def test_what_was_never_collected_is_not_paid_back_by_a_refund_that_is_repeated(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = collected(till)

    def away(*_given: Any) -> Any:
        raise ProviderUnavailable("away")

    with monkeypatch.context() as crash:
        crash.setattr(CashOnDelivery, "refund", away)
        with pytest.raises(Transient):
            till.refund(number, "rfd_1", 490)
    assert till.settle(number, TOTAL - 490).status == 200, "the courier collects the rest only"
    till.refund(number, "rfd_1", 490)
    assert till.incidents() == []


def test_a_transfer_is_paid_back_although_its_undo_broke_off(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    number, undone = till.order(), store.undone
    till.wish(number, method="manual")
    till.settle(number)
    taking.capture("ada", order_id(number))

    def broken_off(*given: Any) -> None:
        undone(*given)
        raise ProviderUnavailable("the function was stopped")

    with monkeypatch.context() as crash:
        crash.setattr(store, "undone", broken_off)
        with pytest.raises(Transient):
            till.undo(number)
    till.undo(number)
    (task,) = till.incidents()
    assert (task["reason"], task["amount"]["amount"]) == ("pay_back_by_hand", TOTAL)


def test_a_checkout_whose_wake_up_was_lost_is_woken_by_asking_again(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = till.order()
    with monkeypatch.context() as silent:
        silent.setattr(waiting, "succeed", lambda _token: None)
        till.wish(number, method="cod")
    till.wish(number, method="cod")
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


def test_a_refund_of_cash_is_known_by_whether_it_was_collected(till: Till) -> None:
    number = collected(till)
    till.refund(number, "rfd_1", 490)
    till.settle(number, TOTAL - 490)
    till.refund(number, "rfd_2", 1000)
    assert [task["amount"]["amount"] for task in till.incidents()] == [1000]
    payment = store.get(order_id(number))
    assert payment
    assert payment.due == euros(TOTAL - 1490)
