"""Holidays of countries and their parts, read from a library when a table is saved, never when an order is priced.

`holidays` is the one maintained collection for all countries we know of, movable feasts and regions included. It is
large, so it is a layer of this service only; the dates go into the table, and an order reads nothing but those.
"""

from datetime import date
from functools import lru_cache

YEARS = 3
"""For so many years, this one included, a table keeps the holidays; saving it again reads them anew."""


def until(today: date) -> str:
    """The last day for which holidays are known that are read today."""
    return f"{today.year + YEARS - 1}-12-31"


@lru_cache(maxsize=128)
def holidays_of(calendar: str, year: int) -> frozenset[str]:
    """ISO dates from `year` on, of `DE` or `DE-BY`. Raises ValueError for a calendar that there is not."""
    from holidays import country_holidays

    country, _, part = calendar.partition("-")
    try:
        found = country_holidays(country, subdiv=part or None, years=range(year, year + YEARS))
    except NotImplementedError:
        raise ValueError(f"{calendar[:20]!r} is not a calendar") from None
    return frozenset(day.isoformat() for day in found)
