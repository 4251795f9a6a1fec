"""Status rules of an order: pure. What it costs is in `pricing`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from market.errors import Conflict, Unprocessable
from market.money import Money
from orders.contract import CANCELLED, PAID, PENDING, UNFULFILLED, OrderSnapshot, Part

GUEST_ID = "gst_"
"""How ids of guests begin."""

CUSTOMER, VENDOR, STAFF = "customer", "vendor", "staff"
"""Who did something to an order; and, for notes, who besides staff may read it."""

NOTE, PART_CANCELLED, REFUNDED, CANCELLATION_REQUESTED, COMPENSATION_REQUESTED = (
    "note", "part_cancelled", "refunded", "cancellation_requested", "compensation_requested",
)  # fmt: skip
"""What entries of an order's history tell."""

GRACE = timedelta(minutes=5)
"""How long after the end of its hold an order may still be on its way through the checkout."""

LONGEST_HOLD = timedelta(hours=1)
"""How long after its placement an order may hold goods for a customer who is paying, however busily. No hold that has
begun is cut short: a stage whose first one is as long extends none. What a person must look at is held for `REVIEW`.
"""

SHORTEST_EXTENSION = timedelta(minutes=1)
"""A hold is not made longer by less than this: nobody pays in less."""

REVIEW = timedelta(days=3)
"""How long the checkout waits for a person who looks at a doubtful payment."""


class CartEmpty(Conflict):
    code, title = "cart_empty", "The cart is empty"


class NoSuchAddress(Unprocessable):
    """The caller's address book has no such entry; guests have no address book."""

    code, title = "address_not_found", "No such address"


class TotalChanged(Conflict):
    """The order would cost something else than the customer saw; `total` is the present amount."""

    code, title = "price_changed", "The price has changed"


class NotCancellable(Conflict):
    """What is shipped, or has come to nothing, cannot be cancelled; `orderStatus` says how it is."""

    code, title = "not_cancellable", "Not cancellable"


class CancelledByCustomer(Conflict):
    """The customer, or staff for them, asked for the end of the order before it was confirmed."""

    code, title = "cancelled_by_customer", "Cancelled by the customer"


class HeldLongest(Conflict):
    """The order has held its goods for as long as it may."""

    code, title = "held_longest", "Held as long as it may be"


class TooManyNotes(Conflict):
    """The vendor has written as many notes to the order as one may: more would push out what else is told of it."""

    code, title = "too_many_notes", "Too many notes"


class NothingToCompensate(Conflict):
    """The order is paid, or its checkout still has its time; `orderStatus` says how it is."""

    code, title = "nothing_to_compensate", "Nothing to compensate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of an order's history beside its own times.

    by: `customer`, `vendor`, `staff` or `system`; author: whose id. visible: who may read it besides staff. vendor_id:
    the vendor whose part it is about, who may read it unless it is for staff only; empty if it is about the whole.
    """

    event: str
    at: str
    by: str
    author: str = ""
    visible: str = STAFF
    vendor_id: str = ""
    text: str = ""
    amount: Money | None = None


def own_times(order: OrderSnapshot) -> list[Entry]:
    """What the order itself tells of its history: everybody may know it."""
    happened = [("placed", order.created_at), ("paid", order.paid_at), ("cancelled", order.cancelled_at)]
    return [Entry(event=event, at=at, by="system", visible=CUSTOMER) for event, at in happened if at]


def timeline(order: OrderSnapshot, entries: Iterable[Entry]) -> list[Entry]:
    """Everything that happened, oldest first."""
    return sorted([*own_times(order), *entries], key=lambda entry: entry.at)


def for_customer(entries: Iterable[Entry]) -> list[Entry]:
    return [entry for entry in entries if entry.visible == CUSTOMER]


def for_vendor(entries: Iterable[Entry], vendor_id: str) -> list[Entry]:
    """What concerns the vendor's part, and what staff wrote for all vendors."""
    return [
        entry
        for entry in entries
        if entry.visible != STAFF
        and (entry.vendor_id == vendor_id or (entry.visible == VENDOR and not entry.vendor_id))
    ]


def fulfilment(order: OrderSnapshot) -> str:
    """The parts' status rolled up: theirs where they agree, else `partial`; empty for an order that is not paid."""
    if order.status != PAID:
        return ""
    found = {order.fulfilment_of(part.vendor_id) for part in order.parts}
    return found.pop() if len(found) == 1 else "partial"


def cancellable(order: OrderSnapshot, vendor_ids: Iterable[str]) -> tuple[Part, ...]:
    """The parts of these vendors that are still to be cancelled. Raises NotCancellable if one of them has moved on."""
    wanted = frozenset(vendor_ids)
    if order.status != PAID:
        raise NotCancellable(f"The order is {_said(order.status)}.", orderStatus=order.status)
    left = []
    for part in order.parts:
        status = order.fulfilment_of(part.vendor_id)
        if part.vendor_id in wanted and status == UNFULFILLED:
            left.append(part)
        elif part.vendor_id in wanted and status != CANCELLED:
            raise NotCancellable(
                f"A part of the order is {_said(status)}.", orderStatus=status, vendorId=part.vendor_id
            )
    return tuple(left)


def longer_hold(order: OrderSnapshot, seconds: int, now: datetime) -> datetime:
    """Until when the order holds its goods, if it does so for that much longer from now on; `LONGEST_HOLD` at most.

    Raises HeldLongest if less than `SHORTEST_EXTENSION` is left, or for an order that should have ended long ago.
    """
    placed, end = (datetime.fromisoformat(text) for text in (order.created_at, order.hold_until))
    longest = placed + LONGEST_HOLD
    if now > min(longest - SHORTEST_EXTENSION, end + GRACE):
        raise HeldLongest("The order has held its goods for as long as it may.")
    return min(now + timedelta(seconds=seconds), longest)


def rank(status: str, fulfilments: Mapping[str, str]) -> int:
    """How far an order has come: what is told of it later has the higher rank, in whatever order it is heard."""
    return {PENDING: 0, PAID: 1, CANCELLED: 1}[status] + len(fulfilments)


def _said(status: str) -> str:
    return status.replace("_", " ")
