"""Units on their way between two places of a vendor: sent, then received, in parts if need be, or given up.

`TRF#<vendor id>` / `trf_…` is one transfer, `TRF#request#<key>` which of them an idempotency key made. Units on their
way are on hand nowhere. A step names the version that it changes, so that it happens once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from inventory import depots, journal
from inventory.changes import Raced
from inventory.moves import NotSoMany, Who, arrived, taken
from inventory.store import ATTEMPTS, TABLE, Step, decided, owned
from market import clock
from market.errors import Conflict, Idempotency, NotFound, Unprocessable
from market.table import NEW, Busy, Item, Key, Write, put

MAX_LINES = 20
"""Of a transfer: a received line takes up to four actions of one transaction."""
IN_TRANSIT, CLOSED = "in_transit", "closed"
LOST, CANCELLED = "lost", "cancelled"
"""What becomes of units that are not received: they are gone, or back where they came from."""
_REMEMBERED = timedelta(days=1)


class TransferChanged(Conflict):
    """The transfer is not the one that the caller saw; `version` is the present one."""

    code, title = "transfer_changed", "The transfer has changed"


class NotInTransit(Conflict):
    """More was to be received than is still on its way; `inTransit` says how many of the SKU are."""

    code, title = "not_in_transit", "Not in transit"


class KeyReused(Unprocessable):
    """The idempotency key was used for another request."""

    code, title = "idempotency_key_reused", "Idempotency key reused"


class Repeated(Conflict):
    """The idempotency key has made a transfer before."""


@dataclass(frozen=True, slots=True)
class Line:
    """Of a SKU: sent, and what became of them; the rest is on its way."""

    sent: int
    received: int = 0
    lost: int = 0
    cancelled: int = 0

    @property
    def in_transit(self) -> int:
        return self.sent - self.received - self.lost - self.cancelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """source, target: ids of warehouses, or `""` for no warehouse. by: who sent it. reason: why it was closed."""

    id: str
    vendor_id: str
    source: str
    target: str
    lines: Mapping[str, Line]
    sent_at: str
    by: str
    note: str = ""
    reason: str = ""
    closed_at: str = ""
    version: int = 1

    @property
    def status(self) -> str:
        return IN_TRANSIT if any(line.in_transit for line in self.lines.values()) else CLOSED


@dataclass(frozen=True, slots=True)
class TransferPage:
    transfers: Sequence[Transfer]
    next: str | None


def send(wished: Transfer, request: Idempotency) -> Transfer:
    """Take the units from where they are and set them on their way.

    Raises NotFound, NotSoMany, KeyReused or Busy; a repeated request finds its transfer.
    """
    depots.require_open(wished.vendor_id, wished.target)
    asked = {"fingerprint": request.fingerprint, "transfer_id": wished.id, "expires_at": clock.epoch(_REMEMBERED)}
    once = put(Key(f"TRF#request#{request.key}"), asked, when=NEW, otherwise=Repeated("The transfer was made before."))
    made = put(_key(wished), _item(wished), when=NEW, otherwise=Conflict("Please try again."))
    who = Who(wished.by, wished.note, wished.id)
    steps = {sku: _leaving(line.sent, wished.source, who) for sku, line in wished.lines.items()}
    try:
        _with_stock(wished.vendor_id, steps, once, made)
    except (Repeated, NotSoMany):  # perhaps they are not there because they are on their way
        before = TABLE.get(once.key, consistent=True)
        if before is None:
            raise
        if before["fingerprint"] != request.fingerprint:
            raise KeyReused("This key was used for another request.") from None
        return get(wished.vendor_id, before["transfer_id"])
    return wished


def receive(seen: Transfer, units: Mapping[str, int], who: Who) -> Transfer:
    """Put units that have arrived on sale at their target. Raises NotInTransit, TransferChanged, NotSoMany or Busy."""
    lines = dict(seen.lines)
    for sku, count in units.items():
        _require_in_transit(seen, sku, count)
        lines[sku] = replace(lines[sku], received=lines[sku].received + count)
    return _moved_on(
        seen, lines, {sku: _coming(count, seen.target, journal.RECEIVED, who) for sku, count in units.items()}
    )


def close(seen: Transfer, fate: str, who: Who) -> Transfer:
    """Give up what is still on its way: it is LOST, or, CANCELLED, back on sale where it came from.

    Raises TransferChanged, NotSoMany or Busy.
    """
    rest = {sku: line.in_transit for sku, line in seen.lines.items() if line.in_transit}
    lines = dict(seen.lines)
    for sku, units in rest.items():
        line = lines[sku]
        lines[sku] = replace(line, lost=units) if fate == LOST else replace(line, cancelled=units)
    back = rest if fate == CANCELLED else {}
    steps = {sku: _coming(units, seen.source, journal.RETURNED, who) for sku, units in back.items()}
    return _moved_on(replace(seen, reason=who.why), lines, steps)


def get(vendor_id: str, transfer_id: str) -> Transfer:
    """Raises NotFound, also for another vendor's."""
    item = TABLE.get(Key(f"TRF#{vendor_id}", transfer_id), consistent=True)
    if item is None:
        raise NotFound("There is no such transfer.")
    return _read(item)


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> TransferPage:
    """The newest first."""
    page = TABLE.query(f"TRF#{vendor_id}", newest_first=True, limit=limit, cursor=cursor)
    return TransferPage([_read(item) for item in page.items], page.next)


def _moved_on(seen: Transfer, lines: Mapping[str, Line], steps: Mapping[str, Step]) -> Transfer:
    after = replace(seen, lines=lines, version=seen.version + 1)
    if after.status == CLOSED:
        after = replace(after, closed_at=clock.timestamp())
    fence = put(
        _key(after),
        _item(after),
        when="version = :seen",
        values={":seen": seen.version},
        otherwise=lambda found: changed(found["version"] if found else 0),
    )
    _with_stock(seen.vendor_id, steps, fence)
    return after


def _with_stock(vendor_id: str, steps: Mapping[str, Step], *fences: Write) -> None:
    """Carry out a step for each SKU and write the fences, all or nothing. Raises NotFound, what they raise, or Busy."""
    for _ in range(ATTEMPTS):
        offers = owned(list(steps), vendor_id=vendor_id)
        writes = [write for sku, step in steps.items() for write in decided(offers[sku], step)[1]]
        try:
            TABLE.transact(*fences, *writes)
            return
        except Raced:
            continue
    raise Busy("Please try again.")


def _leaving(units: int, source: str, who: Who) -> Step:
    return lambda offer: taken(offer, units, source, journal.SENT, who)


def _coming(units: int, place: str, kind: str, who: Who) -> Step:
    return lambda offer: arrived(offer, units, place, kind, who)


def _require_in_transit(transfer: Transfer, sku: str, units: int) -> None:
    there = transfer.lines[sku].in_transit if sku in transfer.lines else 0
    if units > there:
        raise NotInTransit(f"{there} of {sku} are on their way.", sku=sku, inTransit=there)


def changed(version: int) -> TransferChanged:
    return TransferChanged("The transfer has changed since you read it.", version=version)


def _key(transfer: Transfer) -> Key:
    return Key(f"TRF#{transfer.vendor_id}", transfer.id)


def _item(transfer: Transfer) -> Item:
    lines = {sku: [line.sent, line.received, line.lost, line.cancelled] for sku, line in transfer.lines.items()}
    texts = {name: text for name in _TEXTS if (text := getattr(transfer, name))}
    return texts | {"lines": lines, "version": transfer.version}


def _read(item: Item) -> Transfer:
    texts = {name: item.get(name, "") for name in _TEXTS}
    lines = {sku: Line(*counts) for sku, counts in item["lines"].items()}
    vendor_id = item["pk"].removeprefix("TRF#")
    return Transfer(id=item["sk"], vendor_id=vendor_id, lines=lines, version=item["version"], **texts)


_TEXTS = ("source", "target", "sent_at", "by", "note", "reason", "closed_at")
