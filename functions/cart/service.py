"""What a customer does with a cart. Two devices may do it at once: the later starts over from what the first left."""

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cart import model, store
from cart.contract import Cart, CartChanged, Coupon
from cart.model import CouponNotValid, Difference
from inventory.contract import MAX_PER_LINE, Offer
from market import clock
from market.errors import NotFound, Unprocessable
from promotions.contract import normalised, redeemable

_ATTEMPTS = 5
Change = Callable[[Cart, Offer | None], Cart]
Compared = tuple[Cart, tuple[Difference, ...]]
"""A cart, and where it differs from what the customer saw or wished."""
Seen = Callable[[int], None]
T = TypeVar("T")


def compare(customer_id: str) -> Compared:
    """The cart as the customer left it, and what has changed by itself since; nothing is written."""
    cart = store.get(customer_id)
    return cart, model.differences(cart, store.offers(cart))


def add(customer_id: str, sku: str, quantity: int, *, seen: Seen) -> Cart:
    """Put `quantity` more of the SKU into the cart. `seen` may refuse the version that is found."""

    def change(cart: Cart, offer: Offer | None) -> Cart:
        wanted = model.quantity_of(cart, sku) + quantity
        if wanted > MAX_PER_LINE:
            raise Unprocessable(f"A line holds at most {MAX_PER_LINE} units.")
        return model.with_line(cart, offer, sku, wanted)

    return _change(customer_id, sku, change, seen)


def set_quantity(customer_id: str, sku: str, quantity: int, *, seen: Seen) -> Cart:
    """Make it exactly `quantity` of a SKU that is in the cart; 0 takes it out. Raises NotFound if it is not there."""

    def change(cart: Cart, offer: Offer | None) -> Cart:
        if not model.quantity_of(cart, sku):
            raise NotFound(f"{sku} is not in the cart.")
        return model.with_line(cart, offer, sku, quantity)

    return _change(customer_id, sku, change, seen)


def apply_coupon(customer_id: str, text: str, *, seen: Seen) -> Cart:
    """Put a code into the cart, however it is spelt. What it gives, the checkout's summary says.

    Raises CouponNotValid or TooManyCoupons. One that is there already changes nothing.
    """
    code = normalised(text)

    def attempt() -> Cart:
        if not code:
            raise CouponNotValid("This code cannot be used.")
        cart, found = store.with_code(customer_id, code)
        seen(cart.version)
        promotion = store.promotion(found.promotion_id) if found.promotion_id else None
        if promotion is None or not redeemable(found, promotion, customer_id, clock.timestamp()):
            raise CouponNotValid("This code cannot be used.")
        changed = model.with_coupon(cart, Coupon(found.code, promotion.id, promotion.scope))
        return cart if changed.coupons == cart.coupons else store.save(changed)

    return _until_settled(attempt)


def remove_coupon(customer_id: str, text: str, *, seen: Seen) -> Cart:
    """Take a code out of the cart; all of them where none is named."""

    def attempt() -> Cart:
        cart = store.get(customer_id)
        seen(cart.version)
        changed = model.without_coupons(cart, normalised(text))
        return cart if changed == cart else store.save(changed)

    return _until_settled(attempt)


def refresh(customer_id: str, *, seen: Seen) -> Compared:
    """Take over what has changed by itself: prices, fewer units, what is gone. Answers the new cart and the changes."""

    def attempt() -> Compared:
        cart = store.get(customer_id)
        seen(cart.version)
        offers = store.offers(cart)
        found, fresh = model.differences(cart, offers), model.refreshed(cart, offers)
        if fresh != cart:
            fresh = store.save(fresh)
        return fresh, tuple(replace(one, got=model.quantity_of(fresh, one.sku)) for one in found)

    return _until_settled(attempt)


def merge(customer_id: str, guest_id: str) -> Compared:
    """Move a guest's lines into the customer's cart, as far as they can be bought, and empty the guest's, at once.

    Repeating it changes nothing: the guest's cart is empty by then. Answers the cart and where it is less than wished.
    """

    def attempt() -> Compared:
        cart, left = store.both(customer_id, guest_id)
        if not left.lines and not left.coupons:
            return cart, ()
        whole, found = model.merged(cart, left, store.offers(left))
        return store.save_merged(whole, left), found

    return _until_settled(attempt)


def _change(customer_id: str, sku: str, change: Change, seen: Seen) -> Cart:
    def attempt() -> Cart:
        cart, offer = store.with_offer(customer_id, sku)
        seen(cart.version)
        return store.save(change(cart, offer))

    return _until_settled(attempt)


def _until_settled(attempt: Callable[[], T]) -> T:
    """Repeat what another device has got in the way of. Raises CartChanged if it keeps doing so."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return attempt()
        except CartChanged:
            continue
    return attempt()
