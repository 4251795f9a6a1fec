"""A whole purchase with Stripe: the real checkout, our adapter, and the simulated company with its own book."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from ledger.api import handler as ledger_api
from market import config
from payments.simulators.network import Network
from payments.simulators.stripe import StripeSimulator
from tests import shop
from tests.http import call
from tests.sagas.checkout import Checkout, order_id
from tests.services.payments import stripe as cards


class StripeCheckout(Checkout):
    """A checkout of a stage that offers nothing but Stripe."""

    def __init__(self, environment: pytest.MonkeyPatch) -> None:
        super().__init__(environment)
        environment.setenv("PAYMENT_METHODS", "stripe")
        environment.setenv("STRIPE_API_BASE", cards.BASE)
        environment.setenv("PAYMENT_SECRETS", "market/payments")
        config.client("secretsmanager").create_secret(
            Name="market/payments", SecretString=orjson.dumps({"stripe": cards.CREDENTIALS}).decode()
        )
        self.stripe = StripeSimulator(
            api_key=cards.CREDENTIALS["api_key"], webhook_secret=cards.CREDENTIALS["webhook_secret"], tell=self._tell
        )
        config.use_http(Network({cards.BASE: self.stripe.handle}, otherwise=self))

    def buy(self, card: str = cards.GOOD) -> str:
        """An order whose customer typed in a card; the order's number."""
        number = self.place()
        self.run()
        self.stripe.pay(self.open("ada", number)["clientSecret"], card)
        return number

    def settle(self) -> None:
        """Webhooks arrive and everything that is due happens, until nothing more does."""
        self.run()
        while self.stripe.deliver():
            self.run()

    def books(self, number: str) -> list[tuple[str, int, int]]:
        return self.stripe.book(order_id(number))

    def _tell(self, body: bytes, signature: str) -> None:
        from payments.api import handler

        sent = {"stripe-signature": signature, "content-type": "application/json"}
        answer = call(handler, "POST", "/v1/payments/webhook/stripe", body.decode(), headers=sent)
        assert 200 <= answer.status < 300, answer


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[StripeCheckout]:
    running = StripeCheckout(environment)
    shop.stock("LAMP", 10, price=shop.euros(2000))
    yield running
    running.close()


def sale_of(number: str) -> dict[str, Any]:
    """What the ledger booked for the order's sale, by account."""
    answer = call(ledger_api, "GET", f"/v1/admin/ledger/{order_id(number)}", caller="sam", roles="staff")
    (sale,) = answer.json["journals"]
    return {posting["account"]: posting["amount"]["amount"] for posting in sale["postings"]}


def assert_sold(checkout: StripeCheckout, number: str) -> None:
    assert shop.order_of("ada", number)["status"] == "paid"
    assert checkout.books(number) == [("succeeded", 2490, 0)]
    assert shop.shelf("LAMP") == (9, 0)
    sale = sale_of(number)
    assert (sale["provider:stripe"], sale["provider_fees"]) == (2490 - 102, 102)
    assert sum(sale.values()) == 0


def assert_nothing_left(checkout: StripeCheckout, number: str) -> None:
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert sum(captured - refunded for _, captured, refunded in checkout.books(number)) == 0
    assert "requires_capture" not in [status for status, _, _ in checkout.books(number)]
    assert shop.shelf("LAMP") == (10, 0)


@pytest.mark.contract("11.2", "12.1", "12.2", "12.4")
def test_an_order_is_paid_with_stripe_sold_and_booked(checkout: StripeCheckout) -> None:
    number = checkout.buy()
    checkout.settle()
    assert_sold(checkout, number)
    assert checkout.history(number) == ["AwaitPayment", "Confirm"]


@pytest.mark.contract("11.2", "12.1")
def test_an_order_waits_for_3d_secure(checkout: StripeCheckout) -> None:
    number = checkout.buy(cards.SECURE_ALWAYS)
    checkout.settle()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    (intent,) = checkout.stripe.memory.all("payment_intent")
    checkout.stripe.authenticate(intent["id"])
    checkout.settle()
    assert_sold(checkout, number)


@pytest.mark.contract("11.2", "12.1")
def test_three_declined_cards_end_the_order(checkout: StripeCheckout) -> None:
    number = checkout.buy(cards.DECLINED)
    checkout.settle()
    (intent,) = checkout.stripe.memory.all("payment_intent")
    for card in (cards.EMPTY, cards.DECLINED):
        checkout.stripe.pay(intent["client_secret"], card)
        checkout.settle()
    assert_nothing_left(checkout, number)


@pytest.mark.contract("11.2", "12.3")
@pytest.mark.parametrize(("kind", "when"), [("lost", "after"), ("timeout", "before"), ("crash", "before")])
def test_a_capture_whose_answer_is_lost_sells_the_order_once(checkout: StripeCheckout, kind: str, when: str) -> None:
    number = checkout.buy()
    checkout.stripe.break_("POST capture", kind, when)
    checkout.settle()
    assert_sold(checkout, number)


@pytest.mark.contract("11.2", "12.1")
def test_a_refused_capture_leaves_nothing(checkout: StripeCheckout) -> None:
    number = checkout.buy()
    (intent,) = checkout.stripe.memory.all("payment_intent")
    checkout.stripe.block(intent["id"])
    checkout.settle()
    assert_nothing_left(checkout, number)


@pytest.mark.contract("11.2", "12.2")
def test_an_order_whose_webhooks_never_come_is_sold_by_asking(checkout: StripeCheckout) -> None:
    number = checkout.buy()
    checkout.wait(905)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert checkout.books(number) == [("succeeded", 2490, 0)]


@pytest.mark.contract("11.2", "12.2")
def test_a_payment_that_comes_after_giving_up_is_let_go(checkout: StripeCheckout) -> None:
    number = checkout.place()
    checkout.run()
    secret = checkout.open("ada", number)["clientSecret"]
    checkout.wait(905)
    checkout.stripe.pay(secret, cards.GOOD)
    checkout.settle()
    assert_nothing_left(checkout, number)
