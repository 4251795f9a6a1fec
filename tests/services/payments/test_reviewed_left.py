"""A method that the customer left after all had been paid with: it is given back once, whoever sees to it."""

import pytest

from payments.simulators.sslcommerz import NEVER, SslCommerzSimulator
from tests import shop
from tests.sagas.checkout import HOLD_SECONDS
from tests.services.payments import test_sslcommerz_checkout as checkout
from tests.services.payments.till import Till

gateway = checkout.gateway
pytestmark = pytest.mark.contract("12.1", "12.3", "12.9")


@pytest.fixture
def asked(gateway: SslCommerzSimulator, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of the refunds that were asked for, those that were refused too."""
    from payments.providers import sslcommerz_api

    names: set[str] = set()
    start = sslcommerz_api.start_refund

    def noted(bank_tran_id: str, refund_id: str, amount: str) -> object:
        names.add(refund_id)
        return start(bank_tran_id, refund_id, amount)

    monkeypatch.setattr(sslcommerz_api, "start_refund", noted)
    return names


def test_a_payment_left_and_then_given_up_is_given_back_under_one_name(
    till: Till, gateway: SslCommerzSimulator, asked: set[str]
) -> None:
    gateway.manner = NEVER
    number = till.order()
    reference = checkout.pay(till, gateway, number)
    assert till.wish(number, method="sandbox").json["code"] == "provider_unavailable", "the refund is on its way"
    till.wait(HOLD_SECONDS + 1800)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert asked == {f"undo-{reference}"}
    gateway.decide()
    till.undo(number)
    assert gateway.given_back(reference) == gateway.charged(reference)
    assert asked == {f"undo-{reference}"}
    assert till.accounts(number) == {"provider_fees": 62, "provider:sslcommerz": -62}
