"""Money that comes by hand: recorded by staff once, booked, and let into the checkout where it was waited for."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from orders.api import handler as orders
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.services.payments.till import TOTAL, Till

pytestmark = pytest.mark.contract("12.1", "12.4")


def test_collected_cash_moves_from_the_courier_to_the_bank(till: Till) -> None:
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    settled = till.settle(number)
    assert (settled.status, settled.json["settlement"]["by"]) == (200, "sam")
    accounts = till.accounts(number)
    assert (accounts["bank"], accounts.get("provider:cod", 0)) == (TOTAL, 0)
    (told,) = [event["data"] for event in shop.announced() if event["type"] == "payment.settled"]
    assert (told["amount"]["amount"], told["provider"]) == (TOTAL, "cod")
    assert till.kinds(number) == ["opened", "authorized", "captured", "settled"]


def test_a_transfer_is_waited_for_and_lets_the_checkout_go_on(till: Till) -> None:
    number = till.order()
    assert till.wish(number, method="manual").json["status"] == "pending"
    till.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    assert till.settle(number).json["status"] == "authorized"
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.history(number) == ["AwaitPayment", "Capture", "Confirm"]
    accounts = till.accounts(number)
    assert (accounts["bank"], accounts.get("provider:manual", 0), accounts.get("provider_fees", 0)) == (TOTAL, 0, 0)


def test_a_transfer_that_came_before_the_checkout_listens_is_heard(till: Till) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = till.place()
    till.wish(number, method="manual")
    till.settle(number)
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"


def test_a_transfer_whose_wake_up_is_lost_is_found_when_the_hold_ends(
    till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    from payments import waiting

    number = till.order()
    till.wish(number, method="manual")
    with monkeypatch.context() as silent:
        silent.setattr(waiting, "succeed", lambda _token: None)
        till.settle(number)
    till.wait(cards.HOLD_SECONDS + 5)
    assert shop.order_of("ada", number)["status"] == "paid"


def test_a_transfer_that_never_comes_ends_the_order(till: Till) -> None:
    number = till.order()
    till.wish(number, method="manual")
    till.wait(cards.HOLD_SECONDS + 5)
    assert shop.order_of("ada", number)["cancelReason"] == "payment_timeout"
    late = till.settle(number)
    assert (late.status, late.json["code"]) == (409, "not_payable")
    assert till.accounts(number) == {}
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.contract("11.6")
def test_the_same_request_again_gets_the_same_answer(till: Till) -> None:
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    first = till.settle(number, key="settle-0001")
    assert till.settle(number, key="settle-0001").json == first.json
    other = till.ask(
        "POST",
        f"/v1/admin/payments/{number}/settlement",
        {"amount": {"amount": TOTAL, "currency": "EUR"}, "reference": "something else"},
        key="settle-0001",
        caller="sam",
        roles="staff",
    )
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    again = till.settle(number, key="settle-0002")
    assert (again.status, again.json["code"]) == (409, "already_settled")
    assert till.accounts(number)["bank"] == TOTAL


def test_a_settlement_without_a_key_is_refused(till: Till) -> None:
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    body = {"amount": {"amount": TOTAL, "currency": "EUR"}, "reference": "x"}
    answer = till.ask("POST", f"/v1/admin/payments/{number}/settlement", body, caller="sam", roles="staff")
    assert answer.json["code"] == "idempotency_key_required"


def test_staff_who_click_twice_at_once_record_the_money_once(till: Till) -> None:
    number = till.order()
    till.wish(number, method="manual")
    with ThreadPoolExecutor(6) as clicks:
        answers = list(clicks.map(lambda _: till.settle(number, key="settle-0001"), range(6)))
    assert {answer.status for answer in answers} <= {200, 409, 503}
    assert till.settle(number, key="settle-0001").status == 200
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.accounts(number)["bank"] == TOTAL


@pytest.mark.parametrize(("amount", "currency"), [(TOTAL - 1, "EUR"), (TOTAL + 1, "EUR"), (TOTAL, "USD"), (0, "EUR")])
def test_another_amount_than_is_due_is_refused(till: Till, amount: int, currency: str) -> None:
    number = till.order()
    till.wish(number, method="manual")
    refusal = till.settle(number, amount, currency=currency)
    assert (refusal.status, refusal.json["code"]) == (409, "wrong_amount")
    assert refusal.json["due"] == {"amount": TOTAL, "currency": "EUR"}
    assert till.accounts(number) == {}


def test_only_what_is_not_refunded_is_due_from_the_courier(till: Till) -> None:
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    till.refund(number, "rfd_1", 490)
    assert till.settle(number).json["code"] == "wrong_amount"
    assert till.settle(number, TOTAL - 490).status == 200
    assert till.incidents() == [], "nothing was collected yet, so nothing is to be paid back"


def test_what_was_collected_and_is_refunded_waits_for_a_person_to_pay_it_back(till: Till) -> None:
    number = till.order()
    till.wish(number, method="cod")
    till.run()
    till.settle(number)
    till.refund(number, "rfd_1", 490)
    (task,) = till.incidents()
    assert (task["reason"], task["orderNo"], task["amount"]["amount"]) == ("pay_back_by_hand", number, 490)


def test_a_transfer_for_an_order_that_then_came_to_nothing_is_to_be_paid_back(till: Till) -> None:
    number = till.order()
    till.wish(number, method="manual")
    till.break_("capture", "before", 10**6)
    till.settle(number)
    till.run()
    till.wait(4 * 3600)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    (task,) = till.incidents()
    assert (task["reason"], task["amount"]["amount"]) == ("pay_back_by_hand", TOTAL)
    assert till.accounts(number) == {"bank": TOTAL, "provider:manual": -TOTAL}
    till.undo(number)
    assert till.incidents() == [task], "told once"


def test_card_payments_are_not_settled_by_hand_and_customers_settle_nothing(till: Till) -> None:
    number = till.sold()
    assert till.settle(number).status == 404
    body = {"amount": {"amount": TOTAL, "currency": "EUR"}, "reference": "x"}
    path = f"/v1/admin/payments/{number}/settlement"
    assert till.ask("POST", path, body, key="settle-0001").status == 403


def test_cash_is_not_collected_for_an_order_that_was_cancelled(till: Till) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = till.place()
    till.wish(number, method="cod")
    call(orders, "POST", f"/v1/orders/{number}/cancellation", caller="ada")
    till.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert till.settle(number).json["code"] == "not_payable"
    assert till.accounts(number) == {}
