"""Prices worked out by hand from what tax offices, central banks and shops publish, and what the pipeline makes of it.

Sources, each as read in 2025: European Commission, VAT rates applied in the member states; HMRC, VAT guide (700),
VAT fractions; Swiss FTA, VAT rates; National Tax Agency of Japan, consumption tax; CDTFA, California sales and use tax
rates; Minnesota Department of Revenue, sales tax rates; Streamlined Sales and Use Tax Agreement, section 324, rounding;
Government of British Columbia, PST, and Canada Revenue Agency, GST rates; ECB, euro foreign exchange reference rates;
Shopify, help centre, discount types and how they are allocated.
"""

import pytest

from market.money import Money
from orders.pricing import Tables
from prices.contract import Rate, Rates, Rounding
from promotions.model import Bundle, BuyGet, Fixed, Percent, Tier, Tiered
from tax.contract import Overrides, Registration
from tests.services.orders.baskets import line, priced
from tests.services.promotions import maker

pytestmark = pytest.mark.contract("9.1", "13.1", "11.4")

REGISTERED = Tables(overrides=Overrides(registrations=(Registration(since="2020-01-01"),)))


@pytest.mark.parametrize(
    ("country", "category", "currency", "gross", "tax"),
    [
        ("DE", "standard", "EUR", 11_900, 1_900),  # 19 of 119
        ("DE", "reduced", "EUR", 1_070, 70),  # 7 of 107
        ("FR", "reduced", "EUR", 1_055, 55),  # 5.5 of 105.5
        ("FI", "standard", "EUR", 10_000, 2_032),  # 100 * 25.5 / 125.5 = 20.318 ..
        ("HU", "standard", "HUF", 100_000, 21_260),  # 1000 * 27 / 127 = 212.598 ..
        ("LU", "standard", "EUR", 5_000, 726),  # 50 * 17 / 117 = 7.264 ..
        ("IE", "standard", "EUR", 12_345, 2_308),  # 123.45 * 23 / 123 = 23.084 ..
        ("GB", "standard", "GBP", 1_200, 200),  # the VAT fraction of 20 % is 1/6
        ("GB", "standard", "GBP", 999, 167),  # 9.99 / 6 = 1.665, half a penny goes up
        ("CH", "standard", "CHF", 10_810, 810),  # 8.1 of 108.1
        ("JP", "standard", "JPY", 1_100, 100),  # 10 of 110, no minor unit
        ("JP", "reduced", "JPY", 999, 74),  # 999 * 8 / 108 = 74
    ],
)
def test_the_tax_in_a_price(country: str, category: str, currency: str, gross: int, tax: int) -> None:
    tables = Tables() if country in ("DE", "FR", "FI", "HU", "LU", "IE") else REGISTERED
    (sold,) = priced(line("A", gross, currency=currency, tax_category=category), to=country, tables=tables).lines
    assert (sold.charge.amount, sold.tax) == (gross, Money(tax, currency))


@pytest.mark.parametrize(
    ("region", "net", "quantity", "tax"),
    [
        ("CA", 10_000, 1, 725),  # 7.25 %
        ("CA", 200, 1, 15),  # 0.145: the third decimal is more than four
        ("CA", 100, 1, 7),  # 0.0725
        ("MN", 1_999, 1, 137),  # 19.99 * 6.875 % = 1.3743 ..
        ("MN", 1_999, 3, 412),  # of the whole line: 59.97 * 6.875 % = 4.1229 .., not three times 1.37
        ("OR", 10_000, 1, 0),  # no sales tax
    ],
)
def test_the_tax_on_a_price_in_the_united_states(region: str, net: int, quantity: int, tax: int) -> None:
    asked = line("A", net, quantity, currency="USD")
    (sold,) = priced(asked, to="US", region=region, tables=REGISTERED).lines
    assert sold.tax == Money(tax, "USD")
    assert sold.charge.amount == net * quantity + tax


def test_gst_and_pst_in_british_columbia() -> None:
    """5 % and 7 %, both on the price."""
    (sold,) = priced(line("A", 10_000, currency="CAD"), to="CA", region="BC", tables=REGISTERED).lines
    assert sold.charge == Money(11_200, "CAD")


@pytest.mark.parametrize(
    ("benefit", "lines", "off"),
    [
        (BuyGet(buy=2, get=1), [(3_000, 1), (2_000, 1), (1_000, 1)], [0, 0, 1_000]),  # buy two, the cheapest is free
        (BuyGet(buy=1, get=1, basis_points=5_000), [(2_000, 1), (1_000, 1)], [0, 500]),  # buy one, one at half price
        (BuyGet(buy=1, get=1), [(2_000, 5)], [4_000]),  # of five, two are free
        (Fixed(amounts={"EUR": 1_000}), [(1_000, 1), (2_000, 1), (3_000, 1)], [167, 333, 500]),  # in proportion
        (Percent(basis_points=1_500), [(999, 1)], [150]),  # 9.99 * 15 % = 1.4985
        (Percent(basis_points=5_000, most={"EUR": 1_000}), [(9_000, 1)], [1_000]),  # half off, at most 10.00
        (Tiered(tiers=(Tier(units=3, basis_points=1_000), Tier(units=10, basis_points=2_000))), [(500, 3)], [150]),
        (Tiered(tiers=(Tier(units=3, basis_points=1_000), Tier(units=10, basis_points=2_000))), [(500, 10)], [1_000]),
        (Bundle(units={"S0": 1, "S1": 1}, prices={"EUR": 2_500}), [(2_000, 1), (1_000, 1)], [333, 167]),  # 25 for 30
    ],
)
def test_promotions(benefit: object, lines: list[tuple[int, int]], off: list[int]) -> None:
    goods = [line(f"S{number}", cents, units) for number, (cents, units) in enumerate(lines)]
    tables = Tables(promotions=[maker.promotion("one", benefit)])  # type: ignore[arg-type]
    sold = priced(*goods, tables=tables).lines
    assert [one.discount.amount for one in sold if one.discount] == off


def test_tax_is_that_of_the_price_after_the_discount() -> None:
    """119.00 less 20 % are 95.20, with 15.20 of tax in them; 100.00 less 20 % are 80.00, with 5.80 on top."""
    tables = Tables(promotions=[maker.promotion("one", Percent(basis_points=2_000))], overrides=REGISTERED.overrides)
    (inside,) = priced(line("A", 11_900), tables=tables).lines
    assert (inside.charge.amount, inside.tax) == (9_520, Money(1_520, "EUR"))
    (added,) = priced(line("A", 10_000, currency="USD"), to="US", region="CA", tables=tables).lines
    assert (added.charge.amount, added.tax) == (8_580, Money(580, "USD"))


@pytest.mark.parametrize(
    ("to", "rate", "rounding", "cents", "exchanged"),
    [
        ("USD", "1.1684", Rounding(), 1_000, 1_168),  # 10.00 * 1.1684 = 11.684
        ("JPY", "181.23", Rounding(), 1_999, 3_623),  # 19.99 * 181.23 = 3622.79
        ("CHF", "0.9375", Rounding(5), 1_999, 1_875),  # 18.7406: to 0.05
        ("KWD", "0.358", Rounding(), 1_000, 3_580),  # three decimals
    ],
)
def test_exchange(to: str, rate: str, rounding: Rounding, cents: int, exchanged: int) -> None:
    rates = Rates(rates={to: Rate(rate, "2026-11-20", "ecb")}, roundings={to: rounding})
    (sold,) = priced(line("A", cents), currency=to, to="", tables=Tables(rates=rates)).lines
    assert sold.unit_price == Money(exchanged, to)
