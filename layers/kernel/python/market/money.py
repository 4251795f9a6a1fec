"""Money as integers: an amount in minor units and an ISO 4217 currency. No float, no Decimal, no lost cent."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field

from market.errors import Invalid
from market.values import value

# ISO 4217, list one: the minor unit of a currency has two digits, but for these.
_NO_DIGITS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_TWO_DIGITS = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK
DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD
KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG"""
_EXPONENTS = dict.fromkeys(_NO_DIGITS.split(), 0) | dict.fromkeys(_THREE_DIGITS.split(), 3)
CURRENCIES = frozenset(_EXPONENTS) | frozenset(_TWO_DIGITS.split())
MAX_AMOUNT = 10**13
"""Bound on any single amount, in minor units: far above any order, far below what JSON readers lose digits on."""


class CurrencyMismatch(Invalid):
    """Amounts of two currencies were to be added or compared."""

    code = "currency_mismatch"


def _known(currency: str) -> str:
    if currency not in CURRENCIES:
        raise ValueError("not an active ISO 4217 currency code")
    return currency


Currency = Annotated[str, AfterValidator(_known), Field(min_length=3, max_length=3, examples=["EUR"])]


@value(frozen=True, slots=True, order=False)
class Money:
    """`amount` minor units (cents, yen, fils) of `currency`."""

    amount: Annotated[int, Field(strict=True, ge=-MAX_AMOUNT, le=MAX_AMOUNT, examples=[1999])]
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount + self._same(other).amount, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount - self._same(other).amount, self.currency)

    def __mul__(self, times: int) -> "Money":
        return Money(self.amount * times, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount, self.currency)

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> str:
        """The amount as people write it: `19.99`, `1999` for yen, `1.999` for dinars."""
        digits = exponent(self.currency)
        if not digits:
            return str(self.amount)
        whole, part = divmod(abs(self.amount), 10**digits)
        return f"{'-' if self.amount < 0 else ''}{whole}.{part:0{digits}d}"

    def plain(self) -> dict[str, str | int]:
        """As JSON shows it."""
        return {"amount": self.amount, "currency": self.currency}

    def allocate(self, weights: Sequence[int]) -> list["Money"]:
        """Split by weights without losing a unit: the parts sum to the whole, each within a unit of its share.

        Leftover units go to the largest remainders, the earlier first (Hamilton's method). Raises ValueError unless the
        weights are >= 0 and not all 0.
        """
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise ValueError("weights must be non-negative and not all zero")
        sign = -1 if self.amount < 0 else 1
        shares = [divmod(abs(self.amount) * weight, total) for weight in weights]
        left = abs(self.amount) - sum(share for share, _ in shares)
        by_remainder = sorted(range(len(weights)), key=lambda i: (-shares[i][1], i))
        lucky = frozenset(by_remainder[:left])
        return [Money(sign * (share + (i in lucky)), self.currency) for i, (share, _) in enumerate(shares)]

    def _same(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency} cannot be added.")
        return other


def exponent(currency: str) -> int:
    """Digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def total(parts: Iterable[Money], currency: str) -> Money:
    """The sum of `parts`, or nothing in `currency` where there are none."""
    return sum(parts, start=Money(0, currency))


def parse(text: str, currency: str) -> Money:
    """Read what people write (`19.99`) as money.

    Raises ValueError for anything but digits with at most as many decimals as the currency has.
    """
    whole, _, part = text.strip().partition(".")
    digits = exponent(_known(currency))
    part = part.rstrip("0") if len(part) > digits else part
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(whole) > 12 or len(part) > digits:
        raise ValueError(f"{text[:40]!r} is not an amount in {currency}")
    return Money(int(whole or "0") * 10**digits + int(part.ljust(digits, "0") or "0"), currency)
