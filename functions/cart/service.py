"""What a customer does with a cart. Two devices may do it at once: the later starts over from what the first left."""

from collections.abc import Callable

from cart import model, store
from cart.contract import Cart, CartChanged
from inventory.contract import MAX_PER_LINE, Offer
from market.errors import NotFound, Unprocessable

_ATTEMPTS = 5
Change = Callable[[Cart, Offer | None], Cart]
Seen = Callable[[int], None]


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


def _change(customer_id: str, sku: str, change: Change, seen: Seen) -> Cart:
    for attempt in range(_ATTEMPTS):
        try:
            cart, offer = store.with_offer(customer_id, sku)
            seen(cart.version)
            return store.save(change(cart, offer))
        except CartChanged:
            if attempt == _ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")
