"""Stock in great demand, spread over several items: write fragments, no I/O.

One item takes a thousand writes a second, and transactions that meet on it get in each other's way long before that.
So the units of a SKU that is hot lie on *shards*, `SHD#<sku>#<n>`, each with `available`, `held` and a `version` that
grows with every change. A hold on a shard is a plain conditional update outside of the order's transaction, which may
be carried out twice and whose writer may die; a *ticket*, `TKT#<sku>#<n>#<bucket>` / `<order id>`, makes it exact:

    trying   put before the shard is touched
    held     made so by the transaction that places the order, whose writer has seen its update of the shard answered
    sold     made so by the one that marks the order paid, or
    freed    by the one that cancels it; then the units leave `held`, in one transaction with many such tickets

A shard's `held` is therefore never less than its tickets that are past `trying`. What is more, with none that tries,
was lost on the way: `mended` gives it back, if the version says that nothing has happened since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from inventory import journal
from inventory.holds import UnitsMoved
from inventory.offers import stock_key
from inventory.sources import LOOSE, Source
from market import clock
from market.errors import Conflict
from market.table import NEW, Item, Key, Write, delete, put, update

MAX_SHARDS = 64
COLLECTED = 40
"""Tickets that one transaction ends: two actions each."""
BUCKETS = 8
"""Partitions of a shard's tickets: a hold writes seven units to its ticket until it is over, and one to its shard."""
TRYING, HELD, SOLD, FREED = "trying", "held", "sold", "freed"
_MARK = "#"
"""How the place of a source begins that is a shard: `#3`."""


class ShardShort(Conflict):
    """The shard has fewer units than wanted; `available` says how many."""

    code, title = "shard_short", "Please try again"


class TicketGone(UnitsMoved):
    """The ticket is not what it was: somebody else has ended it, or nobody came back for it in time."""


class ShardsMoved(Conflict):
    """Units were moved between the shards and the offer meanwhile."""

    code, title = "shards_moved", "Please try again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """version: how often it was changed."""

    number: int
    available: int = 0
    held: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What an order wants, or has, of a shard. at: when it began to try."""

    order_id: str
    units: int
    state: str
    at: str


def shard_key(sku: str, number: int) -> Key:
    return Key(f"SHD#{sku}#{number}")


def ticket_key(sku: str, number: int, order_id: str) -> Key:
    return Key(f"TKT#{sku}#{number}#{crc32(order_id.encode()) % BUCKETS}", order_id)


def ticket_partitions(sku: str, number: int) -> list[str]:
    return [f"TKT#{sku}#{number}#{bucket}" for bucket in range(BUCKETS)]


def read_shards(sku: str, count: int, found: Mapping[Key, Item]) -> list[Shard]:
    """The first `count` shards of a SKU among the items found; one that is not there is empty."""
    return [read_shard(number, found.get(shard_key(sku, number))) for number in range(count)]


def read_shard(number: int, item: Mapping[str, Any] | None) -> Shard:
    if item is None:
        return Shard(number=number)
    return Shard(number=number, available=item["available"], held=item["held"], version=item["version"])


def read_ticket(item: Mapping[str, Any]) -> Ticket:
    return Ticket(
        order_id=item["sk"],
        units=item["units"],
        state=item["state"],
        at=item["at"],
    )


# -- sources


def source_of(number: int, units: int) -> Source:
    return (f"{_MARK}{number}", units)


def on_shards(sources: Iterable[Source]) -> dict[int, int]:
    """Units by the number of the shard that they come from; without those from elsewhere."""
    return {int(place.removeprefix(_MARK)): units for place, units in sources if place.startswith(_MARK)}


def not_on_shards(sources: Iterable[Source]) -> tuple[Source, ...]:
    """Those of the sources that an offer's own item has."""
    return tuple(source for source in sources if not source[0].startswith(_MARK))


# -- a hold


def open_ticket(sku: str, number: int, order_id: str, units: int) -> Write:
    """Say that the order is about to take units of the shard. Raises TicketGone for a ticket past `trying`."""
    item = {"units": units, "state": TRYING, "at": clock.timestamp()}
    return put(
        ticket_key(sku, number, order_id),
        item,
        when=f"{NEW} OR state = :trying",
        values={":trying": TRYING},
        otherwise=TicketGone(),
    )


def take(sku: str, number: int, units: int) -> Write:
    """Set units of the shard aside. Carried out twice, it holds some too many, never too few. Raises ShardShort."""
    return update(
        shard_key(sku, number),
        "SET available = available - :units, held = held + :units, version = version + :one",
        {":units": units, ":one": 1},
        when="available >= :units",
        otherwise=lambda found: ShardShort(available=found["available"] if found else 0),
    )


def drop_ticket(sku: str, number: int, order_id: str, at: str = "") -> Write:
    """The order takes nothing of the shard. at: only the ticket of that time. Raises TicketGone past `trying`."""
    values = {":trying": TRYING} | ({":at": at} if at else {})
    when = "state = :trying" + (" AND at = :at" if at else "")
    return delete(ticket_key(sku, number, order_id), when=when, values=values, otherwise=TicketGone())


def keep_ticket(sku: str, number: int, order_id: str, units: int) -> Write:
    """The order is placed; a fragment of its transaction. Raises TicketGone."""
    return update(
        ticket_key(sku, number, order_id),
        "SET state = :held, units = :units",
        {":held": HELD, ":units": units, ":trying": TRYING},
        when="state = :trying",
        otherwise=TicketGone(f"{sku} was not ordered in time."),
    )


def give_back(sku: str, number: int, order_id: str, units: int) -> tuple[Write, ...]:
    """The order came to nothing before it was placed. Raises TicketGone if it was placed after all."""
    return drop_ticket(sku, number, order_id), _left(sku, number, held=units, back=units)


# -- its end


def end_ticket(sku: str, number: int, order_id: str, *, sold: bool) -> Write:
    """The order is paid or cancelled; a fragment of the transaction that makes it so. Raises TicketGone."""
    return update(
        ticket_key(sku, number, order_id),
        "SET state = :end",
        {":end": SOLD if sold else FREED, ":held": HELD},
        when="state = :held",
        otherwise=TicketGone(f"The ticket for {sku} is not held."),
    )


def collected(sku: str, number: int, ended: Sequence[Ticket]) -> tuple[Write, ...]:
    """Let the units of tickets that ended leave `held`, in one transaction with the tickets and the journal.

    At most COLLECTED tickets. Raises TicketGone.
    """
    held = sum(ticket.units for ticket in ended)
    back = sum(ticket.units for ticket in ended if ticket.state == FREED)
    gone = (
        delete(
            ticket_key(sku, number, ticket.order_id),
            when="state = :end AND units = :units",
            values={":end": ticket.state, ":units": ticket.units},
            otherwise=TicketGone(),
        )
        for ticket in ended
    )
    entries = (
        entry
        for ticket in ended
        if ticket.state == SOLD
        for entry in journal.moved(sku, journal.SOLD, [(LOOSE, -ticket.units)], reference=ticket.order_id)
    )
    return (_left(sku, number, held=held, back=back), *gone, *entries)


def mended(sku: str, shard: Shard, held: int) -> Write:
    """Give back what is held for nobody, if the shard is as it was read. Raises ShardsMoved."""
    return update(
        shard_key(sku, shard.number),
        "SET available = available + :lost, held = :held, version = version + :one",
        {":lost": shard.held - held, ":held": held, ":one": 1, ":seen": shard.version},
        when="version = :seen",
        otherwise=ShardsMoved(),
    )


def _left(sku: str, number: int, *, held: int, back: int) -> Write:
    return update(
        shard_key(sku, number),
        "SET held = held - :held, available = available + :back, version = version + :one",
        {":held": held, ":back": back, ":one": 1},
        when="held >= :held",
        otherwise=ShardsMoved(f"A shard of {sku} holds fewer than {held}."),
    )


# -- moves


def levelled(home: int, shards: Sequence[Shard], count: int) -> list[int]:
    """How many available units each shard should have, so that all of them, with those at home, lie on `count` shards.

    The answer is as long as `shards` or `count`, whichever is more; what is beyond `count` is 0.
    """
    whole = home + sum(shard.available for shard in shards)
    even, more = divmod(whole, count) if count else (0, 0)
    return [even + (number < more) if number < count else 0 for number in range(max(count, len(shards)))]


def moved(sku: str, home: int, now: int, shards: Sequence[Shard], count: int, *, sourced: bool) -> tuple[Write, ...]:
    """Let the SKU's available units lie evenly on `count` shards, or with 0 all in the offer's own item.

    home: those that now lie there in no place; now: how many shards it has; sourced: whether a hold must still say
    where its units come from when there are no shards. On hand stays the same. Raises ShardsMoved if there is less
    somewhere than was read.
    """
    wanted = levelled(home, shards, count)
    at = {shard.number: shard for shard in shards}
    parts = [(n, units - at.get(n, Shard(number=n)).available) for n, units in enumerate(wanted)]
    received = -sum(difference for _, difference in parts)
    return (
        _home(sku, received, now, count, elsewhere=sum(wanted), sourced=sourced),
        *(_shard(sku, n, difference) for n, difference in parts if difference or n >= len(shards)),
    )


def _home(sku: str, received: int, now: int, count: int, *, elsewhere: int, sourced: bool) -> Write:
    """`moved` counts the moves, so that who looks at one shard after the other knows that there was none meanwhile."""
    text = "SET available = available + :received, moved = if_not_exists(moved, :none) + :one"
    values: Item = {":received": received, ":none": 0, ":one": 1}
    if count:
        text += ", shards = :count, elsewhere = :elsewhere, sourced = :yes"
        values |= {":count": count, ":elsewhere": elsewhere, ":yes": True}
    else:
        text += " REMOVE shards, elsewhere" + ("" if sourced else ", sourced")
    conditions = ["shards = :now" if now else "attribute_exists(pk) AND attribute_not_exists(shards)"]
    values |= {":now": now} if now else {}
    if received < 0:
        conditions.append("available >= :given")
        values |= {":given": -received}
    return update(stock_key(sku), text, values, when=" AND ".join(conditions), otherwise=ShardsMoved())


def _shard(sku: str, number: int, difference: int) -> Write:
    values = {":none": 0, ":one": 1, ":more": difference} | ({":given": -difference} if difference < 0 else {})
    return update(
        shard_key(sku, number),
        "SET available = if_not_exists(available, :none) + :more, held = if_not_exists(held, :none), "
        "version = if_not_exists(version, :none) + :one",
        values,
        when="available >= :given" if difference < 0 else "",
        otherwise=ShardsMoved(),
    )
