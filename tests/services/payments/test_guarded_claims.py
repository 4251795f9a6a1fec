"""An order that was placed as a guest and claimed since is paid with cards of its owner, and of nobody else."""

import pytest

from orders.api import handler as orders
from payments.api import handler as payments
from tests import shop
from tests.http import call
from tests.sagas import checkout as cards
from tests.services.orders.floor import Guest
from tests.services.payments.test_saved_methods import save
from tests.services.payments.till import TOTAL, Till

pytestmark = pytest.mark.contract("11.1", "12.3")


def claimed(till: Till) -> tuple[Guest, str]:
    """An order that a guest placed and ada claimed."""
    shop.stock("LAMP", 10, price=shop.euros(2000))
    guest = Guest()
    placed = guest.place(("LAMP", 1))
    assert placed.status == 201, placed
    till.run()
    wish = {"orderNo": placed.json["orderNo"], "guestToken": guest.token}
    assert call(orders, "POST", "/v1/me/orders/claim", wish, caller="ada").status == 200
    return guest, str(placed.json["orderNo"])


@pytest.mark.parametrize("heard", [True, False])
def test_a_claimed_order_whose_card_was_charged_unheard_is_found_paid(till: Till, heard: bool) -> None:
    """By who asks again, or by the checkout where the browser is closed and the webhook lost."""
    card, (_, number) = save(till), claimed(till)
    if not heard:
        till.break_("webhook", "before", 10**6)
    till.break_("POST payment_intents", "after")
    assert till.wish(number, savedMethod=card).status == 503
    if heard:
        assert till.wish(number, savedMethod=card).json["status"] == "authorized"
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    assert shop.order_of("ada", number)["status"] == "paid"
    assert till.intents(number) == [("captured", TOTAL)]


def test_a_claimed_order_cancelled_while_its_card_was_charged_unheard_leaves_no_charge(till: Till) -> None:
    card, (_, number) = save(till), claimed(till)
    till.break_("POST payment_intents", "after")
    assert till.wish(number, savedMethod=card).status == 503
    assert call(orders, "POST", f"/v1/orders/{number}/cancellation", caller="ada").status == 202
    till.run()
    till.wait(cards.HOLD_SECONDS + 5)
    assert call(orders, "GET", f"/v1/orders/{number}", caller="ada").json["status"] == "cancelled"
    assert till.intents(number) == [("voided", 0)]


def test_the_card_belongs_to_who_claimed_and_to_nobody_else(till: Till) -> None:
    card, (guest, number) = save(till), claimed(till)
    wish = {"orderNo": number, "savedMethod": card}
    token = {"guest-token": guest.token}
    assert call(payments, "POST", "/v1/guest/payments/intent", wish, headers=token).status == 404
    assert till.ask("POST", "/v1/payments/intent", wish, caller="bob").status == 404
    assert till.intents(number) == []
