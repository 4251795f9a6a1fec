"""From a cart to an order: what it would cost, and placing it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import orjson

from cart.contract import Cart, CartChanged, Placed, as_offered, obstacle, require_room
from inventory.contract import LimitChanged, NotOnSale, OutOfStock, PriceChanged, PurchaseLimitReached, UnitsMoved
from market import clock, config, ids
from market.errors import Idempotency, IdempotencyKeyReused, Problem
from market.money import Money
from orders import gateway, model, pricing, stocking, store
from orders.contract import PENDING, OrderSnapshot, number_of
from orders.pricing import Answer, Question
from orders.reading import Facts
from promotions.contract import BudgetSpent, CodeUsed, PromotionOver, UsageLimitReached, compact_spends, spends_of
from shipping.contract import Destination

SHELF_REFUSALS = (OutOfStock, PriceChanged, LimitChanged, NotOnSale, PurchaseLimitReached, UnitsMoved)
PROMOTION_REFUSALS = (PromotionOver, BudgetSpent, CodeUsed, UsageLimitReached)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How parcels go: by `method`, or by vendor; quotes: ids of carriers' prices, by vendor.

    pickups: ids of the warehouses where the customer fetches them, by vendor, instead of having them sent.
    """

    method: str = "standard"
    methods: Mapping[str, str] = field(default_factory=dict)
    quotes: Mapping[str, str] = field(default_factory=dict)
    pickups: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the cart costs today, how that came about, and what stands in the way of buying it.

    country: that its tax is worked out for, empty while nobody told one.
    """

    cart: Cart
    country: str
    answer: Answer
    problems: tuple[Problem, ...]

    @property
    def steps(self) -> Sequence[pricing.Step]:
        return pricing.explain(self.answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the customer saw and wants: this version of the cart, for this total, to this address.

    The total's currency is the one that is paid in. origin: `ip`, `country` and `agent` of the request, and a guest's
    `email`, each where it is known.
    """

    cart_version: int
    expected_total: Money
    delivery: Delivery
    address: Mapping[str, str]
    billing_address: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)


def summarize(customer_id: str, delivery: Delivery, address: Mapping[str, str], currency: str = "") -> Summary:
    """Price the cart with today's prices, which the cart takes over. Raises CartEmpty or NoRate.

    address: as far as it is known, empty if not at all. currency: what is to be paid in, else that of the goods.
    """
    cart = store.cart_of(customer_id)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    country = address.get("country", "")
    facts = Facts(cart, country, delivery.quotes, delivery.pickups).read_with_offers()
    offers = facts.offers
    repriced = replace(cart, lines=tuple(as_offered(line, offers.get(line.sku)) for line in cart.lines))
    if repriced != cart:
        cart = store.save_cart(repriced)
    question = _question(cart, facts, delivery, address, currency, clock.timestamp())
    answer = gateway.priced(question, facts.tables(), address)
    begins = {line.sku: line.available_from for line in cart.lines}
    answer = replace(answer, lines=tuple(replace(line, available_from=begins[line.sku]) for line in answer.lines))
    in_the_way = (problem for line in cart.lines if (problem := obstacle(line, offers.get(line.sku))))
    problems = (*in_the_way, *answer.problems, *stocking.pickup_problems(facts, delivery.pickups, answer))
    return Summary(cart=cart, country=country, answer=answer, problems=problems)


def place(customer_id: str, request: Request, idempotency: Idempotency) -> OrderSnapshot:
    """Make an order of the cart, in one transaction; the same request again gives the same order.

    Raises IdempotencyKeyReused, CartChanged, CartEmpty, CartFull, NoRate, NotShippable, ShippingMethodNotOffered,
    CarrierQuoteGone, PickupNotOffered, TotalChanged, OutOfStock, PriceChanged, LimitChanged, NotOnSale, UnitsMoved,
    PurchaseLimitReached, UsageLimitReached, CodeUsed, PromotionOver or BudgetSpent.
    """
    cart = store.cart_of(customer_id)
    if earlier := cart.order_of(idempotency.key):
        return _as_placed(customer_id, earlier, idempotency)
    if cart.version != request.cart_version:
        raise CartChanged("The cart was changed since you saw it.", version=cart.version)
    if not cart.lines:
        raise model.CartEmpty("There is nothing in the cart.")
    require_room(cart.lines)
    order, facts = _draft(customer_id, cart, request)
    if order.total != request.expected_total:
        raise model.TotalChanged(f"The order now costs {order.total}.", total=order.total.plain())
    placed = Placed(idempotency.key, idempotency.fingerprint, order.id)
    try:
        minutes, pickups = config.number("HOLD_MINUTES"), request.delivery.pickups
        return stocking.place(order, cart, placed, facts, pickups, hold_for=timedelta(minutes=minutes))
    except (CartChanged, *SHELF_REFUSALS, *PROMOTION_REFUSALS) as refused:
        # Perhaps by the same request, a moment ago: then the cart remembers it.
        if earlier := store.cart_of(customer_id).order_of(idempotency.key):
            return _as_placed(customer_id, earlier, idempotency)
        raise _with_all_lines(refused) if isinstance(refused, SHELF_REFUSALS) else refused from None


def _question(
    cart: Cart, facts: Facts, delivery: Delivery, address: Mapping[str, str], currency: str, at: str
) -> Question:
    return Question(
        lines=cart.lines,
        destination=Destination(
            address.get("country", ""), address.get("state", ""), address.get("postalCode", ""), address.get("city", "")
        ),
        at=at,
        currency=currency or cart.lines[0].unit_price.currency,
        customer=facts.customer,
        method=delivery.method,
        methods=delivery.methods,
        quotes=delivery.quotes,
    )


def _draft(customer_id: str, cart: Cart, request: Request) -> tuple[OrderSnapshot, Facts]:
    order_id, now, delivery = ids.short("ord"), clock.timestamp(), request.delivery
    facts = Facts(cart, request.address["country"], delivery.quotes, delivery.pickups).read_for_sale()
    question = _question(cart, facts, delivery, request.address, request.expected_total.currency, now)
    answer = gateway.priced(question, facts.tables(for_sale=True), request.address)
    if problems := [*answer.problems, *stocking.pickup_problems(facts, delivery.pickups, answer)]:
        raise problems[0]
    order = OrderSnapshot(
        id=order_id,
        number=number_of(order_id, config.setting("ORDER_NO_PREFIX")),
        customer_id=customer_id,
        status=PENDING,
        lines=answer.lines,
        parts=answer.parts,
        shipping_method=delivery.method,
        address=request.address,
        billing_address=request.billing_address,
        created_at=now,
        origin={name: text for name, text in ({"email": facts.email} | dict(request.origin)).items() if text},
        counted={line.sku: line.limit.period for line in cart.lines if line.limit},
        spends=_spends(answer, order_id),
        quote=orjson.dumps(answer.quote.compact()).decode() if answer.quote.frm != answer.quote.to else "",
        jurisdiction=answer.jurisdiction if answer.jurisdiction != request.address["country"] else "",
        tax_source=answer.tax_source,
        promotions=answer.promoted,
    )
    return order, facts


def _spends(answer: Answer, order_id: str) -> str:
    """What the order takes of promotions, as they read it; empty if none counts for it."""
    goods = {one.promotion_id: one.amount.amount for one in answer.outcome.applied}
    postage = {one.promotion_id: one.amount.amount - goods[one.promotion_id] for one in answer.promoted}
    spends = spends_of(answer.outcome, order_id, shipping=postage)
    return compact_spends(spends) if spends else ""


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
