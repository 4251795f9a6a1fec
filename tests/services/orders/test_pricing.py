"""What an order costs: every amount a sum of its parts, in every currency, for every country."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cart.contract import Cart, Line
from ledger.contract import Rule
from market.money import Money, total
from orders.contract import compact_lines, compact_parts, read_lines, read_parts
from orders.pricing import Terms, priced
from orders.tax import COUNTRIES, contained, standard_rate

pytestmark = pytest.mark.contract("11.4", "12.5")

TODAY = "2026-11-21T12:00:00.000Z"
_currencies = st.sampled_from(["EUR", "SEK", "USD", "JPY", "KRW", "KWD", "TND"])
_countries = st.sampled_from([*sorted(COUNTRIES), "US", "GB", "CH", ""])


@st.composite
def _carts(draw: st.DrawFn) -> Cart:
    currency = draw(_currencies)
    lines = [
        Line(
            sku=f"SKU-{number}",
            product_id=f"prd_{number}",
            vendor_id=draw(st.sampled_from(["ven_a", "ven_b", "ven_c"])),
            title="Something",
            quantity=draw(st.integers(1, 999)),
            unit_price=Money(draw(st.integers(1, 10_000_000)), currency),
            category=draw(st.sampled_from(["", "home", "home>lamps", "food"])),
        )
        for number in range(draw(st.integers(1, 12)))
    ]
    return Cart(customer_id="ada", version=1, lines=tuple(lines))


@st.composite
def _rules(draw: st.DrawFn, currency: str) -> Rule:
    kind = draw(st.sampled_from(["percent", "fixed"]))
    amount = Money(draw(st.integers(0, 100_000)), currency)
    category = draw(st.sampled_from(["", "home"]))
    if kind == "fixed":
        return Rule(category=category, per_unit=amount)
    return Rule(category=category, basis_points=draw(st.integers(0, 10_000)), least=amount)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(data=st.data(), cart=_carts(), country=_countries, method=st.sampled_from(["standard", "express"]))
def test_the_parts_make_up_the_total_and_no_unit_is_lost(
    data: st.DataObject, cart: Cart, country: str, method: str
) -> None:
    currency = cart.lines[0].unit_price.currency
    rules = {"": [data.draw(_rules(currency))]}
    lines, parts = priced(cart, Terms(shipping_method=method, country=country, at=TODAY, rules=rules))
    charged = total((part.charge for part in parts), currency)
    goods = total((line.unit_price * line.quantity for line in cart.lines), currency)
    assert charged == goods + total((part.shipping for part in parts), currency)
    assert total((line.charge for line in lines), currency) == goods
    for part in parts:
        own = [line for line in lines if line.vendor_id == part.vendor_id]
        assert total((line.charge for line in own), currency) + part.shipping == part.charge
        assert total((line.tax or Money(0, currency) for line in own), currency) + part.shipping_tax == part.tax
        assert part.commission + part.earnings + part.tax == part.charge
        assert min(part.commission.amount, part.earnings.amount, part.tax.amount) >= 0


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(cart=_carts(), country=_countries)
def test_what_is_stored_of_an_order_is_read_back_whole(cart: Cart, country: str) -> None:
    lines, parts = priced(cart, Terms(shipping_method="express", country=country, at=TODAY, rules={}))
    stored = {
        "currency": cart.lines[0].unit_price.currency,
        "lines": compact_lines(lines),
        "parts": compact_parts(parts),
    }
    assert read_lines(stored) == lines
    assert read_parts(stored) == parts


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(amount=st.integers(0, 10**12), rate=st.integers(0, 2_700))
def test_the_tax_contained_is_the_nearest_unit_and_a_half_goes_up(amount: int, rate: int) -> None:
    tax, whole = contained(Money(amount, "EUR"), rate).amount, 10_000 + rate
    assert 0 <= 2 * amount * rate + whole - 2 * tax * whole < 2 * whole


def test_half_a_cent_of_tax_becomes_one() -> None:
    assert contained(Money(3, "EUR"), 2_000) == Money(1, "EUR")
    assert contained(Money(119, "EUR"), 1_900) == Money(19, "EUR")
    assert contained(Money(1_000, "JPY"), 2_550) == Money(203, "JPY")


@pytest.mark.parametrize(
    ("country", "at", "rate"),
    [
        ("DE", TODAY, 1_900),
        ("HU", TODAY, 2_700),
        ("LU", TODAY, 1_700),
        ("EE", "2025-06-30T23:59:59.999Z", 2_200),
        ("EE", "2025-07-01T00:00:00.000Z", 2_400),
        ("RO", "2025-07-31T23:59:59.999Z", 1_900),
        ("RO", TODAY, 2_100),
        ("FI", TODAY, 2_550),
        ("SK", TODAY, 2_300),
        ("GB", TODAY, 0),
        ("US", TODAY, 0),
        ("", TODAY, 0),
    ],
)
def test_the_rate_is_that_of_the_country_on_the_day(country: str, at: str, rate: int) -> None:
    assert standard_rate(country, at) == rate


def test_every_member_state_has_a_rate() -> None:
    assert len(COUNTRIES) == 27
    assert all(1_500 <= standard_rate(country, TODAY) <= 2_700 for country in COUNTRIES)


def test_a_rule_that_wants_more_than_there_is_leaves_the_tax_whole() -> None:
    cart = Cart(customer_id="ada", lines=(_line(100),))
    rules = {"": [Rule(basis_points=10_000, least=Money(100_000, "EUR"))]}
    _, (part,) = priced(cart, Terms(shipping_method="standard", country="DE", at=TODAY, rules=rules))
    assert part.commission == Money(100, "EUR")
    assert part.earnings == Money(490 - 16 - 78, "EUR")


def test_the_rule_of_a_category_decides_on_the_commission_of_its_lines() -> None:
    cart = Cart(customer_id="ada", lines=(_line(1_000, "food"), _line(1_000, "home>lamps")))
    rules = {"": [Rule(category="food", basis_points=500), Rule(category="home", basis_points=2_000)]}
    lines, (part,) = priced(cart, Terms(shipping_method="standard", country="", at=TODAY, rules=rules))
    assert [line.category for line in lines] == ["food", "home>lamps"]
    assert part.commission == Money(50 + 200, "EUR")


def _line(price: int, category: str = "") -> Line:
    return Line(
        sku=f"SKU-{category}",
        product_id="prd_1",
        vendor_id="ven_a",
        title="Something",
        quantity=1,
        unit_price=Money(price, "EUR"),
        category=category,
    )
