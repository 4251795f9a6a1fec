"""A hot SKU for tests: on the shelf, on shards, and the holds of buyers on it as checkout makes them."""

from collections.abc import Iterable, Sequence
from uuid import uuid4

from inventory import sweep
from inventory.contract import MANIFEST, Offer, Source, end_ticket, keep_ticket, let_go, on_shards, seize
from inventory.heat import Heat, look_after, save_heat
from inventory.offers import read_offer, stock_key
from inventory.shards import Shard, read_shards, shard_key, ticket_partitions
from market import clock
from market.table import Item, Table
from tests import shop
from vendors.manifest import MANIFEST as VENDORS

table = Table(MANIFEST, VENDORS)
SKU = "LAMP"


def spread(units: int, shards: int, *, sku: str = SKU) -> Offer:
    """So many units on so many shards, as the sweep puts them there."""
    shop.stock(sku, units)
    heat_up(shards, sku=sku)
    return offer(sku)


def heat_up(shards: int, *, sku: str = SKU) -> None:
    """What is on the shelf lies on so many shards from now on."""
    table.write(look_after(sku))
    table.write(save_heat(Heat(sku=sku, peak=shards * 500, warm_at=clock.epoch(), most=shards)))
    sweep.spread(sku, shards, shards)


def offer(sku: str = SKU) -> Offer:
    item = table.get(stock_key(sku), consistent=True)
    assert item is not None
    return read_offer(item)


def shards(sku: str = SKU, count: int = 8) -> list[Shard]:
    """All of them, those beyond the offer's number too, if there are any."""
    keys = [shard_key(sku, number) for number in range(count)]
    return read_shards(sku, count, table.batch_get(keys, consistent=True))


def tickets(sku: str = SKU, count: int = 8) -> list[Item]:
    return [
        item
        for number in range(count)
        for partition in ticket_partitions(sku, number)
        for item in table.query(partition, limit=1000, consistent=True).items
    ]


def on_hand(sku: str = SKU) -> int:
    """Everything that is there: in the offer's own item and on shards."""
    return offer(sku).on_hand + sum(shard.available + shard.held for shard in shards(sku))


def held(sku: str = SKU) -> int:
    return offer(sku).held + sum(shard.held for shard in shards(sku))


def seized(quantity: int, order_id: str = "", *, sku: str = SKU, seen: Offer | None = None) -> tuple[str, list[Source]]:
    """An order's id, and where its units are held, not yet kept."""
    order_id = order_id or f"ord_{uuid4().hex[:16]}"
    found = seize(table, seen or offer(sku), quantity, order_id=order_id)
    return order_id, list(found)


def kept(quantity: int, order_id: str = "", *, sku: str = SKU) -> tuple[str, list[Source]]:
    """The same of an order that is placed."""
    order_id, sources = seized(quantity, order_id, sku=sku)
    table.transact(*(keep_ticket(sku, number, order_id, units) for number, units in on_shards(sources).items()))
    return order_id, sources


def ended(order_id: str, sources: Iterable[Source], *, sold: bool, sku: str = SKU) -> None:
    """The order is paid or cancelled, and the news of it has come."""
    numbers = on_shards(sources)
    table.transact(*(end_ticket(sku, number, order_id, sold=sold) for number in numbers))
    sweep.hear([f"{sku}#{number}" for number in numbers])


def given_up(order_id: str, sources: Sequence[Source], *, sku: str = SKU) -> None:
    """The order could not be placed."""
    let_go(table, sku, order_id, on_shards(sources).items())
