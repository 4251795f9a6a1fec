"""The reconciler with the other providers: those that list late, and one that lists nothing."""

from collections.abc import Iterator

import pytest

from payments.simulators.paypal import PayPalSimulator
from payments.simulators.sslcommerz import NEVER, VISA, SslCommerzSimulator
from tests import shop
from tests.services.payments import stripe as cards
from tests.services.payments.reconciler import FOR_GOOD, NOTHING, REPAIRED, alone, found, reconcile, sweep
from tests.services.payments.test_paypal_checkout import BALANCE, paypal
from tests.services.payments.test_sslcommerz_checkout import gateway
from tests.services.payments.test_stripe_saga import StripeCheckout
from tests.services.payments.till import Till

__all__ = ["gateway", "paypal"]
pytestmark = pytest.mark.contract("11.2", "12.1")


@pytest.fixture
def stripe(database: str, environment: pytest.MonkeyPatch) -> Iterator[StripeCheckout]:
    running = StripeCheckout(environment)
    shop.stock("LAMP", 10, price=shop.euros(2000))
    yield running
    running.close()


def test_a_payment_at_stripe_whose_webhook_was_lost_is_heard_of(stripe: StripeCheckout) -> None:
    number = stripe.buy(cards.GOOD)
    stripe.wait(130)
    assert reconcile() == REPAIRED
    stripe.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert stripe.books(number) == [("succeeded", 2490, 0)]
    assert reconcile() == NOTHING


def test_what_stripe_was_charged_for_an_order_that_came_to_nothing_goes_back_once(stripe: StripeCheckout) -> None:
    from tests.services.payments.test_reconciler import till_cancel

    stripe.break_("payments-schedule", "before", FOR_GOOD)
    number = stripe.buy(cards.GOOD)
    stripe.before("confirm", lambda: till_cancel(number))
    stripe.break_("undo", "before", FOR_GOOD)
    stripe.settle()
    assert stripe.books(number) == [("succeeded", 2490, 0)]
    stripe.break_("undo", "before", 0)
    stripe.wait(130)
    assert reconcile() == REPAIRED
    assert stripe.books(number) == [("succeeded", 2490, 2490)]
    assert reconcile() == NOTHING


def test_an_approval_at_paypal_that_was_never_told_is_found_by_asking(till: Till, paypal: PayPalSimulator) -> None:
    alone(till)
    number = till.order()
    paypal.approve(till.wish(number).json["intentId"], BALANCE)
    till.wait(130)
    assert reconcile() == REPAIRED
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert reconcile() == NOTHING
    till.wait(5 * 3600)
    assert sweep() == NOTHING


def test_an_order_at_paypal_that_nobody_approved_is_no_difference_after_it_was_given_up(
    till: Till, paypal: PayPalSimulator
) -> None:
    alone(till)
    number = till.order()
    till.wish(number)
    till.wait(960)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    till.wait(5 * 3600)
    assert sweep() == NOTHING
    assert found(till) == []


def test_a_payment_at_sslcommerz_that_was_never_told_is_found_by_asking(
    till: Till, gateway: SslCommerzSimulator
) -> None:
    alone(till)
    gateway.manner = NEVER
    number = till.order()
    gateway.pay(till.wish(number).json["intentId"], VISA)
    till.wait(130)
    assert reconcile() == REPAIRED
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert reconcile() == NOTHING


def test_money_that_came_to_sslcommerz_unheard_and_too_late_goes_back_once(
    till: Till, gateway: SslCommerzSimulator
) -> None:
    alone(till)
    gateway.manner = NEVER
    number = till.order()
    reference = till.wish(number).json["intentId"]
    till.wait(960)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    gateway.pay(reference, VISA)
    till.wait(5 * 3600)
    assert sweep()["putOff"] == 1, "people decide on the refund"
    gateway.decide()
    assert sweep() == REPAIRED
    assert sweep() == NOTHING
    assert gateway.given_back(reference) == gateway.charged(reference)
    assert len(gateway.refunds) == 1
