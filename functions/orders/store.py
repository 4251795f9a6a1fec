"""Orders in the table: placed in one transaction, moved on by conditions on their status."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

import orjson

from cart.contract import MANIFEST as CART
from cart.contract import Cart, Placed, cart_key, check_out, read_cart, save_with
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, by_sku, commit, hold, read_offer, release, stock_key
from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.errors import Conflict, NotFound
from market.events import announce
from market.table import NEW, Item, Key, Page, Table, Write, put, update
from orders.contract import (
    CANCELLED,
    PAID,
    PENDING,
    OrderSnapshot,
    compact_lines,
    compact_parts,
    order_key,
    read_order,
)
from orders.events import OrderCancellationRequested, OrderCancelled, OrderCreated, OrderPaid
from orders.manifest import MANIFEST
from orders.model import CancelledByCustomer

_table = Table(MANIFEST, CART, INVENTORY, LEDGER)


_PENDING = "ORD#pending#"
_SHARDS = 4


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that awaits its payment, for at most so long."""

    id: str
    customer_id: str
    hold_seconds: int


class NotPending(Conflict):
    """The order has moved on; `status` says where to."""

    code, title = "not_pending", "The order no longer awaits payment"


def cart_of(customer_id: str) -> Cart:
    return read_cart(customer_id, _table.get(cart_key(customer_id), consistent=True))


def offers(cart: Cart) -> dict[str, Offer]:
    found = _table.batch_get(stock_key(line.sku) for line in cart.lines)
    return {offer.sku: offer for offer in map(read_offer, found.values())}


def save_cart(cart: Cart) -> Cart:
    return save_with(_table.write, cart)


def place(order: OrderSnapshot, cart: Cart, placed: Placed, *, hold_for: timedelta) -> None:
    """Hold the stock, write the order, empty the cart and announce it: all or nothing, in this order of refusals.

    Raises OutOfStock, PriceChanged or NotOnSale (further ones in `also`), or CartChanged.
    """
    prices = {line.sku: line.unit_price for line in order.lines}
    wanted = by_sku((line.sku, line.quantity) for line in order.lines)
    created = OrderCreated(
        order_id=order.id, customer_id=order.customer_id, total=order.total, hold_seconds=int(hold_for.total_seconds())
    )
    _table.transact(
        check_out(cart, placed),
        *(hold(sku, quantity, prices[sku]) for sku, quantity in wanted.items()),
        put(
            order_key(order.customer_id, order.id),
            _item(order) | _waiting(order.id, hold_for),
            when=NEW,
            otherwise=Conflict("Please try again."),
        ),
        announce(created, by=MANIFEST),
    )


def pending_since(at: datetime) -> list[Waiting]:
    """Orders that still await payment although their hold ended before `at`, at most a page of each shard."""
    entries = [
        entry
        for shard in range(_SHARDS)
        for entry in _table.query(f"{_PENDING}{shard}", index="by1", limit=100).items
        if entry["by1sk"].partition("#")[0] < clock.iso(at)
    ]
    return [Waiting(entry["sk"], entry["pk"].removeprefix("ORD#"), 1) for entry in entries]


def get(customer_id: str, order_id: str, *, consistent: bool = False) -> OrderSnapshot:
    """Raises NotFound, for another customer's order too."""
    item = _table.get(order_key(customer_id, order_id), consistent=consistent)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)


def of_customer(customer_id: str, *, limit: int, cursor: str | None) -> tuple[list[OrderSnapshot], str | None]:
    """A customer's orders, the newest first."""
    page = _table.query(f"ORD#{customer_id}", newest_first=True, limit=limit, cursor=cursor)
    return [read_order(item) for item in page.items], page.next


def mark_paid(order: OrderSnapshot, booking: Write) -> None:
    """Sell the held stock, book the money and announce it, once. Raises NotPending."""
    paid = OrderPaid(
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        vendor_ids=[part.vendor_id for part in order.parts],
        total=order.total,
    )
    _table.transact(
        _move(order, PAID, "paid_at"),
        *(commit(sku, quantity) for sku, quantity in _held(order).items()),
        booking,
        announce(paid, by=MANIFEST),
    )


def mark_cancelled(order: OrderSnapshot, reason: str) -> None:
    """Put the held stock back on sale and announce it, once. Raises NotPending."""
    cancelled = OrderCancelled(order_id=order.id, order_no=order.number, customer_id=order.customer_id, reason=reason)
    _table.transact(
        _move(order, CANCELLED, "cancelled_at", reason),
        *(release(sku, quantity) for sku, quantity in _held(order).items()),
        announce(cancelled, by=MANIFEST),
    )


def request_cancellation(order: OrderSnapshot) -> None:
    """Announce that the customer wants out, if the order still awaits payment. Raises NotPending."""
    wish = OrderCancellationRequested(order_id=order.id, customer_id=order.customer_id)
    mark = update(
        order_key(order.customer_id, order.id),
        "SET cancellation_requested_at = :now",
        {":now": clock.timestamp(), ":pending": PENDING},
        when="status = :pending",
        otherwise=_not_pending,
    )
    _table.transact(mark, announce(wish, by=MANIFEST))


def give_to_vendor(order: OrderSnapshot, vendor_id: str) -> None:
    """Write the vendor's own view of its part, once; a repetition changes nothing."""
    part = next(part for part in order.parts if part.vendor_id == vendor_id)
    item = {
        "number": order.number,
        "currency": order.currency,
        "status": "unfulfilled",
        "lines": compact_lines(order.lines_of(vendor_id)),
        "parts": compact_parts((part,)),
        "address": orjson.dumps(order.address).decode(),
        "shipping_method": order.shipping_method,
        "created_at": order.created_at,
        "paid_at": order.paid_at,
    }
    try:
        _table.write(put(vendor_order_key(vendor_id, order.id), item, when=NEW, otherwise=Conflict()))
    except Conflict:
        return


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> Page:
    """A vendor's orders as stored, the newest first."""
    return _table.query(f"VOR#{vendor_id}", newest_first=True, limit=limit, cursor=cursor)


def vendor_order(vendor_id: str, order_id: str) -> Item:
    item = _table.get(vendor_order_key(vendor_id, order_id))
    if item is None:
        raise NotFound("There is no such order.")
    return item


def vendor_order_key(vendor_id: str, order_id: str) -> Key:
    return Key(f"VOR#{vendor_id}", order_id)


def _move(order: OrderSnapshot, status: str, stamp: str, reason: str = "") -> Write:
    wanted = " AND attribute_not_exists(cancellation_requested_at)" if status == PAID else ""
    return update(
        order_key(order.customer_id, order.id),
        f"SET status = :status, {stamp} = :now{', cancel_reason = :reason' if reason else ''} REMOVE by1pk, by1sk",
        {":status": status, ":now": clock.timestamp(), ":pending": PENDING} | ({":reason": reason} if reason else {}),
        when="status = :pending" + wanted,
        otherwise=_not_pending,
    )


def _not_pending(found: Item | None) -> Conflict | NotFound:
    if found is None:
        return NotFound("There is no such order.")
    if found["status"] == PENDING:
        return CancelledByCustomer("The customer no longer wants the order.")
    return NotPending(f"The order is {found['status'].replace('_', ' ')}.", status=found["status"])


def _held(order: OrderSnapshot) -> dict[str, int]:
    return by_sku((line.sku, line.quantity) for line in order.lines)


def _waiting(order_id: str, hold_for: timedelta) -> Item:
    """The order's place among those that await payment, in a sparse index by the end of their hold."""
    until, shard = clock.iso(clock.now() + hold_for), crc32(order_id.encode()) % _SHARDS
    return {
        "hold_until": until,
        "by1pk": f"{_PENDING}{shard}",
        "by1sk": f"{until}#{order_id}",
    }


def _item(order: OrderSnapshot) -> Item:
    return {
        "number": order.number,
        "status": order.status,
        "currency": order.currency,
        "lines": compact_lines(order.lines),
        "parts": compact_parts(order.parts),
        "shipping_method": order.shipping_method,
        "address": orjson.dumps(order.address).decode(),
        "created_at": order.created_at,
    }
