"""Links, lists and heads in the table. What begins with `AUD#` is put once and never changed; heads are `AUH#`.

A link is the item of its place in the chain, so that a place cannot be taken twice. Beside it stand a fence by the
entry's id, and one row for each subject. Lists of an actor, a vendor's scope and a day are indexes of the links.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

import orjson

from audit.lines import Exported
from audit.manifest import MANIFEST
from audit.model import CHAINS, PLATFORM, BrokenChain, Entry, Head, Link, Moved, NoSuchEntry, canonical
from market import clock
from market.table import NEW, Item, Key, Page, Table, Write, put, read_cursor, sign_cursor

KEPT = timedelta(days=400)
"""A year at hand and some weeks to ask in; the files are kept for longer."""
DAYS_A_PAGE = 31
"""Days that one request looks at: where nothing was done for long, a page may be short or empty and still go on."""

_EXPORTED = Key("AUH#exported")
_READ_AT_ONCE = 100
_moved = Moved("It was written anew.")
_table = Table(MANIFEST)


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of cards: of an actor, a subject, a vendor's scope, or of everything in a day."""

    name: str
    index: str = ""

    @classmethod
    def of_actor(cls, actor_id: str) -> "Listed":
        return cls(f"AUD#actor#{actor_id}", "by1")

    @classmethod
    def of_vendor(cls, vendor_id: str) -> "Listed":
        return cls(f"AUD#vendor#{vendor_id}", "by2")

    @classmethod
    def of_subject(cls, subject: str) -> "Listed":
        return cls(f"AUD#subject#{subject}")

    @classmethod
    def of_days(cls) -> "Listed":
        return cls("", "by3")

    def partition(self, day: str) -> str:
        return self.name or f"AUD#day#{day}"


def standing(chain: int, entry_ids: Iterable[str]) -> tuple[Head, dict[str, str]]:
    """Where the chain ends, and of those entries that are in it already the SHA-256."""
    fences = {_fence_key(entry_id): entry_id for entry_id in entry_ids}
    found = _table.batch_get([_head_key(chain), *fences], consistent=True)
    known = {entry_id: str(found[key]["sha256"]) for key, entry_id in fences.items() if key in found}
    return _head(found.get(_head_key(chain))), known


def append(before: Head, links: Sequence[Link], entries: Sequence[Entry]) -> None:
    """Let a chain that ended at `before` go on with these links, all or none. Raises Moved, Busy."""
    writes = [_moved_on(links[0].chain, before, links[-1].head)]
    for link, entry in zip(links, entries, strict=True):
        writes += _written(link, entry)
    _table.transact(*writes)


def find(entry_id: str) -> Link:
    """The entry in its place. Raises NoSuchEntry."""
    fence = _table.get(_fence_key(entry_id))
    item = _table.get(_place(fence["chain"], fence["sequence"])) if fence else None
    if item is None:
        raise NoSuchEntry("There is no such entry; older ones are in the archive.")
    return _link(item)


def head(chain: int) -> Head:
    return _head(_table.get(_head_key(chain), consistent=True))


def links(chain: int, after: Head, last_day: str) -> Iterator[Link]:
    """The links after `after` that were stored up to the end of `last_day`, each one checked. Raises BrokenChain."""
    present = head(chain)
    end = present.sequence
    if end < after.sequence or (end == after.sequence and present.hash != after.hash):
        raise BrokenChain(f"chain {chain}, which ends before or beside entry {after.sequence}")
    while after.sequence < end:
        wanted = range(after.sequence + 1, min(after.sequence + _READ_AT_ONCE, end) + 1)
        keys = [_place(chain, sequence) for sequence in wanted]
        found = _table.batch_get(keys, consistent=True)
        for key in keys:
            link = _link(found[key]) if key in found else None
            if link is None or not link.follows(after):
                raise BrokenChain(f"chain {chain}, entry {after.sequence + 1}")
            if link.recorded[:10] > last_day:
                return
            yield link
            after = link.head


def listed(which: Listed, *, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
    """Cards of a list, the newest first. Raises BadCursor."""
    page = _page(which, which.name, "", limit, cursor)
    return [item["card"] for item in page.items], page.next


def in_days(which: Listed, first: date, last: date, *, limit: int, cursor: str | None) -> tuple[list[Item], str | None]:
    """Those of a list that happened on these days (UTC), the newest first. Raises BadCursor."""
    today, scope = clock.now().date(), f"audit.in_days|{which.index}|{which.name}"
    first, last = max(first, today - KEPT), min(last, today)
    place: dict[str, Any] = read_cursor(cursor, scope) if cursor else {"day": last.isoformat(), "after": None}
    day, after = date.fromisoformat(place["day"]), place["after"]
    cards: list[Item] = []
    for _ in range(DAYS_A_PAGE):
        if day < first or len(cards) == limit:
            break
        page = _page(which, which.partition(day.isoformat()), day.isoformat(), limit - len(cards), after)
        cards += [item["card"] for item in page.items]
        after = page.next
        if not after:
            day -= timedelta(days=1)
    return cards, sign_cursor({"day": day.isoformat(), "after": after}, scope) if day >= first else None


def exported() -> Exported | None:
    """How far the export has come."""
    item = _table.get(_EXPORTED, consistent=True)
    return Exported(item["day"], item["sha256"], tuple(Head(**head) for head in item["heads"])) if item else None


def move_exported(new: Exported, seen: Exported | None) -> None:
    """Note that the export has come to `new`, if it was still at `seen`. Raises Moved."""
    when, values = ("sha256 = :seen", {":seen": seen.sha256}) if seen else (NEW, {})
    item = {"day": new.day, "sha256": new.sha256, "heads": [asdict(head) for head in new.heads]}
    _table.write(put(_EXPORTED, item, when=when, values=values, otherwise=_moved))


def _page(which: Listed, partition: str, begins: str, limit: int, cursor: str | None) -> Page:
    return _table.query(partition, index=which.index, begins=begins, newest_first=True, limit=limit, cursor=cursor)


def _head_key(chain: int) -> Key:
    assert 0 <= chain < CHAINS
    return Key(f"AUH#{chain}")


def _fence_key(entry_id: str) -> Key:
    return Key(f"AUD#entry#{entry_id}")


def _place(chain: int, sequence: int) -> Key:
    return Key(f"AUD#{chain}#{sequence:012d}")


def _head(item: Item | None) -> Head:
    return Head(item["sequence"], item["hash"], item["recorded"]) if item else Head()


def _moved_on(chain: int, before: Head, after: Head) -> Write:
    when, values = ("hash = :seen", {":seen": before.hash}) if before.sequence else (NEW, {})
    return put(_head_key(chain), asdict(after), when=when, values=values, otherwise=_moved)


def _written(link: Link, entry: Entry) -> Iterator[Write]:
    """The link itself, the fence by its entry's id, and a row for each of its subjects."""
    expires, when = clock.epoch(KEPT), f"{entry.recorded.at}#{entry.id}"
    item: Item = {
        "entry": canonical(link.entry).decode(),
        "recorded": link.recorded,
        "previous": link.previous,
        "hash": link.hash,
        "card": entry.card,
        "by1pk": Listed.of_actor(entry.recorded.actor.id).name,
        "by1sk": when,
        "by3pk": Listed.of_days().partition(entry.recorded.at[:10]),
        "by3sk": when,
        "expires_at": expires,
    }
    if entry.recorded.scope not in ("", PLATFORM):
        item |= {"by2pk": Listed.of_vendor(entry.recorded.scope).name, "by2sk": when}
    fence = {"chain": link.chain, "sequence": link.sequence, "sha256": entry.sha256, "expires_at": expires}
    yield put(_place(link.chain, link.sequence), item, when=NEW, otherwise=_moved)
    yield put(_fence_key(entry.id), fence, when=NEW, otherwise=_moved)
    for subject in entry.subjects:
        row = {"card": entry.card, "expires_at": expires}
        yield put(Key(Listed.of_subject(subject).name, when), row, when=NEW, otherwise=_moved)


def _link(item: Item) -> Link:
    _, chain, sequence = str(item["pk"]).split("#")
    return Link(
        chain=int(chain),
        sequence=int(sequence),
        recorded=item["recorded"],
        previous=item["previous"],
        hash=item["hash"],
        entry=orjson.loads(item["entry"]),
    )
