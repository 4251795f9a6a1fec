"""From a cart to an order: what it would cost, and placing it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from cart.contract import Cart, CartChanged, Placed, as_offered, obstacle, require_room
from inventory.contract import LimitChanged, NotOnSale, OutOfStock, PriceChanged, PurchaseLimitReached
from market import clock, config, ids
from market.errors import Idempotency, IdempotencyKeyReused, Problem
from market.money import Money, total
from orders import model, pricing, store
from orders.contract import PENDING, LineSnapshot, OrderSnapshot, Part, number_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the cart costs today, and what stands in the way of buying it. country: that its tax is worked out for."""

    cart: Cart
    country: str
    lines: tuple[LineSnapshot, ...]
    parts: tuple[Part, ...]
    problems: tuple[Problem, ...]

    @property
    def currency(self) -> str:
        return self.parts[0].subtotal.currency

    def sum(self, amount: str) -> Money:
        """The sum of one amount of all parts, such as `subtotal` or `tax`."""
        return total((getattr(part, amount) for part in self.parts), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the customer saw and wants: this version of the cart, for this total, to this address.

    origin: `ip`, `country` and `agent` of the request, and a guest's `email`, each where it is known.
    """

    cart_version: int
    expected_total: Money
    shipping_method: str
    address: Mapping[str, str]
    billing_address: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


def summarize(customer_id: str, shipping_method: str, country: str) -> Summary:
    """Price the cart with today's prices, which the cart takes over. Raises CartEmpty."""
    cart = store.cart_of(customer_id)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    offers = store.offers(cart)
    repriced = replace(cart, lines=tuple(as_offered(line, offers.get(line.sku)) for line in cart.lines))
    if repriced != cart:
        cart = store.save_cart(repriced)
    terms = pricing.Terms(shipping_method=shipping_method, country=country, at=clock.timestamp())
    lines, parts = pricing.priced(cart, terms)
    return Summary(
        cart=cart,
        country=country,
        lines=lines,
        parts=parts,
        problems=tuple(problem for line in cart.lines if (problem := obstacle(line, offers.get(line.sku)))),
    )


def place(customer_id: str, request: Request, idempotency: Idempotency) -> OrderSnapshot:
    """Make an order of the cart, in one transaction; the same request again gives the same order.

    Raises IdempotencyKeyReused, CartChanged, CartEmpty, CartFull, TotalChanged, OutOfStock, PriceChanged, LimitChanged,
    NotOnSale, PurchaseLimitReached.
    """
    cart = store.cart_of(customer_id)
    if earlier := cart.order_of(idempotency.key):
        return _as_placed(customer_id, earlier, idempotency)
    if cart.version != request.cart_version:
        raise CartChanged("The cart was changed since you saw it.", version=cart.version)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    require_room(cart.lines)
    order = _draft(customer_id, cart, request)
    if order.total != request.expected_total:
        raise model.TotalChanged(f"The order now costs {order.total}.", total=order.total.plain())
    placed = Placed(idempotency.key, idempotency.fingerprint, order.id)
    try:
        store.place(order, cart, placed, hold_for=timedelta(minutes=config.number("HOLD_MINUTES")))
    except (CartChanged, OutOfStock, PriceChanged, LimitChanged, NotOnSale, PurchaseLimitReached) as refused:
        # Perhaps by the same request, a moment ago: then the cart remembers it.
        if earlier := store.cart_of(customer_id).order_of(idempotency.key):
            return _as_placed(customer_id, earlier, idempotency)
        raise refused if isinstance(refused, CartChanged) else _with_all_lines(refused) from None
    return order


def _draft(customer_id: str, cart: Cart, request: Request) -> OrderSnapshot:
    order_id, now = ids.short("ord"), clock.timestamp()
    rules, email = store.facts(customer_id, cart)
    country = request.address["country"]
    terms = pricing.Terms(shipping_method=request.shipping_method, country=country, at=now, rules=rules)
    lines, parts = pricing.priced(cart, terms)
    return OrderSnapshot(
        id=order_id,
        number=number_of(order_id, config.setting("ORDER_NO_PREFIX")),
        customer_id=customer_id,
        status=PENDING,
        lines=lines,
        parts=parts,
        shipping_method=request.shipping_method,
        address=request.address,
        billing_address=request.billing_address,
        created_at=now,
        origin={name: text for name, text in ({"email": email} | dict(request.origin)).items() if text},
        counted={line.sku: line.limit.period for line in cart.lines if line.limit},
    )


def _as_placed(customer_id: str, placed: Placed, idempotency: Idempotency) -> OrderSnapshot:
    """The first answer again: the order as it was when it was placed."""
    if placed.fingerprint != idempotency.fingerprint:
        raise IdempotencyKeyReused("This Idempotency-Key came with another request.")
    order = store.get(customer_id, placed.order_id, consistent=True)
    return replace(order, status=PENDING, paid_at="", cancelled_at="", cancel_reason="", fulfilment={}, claimed_by="")


def _with_all_lines(refused: Problem) -> Problem:
    """One refusal that names every line in the way."""
    lines = [{"code": problem.code, "detail": problem.detail} | problem.extra for problem in (refused, *refused.also)]
    return type(refused)(" ".join(str(line["detail"]) for line in lines), lines=lines)
