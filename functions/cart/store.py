"""Reads and writes of carts, and reads of the offers in them."""

from dataclasses import replace
from datetime import timedelta

from cart.contract import Cart, cart_key, read_cart, save_with, write_cart
from cart.manifest import MANIFEST
from inventory.contract import MANIFEST as INVENTORY
from inventory.contract import Offer, read_offer, stock_key
from market import config
from market.table import Table, delete
from promotions.contract import MANIFEST as PROMOTIONS
from promotions.contract import Code, Promotion, code_key, promotion_key, read_code, read_promotion

_table = Table(MANIFEST, INVENTORY, PROMOTIONS)


def get(customer_id: str) -> Cart:
    return read_cart(customer_id, _table.get(cart_key(customer_id), consistent=True))


def both(customer_id: str, guest_id: str) -> tuple[Cart, Cart]:
    """Two carts in one call."""
    found = _table.batch_get([cart_key(customer_id), cart_key(guest_id)], consistent=True)
    return read_cart(customer_id, found.get(cart_key(customer_id))), read_cart(guest_id, found.get(cart_key(guest_id)))


def with_offer(customer_id: str, sku: str) -> tuple[Cart, Offer | None]:
    """The cart and the offer of one SKU, in one call."""
    key, stock = cart_key(customer_id), stock_key(sku)
    found = _table.batch_get([key, stock], consistent=True)
    return read_cart(customer_id, found.get(key)), read_offer(found[stock]) if stock in found else None


def offers(cart: Cart) -> dict[str, Offer]:
    """The present offers of a cart's SKUs, by SKU."""
    found = _table.batch_get(stock_key(line.sku) for line in cart.lines)
    return {offer.sku: offer for offer in map(read_offer, found.values())}


def with_code(customer_id: str, code: str) -> tuple[Cart, Code]:
    """The cart and the code, one that is nobody's if there is none, in one call."""
    key, place = cart_key(customer_id), code_key(code)
    found = _table.batch_get([key, place], consistent=True)
    return read_cart(customer_id, found.get(key)), read_code(found.get(place), code)


def promotion(promotion_id: str) -> Promotion | None:
    item = _table.get(promotion_key(promotion_id))
    return read_promotion(item) if item else None


def save(cart: Cart) -> Cart:
    """Save the cart as its next version. Raises CartChanged."""
    return save_with(_table.write, cart, kept=_kept())


def save_merged(cart: Cart, emptied: Cart) -> Cart:
    """Save the cart with the lines of the other, and that one without: both or neither. Raises CartChanged."""
    _table.transact(write_cart(cart, kept=_kept()), write_cart(replace(emptied, lines=(), coupons=()), kept=_kept()))
    return replace(cart, version=cart.version + 1)


def remove(customer_id: str) -> None:
    """Leave nothing of the cart, not even its version."""
    _table.write(delete(cart_key(customer_id)))


def _kept() -> timedelta:
    """How long a cart that nobody touches is kept."""
    return timedelta(days=config.number("CART_TTL_DAYS"))
