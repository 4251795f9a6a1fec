"""Coupons of customers: claimed, kept, looked through; what promotions do for a cart, and show on product cards."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from cart.contract import cart_key, read_cart
from inventory.contract import Offer, read_offer, stock_key
from market import clock
from market.errors import Conflict, NotFound
from market.table import NEW, Write, put, update
from promotions import store
from promotions.badges import shown_on
from promotions.codes import drawn, normalised
from promotions.contract import (
    Applied,
    Code,
    CustomerFacts,
    Gift,
    Goods,
    code_key,
    customer_key,
    evaluate,
    read_code,
    read_customer,
    with_room,
)
from promotions.counters import Spend, shard_of, take_for_good
from promotions.evaluation import code_fits
from promotions.model import ENDED, PAUSED, PLATFORM, NoSuchPromotion, Promotion
from promotions.rules import LAUNCHED

MAX_COUPONS = 100
"""Coupons that one customer may keep."""
_PATTERN = "################"
State = Literal["usable", "used", "expired", "paused"]


class NoSuchCoupon(NotFound):
    """No code that this customer can use: nobody's, somebody else's, or one that is over."""

    code, title = "coupon_not_valid", "This code cannot be used"


class TooManyCoupons(Conflict):
    code, title = "too_many_coupons", "Too many coupons"


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that a customer keeps, with its promotion (None where that is gone) and whether it can be used."""

    code: Code
    promotion: Promotion | None
    state: State


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A promotion, or a coupon of the customer's, that would do something for the cart by itself."""

    promotion: Promotion
    code: str
    applied: Applied | None
    gift: Gift | None


def claim(customer_id: str, promotion_id: str) -> Coupon:
    """Take a coupon of a promotion: a code of the customer's own, the same one however often one asks.

    Raises NoSuchPromotion, PromotionOver when all are taken, or TooManyCoupons.
    """
    promotion = store.get(promotion_id)
    if not promotion.claimable or promotion.status not in LAUNCHED or _is_over(promotion):
        raise NoSuchPromotion("There is no such promotion.")
    text = drawn(_PATTERN, "claim", promotion.id, customer_id)
    item = store.TABLE.get(code_key(text), consistent=True)
    if item is None:
        with suppress(_Taken):  # by the same customer, at the same time
            _take(customer_id, promotion, text)
        item = store.TABLE.get(code_key(text), consistent=True)
    else:
        store.TABLE.write(_keep(customer_id, text))
    return _coupon(read_code(item, text), promotion, CustomerFacts(customer_id=customer_id))


def keep(customer_id: str, text: str) -> Coupon:
    """Keep a code among the customer's coupons. Raises NoSuchCoupon, alike for all that cannot be used."""
    code, promotion = find(normalised(text), customer_id)
    store.TABLE.write(_keep(customer_id, code.code))
    return _coupon(code, promotion, CustomerFacts(customer_id=customer_id))


def find(code: str, customer_id: str) -> tuple[Code, Promotion]:
    """A code that this customer may use, and its promotion. Raises NoSuchCoupon."""
    found = read_code(store.TABLE.get(code_key(code), consistent=True) if code else None, code)
    promotion = store.several([found.promotion_id]).get(found.promotion_id) if found.promotion_id else None
    usable = code_fits(found, customer_id, clock.timestamp())
    if not usable or promotion is None or promotion.status not in LAUNCHED or _is_over(promotion):
        raise NoSuchCoupon("This code cannot be used.")
    return found, promotion


def coupons_of(customer_id: str) -> list[Coupon]:
    """All that the customer keeps, those that can be used first: three calls, however many there are."""
    facts = facts_of(customer_id)
    codes = _codes(facts.claimed)
    promotions = store.several({code.promotion_id for code in codes})
    coupons = [_coupon(code, promotions.get(code.promotion_id), facts) for code in codes]
    return sorted(coupons, key=lambda coupon: (coupon.state != "usable", coupon.code.code))


def suggestions(customer_id: str, country: str) -> list[Suggestion]:
    """What would do something for the customer's cart as it is, each by itself. At base prices, before other lists."""
    keys = cart_key(customer_id), customer_key(customer_id)
    found = store.TABLE.batch_get(keys)
    cart = read_cart(customer_id, found.get(keys[0]))
    if not cart.lines:
        return []
    facts = read_customer(found.get(keys[1]), customer_id)
    goods = [
        Goods(
            sku=line.sku,
            product_id=line.product_id,
            vendor_id=line.vendor_id,
            category=line.category,
            quantity=line.quantity,
            unit_price=line.unit_price,
            brand=line.brand,
        )
        for line in cart.lines
    ]
    codes = {code.promotion_id: code for code in _codes(facts.claimed)}
    public = store.books([PLATFORM, *{line.vendor_id for line in cart.lines}])
    own = store.several(codes)
    known = {one.id: one for one in (*public, *own.values()) if not one.hidden}
    made = (_suggestion(one, codes.get(one.id), goods, facts, country) for one in known.values())
    return [suggestion for suggestion in made if suggestion]


def badges(skus: Iterable[str], country: str) -> dict[str, list[Promotion]]:
    """Promotions without a code that each SKU takes part in, by SKU: two calls for a page of product cards."""
    found = store.TABLE.batch_get(stock_key(sku) for sku in skus)
    offers = [read_offer(item) for item in found.values()]
    public = store.books([PLATFORM, *{offer.vendor_id for offer in offers}])
    shown = shown_on(public, [_goods(offer) for offer in offers], at=clock.timestamp(), country=country)
    return {offer.sku: promotions for offer, promotions in zip(offers, shown, strict=True)}


def facts_of(customer_id: str) -> CustomerFacts:
    return read_customer(store.TABLE.get(customer_key(customer_id), consistent=True), customer_id)


class _Taken(Conflict):
    """The coupon is the customer's already."""


def _take(customer_id: str, promotion: Promotion, text: str) -> None:
    limits = promotion.limits
    counter = Spend(
        promotion_id=promotion.id + store.CLAIMS,
        version=promotion.version,
        shard=shard_of(customer_id, limits.shards),
        shards=limits.shards,
        uses_limited=True,
    )
    code = {
        "promotion_id": promotion.id,
        "scope": promotion.scope,
        "limit": limits.per_customer or 1,
        "used": 0,
        "customer_id": customer_id,
    }
    writes = (
        put(code_key(text), code, when=NEW, otherwise=_Taken()),
        _keep(customer_id, text),
        *([take_for_good(counter)] if limits.claims else []),
    )
    with_room(lambda: store.TABLE.transact(*writes), store.TABLE.batch_get, store.TABLE.transact)


def _keep(customer_id: str, code: str) -> Write:
    """A set takes the same code once. Raises TooManyCoupons."""
    return update(
        customer_key(customer_id),
        "ADD claimed :one",
        {":one": {code}, ":most": MAX_COUPONS, ":code": code},
        when="attribute_not_exists(claimed) OR size(claimed) < :most OR contains(claimed, :code)",
        otherwise=TooManyCoupons(f"At most {MAX_COUPONS} coupons can be kept."),
    )


def forget(customer_id: str, codes: Iterable[str]) -> None:
    """Take codes off the list of those that are kept. Repeated, it changes nothing."""
    gone = set(codes)
    if gone:
        store.TABLE.write(update(customer_key(customer_id), "DELETE claimed :gone", {":gone": gone}))


def _codes(texts: Iterable[str]) -> list[Code]:
    found = store.TABLE.batch_get(code_key(text) for text in texts)
    return [read_code(item) for item in found.values()]


def _coupon(code: Code, promotion: Promotion | None, facts: CustomerFacts) -> Coupon:
    return Coupon(code, promotion, _state(code, promotion, facts))


def _state(code: Code, promotion: Promotion | None, facts: CustomerFacts) -> State:
    at = clock.timestamp()
    if promotion is None or promotion.status == ENDED or _is_over(promotion) or (code.until and code.until <= at):
        return "expired"
    mine = promotion.limits.per_customer
    if (code.limit and code.used >= code.limit) or (mine and facts.uses.get(promotion.id, 0) >= mine):
        return "used"
    if promotion.uses_left == 0 or promotion.budget_left == 0:
        return "used"
    return "paused" if promotion.status == PAUSED else "usable"


def _is_over(promotion: Promotion) -> bool:
    ends_at = promotion.conditions.ends_at
    return bool(ends_at) and ends_at <= clock.timestamp()


def _suggestion(
    promotion: Promotion, code: Code | None, goods: list[Goods], facts: CustomerFacts, country: str
) -> Suggestion | None:
    outcome = evaluate(
        goods,
        [promotion],
        codes=[code] if code else (),
        customer=facts,
        country=country,
        currency=goods[0].unit_price.currency,
        at=clock.timestamp(),
    )
    if not outcome.applied and not outcome.gifts:
        return None
    applied, gift = next(iter(outcome.applied), None), next(iter(outcome.gifts), None)
    return Suggestion(promotion, code.code if code else "", applied, gift)


def _goods(offer: Offer) -> Goods:
    return Goods(
        sku=offer.sku,
        product_id=offer.product_id,
        vendor_id=offer.vendor_id,
        category=offer.category,
        quantity=1,
        unit_price=offer.price,
        brand=offer.brand,
    )
