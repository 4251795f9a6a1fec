"""Reads and writes of stock by those who own it; buyers' holds are fragments of `contract`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from inventory import heat, sweep
from inventory.changes import Raced, written
from inventory.events import StockLow, StockRestocked
from inventory.journal import Entry, journal_key, read_entry
from inventory.manifest import MANIFEST
from inventory.moves import Move, is_low, joined, marked
from inventory.offers import Offer, read_offer, stock_key
from inventory.warehouses import Warehouse, read_warehouses, warehouses_key
from market import clock
from market.errors import Conflict, NotFound
from market.events import announce
from market.guard.callers import Caller
from market.table import NEW, Busy, Item, Key, Table, Write, put
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

TABLE = Table(MANIFEST, VENDORS)
ATTEMPTS = 20
"""Times that a change is decided anew after somebody else was faster."""
_REMEMBERED = timedelta(days=30)

Step = Callable[[Offer], Move]
"""One thing that is done to an offer; see `moves`."""


class Done(Conflict):
    """The reference was used before for this SKU: what it stands for has been done."""

    code, title = "already_done", "Already done"


@dataclass(frozen=True, slots=True)
class OfferPage:
    offers: Sequence[Offer]
    next: str | None


@dataclass(frozen=True, slots=True)
class EntryPage:
    entries: Sequence[Entry]
    next: str | None


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, TABLE.get)


def find(sku: str) -> Offer | None:
    item = TABLE.get(stock_key(sku))
    return read_offer(item) if item else None


def get(sku: str, *, vendor_id: str) -> Offer:
    """The vendor's stock as last written. Raises NotFound, also for another vendor's."""
    item = TABLE.get(stock_key(sku), consistent=True)
    return _owned(sku, item, vendor_id)


def owned(skus: Sequence[str], *, vendor_id: str) -> dict[str, Offer]:
    """The same of several, by SKU. Raises NotFound."""
    found = TABLE.batch_get(map(stock_key, skus), consistent=True)
    return {sku: _owned(sku, found.get(stock_key(sku)), vendor_id) for sku in skus}


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> OfferPage:
    """In the order of SKUs. The index tells which; the counts come from the items themselves, so that they are true."""
    page = TABLE.query(f"STV#{vendor_id}", index="by1", limit=limit, cursor=cursor)
    keys = [stock_key(entry["by1sk"]) for entry in page.items]
    found = TABLE.batch_get(keys)
    return OfferPage([read_offer(found[key]) for key in keys if key in found], page.next)


def change(sku: str, vendor_id: str, *steps: Step, reference: str = "") -> Offer:
    """Carry out all steps or none, and say so in the journal; the offer as it is then.

    reference: what the vendor calls it, so that it is done once. Raises NotFound, Done, what the steps raise, or Busy.
    """
    mark = [_once(sku, reference)] if reference else []
    for _ in range(ATTEMPTS):
        before = get(sku, vendor_id=vendor_id)
        try:
            after, writes = decided(before, *steps)
        except Conflict:
            if mark and TABLE.get(mark[0].key, consistent=True):
                raise _done(sku) from None  # and this is why the stock is not as the caller saw it
            if not before.shards:
                raise
            sweep.gather(sku)
            continue
        try:
            # A transaction, since a lost answer must not let an adjustment be made twice.
            TABLE.transact(*mark, *writes)
            return after
        except Raced:
            continue
    raise Busy("Please try again.")


def decided(before: Offer, *steps: Step) -> tuple[Offer, list[Write]]:
    """What the steps make of an offer, and the writes that make it so. Raises what the steps do; written, Raced."""
    moves, offer = list[Move](), before
    for step in steps:
        moves.append(step(offer))
        offer = moves[-1].after
    move = joined(moves, before)
    move = replace(move, after=marked(move.after))
    return move.after, [written(before, move), *move.entries, *crossing(before, move.after)]


def crossing(before: Offer, after: Offer) -> list[Write]:
    """The event of an offer that was marked as low, or is no longer; none if the vendor stopped watching."""
    if bool(before.low) == bool(after.low) or after.reorder_point is None:
        return []
    event = StockLow if is_low(after) else StockRestocked
    told = event(
        vendor_id=after.vendor_id,
        product_id=after.product_id,
        sku=after.sku,
        available=after.available + after.elsewhere,
        reorder_point=after.reorder_point,
    )
    return [announce(told, by=MANIFEST)]


def look_after(sku: str) -> None:
    """Let the SKU be on as many shards as its `peak` asks for, within a minute."""
    TABLE.write(heat.look_after(sku))


def entries(sku: str, *, limit: int, cursor: str | None) -> EntryPage:
    """The journal of a SKU, the newest entry first."""
    page = TABLE.query(journal_key(sku).pk, newest_first=True, limit=limit, cursor=cursor)
    return EntryPage([read_entry(item) for item in page.items], page.next)


def all_entries(sku: str) -> Iterator[Entry]:
    cursor: str | None = None
    while True:
        page = TABLE.query(journal_key(sku).pk, limit=1_000, cursor=cursor)
        yield from map(read_entry, page.items)
        cursor = page.next
        if cursor is None:
            return


def warehouses(vendor_id: str, *, consistent: bool = False) -> tuple[tuple[Warehouse, ...], int]:
    """The vendor's warehouses and the version of their list, 0 if there never was one."""
    item = TABLE.get(warehouses_key(vendor_id), consistent=consistent)
    return read_warehouses(item), item["version"] if item else 0


def _owned(sku: str, item: Item | None, vendor_id: str) -> Offer:
    if item is None or item["vendor_id"] != vendor_id:
        raise NotFound(f"There is no SKU {sku[:64]}.")
    return read_offer(item)


def _once(sku: str, reference: str) -> Write:
    return put(
        Key(f"STR#{sku}", reference),
        {"expires_at": clock.epoch(_REMEMBERED)},
        when=NEW,
        otherwise=_done(sku),
    )


def _done(sku: str) -> Done:
    return Done("This reference was used before.", sku=sku)
