"""What is made of journals: vendors' accounts, statements, trial balances, and their comparison with the journals."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from ledger import accounts, store
from ledger.accounts import Balance, Difference, Entry, Sums
from ledger.contract import PENDING, Journal
from ledger.store import BOOKED, MOVED, Moved
from market import clock
from market.errors import NotFound, Unavailable, Unprocessable
from market.money import Money
from market.table import Key

MOST_DAYS = 31
MOST_JOURNALS = 20_000
QUIET = timedelta(minutes=1)
"""How long nothing must have been added to a balance before it is put right: eventual reads have caught up by then."""


class NotYetBooked(Unavailable):
    """An event speaks of a journal that cannot be found."""

    code, title = "not_yet_booked", "Not booked yet"


class TooWide(Unprocessable):
    """A period of more than 31 days, that ends before it begins, or that holds more journals than one answer reads."""

    code, title = "period_too_wide", "Period too wide"


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days < MOST_DAYS:
            raise TooWide(f"Ask for 1 to {MOST_DAYS} days.")

    def __contains__(self, at: str) -> bool:
        return self.first.isoformat() <= at[:10] <= self.last.isoformat()

    @property
    def months(self) -> list[str]:
        return sorted({self.first.isoformat()[:7], self.last.isoformat()[:7]})


@dataclass(frozen=True, slots=True)
class Standing:
    """What a vendor is owed in one currency: counted, and promised. Negative: the vendor owes us."""

    posted: Money
    pending: Money


@dataclass(frozen=True, slots=True)
class Statement:
    """One page of a vendor's month: what it was owed before, what happened, what it was owed at the end."""

    opening: list[Money]
    closing: list[Money]
    entries: list[Entry]
    next: str | None


def project_order(order_id: str, certain: str = "") -> int:
    """Bring an order's journals into vendors' accounts; the number of entries that were new.

    certain: the journal that was written with the event, which an eventual read may not show yet. Raises NotYetBooked.
    """
    found = store.of_order(order_id)
    if certain and certain not in {journal.name for journal in found}:
        late = store.journals([(order_id, certain)], consistent=True)
        if not late:
            raise NotYetBooked(f"{certain} is not booked.")
        found += late
    return project(found)


def project(journals: Iterable[Journal]) -> int:
    """Add what is missing of the journals in vendors' accounts. Twice, late or out of order changes nothing."""
    groups = [group for journal in journals for group in _by_vendor(accounts.entries_of(journal)).values()]
    known = store.stored(entry for group in groups for entry in group)
    return sum(store.add(group) for group in groups if not _all_known(group, known))


def catch_up(day: date) -> int:
    """Project what was booked or moved on a day, wherever its event was lost; the number of entries that were new."""
    return sum(project(batch) for index in (BOOKED, MOVED) for batch in _batches(store.of_days(day, day, index)))


def standing(vendor_id: str) -> list[Standing]:
    """What the vendor is owed, by currency."""
    posted: dict[str, int] = {}
    pending: dict[str, int] = {}
    for balance in store.balances(vendor_id):
        sums = posted if balance.month else pending
        sums[balance.currency] = sums.get(balance.currency, 0) + balance.amount
    currencies = sorted(posted.keys() | pending.keys())
    return [Standing(Money(posted.get(c, 0), c), Money(pending.get(c, 0), c)) for c in currencies]


def statement(vendor_id: str, month: str, *, limit: int, cursor: str | None) -> Statement:
    """A vendor's month (`2026-11`, UTC): entries that count in it, and balances before and after by currency."""
    opening: dict[str, int] = {}
    closing: dict[str, int] = {}
    for balance in store.balances(vendor_id):
        if balance.month and balance.month <= month:
            closing[balance.currency] = closing.get(balance.currency, 0) + balance.amount
            before = balance.amount if balance.month < month else 0
            opening[balance.currency] = opening.get(balance.currency, 0) + before
    found, following = store.entries(vendor_id, f"{month}-", limit=limit, cursor=cursor)
    return Statement(_monies(opening), _monies(closing), found, following)


def trial_balance(period: Period) -> tuple[Sums, Sums]:
    """What the days added to each account: what began to count in them, and what was booked in them and still waits.

    Raises TooWide.
    """
    booked = (journal for journal in store.of_days(period.first, period.last, BOOKED) if not journal.moved_at)
    moved = store.of_days(period.first, period.last, MOVED)
    found = list(islice(booked, MOST_JOURNALS + 1))
    found += islice(moved, MOST_JOURNALS + 1 - len(found))
    if len(found) > MOST_JOURNALS:
        raise TooWide(f"More than {MOST_JOURNALS} journals: ask for fewer days, or read the archive's totals.")
    return accounts.trial_balance(found)


def differences(vendor_id: str, period: Period) -> list[Difference]:
    """Where a vendor's account is not what the journals say: its entries of these days, its balances of their months.

    What was booked in the last moments may show as a difference that is gone when asked again. Raises NotFound where
    there is neither an account nor anything that would be in it.
    """
    kept, groups = _compared(vendor_id, period)
    right = (entry for group in groups for entry in group if entry.at in period)
    found = list(accounts.compare((entry for entry in kept if entry.at in period), right))
    found += [difference for difference, _, _ in _unbalanced(vendor_id, period, kept)]
    return found


def rebuild(vendor_id: str, period: Period) -> list[Difference]:
    """Make entries anew from journals and balances from entries; answers what is still different.

    A balance that was written within the last minute is left: then ask again. Raises NotFound as above.
    """
    kept, groups = _compared(vendor_id, period)
    for group in groups:
        store.add(group)
    wanted = {store.entry_key(e): e for group in groups for e in group if e.at in period and not e.ended}
    mine = [entry for entry in kept if entry.at in period]
    for key, seen in store.stored([*mine, *wanted.values()], consistent=True).items():
        _put_right(seen, wanted.pop(key, None))
    for missing in wanted.values():
        _put_right(None, missing)
    for difference, balance, (amount, count) in _unbalanced(vendor_id, period, list(_entries(vendor_id, period))):
        if balance is None or balance.updated_at < clock.iso(clock.now() - QUIET):
            with suppress(Moved):
                store.set_balance(vendor_id, difference.place, amount, count, balance)
    return differences(vendor_id, period)


def _put_right(seen: Entry | None, wanted: Entry | None) -> None:
    with suppress(Moved):
        if wanted is not None and seen != wanted:
            store.correct(wanted, seen)
        elif wanted is None and seen is not None and not seen.ended:
            store.remove(seen)


def _compared(vendor_id: str, period: Period) -> tuple[list[Entry], list[list[Entry]]]:
    """(the vendor's entries of the period's months, what each journal that touches its days does to the account)."""
    kept = list(_entries(vendor_id, period))
    named = {(entry.order_id, entry.journal) for entry in kept if entry.at in period}
    journals = {(journal.order_id, journal.name): journal for journal in store.journals(named, consistent=True)}
    for index in (BOOKED, MOVED):
        for journal in store.of_days(period.first, period.last, index):
            journals.setdefault((journal.order_id, journal.name), journal)
    groups = (_by_vendor(accounts.entries_of(journal)).get(vendor_id) for journal in journals.values())
    mine = [group for group in groups if group]
    if not kept and not mine and not store.balances(vendor_id):
        raise NotFound("There is no account of such a vendor.")
    return kept, mine


def _entries(vendor_id: str, period: Period) -> Iterator[Entry]:
    for month in period.months:
        yield from store.all_entries(vendor_id, f"{month}-")
    yield from store.all_entries(vendor_id, "waiting#")


def _unbalanced(
    vendor_id: str, period: Period, kept: list[Entry]
) -> Iterator[tuple[Difference, Balance | None, tuple[int, int]]]:
    """Balances that are not the sum of their entries, with that sum and the number of entries."""
    stored = {accounts.balance_place(b.currency, b.month): b for b in store.balances(vendor_id)}
    sums = accounts.balances_of(kept)
    for place in sorted(stored.keys() | sums.keys()):
        balance, (amount, count) = stored.get(place), sums.get(place, (0, 0))
        if balance and balance.month and balance.month not in period.months:
            continue
        if balance is None or (balance.amount, balance.entries) != (amount, count):
            shown = f"{balance.amount} of {balance.entries}" if balance else ""
            yield Difference("balance", place, shown, f"{amount} of {count}"), balance, (amount, count)


def _by_vendor(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    """One journal's entries by vendor, what waits first."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.vendor_id, []).append(entry)
    return groups


def _all_known(group: Iterable[Entry], known: dict[Key, Entry]) -> bool:
    """Whether nothing is left to do: each entry is there, and none waits that has ended."""
    pairs = ((entry, known.get(store.entry_key(entry))) for entry in group)
    return all(found is not None and not (entry.ended and found.state == PENDING) for entry, found in pairs)


def _batches(journals: Iterator[Journal]) -> Iterator[list[Journal]]:
    while batch := list(islice(journals, 100)):
        yield batch


def _monies(sums: dict[str, int]) -> list[Money]:
    return [Money(amount, currency) for currency, amount in sorted(sums.items())]
