"""What keeps shards true: tickets that ended are collected, what was lost is mended, units move to where they are sold.

Once a minute for each SKU on the list, and for single shards when orders end. Everything here may be done twice, at the
same time and half: each write has a condition on what it was decided by.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from inventory import heat as rules
from inventory.heat import LIST, Heat, heat_key, read_heat
from inventory.manifest import MANIFEST
from inventory.offers import BACKORDER, Offer, read_offer, stock_key
from inventory.shards import (
    COLLECTED,
    FREED,
    HELD,
    SOLD,
    TRYING,
    Shard,
    ShardsMoved,
    Ticket,
    TicketGone,
    collected,
    drop_ticket,
    mended,
    moved,
    read_shard,
    read_shards,
    read_ticket,
    shard_key,
    ticket_partitions,
)
from market import clock, log
from market.errors import Problem
from market.table import Table, update
from vendors.contract import MANIFEST as VENDORS

_table = Table(MANIFEST, VENDORS)

PATIENCE = timedelta(minutes=2)
"""How long an order may be on its way to be placed; the function that places it lives 29 seconds."""
_TRIES = 5


def sweep() -> int:
    """Look after every SKU on the list; how many there were."""
    listed = _table.get(LIST)
    skus = sorted(listed.get("skus", ())) if listed else []
    for sku in skus:
        try:
            tend(sku)
        except Problem as refused:  # the next minute sees; the others must not wait for it
            log.warning("shards not tended", sku=sku, reason=refused.code)
    return len(skus)


def tend(sku: str) -> None:
    """Bring the SKU to as many shards as it needs, and every hold on them that is over to its end."""
    heat = _heat(sku)
    offer, shards = _with_shards(sku, heat.most)
    if offer is None:
        _forget(sku)
        return
    heat = rules.measured(heat, shards)
    wanted = rules.shards_wanted(heat, offer.peak) if _can_be_spread(offer) else 0
    tickets = sum(settle(sku, number) for number in range(heat.most))
    if offer.shards or wanted:
        wanted = max(wanted, offer.shards) if wanted else 0  # fewer only when it is cold: then it is gathered
        heat = replace(heat, most=max(heat.most, wanted))
        _table.write(rules.save_heat(heat))  # first, so that no shard is ever out of sight
        spread(sku, wanted, heat.most)
    elif tickets or any(shard.available or shard.held for shard in shards):
        _table.write(rules.save_heat(heat))
        spread(sku, 0, heat.most)
    elif rules.is_cold(heat):
        _forget(sku)
    else:
        _table.write(rules.save_heat(heat))


def contended(sku: str) -> None:
    """Orders got in each other's way on this SKU: let it have a shard at once. Repeating it changes nothing."""
    _table.write(rules.look_after(sku))
    _table.write(rules.save_heat(rules.contended(_heat(sku))))
    tend(sku)


def spread(sku: str, count: int, most: int) -> None:
    """Let the available units lie evenly on `count` shards, 0 for none: none of them is ever without a place.

    most: how many shards may have some. Raises ShardsMoved if others keep taking of them.
    """
    for _ in range(_TRIES):
        offer, shards = _with_shards(sku, most)
        if offer is None or _is_even(offer, shards, count):
            return
        still_sourced = bool(offer.places) or (offer.later is not None and offer.later.kind != BACKORDER)
        try:
            _table.transact(*moved(sku, offer.loose, offer.shards, shards, count, sourced=still_sourced))
            return
        except ShardsMoved:
            continue
    raise ShardsMoved(f"The units of {sku} keep moving.")


def gather(sku: str) -> None:
    """Bring all available units of the SKU back into the offer's own item, for who must count them.

    If it is still hot they are spread again within a minute. Raises ShardsMoved if buyers keep taking of them.
    """
    spread(sku, 0, _heat(sku).most)


def settle(sku: str, number: int) -> int:
    """End what is over on one shard: old attempts, tickets of orders that ended, units held for nobody.

    Answers how many tickets are left. The shard is read before its tickets, and both as last written: a ticket is
    there before its units are held, so whoever holds some is seen, or changes the version that mending asks for.
    """
    shard = _shard(sku, number)
    tickets = list(_tickets(sku, number))
    left = [ticket for ticket in tickets if not _given_up(sku, number, ticket)]
    ended = [ticket for ticket in left if ticket.state in (SOLD, FREED)]
    collect(sku, number, ended)
    still = [ticket for ticket in left if ticket.state in (TRYING, HELD)]
    held = sum(ticket.units for ticket in still)
    if not ended and shard.held > held and all(ticket.state == HELD for ticket in still):
        _mend(sku, shard, held)
    return len(left) - len(ended)


def hear(shards: Iterable[str]) -> None:
    """Orders with units on these shards (`LAMP#3`) have ended: let what is sold or freed leave them, for all orders.

    Freed units of a SKU that is no longer on shards go home at once.
    """
    for shard in shards:
        sku, _, number = shard.rpartition("#")
        ended = [ticket for ticket in _tickets(sku, int(number)) if ticket.state in (SOLD, FREED)]
        collect(sku, int(number), ended)
        if any(ticket.state == FREED for ticket in ended):
            _bring_home(sku)


def _bring_home(sku: str) -> None:
    offer, _ = _with_shards(sku, 0)
    if offer is not None and not offer.shards:
        gather(sku)


def collect(sku: str, number: int, ended: Sequence[Ticket]) -> None:
    """As many at once as fit a transaction. What another collects at the same moment is left to it."""
    for first in range(0, len(ended), COLLECTED):
        some = ended[first : first + COLLECTED]
        try:
            _table.transact(*collected(sku, number, some))
        except (TicketGone, ShardsMoved):
            continue


def _mend(sku: str, shard: Shard, held: int) -> None:
    try:
        _table.write(mended(sku, shard, held))
    except ShardsMoved:
        return
    log.ring("shard mended", "StockMended", shard.held - held, sku=sku, shard=shard.number)


def _given_up(sku: str, number: int, ticket: Ticket) -> bool:
    """Whether it was an attempt that nobody came back for, and is no more."""
    if ticket.state != TRYING or ticket.at > clock.iso(clock.now() - PATIENCE):
        return False
    try:
        _table.write(drop_ticket(sku, number, ticket.order_id, ticket.at))
    except TicketGone:
        return False
    return True


def _tickets(sku: str, number: int) -> Iterable[Ticket]:
    for partition in ticket_partitions(sku, number):
        cursor: str | None = None
        while True:
            page = _table.query(partition, limit=500, cursor=cursor, consistent=True)
            yield from map(read_ticket, page.items)
            cursor = page.next
            if cursor is None:
                break


def _with_shards(sku: str, most: int) -> tuple[Offer | None, list[Shard]]:
    """All of it in one request, but not of one moment."""
    key = stock_key(sku)
    found = _table.batch_get([key, *(shard_key(sku, number) for number in range(most))], consistent=True)
    return read_offer(found[key]) if key in found else None, read_shards(sku, most, found)


def _shard(sku: str, number: int) -> Shard:
    return read_shard(number, _table.get(shard_key(sku, number), consistent=True))


def _heat(sku: str) -> Heat:
    return read_heat(sku, _table.get(heat_key(sku), consistent=True))


def _can_be_spread(offer: Offer) -> bool:
    """Units in warehouses, and those that are still to come, are counted in the offer's own item only."""
    return not offer.places and offer.later is None and offer.active


def _is_even(offer: Offer, shards: Sequence[Shard], count: int) -> bool:
    """Whether there is nothing to move, or too little to be worth it: buyers find the few wherever they are."""
    there = [shard.available for shard in shards[:count]]
    stray = any(shard.available for shard in shards[count:])
    if offer.shards != count or stray or (count and (offer.loose or offer.elsewhere != sum(there))):
        return False
    return not there or max(there) - min(there) <= max(count, sum(there) // count // 2)


def _forget(sku: str) -> None:
    _table.write(rules.leave_alone(sku))
    _table.write(update(heat_key(sku), "REMOVE peak, warm_at, written, at"))
