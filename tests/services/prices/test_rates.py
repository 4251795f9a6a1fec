"""Conversion: exact fractions, one rounding, a rule per currency, the fee shown; and every day of 27 years."""

import csv
import gzip
import io
from fractions import Fraction
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import CURRENCIES, MAX_AMOUNT, CurrencyMismatch, Money, exponent
from prices import feed
from prices.contract import (
    NoRate,
    Quote,
    Rate,
    Rates,
    Rounding,
    TooMuch,
    converted,
    exchanged,
    fee_in,
    rates_key,
    read_quote,
    read_rates,
)
from prices.feed import Day

pytestmark = pytest.mark.contract("8.5")
AT = "2026-04-14T09:00:00.000Z"
ECB = Path(__file__).parents[4] / "shared/data/reference-tax-fx-address/ecb_eurofxref_hist.csv.gz"


def rates(fee: int = 0, roundings: dict[str, Rounding] | None = None, **values: str) -> Rates:
    known = {name: Rate(value, "2026-04-13", "ecb") for name, value in values.items()}
    return Rates(rates=known, fee_basis_points=fee, roundings=roundings or {})


@pytest.mark.parametrize(
    ("amount", "frm", "to", "expected"),
    [
        (1_000, "EUR", "USD", 1_168),  # 10.00 at 1.1684 is 11.684
        (1_000, "USD", "EUR", 856),  # 10 / 1.1684 is 8.5587
        (1_999, "EUR", "JPY", 3_733),  # 19.99 at 186.75 is 3733.13 yen
        (3_733, "JPY", "EUR", 1_999),
        (1_999, "EUR", "KWD", 7_205),  # 19.99 at 0.36043 is 7.2050 dinars
        (1_000, "USD", "JPY", 1_598),  # through the euro, exactly: 10 x 186.75 / 1.1684 is 1598.34
        (5, "USD", "EUR", 4),  # 4.279
        (0, "USD", "EUR", 0),
        (-1_000, "EUR", "USD", -1_168),
    ],
)
def test_amounts_are_converted_by_hand_worked_examples(amount: int, frm: str, to: str, expected: int) -> None:
    table = rates(USD="1.1684", JPY="186.75", KWD="0.36043")

    assert exchanged(Money(amount, frm), table.quote(frm, to, at=AT)) == Money(expected, to)


def test_half_a_unit_goes_up_away_from_nothing() -> None:
    quote = Quote(frm="EUR", to="USD", numerator=1, denominator=2)

    assert [exchanged(Money(amount, "EUR"), quote).amount for amount in (1, 3, -1, -3)] == [1, 2, -1, -2]


def test_the_fee_is_on_top_and_can_be_shown() -> None:
    quote = rates(fee=150, USD="2").quote("EUR", "USD", at=AT)
    price = Money(10_000, "EUR")

    assert exchanged(price, quote) == Money(20_300, "USD")
    assert fee_in(price, quote) == Money(300, "USD")
    assert exchanged(Money(20_300, "USD"), quote.inverted()) == Money(10_150, "EUR"), "the way back is free"


@pytest.mark.parametrize(
    ("rule", "amounts", "rounded"),
    [
        (Rounding(), [0, 1, 99], [0, 1, 99]),
        (Rounding(5), [0, 4, 5, 7, 8, 12, 13], [0, 4, 5, 5, 10, 10, 15]),
        (Rounding(100, 99), [50, 99, 100, 148, 149, 250, 10_000], [50, 99, 99, 99, 199, 299, 9_999]),
        (Rounding(10), [9, 10, 14, 15], [9, 10, 10, 20]),
    ],
)
def test_a_currency_has_its_own_rule(rule: Rounding, amounts: list[int], rounded: list[int]) -> None:
    assert [rule.rounded(amount) for amount in amounts] == rounded


@given(st.integers(0, 10**9), st.integers(1, 10_000), st.data())
def test_rounding_is_close_steady_and_done_once(amount: int, step: int, data: st.DataObject) -> None:
    rule = Rounding(step, data.draw(st.integers(0, step - 1)))
    once = rule.rounded(amount)

    assert abs(once - amount) <= step
    assert rule.rounded(once) == once
    assert rule.rounded(amount + 1) >= once
    assert once > 0 or amount == 0


def test_only_prices_are_rounded_by_the_rule_and_a_price_never_becomes_nothing() -> None:
    quote = rates(roundings={"CHF": Rounding(5)}, CHF="0.9242").quote("EUR", "CHF", at=AT)
    price = Money(1_000, "EUR")

    assert (converted(price, quote).amount, exchanged(price, quote).amount) == (925, 924)
    cheap = rates(JPY="0.001").quote("EUR", "JPY", at=AT)
    assert converted(Money(1, "EUR"), cheap) == Money(1, "JPY")
    assert converted(Money(0, "EUR"), cheap) == Money(0, "JPY")


def test_from_a_currency_to_itself_nothing_changes() -> None:
    quote = rates(fee=500, roundings={"EUR": Rounding(100)}).quote("EUR", "EUR", at=AT)

    assert converted(Money(1_234, "EUR"), quote) == Money(1_234, "EUR")
    assert fee_in(Money(1_234, "EUR"), quote).amount == 0


def test_a_quote_kept_in_an_order_gives_the_same_for_ever() -> None:
    table = rates(fee=75, roundings={"JPY": Rounding(10)}, USD="1.1684", JPY="186.75")
    quote = table.quote("USD", "JPY", at=AT)

    assert read_quote(quote.compact()) == quote
    assert (quote.at, quote.source, quote.decimal()) == ("2026-04-13", "ecb", "159.834")


def test_what_cannot_be_converted_says_why() -> None:
    table = rates(USD="1.1684")
    with pytest.raises(NoRate) as unknown:
        table.quote("EUR", "GBP", at=AT)
    with pytest.raises(NoRate) as stale:
        table.quote("EUR", "USD", at="2026-04-24T00:00:00.000Z")
    with pytest.raises(CurrencyMismatch):
        converted(Money(1, "GBP"), table.quote("EUR", "USD", at=AT))
    with pytest.raises(TooMuch):
        converted(Money(MAX_AMOUNT, "EUR"), table.quote("EUR", "USD", at=AT))

    assert (unknown.value.extra["reason"], stale.value.extra["reason"]) == ("unknown", "stale")
    assert table.quote("EUR", "USD", at="2026-04-23T23:59:59.999Z").at == "2026-04-13", "ten days are young enough"


def test_without_rates_each_currency_is_only_worth_itself() -> None:
    nothing = read_rates(None)
    assert rates_key().pk == "FXR#current"
    assert nothing.quote("JPY", "JPY", at=AT).decimal() == "1"
    with pytest.raises(NoRate):
        nothing.quote("JPY", "EUR", at=AT)


@cache
def published() -> tuple[Day, ...]:
    if not ECB.exists():
        pytest.skip("the history of the European Central Bank is not beside the project")
    rows = csv.DictReader(io.StringIO(gzip.decompress(ECB.read_bytes()).decode()))
    days = [
        Day(row["Date"], {name: text for name, text in row.items() if name in CURRENCIES and text not in ("", "N/A")})
        for row in rows
    ]
    return tuple(sorted(days, key=lambda day: day.day))


@pytest.mark.slow
def test_every_day_that_was_ever_published_is_taken_and_agrees_with_fractions() -> None:
    table, seen, held = Rates(refuse_after_days=10), 0, set()
    for day in published():
        found = feed.taken(table, day)
        held |= {(day.day, name) for name in found.held}
        table = found.rates
        for name in day.values:
            if name in found.held:
                table = Rates(rates=dict(table.rates) | {name: found.held[name]}, refuse_after_days=10)
        at = f"{day.day}T15:00:00.000Z"
        for name, value in day.values.items():
            quote, seen = table.quote("EUR", name, at=at), seen + 1
            assert Fraction(quote.numerator, quote.denominator) == Fraction(value)
            cross = table.quote("USD", name, at=at)
            assert Fraction(cross.numerator, cross.denominator) == Fraction(value) / Fraction(day.values["USD"])
            _round_trip(Money(123_456, "EUR"), quote)

    assert seen > 180_000
    assert len(published()) > 6_900
    assert len(held) < 10, "jumps of a fifth from one day to the next are rare"


def _round_trip(money: Money, quote: Quote) -> None:
    """There and back loses at most what half a minor unit of the other currency is worth, and half of ours."""
    there = exchanged(money, quote)
    back = exchanged(there, quote.inverted())
    unit = Fraction(quote.denominator * 10 ** exponent(quote.frm), quote.numerator * 10 ** exponent(quote.to))
    assert abs(back.amount - money.amount) <= unit / 2 + 1


def test_the_longest_silence_in_27_years_is_shorter_than_what_counts_as_stale() -> None:
    days = [day.day for day in published()]
    gaps = [feed.age_in_days(earlier, f"{later}T00") for earlier, later in pairwise(days)]

    assert max(gaps) <= feed.STALE_DAYS
