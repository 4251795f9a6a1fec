"""A checkout that is paid with PayPal, from the cart to the refund, through our own doors and on the real table."""

from collections.abc import Iterator

import orjson
import pytest

from market import config
from market.money import Money
from market.tasks import Transient
from payments.api import handler as api
from payments.model import RefundRefused
from payments.providers import paypal_api
from payments.simulators.network import Network
from payments.simulators.paypal import NEVER, TWICE, PayPalSimulator
from payments.simulators.paypal_book import BALANCE, DECLINED, EMPTY
from tests import shop
from tests.http import call
from tests.sagas.checkout import HOLD_SECONDS
from tests.services.payments.paypal import BASE, CREDENTIALS
from tests.services.payments.till import TOTAL, Till

DUE = Money(TOTAL, "EUR")


@pytest.fixture
def paypal(till: Till, environment: pytest.MonkeyPatch) -> Iterator[PayPalSimulator]:
    """PayPal beside the till, and its webhooks at our door."""
    environment.setenv("PAYMENT_METHODS", "paypal,sandbox")
    environment.setenv("PAYPAL_API_BASE", BASE)
    environment.setenv("PAYMENT_SECRETS", "market/payments")
    known = orjson.dumps({"paypal": CREDENTIALS}).decode()
    config.client("secretsmanager").create_secret(Name="market/payments", SecretString=known)
    paypal_api._tokens.clear()

    def tell(headers: dict[str, str], body: bytes) -> None:
        sent = headers | {"content-type": "application/json"}
        answer = call(api, "POST", "/v1/payments/webhook/paypal", body.decode(), headers=sent)
        assert answer.status == 200, answer

    simulator = PayPalSimulator(**CREDENTIALS, tell=tell)
    config.use_http(Network({BASE: simulator.handle}, otherwise=till))
    yield simulator
    config.use_http(None)


def approve(till: Till, paypal: PayPalSimulator, number: str, by: str = BALANCE) -> str:
    """The customer opens the payment, goes to PayPal and agrees; PayPal's reference."""
    opened = till.wish(number)
    assert opened.status == 201, opened
    assert opened.json["redirect"].startswith("https://www.paypal.com/")
    paypal.approve(opened.json["intentId"], by)
    paypal.send()
    till.run()
    return str(opened.json["intentId"])


@pytest.mark.contract("12.1", "12.2", "12.3")
def test_an_order_is_paid_with_paypal_and_given_back_in_parts(till: Till, paypal: PayPalSimulator) -> None:
    number = till.order()
    reference = approve(till, paypal, number)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert paypal.book.taken(reference) == [DUE]
    assert till.accounts(number)["provider_fees"] == 123

    paypal.send()
    till.run()
    assert till.incidents() == []

    for refund_id, amount in (("rfd_1", 1000), ("rfd_1", 1000), ("rfd_2", 1490)):
        assert till.refund(number, refund_id, amount)["provider"] == "paypal"
    assert paypal.book.given_back(reference) == DUE
    with pytest.raises(RefundRefused):
        till.refund(number, "rfd_3", 1)
    paypal.send()
    till.run()
    assert till.incidents() == []


@pytest.mark.contract("12.2")
def test_webhooks_told_twice_charge_once(till: Till, paypal: PayPalSimulator) -> None:
    paypal.manner = TWICE
    number = till.order()
    reference = approve(till, paypal, number)
    paypal.send()
    till.run()

    assert shop.order_of("ada", number)["status"] == "paid"
    assert paypal.book.taken(reference) == [DUE]


@pytest.mark.contract("12.3", "11.2")
@pytest.mark.parametrize("fault", ["lost", "500", "timeout", "in_progress"])
@pytest.mark.parametrize("verb", ["authorize", "capture"])
def test_an_answer_that_does_not_come_costs_the_customer_nothing_twice(
    till: Till, paypal: PayPalSimulator, verb: str, fault: str
) -> None:
    number = till.order()
    paypal.fail(fault, verb)
    reference = approve(till, paypal, number)
    till.wait(120)
    till.run()

    assert shop.order_of("ada", number)["status"] == "paid"
    assert paypal.book.taken(reference) == [DUE]
    assert len(paypal.book.authorizations) == 1


@pytest.mark.contract("12.1", "11.2")
@pytest.mark.parametrize("by", [EMPTY, DECLINED])
def test_a_buyer_who_cannot_pay_loses_the_order_and_no_money(till: Till, paypal: PayPalSimulator, by: str) -> None:
    number = till.order()
    reference = approve(till, paypal, number, by)
    till.wait(HOLD_SECONDS + 60)
    till.run()

    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert paypal.book.taken(reference) == []
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.contract("12.2", "11.2")
def test_an_approval_that_we_never_hear_of_is_found_when_the_hold_ends(till: Till, paypal: PayPalSimulator) -> None:
    paypal.manner = NEVER
    number = till.order()
    reference = approve(till, paypal, number)
    assert shop.order_of("ada", number)["status"] == "pending_payment"

    till.wait(HOLD_SECONDS + 60)
    till.run()
    assert shop.order_of("ada", number)["status"] == "paid"
    assert paypal.book.taken(reference) == [DUE]


@pytest.mark.contract("12.2", "11.2")
def test_an_approval_after_the_order_was_given_up_holds_no_money_in_the_end(
    till: Till, paypal: PayPalSimulator
) -> None:
    number = till.order()
    reference = till.wish(number).json["intentId"]
    till.wait(HOLD_SECONDS + 60)
    till.run()
    assert shop.order_of("ada", number)["status"] == "cancelled"

    paypal.approve(reference)
    paypal.send()
    till.run()
    assert paypal.book.taken(reference) == []
    assert [held["status"] for held in paypal.book.authorizations.values()] == ["VOIDED"]


@pytest.mark.contract("12.1")
def test_a_customer_who_leaves_paypal_for_another_method_pays_once(till: Till, paypal: PayPalSimulator) -> None:
    number = till.order()
    left = till.wish(number).json["intentId"]
    other = till.wish(number, method="sandbox")
    assert other.json["provider"] == "sandbox"
    paypal.approve(left)
    paypal.send()
    till.run()
    till.confirm(other.json, "4242424242424242")
    till.run()

    assert shop.order_of("ada", number)["status"] == "paid"
    assert paypal.book.taken(left) == []
    assert [held["status"] for held in paypal.book.authorizations.values()] == ["VOIDED"]


@pytest.mark.contract("12.3")
def test_a_refund_whose_answer_is_lost_is_made_once(till: Till, paypal: PayPalSimulator) -> None:
    number = till.order()
    reference = approve(till, paypal, number)
    paypal.fail("lost", "refund")
    with pytest.raises(Transient, match="ProviderUnavailable"):
        till.refund(number, "rfd_1", 1000)

    till.refund(number, "rfd_1", 1000)
    assert paypal.book.given_back(reference) == Money(1000, "EUR")
