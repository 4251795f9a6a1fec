"""What other services may know of an order."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from market.errors import NotFound, Problem
from market.table import Key, Page, Write, check
from orders.manifest import MANIFEST as MANIFEST
from orders.rows import compact_lines as compact_lines
from orders.rows import compact_parts as compact_parts
from orders.rows import read_lines as read_lines
from orders.rows import read_parts as read_parts
from orders.rows import read_promotions
from orders.rows import read_sources as read_sources
from orders.sold import EXEMPT as EXEMPT
from orders.sold import REVERSE_CHARGE as REVERSE_CHARGE
from orders.sold import UNFULFILLED as UNFULFILLED
from orders.sold import LineSnapshot as LineSnapshot
from orders.sold import OrderSnapshot as OrderSnapshot
from orders.sold import Part as Part
from orders.sold import Promoted as Promoted

PENDING, PAID, CANCELLED = "pending_payment", "paid", "cancelled"
"""Status of an order: where its payment stands. A paid order stays `paid`, whatever becomes of its parts."""

WAITING = tuple(f"ORD#pending#{shard}" for shard in range(4))
"""Partitions of the index by1 with the orders that await payment: `sk` is the order, `by1sk` the end of its hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRef:
    """Where an order is, for those who know its id only, and its status as last heard."""

    id: str
    number: str
    customer_id: str
    status: str


def order_key(customer_id: str, order_id: str) -> Key:
    return Key(f"ORD#{customer_id}", order_id)


def ref_key(order_id: str) -> Key:
    return Key(f"ORX#{order_id}")


def read_ref(item: Mapping[str, Any]) -> OrderRef:
    """What `ref_key` leads to. It is there some moments after the order was placed."""
    return OrderRef(
        id=item["pk"].removeprefix("ORX#"),
        number=item["number"],
        customer_id=item["customer_id"],
        status=item["status"],
    )


def claimed_from(item: Mapping[str, Any]) -> str:
    """The guest under whose id an order lies that a customer claimed; empty if the item is the order itself."""
    return str(item.get("claimed_from", ""))


def places_of(query: Callable[..., Page], customer_id: str) -> Iterator[Key]:
    """Where a customer's orders lie, those claimed from a guest among them. query: the `query` of a table."""
    cursor: str | None = None
    while True:
        page = query(order_key(customer_id, "").pk, limit=100, cursor=cursor)
        yield from (order_key(claimed_from(item) or customer_id, item["sk"]) for item in page.items)
        cursor = page.next
        if cursor is None:
            return


def still_owned(item: Mapping[str, Any]) -> bool:
    """Whether an order's item, or the pointer of a claimed one, leads the one under whose id it lies to the order.

    A guest's own item does no more, once somebody has claimed the order.
    """
    return "claimed_by" not in item


def still_paid(customer_id: str, order_id: str, *, otherwise: Problem) -> Write:
    """Lets a transaction through only if the order is paid."""
    return check(order_key(customer_id, order_id), when="status = :paid", values={":paid": PAID}, otherwise=otherwise)


def number_of(order_id: str, prefix: str) -> str:
    """The number for people: `MK-0R3K7Q8H-2MX4TQ9Z` is `ord_0r3k7q8h2mx4tq9z`, easier to say."""
    digits = order_id.removeprefix("ord_").upper()
    return f"{prefix}-{digits[:8]}-{digits[8:]}"


def id_of(number: str) -> str:
    """The order id of a number, whatever its prefix, case and spacing; nonsense gives an id that no order has."""
    return "ord_" + "".join(number.split("-")[-2:]).lower()


def read_order(item: Mapping[str, Any]) -> OrderSnapshot:
    """Raises NotFound for the pointer of a claimed order: see `claimed_from`."""
    if claimed_from(item):
        raise NotFound("There is no such order.")
    return OrderSnapshot(
        id=item["sk"],
        number=item["number"],
        customer_id=item["pk"].removeprefix("ORD#"),
        status=item["status"],
        lines=read_lines(item),
        parts=read_parts(item),
        shipping_method=item["shipping_method"],
        address=orjson.loads(item["address"]),
        created_at=item["created_at"],
        paid_at=item.get("paid_at", ""),
        cancelled_at=item.get("cancelled_at", ""),
        cancel_reason=item.get("cancel_reason", ""),
        hold_until=item.get("hold_until", ""),
        fulfilment=item.get("fulfilment", {}),
        origin=item.get("origin", {}),
        counted=item.get("counted", {}),
        billing_address=orjson.loads(item["billing_address"]) if "billing_address" in item else {},
        claimed_by=item.get("claimed_by", ""),
        spends=item.get("spends", ""),
        quote=item.get("quote", ""),
        jurisdiction=item.get("jurisdiction", ""),
        tax_source=item.get("tax_source", ""),
        promotions=read_promotions(item),
        sources=read_sources(item),
        handled=tuple(item.get("handled", ())),
    )
