"""A refund that its provider had called done fails days later: the customer has no money, so staff is told."""

from collections.abc import Iterator

import pytest

from payments.api import handler as payments
from payments.simulators.stripe_rules import REFUND_SECONDS
from payments.tasks import handler as tasks
from tests import shop
from tests.http import call
from tests.sagas.checkout import order_id
from tests.services.payments.test_stripe_saga import StripeCheckout

pytestmark = pytest.mark.contract("12.2", "12.3")
FAILS_LATER = "4000000000005126"


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[StripeCheckout]:
    running = StripeCheckout(environment)
    shop.stock("LAMP", 10, price=shop.euros(2000))
    yield running
    running.close()


def test_a_refund_that_fails_after_it_was_done_is_told_to_staff(checkout: StripeCheckout) -> None:
    number = checkout.buy(FAILS_LATER)
    checkout.settle()
    given = {"orderId": order_id(number), "refundId": "rfd_1", "amount": shop.euros(1000).plain()}
    tasks({"task": "refund", "input": given}, None)
    checkout.wait(REFUND_SECONDS + 1)
    checkout.settle()
    assert checkout.books(number) == [("succeeded", 2490, 0)], "the money is with us again"
    listed = call(payments, "GET", "/v1/admin/payments/webhook-incidents", caller="sam", roles="staff").json["items"]
    assert [(incident["reason"], incident["orderNo"]) for incident in listed] == [("refund_failed", number)]
