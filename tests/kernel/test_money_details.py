"""Money at its edges: what it shows, what it refuses and how, how it is split and read."""

import pytest

from market.money import CurrencyMismatch, Money, parse

pytestmark = pytest.mark.contract("12.5")


def test_money_is_shown_as_json_shows_it() -> None:
    assert Money(1_999, "EUR").plain() == {"amount": 1_999, "currency": "EUR"}


def test_parts_are_of_the_same_currency_also_where_they_are_nothing() -> None:
    assert Money(0, "JPY").allocate([1, 2]) == [Money(0, "JPY"), Money(0, "JPY")]
    assert Money(5, "JPY").allocate([1, 1]) == [Money(3, "JPY"), Money(2, "JPY")]
    assert Money(1, "KWD").allocate([0, 1]) == [Money(0, "KWD"), Money(1, "KWD")]


def test_a_mismatch_names_both_currencies() -> None:
    with pytest.raises(CurrencyMismatch) as refused:
        Money(1, "EUR") + Money(1, "JPY")
    assert refused.value.detail == "EUR and JPY cannot be added."


def test_refused_weights_and_currencies_say_why() -> None:
    with pytest.raises(ValueError, match=r"^weights must be non-negative and not all zero$"):
        Money(1, "EUR").allocate([0])
    with pytest.raises(ValueError, match=r"^not an active ISO 4217 currency code$"):
        parse("1", "XXX")


def test_twelve_digits_are_an_amount_and_thirteen_are_not() -> None:
    assert parse("999999999999", "JPY") == Money(999_999_999_999, "JPY")
    with pytest.raises(ValueError, match="is not an amount"):
        parse("1000000000000", "JPY")


def test_zeros_beyond_the_currencys_digits_are_no_decimals() -> None:
    assert parse("1.500", "EUR") == Money(150, "EUR")
    assert parse("7.00", "JPY") == Money(7, "JPY")
    with pytest.raises(ValueError, match=r"^'1\.505' is not an amount in EUR$"):
        parse("1.505", "EUR")
    with pytest.raises(ValueError, match="is not an amount"):
        parse("1.50X", "EUR")
    with pytest.raises(ValueError, match=f"^'{'x' * 40}' is not"):
        parse("x" * 41, "EUR")
