"""Holds on shards: found and taken before an order is placed, given back if it is not. By the table of who sells.

Nobody is told that a SKU is sold out while units remain: of several items that are read one after the other, units that
move between them might be missed, so the count of moves must be the same before and after.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from zlib import crc32

from inventory.holds import UnitsMoved
from inventory.offers import Offer, out_of_stock, read_offer, stock_key
from inventory.shards import (
    Shard,
    ShardShort,
    ShardsMoved,
    TicketGone,
    drop_ticket,
    give_back,
    open_ticket,
    read_shards,
    shard_key,
    source_of,
    take,
)
from inventory.sources import LOOSE, Source
from market.table import Busy, Item, Table

_ROUNDS = 20
"""Each that fails means that somebody else got what was seen, so that few buyers see the second."""


def seize(table: Table, offer: Offer, quantity: int, *, order_id: str) -> tuple[Source, ...]:
    """Hold units of a SKU on shards for an order that is about to be placed; where they are.

    The order's transaction must `keep_ticket` each, or `let_go` of them; what lies in the offer's own item (LOOSE) is
    only found here, and held by that transaction. Raises OutOfStock, which is proved; UnitsMoved if the SKU is no
    longer on so many shards; Busy if others keep taking what was seen.
    """
    shards = _read(table, offer, consistent=False)
    for _ in range(_ROUNDS):
        if sources := _whole(table, offer, quantity, shards, order_id) or _pieces(
            table, offer, quantity, shards, order_id
        ):
            return sources
        offer, shards = _as_is(table, offer, quantity)
    raise Busy("Please try again.")


def let_go(table: Table, sku: str, order_id: str, pieces: Iterable[tuple[int, int]]) -> None:
    """Give units back, by number of the shard, unless the order was placed after all. A sweep does what fails here."""
    for number, units in pieces:
        try:
            table.transact(*give_back(sku, number, order_id, units))
        except (TicketGone, ShardsMoved):
            continue


def _whole(table: Table, offer: Offer, quantity: int, shards: list[Shard], order_id: str) -> tuple[Source, ...]:
    """All units from one shard, tried in an order that is another for each buyer; `shards` keeps what is seen."""
    for number in sorted(range(len(shards)), key=lambda number: crc32(f"{order_id}#{number}".encode())):
        if shards[number].available >= quantity and _taken(table, offer.sku, number, quantity, shards, order_id):
            return (source_of(number, quantity),)
    return ()


def _pieces(table: Table, offer: Offer, quantity: int, shards: list[Shard], order_id: str) -> tuple[Source, ...]:
    """Units from several shards, the fullest first, and at last from the offer's own item."""
    taken, missing = list[tuple[int, int]](), quantity
    if offer.loose + sum(shard.available for shard in shards) < quantity:
        return ()
    for shard in sorted(shards, key=lambda shard: -shard.available):
        units = min(shard.available, missing)
        if units and _taken(table, offer.sku, shard.number, units, shards, order_id):
            taken.append((shard.number, units))
            missing -= units
    if missing > offer.loose:
        let_go(table, offer.sku, order_id, taken)
        return ()
    sources = tuple(source_of(number, units) for number, units in taken)
    return (*sources, (LOOSE, missing)) if missing else sources


def _taken(table: Table, sku: str, number: int, units: int, shards: list[Shard], order_id: str) -> bool:
    table.write(open_ticket(sku, number, order_id, units))
    try:
        table.write(take(sku, number, units))
        return True
    except ShardShort as short:
        shards[number] = replace(shards[number], available=short.extra["available"])
    with suppress(TicketGone):  # swept, or dropped by the first of two requests
        table.write(drop_ticket(sku, number, order_id))
    return False


def _as_is(table: Table, offer: Offer, quantity: int) -> tuple[Offer, list[Shard]]:
    """The offer and its shards, with enough units for another try. Raises OutOfStock or UnitsMoved."""
    while True:
        before = _home(table, offer)
        present = read_offer(before)
        if present.shards != offer.shards:
            raise UnitsMoved(f"The stock of {offer.sku} is being moved. Please try again.", sku=offer.sku)
        shards = _read(table, offer, consistent=True)
        there = present.loose + sum(shard.available for shard in shards)
        if there >= quantity:
            return present, shards
        if _home(table, offer).get("moved") == before.get("moved"):
            raise out_of_stock(offer.sku, there, quantity)


def _home(table: Table, offer: Offer) -> Item:
    item = table.get(stock_key(offer.sku), consistent=True)
    if item is None:
        raise out_of_stock(offer.sku, 0, 1)
    return item


def _read(table: Table, offer: Offer, *, consistent: bool) -> list[Shard]:
    keys = [shard_key(offer.sku, number) for number in range(offer.shards)]
    return read_shards(offer.sku, offer.shards, table.batch_get(keys, consistent=consistent))
