"""Routes of stock: everybody learns whether there is some, vendors how much of their own, and set it."""

from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field, model_validator

from inventory import store
from inventory.contract import MAX_PER_LINE, MAX_STOCK, Offer, PurchaseLimit, public_stock
from inventory.manifest import MANIFEST
from inventory.store import Change, NotSoMany, StockChanged
from market.errors import NotFound
from market.http import ANYONE, KEY, STAFF, VENDOR, Body, Response, ServiceApi, View, reply
from market.money import Money

api = ServiceApi(MANIFEST)
handler = api.handler

PUBLIC_SECONDS = 5
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)]
Step = Annotated[int, Field(strict=True, ge=-MAX_STOCK, le=MAX_STOCK)]


class StockChange(Body):
    """Either `available`, the new count (only if it was `expected` before, where sent), or `adjust` by so many.

    With it, or alone: `maxPerCustomer`, how many one customer may buy, within each `limitDays` days or, without them,
    ever; null lifts the limit.
    """

    available: Count | None = None
    expected: Count | None = None
    adjust: Step | None = None
    max_per_customer: Annotated[int, Field(strict=True, ge=1, le=MAX_PER_LINE)] | None = None
    limit_days: Annotated[int, Field(strict=True, ge=1, le=3_650)] | None = None

    @property
    def tells_limit(self) -> bool:
        return "max_per_customer" in self.model_fields_set

    @model_validator(mode="after")
    def _one_way(self) -> "StockChange":
        counts = [self.available is not None, self.adjust is not None]
        if all(counts) or not (any(counts) or self.tells_limit):
            raise ValueError("send either available or adjust, or maxPerCustomer")
        if self.available is None and self.expected is not None:
            raise ValueError("expected goes with available")
        if self.max_per_customer is None and self.limit_days is not None:
            raise ValueError("limitDays goes with maxPerCustomer")
        return self

    def changes(self) -> list[Change]:
        found = []
        if self.adjust is not None:
            found.append(store.adjusted(self.adjust))
        if self.available is not None:
            found.append(store.counted(self.available, self.expected))
        if self.tells_limit:
            limit = PurchaseLimit(self.max_per_customer, self.limit_days or 0) if self.max_per_customer else None
            found.append(store.limited(limit))
        return found


class PublicStock(View):
    """`available` is exact up to 10; 10 means ten or more.

    One customer may buy `maxPerCustomer`, within `limitDays` days where they are told; absent where nothing is limited.
    """

    sku: str
    in_stock: bool
    available: int
    max_per_customer: int | None = None
    limit_days: int | None = None


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
    max_per_customer: int | None = None
    limit_days: int | None = None

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
            **_limit(offer),
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
    view = PublicStock.model_validate({"sku": sku} | public_stock(offer.available) | _limit(offer))
    return reply(view, cache_seconds=PUBLIC_SECONDS)


@api.get("/v1/vendors/<vendor_id>/inventory", callers=[VENDOR, STAFF, KEY], needs="inventory.read")
def list_stock(
    vendor_id: str,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    cursor: Annotated[str | None, Query(max_length=2000)] = None,
) -> Response[StockList]:
    """The vendor's stock in the order of SKUs, exact."""
    page = store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(StockList(items=[StockView.of(offer) for offer in page.offers], next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/inventory/<sku>", callers=[VENDOR, STAFF, KEY], needs="inventory.read")
def show(vendor_id: str, sku: str) -> Response[StockView]:
    """One SKU of the vendor, exact."""
    return reply(StockView.of(store.get(sku, vendor_id=vendor_id)))


@api.patch(
    "/v1/vendors/<vendor_id>/inventory/<sku>",
    callers=[VENDOR, STAFF, KEY],
    needs="inventory.write",
    problems=[StockChanged, NotSoMany],
)
def change(vendor_id: str, sku: str, body: StockChange) -> Response[StockView]:
    """Count anew or adjust what is available, which never becomes negative, and set what a customer may buy of it.

    Held units stay held, and what customers bought before a limit was set does not count.
    """
    return reply(StockView.of(store.change(sku, vendor_id, *body.changes())))


def _limit(offer: Offer) -> dict[str, int | None]:
    if offer.limit is None:
        return {}
    return {"max_per_customer": offer.limit.units, "limit_days": offer.limit.days or None}
