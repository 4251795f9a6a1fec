"""News of a payment that comes again, late and out of order, told without dice."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from payments import webhooks
from tests import shop
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout

JSON = dict[str, Any]
pytestmark = [
    pytest.mark.contract("12.2"),
    pytest.mark.parametrize("database", ["dynoxide"], indirect=True),
]


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[Checkout]:
    running = Checkout(environment)
    yield running
    running.close()


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[JSON]:
    """Every webhook message that was worked off, in its order."""
    messages: list[JSON] = []
    honest = webhooks.work

    def work(message: JSON) -> None:
        messages.append(message)
        honest(message)

    monkeypatch.setattr(webhooks, "work", work)
    return messages


def declined_twice(checkout: Checkout) -> str:
    """An order with two declined cards behind it, so with one more to try."""
    shop.stock("LAMP", 10)
    number = checkout.place()
    for _ in range(2):
        checkout.pay("ada", number, cards.DECLINED)
        checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    return number


def hear_again(message: JSON) -> None:
    webhooks.work(orjson.loads(orjson.dumps(message)))


def test_the_last_decline_heard_again_is_counted_once(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    hear_again(heard[1])
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"


def test_an_older_decline_heard_again_is_counted_once(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    hear_again(heard[0])
    checkout.run()
    assert shop.order_of("ada", number)["status"] == "pending_payment"


def test_a_decline_heard_after_the_good_card_changes_nothing(checkout: Checkout, heard: list[JSON]) -> None:
    number = declined_twice(checkout)
    checkout.pay("ada", number)
    checkout.run()
    for message in list(heard):
        hear_again(message)
    checkout.wait(25 * 3600)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert checkout.provider_book(number)[0] == "captured"


def test_an_authorization_heard_a_day_after_the_order_was_given_up_charges_nothing(
    checkout: Checkout, heard: list[JSON]
) -> None:
    shop.stock("LAMP", 10)
    number = checkout.place()
    checkout.run()
    checkout.break_("capture", "before", 10**6)
    checkout.pay("ada", number)
    checkout.run()
    checkout.wait(25 * 3600)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    for message in list(heard):
        hear_again(message)
    checkout.wait(3600)
    assert checkout.provider_book(number) == ("voided", 0)
    assert shop.shelf("LAMP") == (10, 0)
