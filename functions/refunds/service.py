"""What happens to refunds: asked for and reserved, carried out by the state machine, then booked or given up.

Each verb may be called again at any time: it does nothing where its effect is there already.
"""

from dataclasses import dataclass
from datetime import datetime

import orjson

from ledger.contract import (
    COMMISSION,
    PROMOTIONS,
    PROVIDER_FEES,
    Posting,
    Share,
    book,
    credit,
    debit,
    provider,
    tax,
    vendor,
)
from market import clock, config, ids, log
from market.errors import Idempotency, IdempotencyKeyReused, NotFound
from market.money import Money
from market.table import Busy
from orders.contract import CANCELLED, PAID, OrderSnapshot
from refunds import model, store
from refunds.events import RefundedLine, RefundedShipping, RefundFailed, RefundRequested, RefundSucceeded
from refunds.model import FAILED, REQUESTED, SUCCEEDED, Refund, Shares, Wish
from refunds.store import Raced, Repeated, Settled

_SYSTEM, _VENDOR = "system", "vendor"
MOST_BY_VENDORS = 100
"""Changes of an order's account after which vendors ask staff: a cent at a time they could keep the provider busy."""

_RACES = 8
"""How often a refund is priced anew because another one was faster. Each lost race is another's success."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who wants what given back, and why. vendor_id: the vendor whose part alone may be touched; empty for staff."""

    wish: Wish
    reason: str
    note: str = ""
    by: str
    by_id: str
    vendor_id: str = ""


def request(customer_id: str, order_id: str, wanted: Request, idempotency: Idempotency) -> Refund:
    """Reserve a refund and have it carried out; the same request again answers the same refund.

    Raises NotFound, IdempotencyKeyReused, NotRefundable, TooManyRefunds, UnknownLine, RefundTooLarge, NothingToRefund,
    or Busy.
    """
    for _ in range(_RACES):
        found = store.facts(customer_id, order_id, idempotency)
        if found.asked:
            if found.asked.fingerprint != idempotency.fingerprint:
                raise IdempotencyKeyReused("This Idempotency-Key came with another request.")
            return store.get(found.asked.order_id, found.asked.refund_id)
        order = found.order
        if wanted.vendor_id and wanted.vendor_id not in {part.vendor_id for part in order.parts}:
            raise NotFound("There is no such order.")
        if order.status != PAID:
            raise model.NotRefundable(f"The order is {order.status.replace('_', ' ')}.", status=order.status)
        if wanted.by == _VENDOR and found.account.version >= MOST_BY_VENDORS:
            raise model.TooManyRefunds("Please ask the marketplace's staff.", most=MOST_BY_VENDORS)
        shares = model.price(order, found.account, wanted.wish, vendor_id=wanted.vendor_id)
        refund = _draft(order, shares, wanted)
        requested = RefundRequested(
            order_id=order.id, customer_id=customer_id, refund_id=refund.id, amount=refund.amount
        )
        try:
            store.reserve(order, found.account, refund, idempotency, requested)
            return refund
        except (Raced, Repeated):
            continue
    raise Busy("Please try again.")


def refund_part(customer_id: str, order_id: str, vendor_id: str, *, after: str = "") -> None:
    """A paid part was cancelled: give back all that is left of it, once, however often we hear of it.

    after: the refund whose failure left something of it again; once for each.
    """
    wanted = Request(wish=Wish(all_left=True), reason="cancelled", by=_SYSTEM, by_id="", vendor_id=vendor_id)
    once = Idempotency(f"cancelled|{order_id}|{vendor_id}|{after}".rstrip("|"), "")
    try:
        request(customer_id, order_id, wanted, once)
    except model.NothingToRefund:
        log.info("nothing left of the part", order_id=order_id, vendor_id=vendor_id)


def start(refund: Refund) -> bool:
    """Start the refund's state machine; it has the refund's id for a name, so there is one however often we ask.

    Answers whether this call started it. Where the customer had paid nothing, no provider is asked: what the vendor
    owes us of it is booked at once.
    """
    if not refund.shares.amount:
        settle(refund.order_id, refund.id, "", Money(0, refund.currency))
        return refund.status == REQUESTED
    states = config.client("stepfunctions")
    given = {
        "orderId": refund.order_id,
        "customerId": refund.customer_id,
        "refundId": refund.id,
        "amount": refund.amount.plain(),
        "correlationId": log.scope().correlation_id,
    }
    text = orjson.dumps(given).decode()
    try:
        states.start_execution(stateMachineArn=config.setting("REFUND_ARN"), name=refund.id, input=text)
    except states.exceptions.ExecutionAlreadyExists:
        return False
    return True


def begin_again(since: datetime, until: datetime) -> int:
    """Start refunds asked for in a period that nobody has started: their event was lost for good. Answers how many."""
    lost = [refund for refund in store.open_between(since, until) if start(refund)]
    for refund in lost:
        log.error("refund had not begun", order_id=refund.order_id, refund_id=refund.id)
    return len(lost)


def settle(order_id: str, refund_id: str, provider_name: str, fee_returned: Money) -> None:
    """The provider gives the money back: book it and announce it. Repeating it changes nothing."""
    refund = store.get(order_id, refund_id)
    if refund.status == SUCCEEDED:
        return
    order, _ = store.with_account(refund)
    booking = book(
        order_id,
        f"refund-{refund_id}",
        refund.currency,
        _postings(order, refund.shares, provider_name, fee_returned),
        number=refund.order_no,
        shares=[_taken_back(refund.shares.of_vendor(name), name) for name in refund.shares.vendors],
    )
    try:
        store.succeed(refund, booking, _succeeded(refund))
    except Settled as settled:
        if settled.extra["status"] != SUCCEEDED:
            raise


def refuse(order_id: str, refund_id: str, failure: str) -> None:
    """The provider will not do it: give the reservation back and announce it. Repeating it changes nothing.

    A part that was cancelled while the refund was under way is owed in full: what is left of it is asked for again.
    """
    for _ in range(_RACES):
        refund = store.get(order_id, refund_id)
        if refund.status == FAILED:
            _still_owed(refund)
            return
        order, account = store.with_account(refund)
        failed = RefundFailed(
            order_id=order_id,
            order_no=refund.order_no,
            customer_id=refund.customer_id,
            refund_id=refund.id,
            amount=refund.amount,
            failure=failure,
        )
        try:
            store.fail(refund, order, account, failure, failed)
        except Raced:
            continue
        except Settled as settled:
            if settled.extra["status"] != FAILED:
                raise
        log.error("refund refused", order_id=order_id, refund_id=refund_id, failure=failure)
        _still_owed(refund)
        return
    raise Busy("Please try again.")


def _still_owed(failed: Refund) -> None:
    """Ask for what is left of cancelled parts; one that the provider refuses us as well is left to a person."""
    order = store.order_of(failed.customer_id, failed.order_id)
    for vendor_id in failed.shares.vendors:
        if failed.by != _SYSTEM and order.fulfilment_of(vendor_id) == CANCELLED:
            refund_part(failed.customer_id, failed.order_id, vendor_id, after=failed.id)


def _draft(order: OrderSnapshot, shares: Shares, wanted: Request) -> Refund:
    return Refund(
        id=ids.new("rfd"),
        order_id=order.id,
        order_no=order.number,
        customer_id=order.customer_id,
        status=REQUESTED,
        currency=order.currency,
        shares=shares,
        reason=wanted.reason,
        note=wanted.note,
        by=wanted.by,
        by_id=wanted.by_id,
        created_at=clock.timestamp(),
    )


def _postings(order: OrderSnapshot, shares: Shares, provider_name: str, fee_returned: Money) -> list[Posting]:
    """The sale, backwards, in the refund's share: the provider owes us less, but for the part of its fee that it gives
    back; what it keeps stays our expense. Each vendor loses its earnings, we our commission, the state its tax; what we
    paid of a discount comes back to us.
    """

    def money(amount: int) -> Money:
        return Money(amount, order.currency)

    paid_back = [credit(provider(provider_name), money(shares.amount) - fee_returned)] if shares.amount else []
    return [
        *paid_back,
        credit(PROVIDER_FEES, fee_returned),
        *(debit(vendor(name), money(shares.of_vendor(name).clawback)) for name in shares.vendors),
        debit(COMMISSION, money(sum(shares.commissions.values()))),
        credit(PROMOTIONS, money(shares.subsidy)),
        debit(tax(order.tax_place), money(shares.our_tax)),
    ]


def _taken_back(shares: Shares, vendor_id: str) -> Share:
    """The refund as the vendor's statement tells it."""
    return Share(
        vendor_id=vendor_id,
        gross=-shares.amount,
        commission=-sum(shares.commissions.values()),
        tax=-shares.our_tax,
        subsidy=-shares.subsidy,
    )


def _succeeded(refund: Refund) -> RefundSucceeded:
    def money(amount: int) -> Money:
        return Money(amount, refund.currency)

    return RefundSucceeded(
        order_id=refund.order_id,
        order_no=refund.order_no,
        customer_id=refund.customer_id,
        refund_id=refund.id,
        reason=refund.reason,
        amount=refund.amount,
        lines=[
            RefundedLine(
                sku=line.sku,
                vendor_id=line.vendor_id,
                title=line.title,
                quantity=line.tally.quantity,
                amount=money(line.tally.amount),
                tax=money(line.tally.tax),
                discount=money(line.discount),
            )
            for line in refund.shares.lines
        ],
        shipping=[
            RefundedShipping(vendor_id=share.vendor_id, amount=money(share.amount), tax=money(share.tax))
            for share in refund.shares.shipping
        ],
    )
