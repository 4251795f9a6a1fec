"""The journal of a SKU: every change of what is on hand, in the transaction that makes it, never altered.

`STJ#<sku>` / an id that sorts by time. What the offer was created with, the sum of what has no entry (`Offer.unlisted`)
and all deltas together are what is on hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from market import clock, ids, log
from market.table import Item, Key, Write, put

COUNTED, ADJUSTED, SOLD, RETURNED, SENT, RECEIVED, SERVED, KEPT = (
    "counted", "adjusted", "sold", "returned", "sent", "received", "served", "kept",
)  # fmt: skip
"""Why units came or went. sent, received: by a transfer. served: units that had been sold before they were there. kept:
another safety stock, by which nothing came or went."""

_LOOSE = ""
_BLINDLY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change of what is on hand.

    places: by how much in which place, `""` being none of the warehouses. to: what was counted, where it was a count.
    by: who did it, empty for what orders do. reference: the order, the transfer or what the vendor called it.
    """

    sku: str
    id: str
    at: str
    kind: str
    places: Mapping[str, int]
    by: str = ""
    why: str = ""
    reference: str = ""
    to: int | None = None

    @property
    def delta(self) -> int:
        return sum(self.places.values())


def journal_key(sku: str, entry_id: str = "-") -> Key:
    return Key(f"STJ#{sku}", entry_id)


def moved(sku: str, kind: str, changes: Iterable[tuple[str, int]], **told: str) -> tuple[Write, ...]:
    """The entry of units that came to places, or with negative numbers left them; no write where none did.

    told: `by`, `why` and `reference` of an Entry.
    """
    sums = _sums(changes)
    return (_entry(sku, kind, sums, told),) if sums else ()


def counted(sku: str, to: int, changes: Iterable[tuple[str, int]], **told: str) -> Write:
    """The entry of a count, also of one that found what was expected."""
    return _entry(sku, COUNTED, _sums(changes), told, to=to)


def counted_blindly(counts: Mapping[str, int]) -> tuple[Write, ...]:
    """The entries of counts by `change_offer`, by SKU: what was counted, without a difference, which nobody has seen.

    Of twenty at most, since they share a transaction with the offers: the offers themselves remember the differences.
    """
    told = {"by": log.scope().actor_id}
    return tuple(_entry(sku, COUNTED, {}, told, to=to) for sku, to in list(counts.items())[:_BLINDLY])


def noted(sku: str, kind: str, to: int, **told: str) -> Write:
    """An entry of what changed nothing on hand."""
    return _entry(sku, kind, {}, told, to=to)


def _entry(sku: str, kind: str, sums: Mapping[str, int], told: Mapping[str, str], to: int | None = None) -> Write:
    item: Item = {"kind": kind, "at": clock.timestamp()} | ({} if to is None else {"to": to})
    if sums:
        item["places"] = [[place, units] for place, units in sums.items()]
    item |= {name: value for name, value in told.items() if value}
    return put(journal_key(sku, ids.ulid()), item)


def read_entry(item: Mapping[str, Any]) -> Entry:
    return Entry(
        sku=item["pk"].removeprefix("STJ#"),
        id=item["sk"],
        at=item["at"],
        kind=item["kind"],
        places={place: units for place, units in item.get("places", [])},
        by=item.get("by", ""),
        why=item.get("why", ""),
        reference=item.get("reference", ""),
        to=item.get("to"),
    )


def rebuild(started_with: int, unlisted: int, entries: Iterable[Entry]) -> dict[str, int]:
    """What must be on hand in each place, from what the SKU was created with and all that has happened since."""
    changes = [(_LOOSE, started_with + unlisted)]
    changes += [change for entry in entries for change in entry.places.items()]
    return _sums(changes)


def _sums(changes: Iterable[tuple[str, int]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for place, units in changes:
        sums[place] = sums.get(place, 0) + units
    return {place: units for place, units in sums.items() if units}
