"""The end of an order, or of a vendor's part of it, before it is shipped: wished by customer, vendor or staff.

An order that awaits its payment is ended by its checkout. Of a paid one each part is cancelled by itself, in a
transaction that only one of cancelling and shipping can win; what hears of it gives the money back. The order's own
status stays `paid`: its payment was, and refunds tell what became of it.
"""

from dataclasses import replace

from market import clock
from market.errors import NotFound
from orders import model, notes, parts, service, store
from orders.contract import PENDING, OrderSnapshot
from orders.model import Entry
from orders.parts import PartMoved
from orders.store import NotPending


def by_customer(caller_id: str, order_id: str, vendor_id: str | None) -> OrderSnapshot:
    """End the whole order, or the part of one vendor. Raises NotFound or NotCancellable."""
    order = service.find(caller_id, order_id)
    return _cancel(order, vendor_id, Entry(event="", at="", by=model.CUSTOMER, author=caller_id))


def by_vendor(author: str, vendor_id: str, order_id: str, reason: str) -> OrderSnapshot:
    """The vendor cannot send its part. Raises NotFound or NotCancellable."""
    parts.get(vendor_id, order_id)
    order = service.find_any(order_id)
    return _cancel_parts(order, vendor_id, Entry(event="", at="", by=model.VENDOR, author=author, text=reason))


def by_staff(author: str, order_id: str, vendor_id: str | None, reason: str) -> OrderSnapshot:
    """End any order, or the part of one vendor. Raises NotFound or NotCancellable."""
    order = service.find_any(order_id)
    return _cancel(order, vendor_id, Entry(event="", at="", by=model.STAFF, author=author, text=reason))


def _cancel(order: OrderSnapshot, vendor_id: str | None, wish: Entry) -> OrderSnapshot:
    if vendor_id is None and order.status == PENDING:
        told = replace(wish, event=model.CANCELLATION_REQUESTED, at=clock.timestamp())
        try:
            entries = [notes.entry(order.id, told)] if wish.by == model.STAFF else []
            store.request_cancellation(order, f"cancelled_by_{wish.by}", *entries)
            return order
        except NotPending:
            order = store.get(order.customer_id, order.id, consistent=True)
    return _cancel_parts(order, vendor_id, wish)


def _cancel_parts(order: OrderSnapshot, vendor_id: str | None, wish: Entry) -> OrderSnapshot:
    """Cancel each part that is still to be sent. Cut off half-way, the same request again does the rest."""
    vendor_ids = [part.vendor_id for part in order.parts if vendor_id in (None, part.vendor_id)]
    if not vendor_ids:
        raise NotFound("The order has no part of this vendor.")
    for part in model.cancellable(order, vendor_ids):
        told = replace(
            wish, event=model.PART_CANCELLED, at=clock.timestamp(), visible=model.CUSTOMER, vendor_id=part.vendor_id
        )
        try:
            parts.cancel(order, part, told)
        except PartMoved:
            continue
    cancelled = store.get(order.customer_id, order.id, consistent=True)
    model.cancellable(cancelled, vendor_ids)
    return cancelled
