"""Journals and what is made of them in the table. Journals are written by `contract.book`, inside others' transactions.

A vendor's account is one partition: entries in the order of time, those that wait, and balances by month. An entry and
its balance are written together, once.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from ledger.accounts import Balance, Entry
from ledger.contract import PENDING, SHARDS, Journal, journal_key, read_journal
from ledger.manifest import MANIFEST
from market import clock
from market.errors import Conflict
from market.table import NEW, Item, Key, Table, Write, delete, put, update

BOOKED, MOVED = "by1", "by2"
LISTS = tuple((index, shard) for index in (BOOKED, MOVED) for shard in range(SHARDS))
"""The lists of a day: what was booked on it, then what was posted or voided on it, each by shard."""

_PAGE = 100
_REMEMBERED = timedelta(days=90)
"""How long an entry that no longer waits is kept: far longer than an event can be late."""

_HEAD = Key("LAC#archive")
_table = Table(MANIFEST)


class Known(Conflict):
    """The account has this entry; `state` is the entry's."""

    code, title = "known_entry", "The entry is known"


class Moved(Conflict):
    """Somebody else wrote meanwhile."""

    code, title = "moved", "Changed meanwhile"


@dataclass(frozen=True, slots=True)
class Head:
    """The last day of the archive, and the SHA-256 of its file."""

    day: str
    sha256: str


def of_order(order_id: str) -> list[Journal]:
    """The journals of an order, in the order of their names."""
    found: list[Journal] = []
    cursor: str | None = None
    while True:
        page = _table.query(f"LED#{order_id}", limit=_PAGE, cursor=cursor)
        found += map(read_journal, page.items)
        if not (cursor := page.next):
            return found


def journals(keys: Iterable[tuple[str, str]], *, consistent: bool = False) -> list[Journal]:
    """Those of the (order id, name) that are booked."""
    found = _table.batch_get((journal_key(*key) for key in keys), consistent=consistent)
    return [read_journal(item) for item in found.values()]


def listed(day: str, index: str, shard: int, *, limit: int, cursor: str | None) -> tuple[list[Journal], str | None]:
    """One page of one list of a day (`2026-11-21`, UTC), in the order of time."""
    page = _table.query(f"LED#{day}#{shard}", index=index, limit=limit, cursor=cursor)
    keys = [Key(entry["pk"], entry["sk"]) for entry in page.items]
    found = _table.batch_get(keys) if keys else {}
    return [read_journal(found[key]) for key in keys if key in found], page.next


def of_days(first: date, last: date, index: str) -> Iterator[Journal]:
    """Every journal booked (or moved, by the index) on these days."""
    for number in range((last - first).days + 1):
        for shard in range(SHARDS):
            cursor: str | None = None
            while True:
                day = (first + timedelta(days=number)).isoformat()
                found, cursor = listed(day, index, shard, limit=_PAGE, cursor=cursor)
                yield from found
                if not cursor:
                    break


def entries(vendor_id: str, begins: str, *, limit: int, cursor: str | None) -> tuple[list[Entry], str | None]:
    """Entries of a vendor whose place begins so, such as `2026-11-`, in the order of time."""
    page = _table.query(_account(vendor_id), begins=begins, limit=limit, cursor=cursor)
    return [_entry(item) for item in page.items], page.next


def all_entries(vendor_id: str, begins: str) -> Iterator[Entry]:
    cursor: str | None = None
    while True:
        found, cursor = entries(vendor_id, begins, limit=_PAGE, cursor=cursor)
        yield from found
        if not cursor:
            return


def stored(wanted: Iterable[Entry], *, consistent: bool = False) -> dict[Key, Entry]:
    """Those of the entries that are there, as they are there, by key."""
    found = _table.batch_get(map(entry_key, wanted), consistent=consistent)
    return {key: _entry(item) for key, item in found.items()}


def balances(vendor_id: str) -> list[Balance]:
    """Every balance of a vendor, by currency and month."""
    found: list[Balance] = []
    cursor: str | None = None
    while True:
        page = _table.query(_account(vendor_id), begins="balance#", limit=_PAGE, cursor=cursor)
        found += map(_balance, page.items)
        if not (cursor := page.next):
            return found


def add(steps: Sequence[Entry]) -> bool:
    """Write what one journal does to one vendor's account, with the balances. Answers whether anything changed.

    A repetition changes nothing, nor does older news of a journal whose end is known.
    """
    first, *rest = steps
    further = [write for entry in rest for write in _added(entry)]
    try:
        _table.transact(*_added(first), *further)
    except Known as known:
        if known.extra.get("state") != PENDING or first.state == PENDING:
            return False
        return _end(first, further)
    return True


def _end(waiting: Entry, further: Sequence[Write]) -> bool:
    """Take what waits out of the account, and let it count if it was posted."""
    mark = update(
        entry_key(waiting),
        "SET state = :state, expires_at = :expires",
        {":state": waiting.state, ":pending": PENDING, ":expires": clock.epoch(_REMEMBERED)},
        when="state = :pending",
        otherwise=Known("The entry has ended."),
    )
    try:
        _table.transact(mark, _weigh(waiting, -waiting.net, -1), *further)
    except Known:
        return False
    return True


def correct(entry: Entry, seen: Entry | None) -> None:
    """Put an entry right that was seen otherwise, its balances left as they are. Raises Moved."""
    when, values = _unchanged(seen)
    _table.write(
        put(entry_key(entry), _entry_item(entry), when=when, values=values, otherwise=Moved("It was written anew."))
    )


def remove(entry: Entry) -> None:
    """Take an entry out that no journal stands for. Raises Moved."""
    when, values = _unchanged(entry)
    _table.write(delete(entry_key(entry), when=when, values=values, otherwise=Moved("It was written anew.")))


def set_balance(vendor_id: str, place: str, amount: int, count: int, seen: Balance | None) -> None:
    """Put a balance right that is still as it was seen. Raises Moved."""
    when, values = NEW, {}
    if seen:
        when = "amount = :amount AND entries = :entries AND updated_at = :at"
        values = {":amount": seen.amount, ":entries": seen.entries, ":at": seen.updated_at}
    item = {"amount": amount, "entries": count, "updated_at": clock.timestamp()}
    moved = Moved("It was written anew.")
    _table.write(put(Key(_account(vendor_id), place), item, when=when, values=values, otherwise=moved))


def head() -> Head | None:
    """Where the archive ends."""
    item = _table.get(_HEAD, consistent=True)
    return Head(item["day"], item["sha256"]) if item else None


def move_head(new: Head, seen: Head | None) -> None:
    """Let the archive end at `new`, if it still ended as seen. Raises Moved."""
    when, values = ("sha256 = :seen", {":seen": seen.sha256}) if seen else (NEW, {})
    item = {"day": new.day, "sha256": new.sha256}
    _table.write(put(_HEAD, item, when=when, values=values, otherwise=Moved("The archive went on meanwhile.")))


def entry_key(entry: Entry) -> Key:
    return Key(_account(entry.vendor_id), entry.place)


def _account(vendor_id: str) -> str:
    return f"LAC#vendor:{vendor_id}"


def _added(entry: Entry) -> list[Write]:
    written = put(entry_key(entry), _entry_item(entry), when=NEW, otherwise=_known)
    return [written] if entry.ended else [written, _weigh(entry, entry.net, 1)]


def _known(found: Item | None) -> Known:
    return Known("The entry is known.", state=found["state"] if found else "")


def _weigh(entry: Entry, amount: int, entries: int) -> Write:
    return update(
        Key(_account(entry.vendor_id), entry.balance),
        "ADD amount :amount, entries :entries SET updated_at = :now",
        {":amount": amount, ":entries": entries, ":now": clock.timestamp()},
    )


def _unchanged(seen: Entry | None) -> tuple[str, dict[str, Any]]:
    if seen is None:
        return NEW, {}
    return "state = :state AND net = :net", {":state": seen.state, ":net": seen.net}


def _entry_item(entry: Entry) -> Item:
    item: Item = {"currency": entry.currency, "net": entry.net, "state": entry.state}
    item |= {"number": entry.number} if entry.number else {}
    item |= {"expires_at": clock.epoch(_REMEMBERED)} if entry.ended else {}
    split = {"gross": entry.gross, "commission": entry.commission, "tax": entry.tax, "fees": entry.fees}
    split["subsidy"] = entry.subsidy
    return item | {name: amount for name, amount in split.items() if amount is not None}


def _entry(item: Item) -> Entry:
    waiting = str(item["sk"]).startswith("waiting#")
    at, order_id, journal = str(item["sk"]).removeprefix("waiting#").split("#")
    return Entry(
        vendor_id=str(item["pk"]).partition(":")[2],
        order_id=order_id,
        journal=journal,
        currency=item["currency"],
        at=at,
        net=item["net"],
        state=item["state"],
        waiting=waiting,
        number=item.get("number", ""),
        gross=item.get("gross"),
        commission=item.get("commission"),
        tax=item.get("tax"),
        fees=item.get("fees"),
        subsidy=item.get("subsidy"),
    )


def _balance(item: Item) -> Balance:
    _, currency, month = str(item["sk"]).split("#")
    return Balance(
        currency, "" if month == "waiting" else month, item["amount"], item["entries"], item.get("updated_at", "")
    )
