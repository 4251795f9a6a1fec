"""What checkout may know of a cart, and the write that empties it.

A cart is one item with a version. It can be placed once per version, and it remembers the idempotency keys of its last
orders in the same write, so that a repeated request finds the first answer and never makes a second order.

A line keeps what the customer last saw of its offer: `as_offered` brings it up to date, `obstacle` says what stands in
the way of buying it, `require_room` whether an order of the lines fits one transaction.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from cart.manifest import MANIFEST as MANIFEST
from inventory.contract import MAX_PER_LINE, STANDARD, NotOnSale, Offer, PurchaseLimit, limit_reached, out_of_stock
from market import clock, ids
from market.errors import Conflict, Problem
from market.money import Money
from market.table import MAX_ACTIONS, Item, Key, Write, update

MAX_LINES = 50
MAX_COUPONS = 3
"""As many as one order takes."""
KEPT = timedelta(days=30)
_REMEMBERED = 5
_RESERVED = 15
"""Actions of an order's transaction that are not for its lines: cart, order, event, promotions; some are in reserve.

An order whose promotions write more than that has room for fewer lines: see `require_room`.
"""
_PROMOTION_WRITES = 11
"""Of those in reserve, what promotions may write."""


class CartChanged(Conflict):
    """The cart is not the one that the caller saw; `version` is the present one."""

    code, title = "cart_changed", "The cart has changed"
    by_us = False
    """Whether the very write that was refused had been carried out before: its answer was lost on the way."""


class CartFull(Conflict):
    """More lines, or more limited ones, than one order can have."""

    code, title = "cart_full", "The cart is full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of a SKU, at the price and under the purchase limit that the customer last saw.

    added_price: what it cost when it was put into the cart. tax_category, weight_grams, size_mm: of the offer then, so
    that an order reads no offers; its transaction checks the price. handling: what the offer asked of who sells it
    (`Offer.handling`): only where it is not empty an order must read it. available_from: the day from which so many can
    be sent, empty if they can be today.
    """

    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money
    slug: str = ""
    image: str = ""
    category: str = ""
    brand: str = ""
    added_price: Money | None = None
    limit: PurchaseLimit | None = None
    tax_category: str = STANDARD
    weight_grams: int = 0
    size_mm: tuple[int, ...] = ()
    handling: frozenset[str] = frozenset()
    available_from: str = ""

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was made from this cart: the idempotency key and fingerprint of the request that made it."""

    key: str
    fingerprint: str
    order_id: str


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that the customer has put in, the promotion that it is for, and whose that is."""

    code: str
    promotion_id: str
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A customer's cart; version 0 is one that was never written."""

    customer_id: str
    version: int = 0
    lines: tuple[Line, ...] = ()
    placed: tuple[Placed, ...] = ()
    coupons: tuple[Coupon, ...] = ()

    def order_of(self, key: str) -> Placed | None:
        """The order that the request with this idempotency key made, among the last few."""
        return next((placed for placed in self.placed if placed.key == key), None)


def as_offered(line: Line, offer: Offer | None) -> Line:
    """The line at today's price, category, brand, nature and purchase limit; as it is if it cannot be bought now."""
    if offer is None or offer.price.currency != line.unit_price.currency:
        return line
    return replace(
        line,
        unit_price=offer.price,
        category=offer.category,
        brand=offer.brand,
        limit=offer.limit,
        tax_category=offer.tax_category,
        weight_grams=offer.weight_grams,
        size_mm=offer.size_mm,
        handling=offer.handling,
        available_from=offer.available_from(line.quantity),
    )


def reachable(offer: Offer) -> int:
    """How many units an order may ask for. Of a SKU on shards nobody knows before an order looks at them."""
    return MAX_PER_LINE if offer.shards else offer.sellable


def obstacle(line: Line, offer: Offer | None) -> Problem | None:
    """What stands in the way of buying the line: it is off sale, or there, or allowed, are not so many."""
    if offer is None or not offer.active or offer.price.currency != line.unit_price.currency:
        return NotOnSale(f"{line.sku} is not on sale.", sku=line.sku)
    if offer.limit and line.quantity > offer.limit.units:
        return limit_reached(line.sku, offer.limit)
    if reachable(offer) < line.quantity:
        return out_of_stock(line.sku, offer.sellable, line.quantity)
    return None


def require_room(lines: Iterable[Line], promotion_writes: int = 0) -> None:
    """Raise CartFull for lines that one transaction could not order: each is an action, a limited one is two.

    promotion_writes: what the order's promotions write besides.
    """
    needed = sum(2 if line.limit else 1 for line in lines) + max(0, promotion_writes - _PROMOTION_WRITES)
    if needed > MAX_ACTIONS - _RESERVED:
        raise CartFull("So many different items, some of them limited per customer, take more than one order.")


def cart_key(customer_id: str) -> Key:
    return Key(f"CRT#{customer_id}")


def read_cart(customer_id: str, item: Mapping[str, Any] | None) -> Cart:
    if item is None:
        return Cart(customer_id=customer_id)
    return Cart(
        customer_id=customer_id,
        version=item["version"],
        lines=tuple(_line(line) for line in orjson.loads(item["lines"])),
        placed=tuple(Placed(*placed) for placed in orjson.loads(item["placed"])),
        coupons=tuple(Coupon(*coupon) for coupon in orjson.loads(item.get("coupons", "[]"))),
    )


def write_cart(cart: Cart, *, kept: timedelta = KEPT) -> Write:
    """Save `cart` as the next version, to be `kept` from now, if nobody else did since it was read.

    Raises CartChanged.
    """
    values = {
        ":lines": orjson.dumps([_compact(line) for line in cart.lines]).decode(),
        ":placed": orjson.dumps([[p.key, p.fingerprint, p.order_id] for p in cart.placed]).decode(),
        ":next": cart.version + 1,
        ":until": clock.epoch(kept),
        ":mark": (mark := ids.ulid()),
    }
    when = "attribute_not_exists(version)"
    if cart.version:
        when, values = "version = :seen", values | {":seen": cart.version}

    def refusal(found: Item | None) -> CartChanged:
        changed = CartChanged("The cart was changed meanwhile.", version=found["version"] if found else 0)
        changed.by_us = found is not None and found.get("mark") == mark
        return changed

    coupons = " REMOVE coupons"
    if cart.coupons:
        rows = [[coupon.code, coupon.promotion_id, coupon.scope] for coupon in cart.coupons]
        coupons, values = ", coupons = :coupons", values | {":coupons": orjson.dumps(rows).decode()}
    return update(
        cart_key(cart.customer_id),
        "SET lines = :lines, placed = :placed, version = :next, expires_at = :until, mark = :mark" + coupons,
        values,
        when=when,
        otherwise=refusal,
    )


def save_with(write: Callable[[Write], Item], cart: Cart, *, kept: timedelta = KEPT) -> Cart:
    """Save the cart by a table's `write`, as its next version. Raises CartChanged if it was not us who changed it."""
    try:
        return read_cart(cart.customer_id, write(write_cart(cart, kept=kept)))
    except CartChanged as changed:
        if not changed.by_us:
            raise
        return replace(cart, version=cart.version + 1)


def check_out(cart: Cart, placed: Placed) -> Write:
    """Empty the cart for the order made from it. Raises CartChanged if it is not the same cart any more."""
    return write_cart(replace(cart, lines=(), coupons=(), placed=(placed, *cart.placed)[:_REMEMBERED]))


def _compact(line: Line) -> dict[str, Any]:
    """A line as stored: short names, since a cart is written whole; nothing that is empty."""
    row = {name: getattr(line, name) for name in _TEXTS} | {
        "quantity": line.quantity,
        "m": line.unit_price.amount,
        "c": line.unit_price.currency,
        "a": line.added_price.amount if line.added_price else None,
        "l": [line.limit.units, line.limit.days] if line.limit else None,
        "t": line.tax_category if line.tax_category != STANDARD else None,
        "w": line.weight_grams or None,
        "s": list(line.size_mm) or None,
        "h": sorted(line.handling) or None,
        "f": line.available_from,
    }
    return {name: value for name, value in row.items() if value not in ("", None)}


_TEXTS = ("sku", "product_id", "vendor_id", "title", "slug", "image", "category", "brand")


def _line(stored: dict[str, Any]) -> Line:
    price, currency = stored.pop("m"), stored.pop("c")
    added, limit = stored.pop("a", None), stored.pop("l", None)
    return Line(
        unit_price=Money(price, currency),
        added_price=None if added is None else Money(added, currency),
        limit=PurchaseLimit(*limit) if limit else None,
        tax_category=stored.pop("t", STANDARD),
        weight_grams=stored.pop("w", 0),
        size_mm=tuple(stored.pop("s", ())),
        handling=frozenset(stored.pop("h", ())),
        available_from=stored.pop("f", ""),
        **stored,
    )
