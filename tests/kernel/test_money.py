"""Money: no float, no lost unit."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from market.money import CURRENCIES, MAX_AMOUNT, CurrencyMismatch, Money, exponent, parse, total

AMOUNTS = st.integers(-MAX_AMOUNT, MAX_AMOUNT)
WEIGHTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any)
ON_THE_WIRE = TypeAdapter(Money)


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_allocation_never_loses_or_makes_a_unit(amount: int, weights: list[int]) -> None:
    parts = Money(amount, "EUR").allocate(weights)

    assert len(parts) == len(weights)
    assert sum(part.amount for part in parts) == amount


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_each_part_is_within_a_unit_of_its_exact_share(amount: int, weights: list[int]) -> None:
    parts = Money(amount, "JPY").allocate(weights)

    for part, weight in zip(parts, weights, strict=True):
        assert abs(part.amount - Fraction(amount * weight, sum(weights))) < 1


@given(amount=AMOUNTS, weights=WEIGHTS)
def test_a_debit_is_allocated_as_the_mirror_of_the_credit(amount: int, weights: list[int]) -> None:
    money = Money(amount, "EUR")

    assert [-part for part in money.allocate(weights)] == (-money).allocate(weights)


@given(amount=st.integers(0, MAX_AMOUNT), weights=WEIGHTS)
def test_who_weighs_more_never_gets_less(amount: int, weights: list[int]) -> None:
    parts = Money(amount, "EUR").allocate(weights)

    by_weight = sorted(zip(weights, (part.amount for part in parts), strict=True))
    assert [amount for _, amount in by_weight] == sorted(amount for _, amount in by_weight)


def test_leftover_units_go_to_the_largest_remainders_the_earlier_first() -> None:
    assert [part.amount for part in Money(100, "EUR").allocate([1, 1, 1])] == [34, 33, 33]
    assert [part.amount for part in Money(10, "EUR").allocate([1, 5, 3])] == [1, 6, 3]


def test_no_weight_no_money() -> None:
    assert [part.amount for part in Money(7, "EUR").allocate([0, 2, 0])] == [0, 7, 0]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [3, -1], [-1]])
def test_weights_that_mean_nothing_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError, match="weights"):
        Money(100, "EUR").allocate(weights)


@pytest.mark.parametrize(
    ("money", "text"),
    [
        (Money(1999, "EUR"), "19.99 EUR"),
        (Money(5, "EUR"), "0.05 EUR"),
        (Money(-5, "EUR"), "-0.05 EUR"),
        (Money(-1999, "EUR"), "-19.99 EUR"),
        (Money(1999, "JPY"), "1999 JPY"),
        (Money(-3, "JPY"), "-3 JPY"),
        (Money(1999, "KWD"), "1.999 KWD"),
        (Money(7, "KWD"), "0.007 KWD"),
    ],
)
def test_money_is_written_with_the_digits_of_its_currency(money: Money, text: str) -> None:
    assert str(money) == text


@given(amount=st.integers(0, 10**11), currency=st.sampled_from(sorted(CURRENCIES)))
def test_what_is_written_is_read_back(amount: int, currency: str) -> None:
    money = Money(amount, currency)

    assert parse(money.decimal(), currency) == money


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [("19.9", "EUR", 1990), (" 7 ", "EUR", 700), (".5", "EUR", 50), ("3.00", "JPY", 3), ("1.5000", "KWD", 1500)],
)
def test_people_may_leave_out_or_add_zeros(text: str, currency: str, amount: int) -> None:
    assert parse(text, currency) == Money(amount, currency)


@pytest.mark.parametrize(
    "text", ["", ".", "-1", "1e3", "1,50", "1_000", "٣", "½", "NaN", "0x10", "1.999", "9" * 13, "1.2.3"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an amount in EUR"):
        parse(text, "EUR")


@pytest.mark.parametrize("currency", ["EURO", "eur", "XYZ", "", "BTC"])
def test_unknown_currencies_are_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="4217"):
        parse("1", currency)
    with pytest.raises(ValidationError):
        ON_THE_WIRE.validate_python({"amount": 1, "currency": currency})


@pytest.mark.parametrize("amount", [1.0, "1", True, None, MAX_AMOUNT + 1, -MAX_AMOUNT - 1, float("nan")])
def test_an_amount_on_the_wire_is_a_whole_number_within_bounds(amount: object) -> None:
    with pytest.raises(ValidationError):
        ON_THE_WIRE.validate_python({"amount": amount, "currency": "EUR"})


def test_currencies_do_not_mix() -> None:
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") + Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        Money(1, "EUR") - Money(1, "USD")
    with pytest.raises(CurrencyMismatch):
        total([Money(1, "EUR"), Money(1, "USD")], "EUR")


def test_arithmetic_keeps_the_currency() -> None:
    five = Money(5, "EUR")

    assert five + five - five * 3 == -five
    assert total([], "EUR") == Money(0, "EUR")
    assert total([five, five], "EUR") == Money(10, "EUR")


def test_minor_units_follow_iso_4217() -> None:
    assert [exponent(currency) for currency in ("EUR", "JPY", "KWD", "CLP", "TND", "USD")] == [2, 0, 3, 0, 3, 2]
