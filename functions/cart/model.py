"""The rules of a cart: one currency, a bounded number of lines and of units in each; and what changes by itself."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cart.contract import (
    MAX_COUPONS,
    MAX_LINES,
    Cart,
    CartFull,
    Coupon,
    Line,
    as_offered,
    obstacle,
    reachable,
    require_room,
)
from inventory.contract import (
    MAX_PER_LINE,
    SHOWN_AT_MOST,
    NotOnSale,
    Offer,
    OutOfStock,
    PriceChanged,
    PurchaseLimitReached,
    limit_reached,
    out_of_stock,
)
from market.errors import Conflict, Unprocessable
from market.money import MAX_AMOUNT, Money

TOO_MANY = "too_many"
"""Code of a difference: a line holds at most MAX_PER_LINE units."""


class MixedCurrencies(Conflict):
    """All lines of a cart are in one currency."""

    code, title = "mixed_currencies", "Mixed currencies"


class CouponNotValid(Unprocessable):
    """There is no such code, or it is over, used up or somebody else's: which of these, nobody learns by trying."""

    code, title = "coupon_not_valid", "This code cannot be used"


class TooManyCoupons(Conflict):
    """An order takes only so many codes; `limit` says how many."""

    code, title = "too_many_coupons", "Too many codes"


class BadGuestToken(Unprocessable):
    """The guest token is not one of ours, or has expired."""

    code, title = "guest_token_invalid", "Invalid guest token"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Where a line is not, or cannot be, what the customer saw or wished.

    code: why, as the refusal of an order would say. wanted: units in the cart, or asked for; got: units that there are,
    that are allowed, or that the cart now has. before, now: prices, where those are the difference.
    """

    sku: str
    code: str
    wanted: int
    got: int
    before: Money | None = None
    now: Money | None = None


def with_line(cart: Cart, offer: Offer | None, sku: str, quantity: int) -> Cart:
    """The cart with exactly `quantity` of the SKU, at today's price; 0 takes the line out.

    Raises NotOnSale, OutOfStock, PurchaseLimitReached, MixedCurrencies or CartFull.
    """
    others = tuple(line for line in cart.lines if line.sku != sku)
    if quantity == 0:
        return replace(cart, lines=others)
    if offer is None or not offer.active:
        raise NotOnSale(f"{sku} is not on sale.", sku=sku)
    if offer.limit and quantity > offer.limit.units:
        raise limit_reached(sku, offer.limit)
    if reachable(offer) < quantity:
        raise out_of_stock(sku, offer.sellable, quantity)
    if any(line.unit_price.currency != offer.price.currency for line in others):
        raise MixedCurrencies(f"This cart is in {others[0].unit_price.currency}, {sku} in {offer.price.currency}.")
    if len(others) >= MAX_LINES:
        raise CartFull(f"A cart holds at most {MAX_LINES} different items.")
    line = _line(offer, quantity, added_price=_added_price(cart, offer))
    require_room((*others, line))
    if line.total.amount + sum(other.total.amount for other in others) > MAX_AMOUNT:
        raise CartFull("A cart costs no more than that.")
    position = next((place for place, old in enumerate(cart.lines) if old.sku == sku), len(others))
    return replace(cart, lines=(*others[:position], line, *others[position:]))


def quantity_of(cart: Cart, sku: str) -> int:
    return next((line.quantity for line in cart.lines if line.sku == sku), 0)


def differences(cart: Cart, offers: Mapping[str, Offer]) -> tuple[Difference, ...]:
    """What has changed by itself since the customer last saw the cart, in the order of its lines.

    A line may differ twice: by its price, and by how much of it can be bought; that is told up to SHOWN_AT_MOST.
    """
    return tuple(found for line in cart.lines for found in _differences(line, offers.get(line.sku)))


def refreshed(cart: Cart, offers: Mapping[str, Offer]) -> Cart:
    """The cart as it can be bought today: at today's prices, with no more than there is, without what is off sale."""
    lines = tuple(
        replace(as_offered(line, offers.get(line.sku)), quantity=quantity)
        for line in cart.lines
        if (quantity := min(line.quantity, _buyable(line, offers.get(line.sku))))
    )
    return cart if lines == cart.lines else replace(cart, lines=lines)


def merged(cart: Cart, other: Cart, offers: Mapping[str, Offer]) -> tuple[Cart, tuple[Difference, ...]]:
    """`cart` with the lines of `other` put in, as many as can be bought, and where that is less than was wished.

    What the cart had stays: where nothing can be added to a line, it is as it was.
    """
    found: list[Difference] = []
    for line in other.lines:
        offer, had = offers.get(line.sku), quantity_of(cart, line.sku)
        wanted = had + line.quantity
        got, code = _granted(offer, wanted)
        if got > had:
            try:
                cart = with_line(cart, offer, line.sku, got)
            except Conflict as refused:
                got, code = had, refused.code
        got = max(got, had)
        if got < wanted:
            found.append(Difference(sku=line.sku, code=code, wanted=wanted, got=got))
        if got > had and offer and offer.price != line.unit_price:
            found.append(_price_change(line, offer))
    return with_coupons_of(cart, other), tuple(found)


def with_coupon(cart: Cart, coupon: Coupon) -> Cart:
    """The cart with the code, in the place of another one of the same promotion. Raises TooManyCoupons."""
    others = tuple(one for one in cart.coupons if one.promotion_id != coupon.promotion_id)
    if len(others) >= MAX_COUPONS:
        raise TooManyCoupons(f"An order takes {MAX_COUPONS} codes.", limit=MAX_COUPONS)
    return replace(cart, coupons=(*others, coupon))


def without_coupons(cart: Cart, code: str) -> Cart:
    """The cart without the code, or, where none is named, without any."""
    return replace(cart, coupons=tuple(one for one in cart.coupons if code and one.code != code))


def with_coupons_of(cart: Cart, other: Cart) -> Cart:
    """The cart with those of the other's codes that there is room for."""
    known = {one.promotion_id for one in cart.coupons}
    more = tuple(one for one in other.coupons if one.promotion_id not in known)
    return replace(cart, coupons=(cart.coupons + more)[:MAX_COUPONS])


def _granted(offer: Offer | None, wanted: int) -> tuple[int, str]:
    """How many of so many can be in a cart, and what the code is of what sets the bound."""
    if offer is None or not offer.active:
        return 0, NotOnSale.code
    bounds = [(wanted, ""), (MAX_PER_LINE, TOO_MANY), (reachable(offer), OutOfStock.code)]
    if offer.limit:
        bounds.append((offer.limit.units, PurchaseLimitReached.code))
    return min(bounds, key=lambda bound: bound[0])


def _differences(line: Line, offer: Offer | None) -> list[Difference]:
    found = []
    problem = obstacle(line, offer)
    if problem and problem.code == NotOnSale.code:
        return [Difference(sku=line.sku, code=problem.code, wanted=line.quantity, got=0)]
    if offer and offer.price != line.unit_price:
        found.append(_price_change(line, offer))
    if problem:
        got = min(_buyable(line, offer), SHOWN_AT_MOST)
        found.append(Difference(sku=line.sku, code=problem.code, wanted=line.quantity, got=got))
    return found


def _price_change(line: Line, offer: Offer) -> Difference:
    units = line.quantity
    return Difference(
        sku=line.sku, code=PriceChanged.code, wanted=units, got=units, before=line.unit_price, now=offer.price
    )


def _buyable(line: Line, offer: Offer | None) -> int:
    """How many a customer could buy of the line's SKU, in the line's currency."""
    if offer is None or not offer.active or offer.price.currency != line.unit_price.currency:
        return 0
    return min(reachable(offer), offer.limit.units) if offer.limit else reachable(offer)


def _line(offer: Offer, quantity: int, *, added_price: Money) -> Line:
    return Line(
        sku=offer.sku,
        product_id=offer.product_id,
        vendor_id=offer.vendor_id,
        title=offer.title[:120],
        quantity=quantity,
        unit_price=offer.price,
        slug=offer.slug,
        image=offer.image,
        category=offer.category,
        brand=offer.brand,
        added_price=added_price,
        limit=offer.limit,
        tax_category=offer.tax_category,
        weight_grams=offer.weight_grams,
        size_mm=offer.size_mm,
        handling=offer.handling,
        available_from=offer.available_from(quantity),
    )


def _added_price(cart: Cart, offer: Offer) -> Money:
    """What the SKU cost when it came into the cart: a line keeps that, whatever its quantity becomes."""
    known = next((line.added_price for line in cart.lines if line.sku == offer.sku), None)
    return known if known and known.currency == offer.price.currency else offer.price
