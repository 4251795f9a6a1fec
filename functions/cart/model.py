"""The rules of a cart: one currency, a bounded number of lines and of units in each."""

from dataclasses import replace

from cart.contract import MAX_LINES, Cart, Line
from inventory.contract import NotOnSale, Offer, out_of_stock
from market.errors import Conflict
from market.money import MAX_AMOUNT


class CartFull(Conflict):
    code, title = "cart_full", "The cart is full"


class MixedCurrencies(Conflict):
    """All lines of a cart are in one currency."""

    code, title = "mixed_currencies", "Mixed currencies"


def with_line(cart: Cart, offer: Offer | None, sku: str, quantity: int) -> Cart:
    """The cart with exactly `quantity` of the SKU, at today's price; 0 takes the line out.

    Raises NotOnSale, OutOfStock, MixedCurrencies or CartFull.
    """
    others = tuple(line for line in cart.lines if line.sku != sku)
    if quantity == 0:
        return replace(cart, lines=others)
    if offer is None or not offer.active:
        raise NotOnSale(f"{sku} is not on sale.", sku=sku)
    if offer.available < quantity:
        raise out_of_stock(sku, offer.available, quantity)
    if any(line.unit_price.currency != offer.price.currency for line in others):
        raise MixedCurrencies(f"This cart is in {others[0].unit_price.currency}, {sku} in {offer.price.currency}.")
    if len(others) >= MAX_LINES:
        raise CartFull(f"A cart holds at most {MAX_LINES} different items.")
    line = Line(
        sku=sku,
        product_id=offer.product_id,
        vendor_id=offer.vendor_id,
        title=offer.title[:120],
        quantity=quantity,
        unit_price=offer.price,
        slug=offer.slug,
        image=offer.image,
    )
    if line.total.amount + sum(other.total.amount for other in others) > MAX_AMOUNT:
        raise CartFull("A cart costs no more than that.")
    position = next((place for place, old in enumerate(cart.lines) if old.sku == sku), len(others))
    return replace(cart, lines=(*others[:position], line, *others[position:]))


def quantity_of(cart: Cart, sku: str) -> int:
    return next((line.quantity for line in cart.lines if line.sku == sku), 0)
