"""Carts for tests of prices: written by hand, with nothing set up unless a test says so."""

from typing import Any

from cart.contract import Line
from market.money import Money
from orders.pricing import Answer, Question, Tables, price
from promotions.contract import CustomerFacts
from shipping.contract import Destination

TODAY = "2026-11-21T12:00:00.000Z"
ADA = CustomerFacts(customer_id="ada", orders=3, since="2026-01-01T00:00:00.000Z")


def line(sku: str, price: int, quantity: int = 1, *, currency: str = "EUR", vendor: str = "ven_a", **more: Any) -> Line:
    return Line(
        sku=sku,
        product_id=f"prd_{sku}",
        vendor_id=vendor,
        title=f"A {sku}",
        quantity=quantity,
        unit_price=Money(price, currency),
        **more,
    )


def question(*lines: Line, to: str = "DE", region: str = "", **more: Any) -> Question:
    usual = {"at": TODAY, "currency": lines[0].unit_price.currency, "customer": ADA}
    return Question(lines=lines, destination=Destination(to, region), **(usual | more))


def priced(*lines: Line, tables: Tables | None = None, **more: Any) -> Answer:
    """The answer for Ada in Germany, where nothing else is said."""
    return price(question(*lines, **more), tables or Tables(rules={}))
