"""Exchange rates and conversion, in integers. Pure.

A rate says how many units of a currency one unit of PIVOT is worth, as a decimal text; between two others the rate goes
through it, exactly, as a fraction. A `Quote` is that fraction with the fee and the rounding rule of the day: an order
keeps it, so that whatever is worked out later is worked out alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from math import gcd
from typing import Any

from market.errors import Conflict, Unprocessable
from market.money import MAX_AMOUNT, CurrencyMismatch, Money, exponent
from market.values import value

PIVOT = "EUR"
_WHOLE = 10_000
_MAX_DIGITS = 15


class NoRate(Conflict):
    """There is no rate between these two currencies, or none young enough: `reason` is `unknown` or `stale`."""

    code, title = "no_rate", "No exchange rate"


class TooMuch(Unprocessable):
    """Converted, the amount would be beyond any that is handled here."""

    code, title = "amount_too_large", "Amount too large"


@dataclass(frozen=True, slots=True)
class Rounding:
    """Converted prices are brought to `ending` plus a multiple of `step`, the nearest (up, where two are).

    Both in minor units: Rounding(5) are francs in 0.05, Rounding(100, 99) prices such as 12.99. What is below the
    first such price stays as it is.
    """

    step: int = 1
    ending: int = 0

    def rounded(self, amount: int) -> int:
        least = self.ending or self.step
        if amount < least:
            return amount
        below = (amount - self.ending) // self.step * self.step + self.ending
        return below + self.step if 2 * (amount - below) >= self.step else below


_PLAIN = Rounding()


@value(frozen=True, slots=True, kw_only=True)
class Quote:
    """One unit of `frm` is worth numerator/denominator units of `to`, of main units (euro, not cents).

    fee_basis_points: on top of what the rate gives. at: day of the rate, ISO 8601, the older of the two that make it;
    source: who says so, such as `ecb`; version: of the table of rates.
    """

    frm: str
    to: str
    numerator: int = 1
    denominator: int = 1
    fee_basis_points: int = 0
    at: str = ""
    source: str = ""
    version: int = 0
    rounding: Rounding = _PLAIN

    def compact(self) -> dict[str, Any]:
        """As an order keeps it. The fraction is text, for it may have more digits than JSON readers keep."""
        return {
            "from": self.frm,
            "to": self.to,
            "rate": f"{self.numerator}/{self.denominator}",
            "fee": self.fee_basis_points,
            "at": self.at,
            "source": self.source,
            "version": self.version,
            "step": self.rounding.step,
            "ending": self.rounding.ending,
        }

    def decimal(self) -> str:
        """The rate as people read it, with six significant digits at least: `1.1684`."""
        digits = max(4, 6 - len(str(self.numerator // self.denominator)))
        while self.numerator * 10**digits // self.denominator < 100_000 and digits < _MAX_DIGITS:
            digits += 1
        whole, part = divmod((2 * self.numerator * 10**digits + self.denominator) // (2 * self.denominator), 10**digits)
        return f"{whole}.{part:0{digits}d}".rstrip("0").rstrip(".")

    def inverted(self) -> "Quote":
        """The way back at the same rate, without fee and rounding rule."""
        return Quote(
            frm=self.to,
            to=self.frm,
            numerator=self.denominator,
            denominator=self.numerator,
            at=self.at,
            source=self.source,
            version=self.version,
        )


def read_quote(kept: Mapping[str, Any]) -> Quote:
    """What `Quote.compact` gave."""
    numerator, _, denominator = str(kept["rate"]).partition("/")
    return Quote(
        frm=kept["from"],
        to=kept["to"],
        numerator=int(numerator),
        denominator=int(denominator),
        fee_basis_points=int(kept["fee"]),
        at=kept["at"],
        source=kept["source"],
        version=int(kept["version"]),
        rounding=Rounding(int(kept["step"]), int(kept["ending"])),
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """So many units of a currency for one of PIVOT: `value` is a decimal text such as `1.1684`.

    pinned: set by staff, and not replaced by what a provider says.
    """

    value: str
    at: str
    source: str
    pinned: bool = False

    def fraction(self) -> tuple[int, int]:
        """Raises ValueError unless it is a positive decimal number."""
        return _fraction(self.value)


@lru_cache(maxsize=1024)
def _fraction(value: str) -> tuple[int, int]:
    whole, _, part = value.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(whole + part) > _MAX_DIGITS:
        raise ValueError("not a rate")
    numerator = int(whole + part)
    if not numerator:
        raise ValueError("a rate is more than nothing")
    return numerator, 10 ** len(part)


@lru_cache(maxsize=1024)
def _cross(theirs: str, ours: str) -> tuple[int, int]:
    """The rate between two currencies through PIVOT, in lowest terms."""
    (worth, parts), (units, whole) = _fraction(theirs), _fraction(ours)
    numerator, denominator = units * parts, whole * worth
    common = gcd(numerator, denominator)
    return numerator // common, denominator // common


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """All rates, and how prices are made with them. refuse_after_days: older rates are not used any more."""

    rates: Mapping[str, Rate] = field(default_factory=dict)
    fee_basis_points: int = 0
    roundings: Mapping[str, Rounding] = field(default_factory=dict)
    refuse_after_days: int = 10
    version: int = 0

    def quote(self, frm: str, to: str, *, at: str) -> Quote:
        """How amounts in `frm` become amounts in `to`, at a moment given as ISO 8601. Raises NoRate.

        From a currency to itself it is one to one, free, and as old as `at`.
        """
        if frm == to:
            return _unchanged(frm, at[:10], self.version)
        legs = [self._leg(currency, at) for currency in (frm, to) if currency != PIVOT]
        numerator, denominator = _cross(*["1" if one == PIVOT else self.rates[one].value for one in (frm, to)])
        return Quote(
            frm=frm,
            to=to,
            numerator=numerator,
            denominator=denominator,
            fee_basis_points=self.fee_basis_points,
            at=min(leg.at for leg in legs),
            source="+".join(sorted({leg.source for leg in legs})),
            version=self.version,
            rounding=self.roundings.get(to, _PLAIN),
        )

    def _leg(self, currency: str, at: str) -> Rate:
        rate = self.rates.get(currency)
        if rate is None:
            raise NoRate(f"There is no exchange rate for {currency[:3]}.", currency=currency[:3], reason="unknown")
        if age_in_days(rate.at, at) > self.refuse_after_days:
            raise NoRate(f"The exchange rate for {currency} is of {rate.at}.", currency=currency, reason="stale")
        return rate


@lru_cache(maxsize=256)
def _unchanged(currency: str, day: str, version: int) -> Quote:
    return Quote(frm=currency, to=currency, at=day, version=version)


def age_in_days(day: str, at: str) -> int:
    """Days from a day to a moment, both ISO 8601."""
    return _days_between(day[:10], at[:10])


@lru_cache(maxsize=1024)
def _days_between(first: str, last: str) -> int:
    return (date.fromisoformat(last) - date.fromisoformat(first)).days


def converted(money: Money, quote: Quote) -> Money:
    """A price in the quote's currency: fee on top, half up, then by the currency's rounding rule.

    A price above nothing stays above nothing. Raises CurrencyMismatch or TooMuch.
    """
    amount = _exchanged(money, quote, _WHOLE + quote.fee_basis_points)
    if quote.frm == quote.to:
        return money
    least = 1 if money.amount else 0
    rounded = quote.rounding.rounded(max(abs(amount), least))
    return Money(-rounded if amount < 0 else rounded, quote.to)


def exchanged(money: Money, quote: Quote) -> Money:
    """The same without the rounding rule: for amounts that are no prices. Half up, away from nothing."""
    return Money(_exchanged(money, quote, _WHOLE + quote.fee_basis_points), quote.to)


def fee_in(money: Money, quote: Quote) -> Money:
    """The part of `exchanged` that is the fee, in the quote's currency: to be shown."""
    return exchanged(money, quote) - Money(_exchanged(money, quote, _WHOLE), quote.to)


def _exchanged(money: Money, quote: Quote, share: int) -> int:
    if money.currency != quote.frm:
        raise CurrencyMismatch(f"The rate is for {quote.frm}, the amount is in {money.currency}.")
    if quote.frm == quote.to:
        return money.amount
    up = quote.numerator * share * 10 ** exponent(quote.to)
    down = quote.denominator * _WHOLE * 10 ** exponent(quote.frm)
    amount: int = (2 * abs(money.amount) * up + down) // (2 * down)
    if amount > MAX_AMOUNT:
        raise TooMuch(f"This would be too much in {quote.to}.")
    return -amount if money.amount < 0 else amount


def packed(rates: Rates) -> dict[str, Any]:
    """As they are stored, but for the version."""
    return {
        "rates": {
            name: {"value": rate.value, "at": rate.at, "source": rate.source, "pinned": rate.pinned}
            for name, rate in sorted(rates.rates.items())
        },
        "fee_basis_points": rates.fee_basis_points,
        "roundings": {name: [rule.step, rule.ending] for name, rule in sorted(rates.roundings.items())},
        "refuse_after_days": rates.refuse_after_days,
    }


def unpacked(item: Mapping[str, Any]) -> Rates:
    return Rates(
        rates={
            name: Rate(row["value"], row["at"], row["source"], row["pinned"]) for name, row in item["rates"].items()
        },
        fee_basis_points=item["fee_basis_points"],
        roundings={name: Rounding(*pair) for name, pair in item["roundings"].items()},
        refuse_after_days=item["refuse_after_days"],
        version=item["version"],
    )
