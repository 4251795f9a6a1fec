"""What an order costs: every amount a sum of its parts, in every currency, for every country, whatever is taken off."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.baskets import Pools, violations
from bench.pricing import run
from ledger.contract import Rule
from market.money import Money, total
from orders.pricing import Tables, price
from promotions.model import BuyGet, Fixed, FreeShipping, Percent
from tax.contract import Overrides, Registration
from tests.services.orders import baskets
from tests.services.orders.baskets import line, priced
from tests.services.promotions import maker

pytestmark = pytest.mark.contract("9.1", "11.4", "12.5")

_currencies = st.sampled_from(["EUR", "SEK", "USD", "JPY", "KRW", "KWD", "TND"])
_countries = st.sampled_from(["DE", "FI", "HU", "LU", "US", "CA", "GB", "CH", ""])
_vendors = st.sampled_from(["ven_a", "ven_b", "ven_c"])
_prices, _units = st.integers(0, 10_000_000), st.integers(1, 999)
_categories = st.sampled_from(["standard", "reduced", "exempt", "digital"])
_benefits = st.one_of(
    st.builds(Percent, basis_points=st.integers(1, 10_000)),
    st.builds(lambda amount, unit: Fixed(amounts={"EUR": amount, "JPY": amount, "KWD": amount}, per_unit=unit),
              st.integers(1, 500_000), st.booleans()),
    st.builds(BuyGet, buy=st.integers(1, 4), get=st.integers(1, 2), basis_points=st.integers(1, 10_000)),
    st.just(FreeShipping()),
)  # fmt: skip


@st.composite
def _carts(draw: st.DrawFn) -> tuple[object, ...]:
    """A question and its tables."""
    currency = draw(_currencies)
    lines = [
        line(
            f"SKU-{number}", draw(_prices), draw(_units), currency=currency, vendor=draw(_vendors),
            category=draw(st.sampled_from(["", "home", "home>lamps", "food"])), tax_category=draw(_categories),
        )
        for number in range(draw(st.integers(1, 8)))
    ]  # fmt: skip
    rule = draw(st.sampled_from([Rule(basis_points=1_000), Rule(basis_points=9_999), Rule(basis_points=0)]))
    promotions = [
        maker.promotion(f"prm_{number}", benefit, platform_basis_points=share, participants={})
        for number, (benefit, share) in enumerate(
            draw(st.lists(st.tuples(_benefits, st.sampled_from([10_000])), max_size=3))
        )
    ]
    collector = draw(st.sampled_from(["platform", "vendor"]))
    registered = Overrides(registrations=(Registration(since="2020-01-01", collected_by=collector),))
    asked = baskets.question(
        *lines, to=draw(_countries), region="CA", method=draw(st.sampled_from(["standard", "express"]))
    )
    country = asked.destination.country
    overrides = registered if country in ("US", "CA") else Overrides()
    return asked, Tables(rules={"": [rule]}, promotions=promotions, overrides=overrides)


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(cart=_carts())
def test_no_unit_is_lost_or_made_whatever_is_in_the_cart(cart: tuple[object, ...]) -> None:
    asked, tables = cart
    answer = price(asked, tables)  # type: ignore[arg-type]
    assert list(violations(asked, tables, answer, thorough=True)) == []  # type: ignore[arg-type]


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(cents=st.integers(0, 10**9), units=st.integers(1, 99), rate=st.sampled_from(["DE", "FI", "HU", "LU"]))
def test_a_price_with_its_tax_inside_is_the_net_price_with_the_tax_on_top(cents: int, units: int, rate: str) -> None:
    (inside,) = priced(line("A", cents, units), to=rate).lines
    assert inside.tax
    net = inside.charge.amount - inside.tax.amount
    on_top = (2 * net * inside.tax_rate + 100_000) // 200_000
    assert abs(net + on_top - inside.charge.amount) <= 1


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(amount=st.integers(0, 10**10), weights=st.lists(st.integers(0, 10**6), min_size=1, max_size=20))
def test_money_is_allocated_to_the_last_unit(amount: int, weights: list[int]) -> None:
    if sum(weights):
        shares = Money(amount, "EUR").allocate(weights)
        assert total(shares, "EUR").amount == amount
        assert all(
            abs(s.amount * sum(weights) - amount * w) < sum(weights) for s, w in zip(shares, weights, strict=True)
        )


def test_thousands_of_random_carts_break_no_rule() -> None:
    assert run(1_500, seed=42)[0] == 0


@pytest.mark.slow
def test_a_hundred_thousand_random_carts_break_no_rule() -> None:
    assert run(100_000, seed=7)[0] == 0


def test_the_check_of_random_carts_would_notice_a_lost_cent() -> None:
    """Or else nothing that it finds to be right would mean anything."""
    pools = Pools(3)
    asked, tables = pools.question()
    answer = price(asked, tables)
    part = answer.parts[0]
    cent = Money(1, part.shipping.currency)
    for wrong in (
        replace(part, shipping=part.shipping + cent),
        replace(part, subsidy=part.subsidy + cent if part.subsidy else cent),
        replace(part, commission=part.commission + part.earnings + cent),
        replace(part, tax=part.tax + cent),
    ):
        assert list(violations(asked, tables, replace(answer, parts=(wrong, *answer.parts[1:]))))


def test_a_rule_that_wants_more_than_there_is_leaves_the_tax_whole() -> None:
    rules = {"": [Rule(basis_points=10_000, least=Money(100_000, "EUR"))]}
    (part,) = priced(line("A", 100), tables=Tables(rules=rules)).parts
    assert part.commission == Money(100, "EUR")
    assert part.earnings == Money(490 - 16 - 78, "EUR")


def test_the_rule_of_a_category_decides_on_the_commission_of_its_lines() -> None:
    rules = {"": [Rule(category="food", basis_points=500), Rule(category="home", basis_points=2_000)]}
    answer = priced(
        line("A", 1_000, category="food"), line("B", 1_000, category="home>lamps"), to="", tables=Tables(rules=rules)
    )
    assert [one.category for one in answer.lines] == ["food", "home>lamps"]
    assert answer.parts[0].commission == Money(50 + 200, "EUR")
