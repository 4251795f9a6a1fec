"""What can happen to exchange rates: a provider publishes, staff set them, they grow old."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from market import clock, log
from market.errors import Unavailable, Unprocessable
from prices import feed, gateway, ratebook
from prices.feed import SOURCE, Day, Taken
from prices.ratebook import Ratebook, RatesChanged
from prices.rates import PIVOT, Rate, Rates, Rounding

STAFF = "staff"
METRIC = "RatesDoubtful"
_GAP = timedelta(days=5)
"""Between the youngest day known and the one published: after more, the days in between are asked for."""

_TRIES = 3


class PivotRate(Unprocessable):
    """All rates are per unit of this currency; its own is one."""

    code, title = "pivot_rate", "No rate for this currency"


def refresh() -> dict[str, int]:
    """Take what was published since, and ring for rates that are stale or wait for staff.

    Answers how many currencies were `changed`, and how many are `doubtful`. What fails leaves the rates as they are; a
    file that was taken before changes nothing.
    """
    book, changed = ratebook.get(), 0
    if gateway.switched_on() and feed.is_due(book.known, clock.now()):
        try:
            changed = _import(book)
        except Unavailable as failed:
            log.warning("rates not taken", code=failed.code, reason=failed.detail)
        book = ratebook.get()
    stale = feed.stale(book.rates, clock.timestamp())
    doubtful = sorted({*stale, *book.held})
    if doubtful:
        log.ring("rates doubtful", METRIC, len(doubtful), stale=stale, held=sorted(book.held))
    return {"changed": changed, "doubtful": len(doubtful)}


def _import(book: Ratebook) -> int:
    """Raises NotReached or Malformed, or RatesChanged where staff kept changing them."""
    day = gateway.latest()[-1]
    if not book.known or date.fromisoformat(day.day) - date.fromisoformat(book.known) > _GAP:
        ratebook.remember([one for one in gateway.quarter() if book.known < one.day < day.day])
    for attempt in range(_TRIES):
        try:
            return _take(ratebook.get(), day)
        except RatesChanged:
            if attempt == _TRIES - 1:
                raise Unavailable("The rates were being changed.") from None
    raise AssertionError


def _take(book: Ratebook, day: Day) -> int:
    if day.day <= book.known:
        return 0
    found: Taken = feed.taken(book.rates, day)
    ratebook.save(
        replace(book, rates=found.rates, held=found.held, known=day.day),
        source=SOURCE,
        changed=found.changed,
        by=SOURCE,
    )
    log.info("rates taken", day=day.day, changed=len(found.changed), held=sorted(found.held))
    return len(found.changed)


def change(
    book: Ratebook,
    *,
    set_to: Mapping[str, str],
    unpinned: Iterable[str] = (),
    accepted: Iterable[str] = (),
    fee_basis_points: int | None = None,
    roundings: Mapping[str, Rounding] | None = None,
    refuse_after_days: int | None = None,
    by: str,
) -> Ratebook:
    """What staff decide: rates by hand, which stay until unpinned; held ones accepted; the rules of conversion.

    Raises PivotRate, RatesChanged, or Unprocessable where a currency is accepted that is not held.
    """
    rates, held = dict(book.rates.rates), dict(book.held)
    today = clock.timestamp()[:10]
    for currency, value in set_to.items():
        if currency == PIVOT:
            raise PivotRate(f"Rates are units for one {PIVOT}.")
        rates[currency] = Rate(value, today, STAFF, pinned=True)
        held.pop(currency, None)
    for currency in accepted:
        if currency not in held:
            raise Unprocessable(f"No rate of {currency} waits.", currency=currency)
        rates[currency] = held.pop(currency)
    for currency in unpinned:
        if currency in rates:
            rates[currency] = replace(rates[currency], pinned=False)
    changed = [name for name, rate in rates.items() if rate != book.rates.rates.get(name)]
    after = Rates(
        rates=rates,
        fee_basis_points=book.rates.fee_basis_points if fee_basis_points is None else fee_basis_points,
        roundings=book.rates.roundings if roundings is None else roundings,
        refuse_after_days=refuse_after_days or book.rates.refuse_after_days,
        version=book.rates.version,
    )
    if (after, held) == (book.rates, dict(book.held)):
        return book
    return ratebook.save(replace(book, rates=after, held=held), source=STAFF, changed=changed, by=by)
