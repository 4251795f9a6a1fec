"""What happens to orders: a summary is shown, an order is placed, cancelled, confirmed or given up."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from cart.contract import Cart, CartChanged, Line, Placed
from inventory.contract import NotOnSale, Offer, OutOfStock, PriceChanged, out_of_stock
from ledger.contract import COMMISSION, PROVIDER_FEES, Posting, book, credit, debit, provider, vendor
from market import clock, config, ids, log
from market.errors import Idempotency, IdempotencyKeyReused, Problem
from market.money import Money
from orders import model, store
from orders.contract import CANCELLED, PAID, PENDING, OrderSnapshot, Part, number_of
from orders.store import NotPending, Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the cart costs today, and what stands in the way of buying it."""

    cart: Cart
    parts: tuple[Part, ...]
    problems: tuple[Problem, ...]
    subtotal: Money
    shipping: Money

    @property
    def total(self) -> Money:
        return self.subtotal + self.shipping


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the customer saw and wants: this version of the cart, for this total, to this address."""

    cart_version: int
    expected_total: Money
    shipping_method: str
    address: Mapping[str, str]


def summarize(customer_id: str, shipping_method: str) -> Summary:
    """Price the cart with today's prices, which the cart takes over. Raises CartEmpty."""
    cart = store.cart_of(customer_id)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    offers = store.offers(cart)
    repriced = replace(cart, lines=tuple(_repriced(line, offers) for line in cart.lines))
    if repriced != cart:
        cart = store.save_cart(repriced)
    parts = model.split(model.lines_of(cart), shipping_method)
    first, *others = parts
    return Summary(
        cart=cart,
        parts=parts,
        problems=tuple(problem for line in cart.lines if (problem := _obstacle(line, offers.get(line.sku)))),
        subtotal=sum((part.subtotal for part in others), start=first.subtotal),
        shipping=sum((part.shipping for part in others), start=first.shipping),
    )


def place(customer_id: str, request: Request, idempotency: Idempotency) -> OrderSnapshot:
    """Make an order of the cart, in one transaction; the same request again gives the same order.

    Raises IdempotencyKeyReused, CartChanged, CartEmpty, TotalChanged, OutOfStock, PriceChanged, NotOnSale.
    """
    cart = store.cart_of(customer_id)
    if earlier := cart.order_of(idempotency.key):
        return _as_placed(customer_id, earlier, idempotency)
    if cart.version != request.cart_version:
        raise CartChanged("The cart was changed since you saw it.", version=cart.version)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    order = _draft(customer_id, cart, request)
    if order.total != request.expected_total:
        raise model.TotalChanged(f"The order now costs {order.total}.", total=order.total.plain())
    placed = Placed(idempotency.key, idempotency.fingerprint, order.id)
    try:
        store.place(order, cart, placed, hold_for=timedelta(minutes=config.number("HOLD_MINUTES")))
    except (CartChanged, OutOfStock, PriceChanged, NotOnSale) as refused:
        # Perhaps by the same request, a moment ago: then the cart remembers it.
        if earlier := store.cart_of(customer_id).order_of(idempotency.key):
            return _as_placed(customer_id, earlier, idempotency)
        raise refused if isinstance(refused, CartChanged) else _with_all_lines(refused) from None
    return order


def cancel(customer_id: str, order_id: str) -> OrderSnapshot:
    """Ask for the end of an order that is not paid; the checkout ends it. Raises NotFound or NotCancellable."""
    order = store.get(customer_id, order_id, consistent=True)
    try:
        store.request_cancellation(order)
    except NotPending as refused:
        raise model.NotCancellable(refused.detail, status=refused.extra["status"]) from None
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
        store.mark_paid(order, book(order.id, "sale", order.currency, _sale(order, fee, provider_name)))
    except NotPending as refused:
        if refused.extra["status"] != PAID:
            raise
    return order


def give_up(customer_id: str, order_id: str, reason: str) -> str:
    """The order came to nothing: release its stock, once. Answers its status: `paid`, if it came to that first."""
    order = store.get(customer_id, order_id, consistent=True)
    if order.status != PENDING:
        return order.status
    try:
        store.mark_cancelled(order, reason)
    except NotPending as refused:
        return str(refused.extra["status"])
    return CANCELLED


def begin_again(at: datetime) -> int:
    """Start the checkout of orders whose hold is over but which nobody has ended: their event was lost for good.

    The checkout then asks the provider and ends the order either way. Answers how many there were.
    """
    overdue = store.pending_since(at)
    for order in overdue:
        log.error("order overdue", order_id=order.id)
        start_checkout(order)
    return len(overdue)


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
    """Give every vendor its part of a paid order. Repeating it changes nothing."""
    order = store.get(customer_id, order_id, consistent=True)
    for part in order.parts:
        store.give_to_vendor(order, part.vendor_id)


def _draft(customer_id: str, cart: Cart, request: Request) -> OrderSnapshot:
    order_id, lines = ids.short("ord"), model.lines_of(cart)
    return OrderSnapshot(
        id=order_id,
        number=number_of(order_id, config.setting("ORDER_NO_PREFIX")),
        customer_id=customer_id,
        status=PENDING,
        lines=lines,
        parts=model.split(lines, request.shipping_method),
        shipping_method=request.shipping_method,
        address=request.address,
        created_at=clock.timestamp(),
    )


def _as_placed(customer_id: str, placed: Placed, idempotency: Idempotency) -> OrderSnapshot:
    """The first answer again: the order as it was when it was placed."""
    if placed.fingerprint != idempotency.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another request.")
    order = store.get(customer_id, placed.order_id, consistent=True)
    return replace(order, status=PENDING, paid_at="", cancelled_at="", cancel_reason="")


def _sale(order: OrderSnapshot, fee: Money, provider_name: str) -> list[Posting]:
    """The provider owes us what it captured less its fee; we owe each vendor its earnings; the rest is commission."""
    commission = sum((part.commission for part in order.parts), start=Money(0, order.currency))
    return [
        debit(provider(provider_name), order.total - fee),
        debit(PROVIDER_FEES, fee),
        *(credit(vendor(part.vendor_id), part.earnings) for part in order.parts),
        credit(COMMISSION, commission),
    ]


def _repriced(line: Line, offers: Mapping[str, Offer]) -> Line:
    offer = offers.get(line.sku)
    same_currency = offer is not None and offer.price.currency == line.unit_price.currency
    return replace(line, unit_price=offer.price) if offer and same_currency else line


def _obstacle(line: Line, offer: Offer | None) -> Problem | None:
    if offer is None or not offer.active or offer.price.currency != line.unit_price.currency:
        return NotOnSale(f"{line.sku} is not on sale.", sku=line.sku)
    if offer.available < line.quantity:
        return out_of_stock(line.sku, offer.available, line.quantity)
    return None


def _with_all_lines(refused: Problem) -> Problem:
    """One refusal that names every line in the way."""
    lines = [{"code": problem.code, "detail": problem.detail} | problem.extra for problem in (refused, *refused.also)]
    return type(refused)(" ".join(str(line["detail"]) for line in lines), lines=lines)
