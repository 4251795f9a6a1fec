"""When a parcel arrives: pure.

    ordered ──cut-off──> day of work ──handling, working days──> handed over ──transit, days of delivery──> there

An order counts as of its day at the origin if it came before the cut-off and that is a day of work, else as of the next
day of work. Carriers deliver on their days of the week, but neither on holidays at the origin nor at the destination.
"""

from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from shipping.model import Method, Origin, Rate, Zone

_DAY = timedelta(days=1)
_LONGEST_PAUSE = 60
"""Days in a row without work before a table counts as wrong and the search ends."""


def arrival(origin: Origin, method: Method, rate: Rate, zone: Zone, *, at: str) -> tuple[str, str]:
    """The earliest and the latest day, ISO dates. at: ISO 8601 with an offset or `Z`."""
    return _delivered(_handed_over(origin, at), rate.transit, method.delivers, origin.pauses, zone.holidays)


def ready(origin: Origin, *, at: str) -> tuple[str, str]:
    """Between which days it can be picked up."""
    quick, slow = _handed_over(origin, at)
    return quick.isoformat(), slow.isoformat()


def day_of_work(origin: Origin, at: str) -> date:
    """The day, at the origin, as of which an order that came at that moment counts."""
    moment = datetime.fromisoformat(at).astimezone(_time_zone(origin.time_zone))
    late = moment.hour * 60 + moment.minute >= origin.cut_off
    return _open(moment.date() + _DAY * late, origin.workdays, origin.pauses)


@lru_cache(maxsize=64)
def _handed_over(origin: Origin, at: str) -> tuple[date, date]:
    """Between which days it leaves: the same for all methods of a table."""
    begun, pauses = day_of_work(origin, at), origin.pauses
    first, last = origin.handling
    return _on(begun, first, origin.workdays, pauses), _on(begun, last, origin.workdays, pauses)


@lru_cache(maxsize=4096)
def _delivered(
    handed_over: tuple[date, date],
    transit: tuple[int, int],
    week: tuple[int, ...],
    pauses: frozenset[str],
    holidays: frozenset[str],
) -> tuple[str, str]:
    (quick, slow), (first, last), closed = handed_over, transit, pauses | holidays
    earliest = _on(_open(quick, week, closed), first, week, closed)
    latest = _on(_open(slow, week, closed), last, week, closed)
    return earliest.isoformat(), max(earliest, latest).isoformat()


@lru_cache(maxsize=256)
def zone_named(name: str) -> tzinfo:
    """Raises ValueError for what is no IANA time zone."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        raise ValueError(f"{name[:40]!r} is not a time zone") from None


def _time_zone(name: str) -> tzinfo:
    """UTC for a zone that this machine has no data of: an order is worth more than an hour's difference."""
    try:
        return zone_named(name)
    except ValueError:
        return UTC


@lru_cache(maxsize=4096)
def _on(day: date, days: int, week: tuple[int, ...], closed: frozenset[str]) -> date:
    """So many open days later."""
    for _ in range(days):
        day = _open(day + _DAY, week, closed)
    return day


@lru_cache(maxsize=4096)
def _open(day: date, week: tuple[int, ...], closed: frozenset[str]) -> date:
    """The day itself, or the next that is open."""
    for _ in range(_LONGEST_PAUSE):
        if day.weekday() in week and day.isoformat() not in closed:
            return day
        day += _DAY
    return day
