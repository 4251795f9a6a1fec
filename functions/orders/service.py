"""What happens to orders after they were placed: the checkout is started, they are confirmed or given up, told of,
claimed and put right by staff.
"""

from datetime import datetime

import orjson

from ledger.contract import COMMISSION, PROMOTIONS, PROVIDER_FEES, Share, book, credit, debit, provider, tax, vendor
from market import clock, config, log
from market.errors import NotFound
from market.money import Money, total
from market.table import Write
from orders import model, notes, parts, search, store
from orders.contract import CANCELLED, PAID, PENDING, OrderSnapshot
from orders.model import Entry
from orders.store import NotPending, Waiting

RETRY, CANCEL_AND_REFUND = "retry", "cancel_and_refund"


def find(caller_id: str, order_id: str) -> OrderSnapshot:
    """An order of the caller's, a customer or a guest. Raises NotFound, for others' and for what a guest gave away.

    A guest's token may lie in a browser that others use: once the order is claimed, the account alone leads to it.
    """
    order = store.get(caller_id, order_id, consistent=True)
    if order.claimed_by and order.customer_id == caller_id:
        raise NotFound("There is no such order.")
    return order


def find_any(order_id: str) -> OrderSnapshot:
    """Any order, for staff. Raises NotFound, for some moments after the placement too."""
    return store.get(search.ref(order_id).customer_id, order_id, consistent=True)


def claim(customer_id: str, guest_id: str, order_id: str) -> OrderSnapshot:
    """Make an order that the customer placed as a guest the customer's own. Repeating it changes nothing.

    Raises NotFound if the guest has no such order, or somebody else has claimed it.
    """
    order = store.get(guest_id, order_id, consistent=True)
    if not order.claimed_by:
        store.claim(customer_id, order)
    elif order.claimed_by != customer_id:
        raise NotFound("There is no such order.")
    return order


def confirm(customer_id: str, order_id: str, captured: Money, fee: Money, provider_name: str) -> OrderSnapshot:
    """The payment is captured: sell the stock and book the money. Repeating it changes nothing.

    Raises CancelledByCustomer if that was asked for first.
    """
    order = store.get(customer_id, order_id, consistent=True)
    if order.status == PAID:
        return order
    if captured != order.total:
        raise ValueError("captured another amount than the order's total")
    try:
        store.mark_paid(order, _sale(order, fee, provider_name))
    except NotPending as refused:
        if refused.extra["status"] != PAID:
            raise
    return order


def give_up(customer_id: str, order_id: str, reason: str) -> str:
    """The order came to nothing: release its stock, once. Answers its status: `paid`, if it came to that first."""
    order = store.get(customer_id, order_id, consistent=True)
    if order.status != PENDING:
        return order.status
    if reason == "cancelled_by_customer" and order.cancel_reason:
        reason = order.cancel_reason  # staff may have wished it for them
    try:
        store.mark_cancelled(order, reason)
    except NotPending as refused:
        return str(refused.extra["status"])
    return CANCELLED


def compensate(order_id: str, action: str, entry: Entry) -> OrderSnapshot:
    """Staff ends an order whose checkout could not: release its stock, and let its payment be undone.

    `retry` is for what is stuck: an order whose time is over, or a cancelled one whose money did not come back.
    `cancel_and_refund` ends one that still has time, too. Safe beside a checkout that is running after all: it is
    cancelled or paid, whichever comes first, and undoing a payment twice is undoing it once. Raises NotFound or
    NothingToCompensate.
    """
    order = find_any(order_id)
    in_time = order.hold_until > clock.iso(clock.now() - model.GRACE)
    if order.status == PENDING and action == RETRY and in_time:
        raise model.NothingToCompensate("The checkout still has its time.", orderStatus=order.status)
    reason = "checkout_failed" if action == RETRY else "cancelled_by_staff"
    status = give_up(order.customer_id, order.id, reason)
    if status != CANCELLED:
        raise model.NothingToCompensate(f"The order is {status}.", orderStatus=status)
    store.request_compensation(order, action, notes.entry(order.id, entry))
    return find_any(order_id)


def begin(order: Waiting, charge: Money) -> None:
    """Start the order's checkout; one that costs nothing is confirmed at once, since there is nothing to pay.

    Repeating it changes nothing.
    """
    if charge.amount:
        start_checkout(order)
        return
    try:
        confirm(order.customer_id, order.id, charge, charge, "none")
    except model.CancelledByCustomer:
        give_up(order.customer_id, order.id, "cancelled_by_customer")
    except NotPending:
        return


def begin_again(at: datetime) -> int:
    """Start the checkout of orders whose hold is over but which nobody has ended: their event was lost for good.

    The checkout then asks the provider and ends the order either way. Answers how many there were.
    """
    overdue = store.pending_since(at)
    for order in overdue:
        log.error("order overdue", order_id=order.id)
        start_checkout(order)
    return len(overdue)


def await_review(customer_id: str, order_id: str, since: datetime) -> None:
    """A person looks at the payment: until that is over the order is not overdue. Heard too late it changes nothing."""
    try:
        store.extend(customer_id, order_id, clock.iso(since + model.REVIEW))
    except NotPending:
        return


def hold_longer(customer_id: str, order_id: str, seconds: int) -> int:
    """The customer is still paying: hold the goods for that many seconds from now on, or as long as they still may be.

    Answers how many seconds the checkout has to wait. Repeating it changes nothing that matters. Raises HeldLongest, or
    NotPending if the order has ended.
    """
    order, now = store.get(customer_id, order_id, consistent=True), clock.now()
    until = model.longer_hold(order, seconds, now)
    try:
        store.extend(customer_id, order_id, clock.iso(until))
    except NotPending as refused:
        if refused.extra["status"] != PENDING:
            raise
    return int((until - now).total_seconds())


def start_checkout(order: Waiting) -> None:
    """Start the order's state machine; it has the order's id for a name, so there is one however often we ask."""
    states = config.client("stepfunctions")
    given = {
        "orderId": order.id,
        "customerId": order.customer_id,
        "holdSeconds": order.hold_seconds,
        "correlationId": log.scope().correlation_id,
    }
    text = orjson.dumps(given).decode()
    try:
        states.start_execution(stateMachineArn=config.setting("CHECKOUT_ARN"), name=order.id, input=text)
    except states.exceptions.ExecutionAlreadyExists:
        return


def share_out(customer_id: str, order_id: str) -> None:
    """Give every vendor its part of a paid order, and let staff find it so. Repeating it changes nothing."""
    order = store.get(customer_id, order_id, consistent=True)
    for part in order.parts:
        parts.give(order, part)
    search.index(order)


def show_to_staff(customer_id: str, order_id: str) -> None:
    """Let staff find the order as it now is. Repeating it changes nothing."""
    search.index(store.get(customer_id, order_id, consistent=True))


def timeline(order: OrderSnapshot) -> list[Entry]:
    """Everything that happened to the order, oldest first."""
    return model.timeline(order, notes.of_order(order.id))


def _sale(order: OrderSnapshot, fee: Money, provider_name: str) -> Write:
    """The provider owes us what it captured less its fee. Of that, and of what we pay of the discounts, we owe each
    vendor its earnings and the state its tax; the rest is commission.
    """
    commission = total((part.commission for part in order.parts), order.currency)
    postings = [
        debit(provider(provider_name), order.total - fee),
        debit(PROVIDER_FEES, fee),
        *(credit(vendor(part.vendor_id), part.earnings) for part in order.parts),
        credit(COMMISSION, commission),
    ]
    if subsidy := sum(part.subsidy.amount for part in order.parts if part.subsidy):
        postings.append(debit(PROMOTIONS, Money(subsidy, order.currency)))
    our_tax = total((part.our_tax for part in order.parts), order.currency)
    if our_tax.amount:
        postings.append(credit(tax(order.tax_place), our_tax))
    shares = [
        Share(
            vendor_id=part.vendor_id,
            gross=part.charge.amount,
            commission=part.commission.amount,
            tax=part.our_tax.amount,
            subsidy=part.subsidy.amount if part.subsidy else 0,
        )
        for part in order.parts
    ]
    return book(order.id, "sale", order.currency, postings, number=order.number, shares=shares)
