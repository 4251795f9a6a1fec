"""What is put right after a checkout: stuck ones by staff, paid orders that are no longer wanted."""

import pytest

from orders.staff_api import handler as staff_api
from tests import shop
from tests.http import call
from tests.sagas.checkout import Checkout, order_id

pytestmark = pytest.mark.contract("11.2")
FOR_GOOD = 99


def compensate(number: str, action: str) -> int:
    body = {"action": action, "reason": "the provider was down all night"}
    path = f"/v1/admin/orders/{number}/compensation"
    return call(staff_api, "POST", path, body, caller="sam", roles="staff").status


def test_money_that_could_not_be_given_back_is_given_back_when_staff_ask(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number)
    checkout.before("confirm", lambda: call_cancel(number))
    checkout.break_("undo", "before", FOR_GOOD)
    checkout.run()
    assert checkout.executions() == {order_id(number): "FAILED"}
    assert checkout.provider_book(number)[1] > 0
    checkout.break_("undo", "before", 0)
    assert compensate(number, "retry") == 202
    checkout.run()
    assert checkout.provider_book(number) == ("refunded", 0)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert shop.shelf("LAMP") == (10, 0)


def test_an_order_that_could_not_be_given_up_is_given_up_when_staff_ask(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.break_("give_up", "before", FOR_GOOD)
    checkout.wait(3 * 24 * 3600)
    assert checkout.executions() == {order_id(number): "FAILED"}
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    checkout.break_("give_up", "before", 0)
    assert compensate(number, "retry") == 202
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert checkout.provider_book(number)[1] == 0
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.parametrize("step", ["payments-webhooks", "confirm"])
def test_a_checkout_that_was_not_stuck_after_all_ends_one_way(checkout: Checkout, step: str) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.pay("ada", number)
    checkout.before(step, lambda: compensate(number, "cancel_and_refund"))
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert checkout.provider_book(number)[1] == 0
    assert shop.shelf("LAMP") == (10, 0)
    assert set(checkout.executions().values()) == {"SUCCEEDED"}


def test_a_paid_order_stays_paid_when_its_parts_are_cancelled(checkout: Checkout) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.pay("ada", number)
    checkout.run()
    call_cancel(number)
    checkout.run()
    order = shop.order_of("ada", number)
    assert (order["status"], order["fulfilment"]) == ("paid", "cancelled")
    assert shop.shelf("LAMP") == (10, 0)


def call_cancel(number: str) -> None:
    from orders.api import handler

    assert call(handler, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
