"""The reference rates of the European Central Bank as it publishes them, and which of them to believe. Pure.

A file holds one day (`eurofxref-daily.xml`) or the last 90 (`eurofxref-hist-90d.xml`): per day the units of each
currency for one euro. It is published on working days at about 16:00 in Frankfurt, so at 14:00 or 15:00 UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from xml.parsers import expat

from market.errors import Unavailable
from market.money import CURRENCIES
from prices.rates import PIVOT, Rate, Rates, age_in_days

SOURCE = "ecb"
MAX_JUMP_BASIS_POINTS = 2_000
"""A currency that moves by more from one import to the next is held back until staff has looked at it."""

STALE_DAYS = 6
"""Rates older than this ring. The longest regular silence is five days: Easter, Thursday to Tuesday afternoon."""

PUBLISHED_HOUR = 14
_MAX_DAYS, _MAX_CURRENCIES = 100, 100


class Malformed(Unavailable):
    """What came is not a file of rates; the rates that are known stay."""

    code, title = "rates_malformed", "Not a file of rates"


@dataclass(frozen=True, slots=True)
class Day:
    """One day's units of each currency for one euro, as decimal texts."""

    day: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Taken:
    """rates: with what was believed. held: currencies that jumped, as they were published. changed: what is new."""

    rates: Rates
    held: Mapping[str, Rate]
    changed: frozenset[str]


def read(content: bytes) -> list[Day]:
    """The days of a file, oldest first. Raises Malformed.

    Read without a document type, so that no entity can grow; currencies that we do not trade in are left out.
    """
    found: dict[str, dict[str, str]] = {}

    def start(name: str, attributes: dict[str, str]) -> None:
        if name.rpartition(":")[2] != "Cube":
            return
        if "time" in attributes:
            found[_day(attributes["time"])] = {}
        elif "currency" in attributes:
            if not found:
                raise Malformed("A rate without a day.")
            next(reversed(found.values()))[attributes["currency"]] = _value(attributes.get("rate", ""))

    def refuse(*_: Any) -> None:
        raise Malformed("A file of rates has no document type.")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.StartDoctypeDeclHandler = start, refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise Malformed("The file is not well-formed.") from None
    days = [Day(day, {c: v for c, v in values.items() if c in CURRENCIES}) for day, values in sorted(found.items())]
    if not days or len(days) > _MAX_DAYS or not all(0 < len(one.values) <= _MAX_CURRENCIES for one in days):
        raise Malformed("The file has no rates.")
    return days


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Malformed("A day is not a date.") from None


def _value(text: str) -> str:
    try:
        Rate(text, "", "").fraction()
    except ValueError:
        raise Malformed("A rate is not a positive decimal number.") from None
    return text


def taken(present: Rates, day: Day) -> Taken:
    """The table with a day's rates in it. Pinned currencies, and those known of a later day, stay as they are."""
    rates, held = dict(present.rates), dict[str, Rate]()
    for currency, value in day.values.items():
        new, old = Rate(value, day.day, SOURCE), present.rates.get(currency)
        if currency == PIVOT or (old and (old.pinned or day.day < old.at)):
            continue
        if old and jumps(old, new):
            held[currency] = new
        else:
            rates[currency] = new
    changed = frozenset(name for name, rate in rates.items() if rate != present.rates.get(name))
    return Taken(replace(present, rates=rates), held, changed)


def jumps(old: Rate, new: Rate) -> bool:
    (a, b), (c, d) = old.fraction(), new.fraction()
    return 10_000 * abs(c * b - a * d) > MAX_JUMP_BASIS_POINTS * a * d


def stale(rates: Rates, at: str) -> list[str]:
    """Currencies whose rate is older than STALE_DAYS."""
    return sorted(name for name, rate in rates.rates.items() if age_in_days(rate.at, at) > STALE_DAYS)


def is_due(known: str, now: datetime) -> bool:
    """Whether there should be a younger day than `known` (empty for none): holidays look like working days."""
    last = now.date() if now.hour >= PUBLISHED_HOUR else now.date() - timedelta(days=1)
    while last.weekday() > 4:
        last -= timedelta(days=1)
    return known < last.isoformat()
