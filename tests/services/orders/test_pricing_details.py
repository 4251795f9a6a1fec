"""What a priced line and part carry with them, and the edges of tax and commission."""

import pytest

from cart.contract import Cart, Line
from ledger.contract import Rule
from market.money import Money
from orders.contract import LineSnapshot, Part
from orders.pricing import Terms, parcel, priced
from orders.tax import contained, standard_rate

pytestmark = pytest.mark.contract("11.4", "12.5")

TODAY = "2026-11-21T12:00:00.000Z"


def euros(cents: int) -> Money:
    return Money(cents, "EUR")


def basket(*lines: tuple[str, str, int, int]) -> Cart:
    """(sku, vendor, quantity, price in cents) each."""
    return Cart(
        customer_id="ada",
        version=1,
        lines=tuple(
            Line(
                sku=sku,
                product_id=f"prd_{sku}",
                vendor_id=vendor,
                title=f"A {sku}",
                quantity=quantity,
                unit_price=euros(price),
                category="home>lamps",
            )
            for sku, vendor, quantity, price in lines
        ),
    )


def terms(rules: dict[str, list[Rule]] | None = None, country: str = "DE") -> Terms:
    return Terms(shipping_method="standard", country=country, at=TODAY, rules=rules)


def test_a_line_is_frozen_with_everything_that_is_known_of_it() -> None:
    (line,), _ = priced(basket(("LAMP", "ven_a", 2, 1_190)), terms())
    assert line == LineSnapshot(
        sku="LAMP",
        product_id="prd_LAMP",
        vendor_id="ven_a",
        title="A LAMP",
        quantity=2,
        unit_price=euros(1_190),
        category="home>lamps",
        discount=euros(0),
        tax=euros(380),
        tax_basis_points=1_900,
    )


def test_a_part_is_the_sum_of_its_vendors_lines_and_parcel() -> None:
    rules = {"ven_a": [Rule(vendor_id="ven_a", basis_points=2_000)], "": [Rule(basis_points=1_000)]}
    cart = basket(("LAMP", "ven_a", 2, 1_190), ("CHAIR", "ven_b", 1, 11_900), ("BULB", "ven_a", 1, 119))
    _, (first, second) = priced(cart, terms(rules))
    assert first == Part(
        vendor_id="ven_a",
        subtotal=euros(2_499),
        shipping=euros(490),
        commission=euros(476 + 24),
        discount=euros(0),
        tax=euros(380 + 19 + 78),
        shipping_tax=euros(78),
    )
    assert (second.vendor_id, second.subtotal, second.commission) == ("ven_b", euros(11_900), euros(1_190))


def test_without_rules_no_commission_is_told() -> None:
    _, (part,) = priced(basket(("LAMP", "ven_a", 2, 1_190)), terms())
    assert part.commission == euros(0)


def test_a_commission_leaves_the_vendor_the_tax() -> None:
    _, (part,) = priced(basket(("LAMP", "ven_a", 1, 1_190)), terms({"": [Rule(per_order=euros(10_000))]}))
    assert part.commission == euros(1_190)
    greedy = {"": [Rule(basis_points=10_000)]}
    _, (dear,) = priced(basket(("SOFA", "ven_a", 1, 119_000)), terms(greedy))
    assert dear.commission == dear.charge - dear.tax
    assert dear.earnings == euros(0)


@pytest.mark.parametrize(
    ("method", "currency", "amount"),
    [("standard", "EUR", 490), ("express", "EUR", 1_290), ("standard", "JPY", 5), ("standard", "KWD", 4_900)],
)
def test_a_parcel_costs_the_same_in_main_units_rounded_up(method: str, currency: str, amount: int) -> None:
    assert parcel(method, currency) == Money(amount, currency)


def test_the_tax_in_a_price_is_rounded_half_up() -> None:
    assert contained(euros(119), 1_900) == euros(19)
    assert contained(euros(3), 2_000) == euros(1)
    assert contained(euros(2), 2_000) == euros(0)
    assert contained(euros(100), 0) == euros(0)
    assert contained(Money(119, "USD"), 1_900).currency == "USD"


def test_a_rate_holds_from_its_first_day_on() -> None:
    assert standard_rate("EE", "2025-06-30T23:59:59.999Z") == 2_200
    assert standard_rate("EE", "2025-07-01") == 2_400
    assert standard_rate("XX", TODAY) == 0
