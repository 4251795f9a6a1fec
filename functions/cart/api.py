"""Routes of the cart: the signed-in customer's own, and nobody else's."""

from typing import Annotated

from pydantic import Field

from cart import service, store
from cart.contract import Cart, CartChanged, Line
from cart.manifest import MANIFEST
from cart.model import CartFull, MixedCurrencies
from inventory.contract import MAX_PER_LINE, NotOnSale, Offer, OutOfStock, Sku
from market.errors import PreconditionFailed
from market.http import CUSTOMER, Body, Response, ServiceApi, View, reply
from market.money import Money, total

api = ServiceApi(MANIFEST)
handler = api.handler

REFUSALS = [OutOfStock, NotOnSale, MixedCurrencies, CartFull, CartChanged, PreconditionFailed]


class NewLine(Body):
    sku: Sku
    quantity: Annotated[int, Field(strict=True, ge=1, le=MAX_PER_LINE)]


class Quantity(Body):
    quantity: Annotated[int, Field(strict=True, ge=0, le=MAX_PER_LINE)]


class LineView(View):
    sku: str
    product_id: str
    vendor_id: str
    title: str
    slug: str
    image: str
    quantity: int
    unit_price: Money
    total: Money
    price_now: Money | None = Field(None, description="Today's price, where it is not `unitPrice`.")
    problem: str | None = Field(
        None, description="`out_of_stock` or `not_on_sale`: why this line cannot be bought as it is."
    )

    @classmethod
    def of(cls, line: Line, offer: Offer | None, *, compared: bool) -> "LineView":
        problem = None
        if compared and (offer is None or not offer.active):
            problem = NotOnSale.code
        elif compared and offer and offer.available < line.quantity:
            problem = OutOfStock.code
        changed = offer.price if offer and offer.price != line.unit_price else None
        return cls(
            sku=line.sku, product_id=line.product_id, vendor_id=line.vendor_id, title=line.title, slug=line.slug,
            image=line.image, quantity=line.quantity, unit_price=line.unit_price, total=line.total,
            price_now=changed, problem=problem,
        )  # fmt: skip


class CartView(View):
    version: int = Field(
        description="Send it with the order: an order is made from the cart that you saw, or not at all."
    )
    lines: list[LineView]
    subtotal: Money | None = Field(description="Sum of the lines; absent while the cart is empty.")

    @classmethod
    def of(cls, cart: Cart, offers: dict[str, Offer] | None = None) -> "CartView":
        lines = [LineView.of(line, (offers or {}).get(line.sku), compared=offers is not None) for line in cart.lines]
        subtotal = total((line.total for line in cart.lines), cart.lines[0].unit_price.currency) if cart.lines else None
        return cls(version=cart.version, lines=lines, subtotal=subtotal)


@api.get("/v1/cart", callers=[CUSTOMER])
def show() -> Response[CartView]:
    """The cart, each line compared with today's price and stock."""
    cart = store.get(api.caller.id)
    return reply(CartView.of(cart, store.offers(cart)), version=cart.version)


@api.post("/v1/cart/items", callers=[CUSTOMER], status=201, problems=REFUSALS)
def add(line: NewLine) -> Response[CartView]:
    """Put so many more of a SKU into the cart."""
    cart = service.add(api.caller.id, line.sku, line.quantity, seen=api.require_match)
    return reply(CartView.of(cart), status=201, version=cart.version)


@api.patch("/v1/cart/items/<sku>", callers=[CUSTOMER], problems=REFUSALS)
def change(sku: str, line: Quantity) -> Response[CartView]:
    """Make it exactly so many; 0 takes the line out."""
    cart = service.set_quantity(api.caller.id, sku, line.quantity, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)


@api.delete("/v1/cart/items/<sku>", callers=[CUSTOMER])
def remove(sku: str) -> Response[CartView]:
    """Take a line out."""
    cart = service.set_quantity(api.caller.id, sku, 0, seen=api.require_match)
    return reply(CartView.of(cart), version=cart.version)
