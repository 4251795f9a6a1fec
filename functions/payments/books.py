"""What the reconciler reads of our own book: an order with its payment, payments that wait, and those that have ended.

What waits is found by its order, which is in the orders' own index until it is paid or cancelled. What has ended is in
an index of its own, by the hour: one more write a payment.
"""

from dataclasses import dataclass
from datetime import datetime

from fraud.contract import MANIFEST as FRAUD
from fraud.contract import OPEN, read_screening, record_key
from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.table import Item, Table
from orders.contract import MANIFEST as ORDERS
from orders.contract import WAITING, OrderSnapshot, order_key, read_order, read_ref, ref_key
from payments.manifest import MANIFEST
from payments.model import Payment, read_payment
from payments.store import ENDED, payment_key

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What our own book has of an order. in_review: a person looks at its payment."""

    order_id: str
    order: OrderSnapshot | None
    payment: Payment | None
    in_review: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """An order that awaits payment, the end of its hold, and its payment if that has begun."""

    order_id: str
    hold_until: str
    payment: Payment | None


def facts(order_id: str) -> Facts:
    """All that a payment is judged by, as it is now."""
    ref, payment, review = ref_key(order_id), payment_key(order_id), record_key(order_id)
    found = _table.batch_get([ref, payment, review], consistent=True)
    begun = _begun(order_id, found[payment]) if payment in found else None
    customer = begun.customer_id if begun else read_ref(found[ref]).customer_id if ref in found else ""
    item = _table.get(order_key(customer, order_id), consistent=True) if customer else None
    return Facts(
        order_id=order_id,
        order=read_order(item) if item else None,
        payment=begun,
        in_review=review in found and read_screening(found[review]).status == OPEN,
    )


def waiting(shard: int, cursor: str | None) -> tuple[list[Waiting], str | None]:
    """One page of the orders that await payment, those whose hold ends first at the front; the next page's cursor."""
    page = _table.query(WAITING[shard], index="by1", limit=_PAGE, cursor=cursor)
    holds = {entry["sk"]: entry["by1sk"] for entry in page.items}
    payments = _payments(list(holds))
    return [Waiting(order_id, until, payments.get(order_id)) for order_id, until in holds.items()], page.next


def ended(hour: datetime) -> list[Payment]:
    """The payments that were captured or given up within an hour, those that had begun."""
    found: list[str] = []
    for shard in ENDED:
        cursor: str | None = None
        while True:
            page = _table.query(shard, index="by1", begins=clock.iso(hour)[:13], limit=_PAGE, cursor=cursor)
            found += [item["pk"].removeprefix("PAY#") for item in page.items]
            cursor = page.next
            if cursor is None:
                break
    return list(_payments(found).values())


def _payments(order_ids: list[str]) -> dict[str, Payment]:
    found = _table.batch_get(map(payment_key, order_ids)) if order_ids else {}
    read = {key.pk.removeprefix("PAY#"): item for key, item in found.items()}
    return {order_id: begun for order_id, item in read.items() if (begun := _begun(order_id, item))}


def _begun(order_id: str, item: Item) -> Payment | None:
    """The payment; None for a mere token or wish, and for the tombstone of one that never began."""
    payment = read_payment(order_id, item)
    return payment if payment.amount else None
