"""What a SKU has cost, and the prior price of a reduction (Directive 98/6/EC, Article 6a). Pure.

Whoever announces a reduction has to name the lowest price of the 30 days before it. What counts is what everybody had
to pay for one unit: the base price, and list prices that ask for no group and no quantity. Progressive reductions start
anew with each step, which is the strict reading.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

import orjson

from market import clock
from market.money import Money
from prices.lists import Entry

DAYS = 30
KEPT_CHANGES, KEPT_LISTS = 200, 200
"""The youngest; of a price that changes more often, the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Change:
    """The base price was `before` until `at` and `after` from then on; before is None for a new SKU."""

    at: str
    before: int | None
    after: int


@dataclass(frozen=True, slots=True)
class History:
    """Changes in the order of time, and public list prices that are no longer in the SKU's entries.

    All amounts are in `currency`; a SKU whose currency changes starts anew.
    """

    currency: str = ""
    changes: tuple[Change, ...] = ()
    gone: tuple[Entry, ...] = ()

    def with_change(self, at: str, before: Money | None, after: Money) -> "History":
        """Heard twice it is the same; heard late it takes its place in time."""
        if self.currency and after.currency != self.currency and self.changes and at < self.changes[-1].at:
            return self
        same = not self.currency or after.currency == self.currency
        earlier = before.amount if before and before.currency == after.currency else None
        known = self.changes if same else ()
        changes = sorted({*known, Change(at, earlier, after.amount)}, key=lambda one: (one.at, one.after))
        return History(after.currency, tuple(changes[-KEPT_CHANGES:]), self.gone if same else ())

    def without(self, entries: Iterable[Entry], at: str) -> "History":
        """Remember public list prices that were in force and are now taken away."""
        ended = tuple(
            replace(entry, ends_at=min(entry.ends_at or at, at))
            for entry in entries
            if entry.public and entry.starts_at < at
        )
        return replace(self, gone=(*self.gone, *ended)[-KEPT_LISTS:]) if ended else self


@dataclass(frozen=True, slots=True)
class Prior:
    """lowest: of the 30 days before `since`, when the present price began; `reduced` says whether it was higher then.

    Without a reduction it is the lowest of the last 30 days, today included.
    """

    lowest: Money
    since: str
    reduced: bool


def prior(history: History, entries: Iterable[Entry], *, country: str, base: Money, at: str) -> Prior | None:
    """None while nothing is known of the past in this currency."""
    if history.currency != base.currency or not history.changes:
        return None
    shown = [
        entry
        for entry in (*history.gone, *entries)
        if entry.public and entry.price.currency == base.currency and _local(entry, country)
    ]
    course = _course(history.changes, shown, at)
    if not course:
        return None
    present = course[-1][1]
    since, before = course[-1][0], None
    for moment, amount in reversed(course[:-1]):
        if amount != present:
            before = amount
            break
        since = moment
    reduced = before is not None and before > present
    lowest = _lowest(course, until=since) if reduced else min(_lowest(course, until=at), present)
    return Prior(Money(lowest, base.currency), since, reduced)


def honest(claim: Money, found: Prior | None) -> bool:
    """Whether a price may be named to compare with: there is a reduction, and it was that low before."""
    return (
        found is not None
        and found.reduced
        and claim.currency == found.lowest.currency
        and claim.amount <= found.lowest.amount
    )


def _local(entry: Entry, country: str) -> bool:
    return entry.fits(quantity=1, country=country, groups=frozenset(), at=entry.starts_at)


def _course(changes: Iterable[Change], shown: list[Entry], at: str) -> list[tuple[str, int]]:
    """The public price from each moment on at which something happened, up to `at`.

    What a change says of the price before it counts more than the change before that: one may not have been told yet.
    """
    known = [change for change in changes if change.at <= at]
    if not known:
        return []
    said_later = [change.before for change in known[1:]]
    after = [later if later is not None else change.after for change, later in zip_longest(known, said_later)]
    steps = dict(zip((change.at for change in known), after, strict=True))
    first = known[0]
    opening = [("", first.before)] if first.before is not None else []
    moments = {*steps, *(moment for entry in shown for moment in (entry.starts_at, entry.ends_at) if moment <= at)}
    moments = {moment for moment in moments if moment >= first.at or opening} | {moment for moment, _ in opening}
    course, base = list[tuple[str, int]](), opening[0][1] if opening else first.after
    for moment in sorted(moments):
        base = steps.get(moment, base)
        running = [entry.price.amount for entry in shown if entry.runs(moment)]
        course.append((moment, min(running, default=base)))
    return course


def _lowest(course: list[tuple[str, int]], *, until: str) -> int:
    """Over the 30 days that end just before `until`; what counted when they began counts too."""
    begin = clock.iso(datetime.fromisoformat(until) - timedelta(days=DAYS))
    within = [amount for moment, amount in course if begin < moment < until]
    earlier = [amount for moment, amount in course if moment <= begin]
    return min([*within, *earlier[-1:]], default=course[0][1])


def packed(history: History) -> str:
    changes = [[change.at, change.before, change.after] for change in history.changes]
    gone = [
        [entry.list_id, entry.price.amount, entry.starts_at, entry.ends_at, sorted(entry.countries)]
        for entry in history.gone
    ]
    return orjson.dumps({"currency": history.currency, "changes": changes, "gone": gone}).decode()


def unpacked(text: str) -> History:
    kept: dict[str, Any] = orjson.loads(text)
    gone = (
        Entry(
            list_id=list_id,
            price=Money(amount, kept["currency"]),
            starts_at=starts,
            ends_at=ends,
            countries=frozenset(where),
        )
        for list_id, amount, starts, ends, where in kept["gone"]
    )
    return History(kept["currency"], tuple(Change(*row) for row in kept["changes"]), tuple(gone))
