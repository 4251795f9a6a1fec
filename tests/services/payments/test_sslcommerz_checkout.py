"""A checkout that is paid at SSLCommerz, from the cart to the refund, through our own doors and on the real table."""

from collections.abc import Iterator

import orjson
import pytest

from market import config
from market.money import Money
from market.tasks import Transient
from payments.api import handler as api
from payments.simulators.network import Network
from payments.simulators.sslcommerz import DECLINED, NEVER, TWICE, VISA, SslCommerzSimulator
from tests import shop
from tests.http import call
from tests.sagas.checkout import HOLD_SECONDS
from tests.services.payments.sslcommerz import BASE, STORE
from tests.services.payments.till import Till

TAKA = Money(301_912, "BDT")
"""What an order of one lamp for 24.90 euros costs at SSLCommerz's rate."""


@pytest.fixture
def gateway(till: Till, environment: pytest.MonkeyPatch) -> Iterator[SslCommerzSimulator]:
    """SSLCommerz beside the till, and its notifications at our door."""
    environment.setenv("PAYMENT_METHODS", "sslcommerz,sandbox")
    environment.setenv("SSLCOMMERZ_API_BASE", BASE)
    environment.setenv("PAYMENT_SECRETS", "market/payments")
    known = orjson.dumps({"sslcommerz": STORE}).decode()
    config.client("secretsmanager").create_secret(Name="market/payments", SecretString=known)

    def tell(body: bytes) -> None:
        sent = {"content-type": "application/x-www-form-urlencoded"}
        answer = call(api, "POST", "/v1/payments/webhook/sslcommerz", body.decode(), headers=sent)
        assert answer.status == 200, answer

    simulator = SslCommerzSimulator(**STORE, tell=tell)
    config.use_http(Network({BASE: simulator.handle}, otherwise=till))
    yield simulator
    config.use_http(None)


def pay(till: Till, gateway: SslCommerzSimulator, number: str, by: str = VISA) -> str:
    """The customer opens the payment, goes to SSLCommerz and pays; our reference there."""
    opened = till.wish(number)
    assert opened.status == 201, opened
    assert opened.json["redirect"].startswith("https://sandbox.sslcommerz.com/")
    gateway.pay(opened.json["intentId"], by)
    gateway.send()
    till.run()
    return str(opened.json["intentId"])


@pytest.mark.contract("12.1", "12.2", "12.3")
def test_an_order_is_paid_at_sslcommerz_and_given_back(till: Till, gateway: SslCommerzSimulator) -> None:
    gateway.manner = TWICE
    number = till.order()
    reference = pay(till, gateway, number)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert gateway.charged(reference) == TAKA
    assert till.accounts(number)["provider_fees"] == 62
    assert till.incidents() == []

    with pytest.raises(Transient, match="ProviderUnavailable"):
        till.refund(number, "rfd_1", 1000)
    gateway.decide()
    assert till.refund(number, "rfd_1", 1000)["provider"] == "sslcommerz"
    assert gateway.given_back(reference) == Money(121_249, "BDT")


@pytest.mark.contract("12.2", "11.2")
def test_a_payment_that_we_never_hear_of_is_found_when_the_hold_ends(till: Till, gateway: SslCommerzSimulator) -> None:
    gateway.manner = NEVER
    number = till.order()
    reference = pay(till, gateway, number)
    assert shop.order_of("ada", number)["status"] == "pending_payment"

    till.wait(HOLD_SECONDS + 60)
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert gateway.charged(reference) == TAKA


@pytest.mark.contract("12.1", "11.2")
def test_a_customer_who_cannot_pay_loses_the_order_and_no_money(till: Till, gateway: SslCommerzSimulator) -> None:
    number = till.order()
    reference = pay(till, gateway, number, DECLINED)
    till.wait(HOLD_SECONDS + 60)
    till.run()

    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert gateway.charged(reference) == Money(0, "BDT")
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.contract("12.2", "11.2")
def test_money_that_comes_after_the_order_was_given_up_goes_back(till: Till, gateway: SslCommerzSimulator) -> None:
    number = till.order()
    reference = till.wish(number).json["intentId"]
    till.wait(HOLD_SECONDS + 60)
    till.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"

    gateway.pay(reference)
    gateway.send()
    till.run()
    gateway.decide()
    till.wait(3600)
    till.run()
    assert gateway.given_back(reference) == gateway.charged(reference) == TAKA
    assert len(gateway.refunds) == 1


@pytest.mark.contract("12.1")
def test_a_failed_attempt_is_followed_by_another_after_a_detour(till: Till, gateway: SslCommerzSimulator) -> None:
    number = till.order()
    first = pay(till, gateway, number, DECLINED)
    till.wish(number, method="sandbox")
    again = till.wish(number, method="sslcommerz").json
    assert again["intentId"] != first
    gateway.pay(again["intentId"])
    gateway.send()
    till.run()

    assert shop.order_of("ada", number)["status"] == "paid"
    assert gateway.charged(again["intentId"]) == TAKA
    assert gateway.charged(first) == Money(0, "BDT")
