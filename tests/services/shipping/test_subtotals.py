"""A quote and the checkout's summary tell the same prices of parcels, whatever is taken off the goods before."""

from typing import Any

import pytest

from prices.contract import Entry
from promotions.model import Fixed, FreeShipping, Percent
from tests import shop
from tests.services.orders.setup import coupon, listed, running
from tests.services.promotions.maker import promotion, some
from tests.services.shipping.shelves import body, euros, exchange
from tests.services.shipping.test_routes import LAMPS, POTS, put_table, rates, sold

pytestmark = [pytest.mark.usefixtures("database", "time"), pytest.mark.contract("13.2", "9.3")]

TENTH, TWENTIETH = Percent(basis_points=1_000), Percent(basis_points=500)


def quoted(**wish: Any) -> dict[str, Any]:
    answer = rates(**wish)
    assert answer.status == 200, answer
    return {vendor["vendorId"]: list(map(told, vendor["options"])) for vendor in answer.json["vendors"]}


def summed_up(**wish: Any) -> dict[str, Any]:
    summary = shop.summary("ada", country="DE", **wish)
    return {parcel["vendorId"]: list(map(told, parcel["options"])) for parcel in summary["parcels"]}


def told(option: dict[str, Any]) -> dict[str, Any]:
    return {name: option.get(name) for name in ("method", "price", "freeBecause", "freeFrom", "earliest", "latest")}


def test_what_is_free_in_a_quote_is_free_at_checkout_and_nothing_else() -> None:
    sold("POT")
    sold("LAMP", LAMPS)
    shop.fill("ada", ("POT", 3), ("LAMP", 1))
    put_table(body() | {"free": [{"threshold": 5_900, "methods": ["standard"], "zones": ["de"]}]})
    exchange(USD="1.25")

    def costs(expected: int) -> None:
        quote = quoted()
        assert quote[POTS][0]["price"]["amount"] == expected
        assert quote == summed_up()
        assert quoted(currency="USD") == summed_up(currency="USD")

    costs(0)  # 59.97 is more than 59.00
    running(promotion("prm_tenth", TENTH))
    costs(1_399)
    running(promotion("prm_lamp", TENTH, include=some(skus=["LAMP"])))
    costs(0)
    running(promotion("prm_a", FreeShipping(), exclusive=True), promotion("prm_b", TWENTIETH, exclusive=True))
    costs(0)  # the other vendor's postage of 4.90 is worth more than 4.00 off the goods, and counts instead
    running()
    listed("POT", Entry(list_id="cheap", price=euros(1_990)))
    costs(0)
    coupon("TENOFF", promotion("prm_code", Fixed(amounts={"EUR": 1_000}), needs_code=True))
    shop.apply_coupon("ada", "TENOFF")
    costs(1_399)
