"""Routes of stock: everybody learns whether there is some, vendors how much of their own, and set it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field, model_validator

from inventory import store
from inventory.contract import MAX_STOCK, Offer, public_stock
from inventory.manifest import MANIFEST
from inventory.store import NotSoMany, StockChanged
from market.errors import NotFound
from market.http import ANYONE, STAFF, VENDOR, Body, Response, ServiceApi, View, reply
from market.money import Money

api = ServiceApi(MANIFEST)
handler = api.handler

PUBLIC_SECONDS = 5
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)]
Step = Annotated[int, Field(strict=True, ge=-MAX_STOCK, le=MAX_STOCK)]


class StockChange(Body):
    """Either `available`, the new count (only if it was `expected` before, where sent), or `adjust` by so many."""

    available: Count | None = None
    expected: Count | None = None
    adjust: Step | None = None

    @model_validator(mode="after")
    def _one_way(self) -> "StockChange":
        if (self.available is None) == (self.adjust is None):
            raise ValueError("send either available or adjust")
        if self.adjust is not None and self.expected is not None:
            raise ValueError("expected goes with available")
        return self


class PublicStock(View):
    """`available` is exact up to 10; 10 means ten or more."""

    sku: str
    in_stock: bool
    available: int


class StockView(View):
    """`onHand` is `available + held`; held units belong to orders that are being paid."""

    sku: str
    product_id: str
    title: str
    price: Money
    is_active: bool
    available: int
    held: int
    on_hand: int

    @classmethod
    def of(cls, offer: Offer) -> "StockView":
        return cls(
            sku=offer.sku,
            product_id=offer.product_id,
            title=offer.title,
            price=offer.price,
            is_active=offer.active,
            available=offer.available,
            held=offer.held,
            on_hand=offer.available + offer.held,
        )


class StockList(View):
    items: list[StockView]
    next_cursor: str | None = None


@api.get("/v1/inventory/<sku>", callers=[ANYONE])
def show_public(sku: str) -> Response[PublicStock]:
    """Whether a SKU on sale is available; how many, the public learns only up to ten."""
    offer = store.find(sku)
    if offer is None or not offer.active:
        raise NotFound("There is no such SKU on sale.")
    return reply(PublicStock.model_validate({"sku": sku} | public_stock(offer.available)), cache_seconds=PUBLIC_SECONDS)


@api.get("/v1/vendors/<vendor_id>/inventory", callers=[VENDOR, STAFF])
def list_stock(
    vendor_id: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response[StockList]:
    """The vendor's stock in the order of SKUs, exact."""
    api.caller.require_vendor(vendor_id)
    page = store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(StockList(items=[StockView.of(offer) for offer in page.offers], next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/inventory/<sku>", callers=[VENDOR, STAFF])
def show(vendor_id: str, sku: str) -> Response[StockView]:
    """One SKU of the vendor, exact."""
    api.caller.require_vendor(vendor_id)
    return reply(StockView.of(store.get(sku, vendor_id=vendor_id)))


@api.patch("/v1/vendors/<vendor_id>/inventory/<sku>", callers=[VENDOR, STAFF], problems=[StockChanged, NotSoMany])
def change(vendor_id: str, sku: str, body: StockChange) -> Response[StockView]:
    """Count anew or adjust what is available; it never becomes negative, and held units stay held."""
    api.caller.require_vendor(vendor_id)
    if body.adjust is not None:
        offer = store.adjust(sku, vendor_id=vendor_id, by=body.adjust)
    else:
        offer = store.count(sku, vendor_id=vendor_id, available=body.available or 0, expected=body.expected)
    return reply(StockView.of(offer))
