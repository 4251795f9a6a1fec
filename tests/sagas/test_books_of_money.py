"""What the provider, the journals and the vendors' balances say of the same purchases is the same."""

import pytest

from tests import shop
from tests.books_of_money import journals_of, sandbox_charges, vendor_violations, violations
from tests.sagas import checkout as cards
from tests.sagas.checkout import Checkout, order_id

pytestmark = pytest.mark.contract("12.4", "12.5")


def test_the_books_agree_after_sales_declines_and_orders_that_came_to_nothing(checkout: Checkout) -> None:
    shop.stock("LAMP", 20, price=shop.euros(1_999), vendor="ven_lights")
    shop.stock("CHAIR", 20, price=shop.euros(8_049), vendor="ven_wood")
    bought = checkout.place("ada", ("LAMP", 3), ("CHAIR", 1))
    declined = checkout.place("bob", ("LAMP", 1))
    undone = checkout.place("cyd", ("CHAIR", 2))
    checkout.run()
    checkout.pay("ada", bought)
    for _ in range(3):
        checkout.pay("bob", declined, cards.DECLINED)
    checkout.run()
    checkout.break_("confirm", "before", times=1_000)
    checkout.pay("cyd", undone)
    checkout.run()
    checkout.break_("confirm", "before", times=0)
    checkout.wait(3_600)

    charges, journals = sandbox_charges(), journals_of(map(order_id, (bought, declined, undone)))
    assert charges[order_id(bought)].net > 0
    assert charges[order_id(undone)].refunded > 0
    assert list(violations(charges, journals)) == []
    assert list(vendor_violations(journals, ("ven_lights", "ven_wood"))) == []
