"""Orders in the table: placed in one transaction, moved on by conditions on their status."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zlib import crc32

import orjson

from cart.contract import Cart, Placed, cart_key, check_out, read_cart, save_with
from inventory.contract import Offer, stock_key, told_contended
from market import clock, config, log
from market.errors import Conflict, NotFound, Problem
from market.events import announce
from market.table import EXISTS, NEW, Item, Write, check, put, update
from orders import shelves
from orders.contract import (
    CANCELLED,
    PAID,
    PENDING,
    WAITING,
    OrderSnapshot,
    claimed_from,
    compact_lines,
    compact_parts,
    order_key,
    read_order,
)
from orders.events import (
    OrderCancellationRequested,
    OrderCancelled,
    OrderCompensationRequested,
    OrderCreated,
    OrderPaid,
    StockContended,
)
from orders.manifest import MANIFEST
from orders.model import CancelledByCustomer, NoSuchAddress
from orders.rows import compact_promotions, compact_sources
from orders.table import TABLE
from profiles.contract import address_key, read_address
from promotions import contract as promotions
from refunds.contract import account_key
from refunds.contract import payment_status as refund_status


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
    return read_cart(customer_id, TABLE.get(cart_key(customer_id), consistent=True))


def save_cart(cart: Cart) -> Cart:
    return save_with(TABLE.write, cart, kept=timedelta(days=config.number("CART_TTL_DAYS")))


def place(
    order: OrderSnapshot, cart: Cart, placed: Placed, offers: Mapping[str, Offer], *, hold_for: timedelta
) -> None:
    """Hold the stock and what promotions have, write the order, empty the cart and announce it: all or nothing.

    offers: those that the order's sources were chosen by. Raises CartChanged; OutOfStock, PriceChanged, LimitChanged,
    NotOnSale, UnitsMoved, TicketGone or PurchaseLimitReached (further ones in `also`); UsageLimitReached, CodeUsed,
    PromotionOver or BudgetSpent: in this order.
    """
    created = OrderCreated(
        order_id=order.id, customer_id=order.customer_id, total=order.total, hold_seconds=int(hold_for.total_seconds())
    )
    writes = (
        check_out(cart, placed),
        *shelves.held(order, cart, offers),
        *shelves.counted(order, cart),
        *promotions.reserve(_spends(order), order_id=order.id, customer_id=order.customer_id, at=order.created_at),
        put(
            order_key(order.customer_id, order.id),
            _item(order) | _waiting(order.id, hold_for),
            when=NEW,
            otherwise=Conflict("Please try again."),
        ),
        announce(created, by=MANIFEST),
    )
    met = promotions.with_room(lambda: TABLE.transact(*writes), TABLE.batch_get, TABLE.transact)
    for sku in shelves.units_of(order.lines):
        if stock_key(sku) in met:
            _tell_contended(sku)


def _tell_contended(sku: str) -> None:
    """Announce that orders met on the stock of the SKU, once a minute; no buyer's order depends on it."""
    try:
        TABLE.transact(told_contended(sku), announce(StockContended(sku=sku), by=MANIFEST))
    except Problem as refused:
        log.info("contention not told", sku=sku, reason=refused.code)


def pending_since(at: datetime) -> list[Waiting]:
    """Orders that still await payment although their hold ended before `at`, at most a page of each shard."""
    entries = [
        entry
        for shard in WAITING
        for entry in TABLE.query(shard, index="by1", limit=100).items
        if entry["by1sk"] < clock.iso(at)
    ]
    return [Waiting(entry["sk"], entry["pk"].removeprefix("ORD#"), 1) for entry in entries]


def extend(customer_id: str, order_id: str, until: str) -> None:
    """Let the order await its payment until then at least. Raises NotPending; an extension that is there stays."""
    TABLE.write(
        update(
            order_key(customer_id, order_id),
            "SET hold_until = :until, by1sk = :until",
            {":until": until, ":pending": PENDING},
            when="status = :pending AND hold_until < :until",
            otherwise=_not_extended,
        )
    )


def get(customer_id: str, order_id: str, *, consistent: bool = False) -> OrderSnapshot:
    """The order, also one that the customer claimed, which lies under the guest's id still.

    Raises NotFound, for another customer's order too.
    """
    item = TABLE.get(order_key(customer_id, order_id), consistent=consistent)
    if item and (guest := claimed_from(item)):
        item = TABLE.get(order_key(guest, order_id), consistent=consistent)
    if item is None:
        raise NotFound("There is no such order.")
    return read_order(item)


def of_customer(customer_id: str, *, limit: int, cursor: str | None) -> tuple[list[OrderSnapshot], str | None]:
    """A customer's orders, those claimed among them, the newest first."""
    page = TABLE.query(f"ORD#{customer_id}", newest_first=True, limit=limit, cursor=cursor)
    pointers = {item["sk"]: order_key(guest, item["sk"]) for item in page.items if (guest := claimed_from(item))}
    claimed = TABLE.batch_get(pointers.values()) if pointers else {}
    items = (claimed.get(pointers[item["sk"]]) if item["sk"] in pointers else item for item in page.items)
    return [read_order(item) for item in items if item], page.next


def payment_status(order: OrderSnapshot) -> str:
    """Of a paid order: `paid`, or what refunds have made of it; empty before."""
    return refund_status(TABLE.get(account_key(order.id))) if order.status == PAID else ""


def claim(customer_id: str, order: OrderSnapshot) -> None:
    """Make a guest's order the customer's: it keeps its place, a pointer leads there. Once; a repetition is harmless.

    Raises NotFound if somebody else claimed it.
    """
    gone = NotFound("There is no such order.")
    TABLE.transact(
        update(
            order_key(order.customer_id, order.id),
            "SET claimed_by = :me",
            {":me": customer_id},
            when=f"{EXISTS} AND (attribute_not_exists(claimed_by) OR claimed_by = :me)",
            otherwise=gone,
        ),
        put(
            order_key(customer_id, order.id),
            {"claimed_from": order.customer_id},
            when=f"{NEW} OR claimed_from = :guest",
            values={":guest": order.customer_id},
            otherwise=gone,
        ),
    )


def mark_paid(order: OrderSnapshot, booking: Write) -> None:
    """Sell the held stock, book the money and announce it, once. Raises NotPending."""
    paid = OrderPaid(
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        vendor_ids=[part.vendor_id for part in order.parts],
        total=order.total,
        skus=list(order.handled),
        shards=shelves.shards_of(order),
    )
    used = promotions.commit(_spends(order), order.id, order.customer_id)
    TABLE.transact(
        _move(order, PAID, "paid_at"),
        *shelves.sold(order, others=len(used) + 3),
        *used,
        booking,
        announce(paid, by=MANIFEST),
    )


def mark_cancelled(order: OrderSnapshot, reason: str) -> None:
    """Put the held stock back on sale and announce it, once. Raises NotPending."""
    cancelled = OrderCancelled(
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        reason=reason,
        skus=list(order.handled),
        shards=shelves.shards_of(order),
    )
    TABLE.transact(
        _move(order, CANCELLED, "cancelled_at", reason),
        *shelves.released(order),
        *shelves.uncounted(order, shelves.units_of(order.lines)),
        *promotions.release(_spends(order), order.id, order.customer_id),
        announce(cancelled, by=MANIFEST),
    )


def request_cancellation(order: OrderSnapshot, reason: str, *told: Write) -> None:
    """Announce that the order is no longer wanted, if it still awaits payment, and write what is `told` of it.

    Raises NotPending.
    """
    wish = OrderCancellationRequested(order_id=order.id, customer_id=order.customer_id)
    mark = update(
        order_key(order.customer_id, order.id),
        "SET cancellation_requested_at = :now, cancel_reason = :reason",
        {":now": clock.timestamp(), ":pending": PENDING, ":reason": reason},
        when="status = :pending",
        otherwise=_not_pending,
    )
    TABLE.transact(mark, announce(wish, by=MANIFEST), *told)


def request_compensation(order: OrderSnapshot, action: str, told: Write) -> None:
    """Announce that what is charged for a cancelled order is to be given back. Raises NotPending if it is not."""
    wish = OrderCompensationRequested(order_id=order.id, customer_id=order.customer_id, action=action)
    TABLE.transact(
        check(
            order_key(order.customer_id, order.id),
            when="status = :cancelled",
            values={":cancelled": CANCELLED},
            otherwise=_not_pending,
        ),
        told,
        announce(wish, by=MANIFEST),
    )


def saved_address(customer_id: str, address_id: str) -> dict[str, str]:
    """An entry of the customer's address book, as orders keep addresses. Raises NoSuchAddress."""
    item = TABLE.get(address_key(customer_id, address_id), consistent=True)
    if item is None:
        errors = [{"field": "body.shippingAddressId", "code": "unknown", "message": "There is no such address."}]
        raise NoSuchAddress("There is no such address in the address book.", errors=errors)
    return read_address(item).snapshot()


def _move(order: OrderSnapshot, status: str, stamp: str, reason: str = "") -> Write:
    wanted = " AND attribute_not_exists(cancellation_requested_at)" if status == PAID else ""
    return update(
        order_key(order.customer_id, order.id),
        f"SET status = :status, {stamp} = :now{', cancel_reason = :reason' if reason else ''} REMOVE by1pk, by1sk",
        {":status": status, ":now": clock.timestamp(), ":pending": PENDING} | ({":reason": reason} if reason else {}),
        when="status = :pending" + wanted,
        otherwise=_not_pending,
    )


def _not_extended(found: Item | None) -> Conflict | NotFound:
    if found and found["status"] == PENDING:
        return NotPending("The order waits for longer already.", status=PENDING)
    return _not_pending(found)


def _not_pending(found: Item | None) -> Conflict | NotFound:
    if found is None:
        return NotFound("There is no such order.")
    if found["status"] == PENDING:
        return CancelledByCustomer("The customer no longer wants the order.")
    return NotPending(f"The order is {found['status'].replace('_', ' ')}.", status=found["status"])


def _spends(order: OrderSnapshot) -> tuple[promotions.Spend, ...]:
    return promotions.read_spends(order.spends) if order.spends else ()


def _waiting(order_id: str, hold_for: timedelta) -> Item:
    """The order's place among those that await payment, in a sparse index by the end of their hold."""
    until, shard = clock.iso(clock.now() + hold_for), crc32(order_id.encode()) % len(WAITING)
    return {
        "hold_until": until,
        "by1pk": WAITING[shard],
        "by1sk": until,
    }


def _item(order: OrderSnapshot) -> Item:
    """`fulfilment` is there from the start, empty: a vendor's status is set inside it."""
    billing = {"billing_address": orjson.dumps(order.billing_address).decode()} if order.billing_address else {}
    counted = {"counted": dict(order.counted)} if order.counted else {}
    promoted = {"promotions": compact_promotions(order.promotions)} if order.promotions else {}
    sourced: Item = {"sources": compact_sources(order.sources)} if order.sources else {}
    sourced |= {"handled": list(order.handled)} if order.handled else {}
    texts = {name: text for name in _TEXTS if (text := getattr(order, name))}
    return (billing | counted | promoted | sourced | texts) | {
        "number": order.number,
        "status": order.status,
        "currency": order.currency,
        "lines": compact_lines(order.lines),
        "parts": compact_parts(order.parts),
        "shipping_method": order.shipping_method,
        "address": orjson.dumps(order.address).decode(),
        "created_at": order.created_at,
        "fulfilment": {},
        "origin": dict(order.origin),
    }


_TEXTS = ("spends", "quote", "jurisdiction", "tax_source")
