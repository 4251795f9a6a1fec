"""Answers of the catalog as JSON text: pages and lists are put together from stored parts, not validated again."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from catalog.model import Product, Status
from catalog.store import Shown
from inventory.contract import Offer, public_stock
from market.http import View
from market.money import Money
from vendors.contract import ACTIVE


class CategoryView(View):
    id: str
    path: str
    name: str
    sort_order: int
    is_active: bool


class Branch(CategoryView):
    children: list["Branch"]


class CategoryTree(View):
    items: list[Branch]


class Picture(View):
    url: str
    alt: str


class Card(View):
    """A product in a list. `priceTo` is the highest price of its variants, `price` the lowest."""

    id: str
    slug: str
    title: str
    vendor_id: str
    category: str
    brand: str | None = None
    image: Picture | None = None
    price: Money
    price_to: Money
    compare_at_price: Money | None = None
    variants: int
    status: Status


class CardList(View):
    items: list[Card]
    next_cursor: str | None = None


class Seller(View):
    id: str
    name: str
    slug: str


class VariantOnSale(View):
    """`available` is exact up to 10; 10 means ten or more."""

    sku: str
    options: dict[str, str]
    price: Money
    compare_at_price: Money | None = None
    weight_grams: int | None = None
    barcode: str | None = None
    image: str | None = None
    in_stock: bool
    available: int


class ProductPage(View):
    id: str
    slug: str
    title: str
    description: str
    category: str
    brand: str | None = None
    tags: list[str]
    attributes: dict[str, str]
    images: list[Picture]
    vendor: Seller
    variants: list[VariantOnSale]
    created_at: str
    updated_at: str


class OwnProduct(Product):
    """A product as its vendor sees it, in any status, with its `version`."""


class RowOutcome(View):
    """`row` counts from 0; `code` and `reason` say why a row was rejected."""

    row: int
    result: str
    external_id: str
    product_id: str | None = None
    code: str | None = None
    reason: str | None = None


class ImportReport(View):
    rows: list[RowOutcome]
    created: int
    updated: int
    unchanged: int
    rejected: int


def card_list(cards: Iterable[str], cursor: str | None) -> str:
    """A `CardList` of stored cards."""
    end = f',"nextCursor":"{cursor}"' if cursor else ""
    return f'{{"items":[{",".join(cards)}]{end}}}'


def product_page(shown: Shown | None) -> str | None:
    """A `ProductPage`, or None where the product is not on sale."""
    if shown is None or shown.document["status"] != "active" or shown.vendor.status != ACTIVE:
        return None
    page = {name: value for name, value in shown.document.items() if name not in _HIDDEN}
    vendor = shown.vendor
    page["vendor"] = {"id": vendor.id, "name": vendor.name, "slug": vendor.slug}
    page["variants"] = [
        _on_sale(variant, offer)
        for variant in shown.document["variants"]
        if (offer := shown.offers.get(variant["sku"])) and offer.active
    ]
    return orjson.dumps(page).decode()


def _on_sale(variant: Mapping[str, Any], offer: Offer) -> dict[str, Any]:
    live = {"price": {"amount": offer.price.amount, "currency": offer.price.currency}} | public_stock(offer.available)
    return {name: value for name, value in variant.items() if name != "isActive"} | live


_HIDDEN = frozenset({"vendorId", "status", "version", "listedAt", "externalId"})
