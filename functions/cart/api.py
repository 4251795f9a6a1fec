"""Routes of the cart: the customer's own or the guest's own, and nobody else's; and of becoming a guest."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from cart import service
from cart.contract import Cart, CartChanged, CartFull, Line
from cart.manifest import MANIFEST
from cart.model import BadGuestToken, CouponNotValid, Difference, MixedCurrencies, TooManyCoupons
from inventory.contract import MAX_PER_LINE, NotOnSale, OutOfStock, PurchaseLimitReached, Sku
from market.errors import PreconditionFailed
from market.http import (
    ANYONE,
    CUSTOMER,
    GUEST,
    Body,
    OneLine,
    Response,
    ServiceApi,
    View,
    guest_of,
    new_guest,
    reply,
)
from market.money import Money, total

api = ServiceApi(MANIFEST)
handler = api.handler

OWNERS = [CUSTOMER, GUEST]
REFUSALS = [
    OutOfStock, NotOnSale, PurchaseLimitReached, MixedCurrencies, CartFull, CartChanged, PreconditionFailed,
]  # fmt: skip
PromotionCode = Annotated[str, Query(max_length=80)]
NOT_SO_MANY = frozenset({OutOfStock.code, NotOnSale.code, PurchaseLimitReached.code})


class NewLine(Body):
    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_PER_LINE)]


class Quantity(Body):
    quantity: Annotated[int, Field(strict=True, ge=0, le=MAX_PER_LINE)]


class CouponForm(Body):
    code: Annotated[OneLine, Field(min_length=1, max_length=80, description="As people write it.")]


class MergeRequest(Body):
    guest_token: Annotated[str, Field(min_length=1, max_length=200, description="What the guest's routes were sent.")]


class GuestView(View):
    """Somebody without an account: send `guestToken` as the header `Guest-Token` to the routes below `/v1/guest/`."""

    guest_token: str


class DifferenceView(View):
    sku: str
    code: str = Field(
        description="`price_changed`, or why there are fewer than wanted: `out_of_stock`, `not_on_sale`, "
        "`purchase_limit`, `too_many`, `mixed_currencies`, `cart_full`."
    )
    wanted: int
    got: int = Field(description="Units that can be had (of a stock 10 means ten or more), or that the cart now has.")
    before: Money | None = None
    now: Money | None = None

    @classmethod
    def of(cls, difference: Difference) -> "DifferenceView":
        return cls(
            sku=difference.sku, code=difference.code, wanted=difference.wanted, got=difference.got,
            before=difference.before, now=difference.now,
        )  # fmt: skip


class LineView(View):
    sku: str
    product_id: str
    vendor_id: str
    title: str
    slug: str
    image: str
    category: str
    quantity: int
    unit_price: Money
    total: Money
    price_at_add: Money | None = Field(None, description="What it cost when it came into the cart.")
    max_per_customer: int | None = Field(None, description="How many one customer may buy, where that is limited.")
    price_now: Money | None = Field(None, description="Today's price, where it is not `unitPrice`.")
    available_from: str | None = Field(None, description="The day from which so many can be sent; absent for today.")
    problem: str | None = Field(
        None, description="`out_of_stock`, `purchase_limit` or `not_on_sale`: why it cannot be bought as it is."
    )

    @classmethod
    def of(cls, line: Line, found: tuple[Difference, ...]) -> "LineView":
        mine = [difference for difference in found if difference.sku == line.sku]
        return cls(
            sku=line.sku, product_id=line.product_id, vendor_id=line.vendor_id, title=line.title, slug=line.slug,
            image=line.image, category=line.category, quantity=line.quantity, unit_price=line.unit_price,
            total=line.total, price_at_add=line.added_price, max_per_customer=line.limit.units if line.limit else None,
            price_now=next((difference.now for difference in mine if difference.now), None),
            available_from=line.available_from or None,
            problem=next((difference.code for difference in mine if difference.code in NOT_SO_MANY), None),
        )  # fmt: skip


class CartView(View):
    version: int = Field(
        description="Send it with the order: an order is made from the cart that you saw, or not at all."
    )
    lines: list[LineView]
    coupons: list[str] | None = Field(None, description="Codes; the checkout's summary says what they give.")
    subtotal: Money | None = Field(None, description="Sum of the lines; absent while the cart is empty.")
    differences: list[DifferenceView] | None = Field(
        None, description="What is not as it was when you last saw the cart, or not as you wished; absent if nothing."
    )

    @classmethod
    def of(cls, cart: Cart, found: tuple[Difference, ...] = (), *, settled: bool = True) -> "CartView":
        """settled: the cart is what the differences led to, and nothing is in the way of its lines."""
        lines = [LineView.of(line, () if settled else found) for line in cart.lines]
        subtotal = total((line.total for line in cart.lines), cart.lines[0].unit_price.currency) if cart.lines else None
        told = list(map(DifferenceView.of, found)) or None
        codes = [coupon.code for coupon in cart.coupons] or None
        return cls(version=cart.version, lines=lines, coupons=codes, subtotal=subtotal, differences=told)


@api.post("/v1/guests", callers=[ANYONE], limit="guest", status=201)
def become_guest() -> Response[GuestView]:
    """A new guest, with a cart and orders of its own, for ninety days. Nothing is stored."""
    return reply(GuestView(guest_token=new_guest()), status=201)


@api.get("/v1/cart", callers=OWNERS)
def show() -> Response[CartView]:
    """The cart as it was left, each line compared with today's price, stock and purchase limit."""
    cart, found = service.compare(api.caller.id)
    return reply(CartView.of(cart, found, settled=False), version=cart.version)


@api.post("/v1/cart/items", callers=OWNERS, status=201, problems=REFUSALS)
def add(line: NewLine) -> Response[CartView]:
    """Put so many more of a SKU into the cart."""
    cart = service.add(api.caller.id, line.sku, line.quantity, seen=api.require_match)
    return reply(CartView.of(cart), status=201, version=cart.version)


@api.patch("/v1/cart/items/<sku>", callers=OWNERS, problems=REFUSALS)
def change(sku: str, line: Quantity) -> Response[CartView]:
    """Make it exactly so many; 0 takes the line out."""
    cart = service.set_quantity(api.caller.id, sku, line.quantity, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)


@api.delete("/v1/cart/items/<sku>", callers=OWNERS, problems=[CartChanged, PreconditionFailed])
def remove(sku: str) -> Response[CartView]:
    """Take a line out."""
    cart = service.set_quantity(api.caller.id, sku, 0, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)


@api.post(
    "/v1/cart/apply-coupon",
    callers=OWNERS,
    limit="coupon",
    problems=[CouponNotValid, TooManyCoupons, CartChanged, PreconditionFailed],
)
def apply_coupon(coupon: CouponForm) -> Response[CartView]:
    """Put a promotion's code into the cart, in the place of another code of the same promotion.

    What it gives, and why it may give nothing, the checkout's summary says.
    """
    cart = service.apply_coupon(api.caller.id, coupon.code, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)


@api.delete("/v1/cart/coupon", callers=OWNERS, problems=[CartChanged, PreconditionFailed])
def remove_coupon(code: PromotionCode = "") -> Response[CartView]:
    """Take a code out of the cart, or, where none is named, all of them."""
    cart = service.remove_coupon(api.caller.id, code, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)


@api.post("/v1/cart/refresh", callers=OWNERS, problems=[CartChanged, PreconditionFailed])
def refresh() -> Response[CartView]:
    """Accept what has changed: today's prices, as many as there are, without what is gone. Says what that was."""
    cart, found = service.refresh(api.caller.id, seen=api.require_match)
    return reply(CartView.of(cart, found), version=cart.version)


@api.post("/v1/cart/merge", callers=[CUSTOMER], problems=[BadGuestToken, CartChanged])
def merge(guest: MergeRequest) -> Response[CartView]:
    """Move a guest's cart into the customer's after signing in; `differences` says where that gave less than wished.

    Repeating it changes nothing.
    """
    guest_id = guest_of(guest.guest_token)
    if not guest_id:
        raise BadGuestToken("This guest token is not one of ours, or has expired.")
    cart, found = service.merge(api.caller.id, guest_id)
    return reply(CartView.of(cart, found), version=cart.version)
