"""Whoever brings the word that a customer has paid takes the money too, and the checkout goes on with its last step."""

from typing import Any

import pytest

from payments import taking, waiting
from payments.model import CAPTURED
from payments.providers.sandbox import Sandbox
from payments.service import hear_paid
from payments.store import Moved
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout, order_id
from tests.sagas.test_checkout import assert_nothing_left, assert_sold

pytestmark = pytest.mark.contract("11.2", "12.1", "12.3")
LONG, SHORT = ["AwaitPayment", "Capture", "Confirm"], ["AwaitPayment", "Confirm"]


def placed(checkout: Checkout) -> str:
    """An order whose checkout waits for its payment."""
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()
    checkout.run()
    return number


def test_a_payment_that_came_before_the_wait_is_captured_by_the_checkout(checkout: Checkout) -> None:
    shop.stock("LAMP", 10, price=shop.euros(2000))
    number = checkout.place()

    def pay_and_hear() -> None:
        intent = checkout.open("ada", number)
        checkout.confirm(intent, cards.GOOD)
        hear_paid("sandbox", Sandbox().retrieve(intent["intentId"]))

    checkout.before("await_payment", pay_and_hear)
    checkout.run()
    assert checkout.history(number) == LONG
    assert_sold(checkout, number, 2490)


@pytest.mark.parametrize("when", ["before", "after"], ids=["the provider is down", "its answer is lost"])
def test_a_capture_that_fails_with_the_word_is_made_by_the_checkout_and_charges_once(
    checkout: Checkout, when: str
) -> None:
    number = placed(checkout)
    checkout.break_("POST capture", when)
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(60)
    assert checkout.history(number) == LONG
    assert_sold(checkout, number, 2490)


def test_a_word_whose_bearer_died_after_the_capture_comes_again_and_is_heard(
    checkout: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = placed(checkout)
    succeed, died = waiting.succeed, []

    def die_once(token: str, told: dict[str, Any]) -> None:
        if not died:
            died.append(checkout.provider_book(number)[0])
            raise cards.lost("Sandbox.Timedout")
        succeed(token, told)

    monkeypatch.setattr(waiting, "succeed", die_once)
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(600)
    assert died == [CAPTURED]
    assert checkout.history(number) == SHORT
    assert_sold(checkout, number, 2490)


def test_a_refused_capture_is_refused_again_in_the_step_that_gives_up(checkout: Checkout) -> None:
    number = placed(checkout)
    checkout.pay("ada", number, cards.CAPTURE_FAILS)
    checkout.run()
    checkout.wait(60)
    assert checkout.history(number)[:2] == ["AwaitPayment", "Capture"]
    assert_nothing_left(checkout, number, "payment_declined")


def test_no_money_is_taken_for_an_order_that_is_over(checkout: Checkout) -> None:
    number = placed(checkout)
    checkout.before("payments-webhooks", lambda: _compensated(number))
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(3600)
    with pytest.raises(Moved):
        taking.capture("ada", order_id(number))
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert checkout.provider_book(number) == ("voided", 0), "authorized, and never captured"
    assert checkout.calls["POST capture"] == 0


def _compensated(number: str) -> None:
    from orders.staff_api import handler

    path, body = f"/v1/admin/orders/{number}/compensation", {"action": "cancel_and_refund", "reason": "stuck"}
    assert call(handler, "POST", path, body, caller="grace", roles="staff").status == 202
