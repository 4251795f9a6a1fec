"""What checkout may know of a cart, and the write that empties it.

A cart is one item with a version. It can be placed once per version, and it remembers the idempotency keys of its last
orders in the same write, so that a repeated request finds the first answer and never makes a second order.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from typing import Any

import orjson

from cart.manifest import MANIFEST as MANIFEST
from market import clock, ids
from market.errors import Conflict
from market.money import Money
from market.table import Item, Key, Write, update

MAX_LINES = 50
KEPT = timedelta(days=30)
_REMEMBERED = 5


class CartChanged(Conflict):
    """The cart is not the one that the caller saw; `version` is the present one."""

    code, title = "cart_changed", "The cart has changed"
    by_us = False
    """Whether the very write that was refused had been carried out before: its answer was lost on the way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many of a SKU, at the price that the customer last saw."""

    sku: str
    product_id: str
    vendor_id: str
    title: str
    quantity: int
    unit_price: Money
    slug: str = ""
    image: str = ""

    @property
    def total(self) -> Money:
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Placed:
    """An order that was made from this cart: the idempotency key and fingerprint of the request that made it."""

    key: str
    fingerprint: str
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """A customer's cart; version 0 is one that was never written."""

    customer_id: str
    version: int = 0
    lines: tuple[Line, ...] = ()
    placed: tuple[Placed, ...] = ()

    def order_of(self, key: str) -> Placed | None:
        """The order that the request with this idempotency key made, among the last few."""
        return next((placed for placed in self.placed if placed.key == key), None)


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
    )


def write_cart(cart: Cart) -> Write:
    """Save `cart` as the next version, if nobody else did since it was read. Raises CartChanged."""
    values = {
        ":lines": orjson.dumps([_compact(line) for line in cart.lines]).decode(),
        ":placed": orjson.dumps([[p.key, p.fingerprint, p.order_id] for p in cart.placed]).decode(),
        ":next": cart.version + 1,
        ":until": clock.epoch(KEPT),
        ":mark": (mark := ids.ulid()),
    }
    when = "attribute_not_exists(version)"
    if cart.version:
        when, values = "version = :seen", values | {":seen": cart.version}

    def refusal(found: Item | None) -> CartChanged:
        changed = CartChanged("The cart was changed meanwhile.", version=found["version"] if found else 0)
        changed.by_us = found is not None and found.get("mark") == mark
        return changed

    return update(
        cart_key(cart.customer_id),
        "SET lines = :lines, placed = :placed, version = :next, expires_at = :until, mark = :mark",
        values,
        when=when,
        otherwise=refusal,
    )


def save_with(write: Callable[[Write], Item], cart: Cart) -> Cart:
    """Save the cart by a table's `write`, as its next version. Raises CartChanged if it was not us who changed it."""
    try:
        return read_cart(cart.customer_id, write(write_cart(cart)))
    except CartChanged as changed:
        if not changed.by_us:
            raise
        return replace(cart, version=cart.version + 1)


def check_out(cart: Cart, placed: Placed) -> Write:
    """Empty the cart for the order made from it. Raises CartChanged if it is not the same cart any more."""
    return write_cart(replace(cart, lines=(), placed=(placed, *cart.placed)[:_REMEMBERED]))


def _compact(line: Line) -> dict[str, Any]:
    fields = asdict(line)
    return {"m": fields.pop("unit_price")["amount"], "c": line.unit_price.currency} | fields


def _line(stored: dict[str, Any]) -> Line:
    return Line(unit_price=Money(stored.pop("m"), stored.pop("c")), **stored)
