"""Routes of checkout and orders."""

from typing import Annotated, Literal

from pydantic import Field

from cart.contract import CartChanged
from inventory.contract import NotOnSale, OutOfStock, PriceChanged
from market.errors import IdempotencyKeyReused, MissingIdempotencyKey
from market.http import (
    CUSTOMER,
    STAFF,
    VENDOR,
    Body,
    Cursor,
    Limit,
    OneLine,
    Response,
    ServiceApi,
    reply,
)
from market.money import Money
from orders import model, service, store
from orders.contract import id_of
from orders.manifest import MANIFEST
from orders.views import OrderPage, OrderView, SummaryView, VendorOrderPage, VendorOrderView

api = ServiceApi(MANIFEST)
handler = api.handler

Text = Annotated[OneLine, Field(min_length=1, max_length=120)]
Method = Literal["standard", "express"]


class Address(Body):
    """Where the goods go."""

    name: Text
    line1: Text
    line2: Annotated[OneLine, Field(max_length=120)] | None = None
    city: Text
    state: Annotated[OneLine, Field(max_length=60)] | None = None
    postal_code: Annotated[str, Field(min_length=2, max_length=12, pattern=r"^[A-Za-z0-9][A-Za-z0-9 -]*$")]
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2", examples=["DE"])]
    phone: Annotated[str | None, Field(pattern=r"^\+?[0-9 ()-]{5,24}$")] = None


class SummaryRequest(Body):
    shipping_method: Method = "standard"


class OrderRequest(Body):
    """What the customer saw: the cart in this version, for this total."""

    cart_version: Annotated[int, Field(strict=True, ge=1)]
    expected_total: Money
    shipping_address: Address
    shipping_method: Method = "standard"


@api.post("/v1/checkout/summary", callers=[CUSTOMER], problems=[model.CartEmpty, CartChanged])
def summarize(request: SummaryRequest) -> SummaryView:
    """What the cart costs, line by line, and what stands in the way of buying it."""
    return SummaryView.of(service.summarize(api.caller.id, request.shipping_method))


@api.post(
    "/v1/orders",
    callers=[CUSTOMER],
    status=201,
    problems=[
        MissingIdempotencyKey, IdempotencyKeyReused, CartChanged, model.CartEmpty, model.TotalChanged,
        OutOfStock, PriceChanged, NotOnSale,
    ],
)  # fmt: skip
def place(request: OrderRequest) -> Response[OrderView]:
    """Order the cart. Stock is held until the payment is made or the hold ends. Needs an `Idempotency-Key`."""
    wish = service.Request(
        cart_version=request.cart_version,
        expected_total=request.expected_total,
        shipping_method=request.shipping_method,
        address=request.shipping_address.model_dump(exclude_none=True, by_alias=True),
    )
    return reply(OrderView.of(service.place(api.caller.id, wish, api.idempotency())), status=201)


@api.get("/v1/orders/<order_no>", callers=[CUSTOMER])
def show(order_no: str) -> Response[OrderView]:
    """One of the caller's orders."""
    return reply(OrderView.of(store.get(api.caller.id, id_of(order_no), consistent=True)))


@api.post("/v1/orders/<order_no>/cancellation", callers=[CUSTOMER], status=202, problems=[model.NotCancellable])
def cancel(order_no: str) -> Response[OrderView]:
    """Cancel an order that is not paid yet. In a moment it shows `cancelled`, its stock is back, nothing is charged."""
    return reply(OrderView.of(service.cancel(api.caller.id, id_of(order_no))), status=202)


@api.get("/v1/me/orders", callers=[CUSTOMER])
def mine(limit: Limit = 20, cursor: Cursor = None) -> Response[OrderPage]:
    """The caller's orders, the newest first."""
    orders, following = store.of_customer(api.caller.id, limit=limit, cursor=cursor)
    return reply(OrderPage(items=[OrderView.of(order) for order in orders], next_cursor=following))


@api.get("/v1/vendors/<vendor_id>/orders", callers=[VENDOR, STAFF])
def of_vendor(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[VendorOrderPage]:
    """A vendor's parts of paid orders, the newest first."""
    api.caller.require_vendor(vendor_id)
    page = store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(VendorOrderPage(items=list(map(VendorOrderView.of, page.items)), next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/orders/<order_no>", callers=[VENDOR, STAFF])
def vendor_order(vendor_id: str, order_no: str) -> Response[VendorOrderView]:
    """A vendor's part of one paid order."""
    api.caller.require_vendor(vendor_id)
    return reply(VendorOrderView.of(store.vendor_order(vendor_id, id_of(order_no))))
