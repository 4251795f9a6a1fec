"""Answers of the catalog as JSON text: pages and lists are put together from stored parts, not validated again."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from catalog.attributes import Attribute, Type
from catalog.model import Product, Review, Status
from catalog.store import Rival, Shown
from catalog.tree import Category
from inventory.contract import Offer, public_stock
from market.http import View
from market.money import Money
from vendors.contract import ACTIVE, Vendor


class AttributeView(View):
    name: str
    type: Type
    required: bool
    unit: str = ""
    choices: list[str] = []


class CategoryView(View):
    id: str
    path: str
    name: str
    sort_order: int
    is_active: bool


class Branch(CategoryView):
    """`attributes` are told where one category was asked for: its own and those that it inherits."""

    children: list["Branch"]
    attributes: list[AttributeView] | None = None


class CategoryTree(View):
    items: list[Branch]


class Picture(View):
    url: str
    alt: str


class Waiting(View):
    """What waits for review, and since when; `version` is what the reviewer is to name. kind: `listing`, `change`."""

    kind: str
    version: int
    submitted_at: str
    changed: list[str] = []
    note: str = ""


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
    titles: dict[str, str] | None = None
    review: Waiting | None = None


class CardList(View):
    items: list[Card]
    next_cursor: str | None = None


class Seller(View):
    id: str
    name: str
    slug: str


class OfferOnSale(View):
    """What one vendor asks for a variant."""

    sku: str
    vendor: Seller
    price: Money
    in_stock: bool
    available: int


class DimensionsView(View):
    length_mm: int
    width_mm: int
    height_mm: int


class VariantOnSale(View):
    """`available` is exact up to 10; 10 means ten or more. `offers` are told where other vendors sell it too: all of
    them, the one to be shown first before the others.
    """

    sku: str
    options: dict[str, str]
    price: Money
    compare_at_price: Money | None = None
    tax_category: str | None = None
    weight_grams: int | None = None
    dimensions: DimensionsView | None = None
    barcode: str | None = None
    image: str | None = None
    in_stock: bool
    available: int
    offers: list[OfferOnSale] | None = None


class SeoView(View):
    title: str
    description: str
    keywords: list[str]


class BrandView(View):
    slug: str
    name: str
    logo: str = ""
    is_active: bool = True


class ProductPage(View):
    """`language` is the language of title and description where they are translated, `languages` all that there are.

    `openGraph` has the properties of the Open Graph protocol by name.
    """

    id: str
    slug: str
    title: str
    description: str
    language: str | None = None
    languages: list[str] = []
    category: str
    brand: str | None = None
    brand_details: BrandView | None = None
    tags: list[str]
    attributes: dict[str, str]
    images: list[Picture]
    vendor: Seller
    variants: list[VariantOnSale]
    seo: SeoView
    open_graph: dict[str, str]
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


class Preview(View):
    """`path` shows the draft to whoever has it, until then."""

    path: str
    until: str


class DraftView(View):
    """What a product is to become. state: `editing`, `pending` or `rejected` of a working copy, else the product's."""

    state: str
    version: int
    changed: list[str]
    product: OwnProduct
    review: Review | None = None
    preview: Preview


class VersionEntry(View):
    """What the product was like in this version, which was on sale since then."""

    version: int
    since: str
    title: str
    product: OwnProduct | None = None


class VersionList(View):
    items: list[VersionEntry]
    next_cursor: str | None = None


class Decided(View):
    product_id: str
    status: Status
    version: int


class RuleView(View):
    vendor_id: str
    category: str
    needs: list[str]


class RuleList(View):
    rules: list[RuleView]


class OwnOffer(View):
    """An offer on another vendor's page."""

    sku: str
    product_id: str
    slug: str = ""
    variant: str
    since: str
    price: Money | None = None
    is_active: bool | None = None


class OwnOfferList(View):
    items: list[OwnOffer]
    next_cursor: str | None = None


class SuggestionView(View):
    """`value` is what a product or a search is to be given: a path, a tag, a brand's name."""

    value: str
    label: str
    slug: str | None = None
    logo: str | None = None


class SuggestionList(View):
    items: list[SuggestionView]


def card_list(cards: Iterable[str], cursor: str | None, language: str = "") -> str:
    """A `CardList` of stored cards, titled in the language where they are translated."""
    end = f',"nextCursor":"{cursor}"' if cursor else ""
    shown = (_titled(card, language) for card in cards) if language else cards
    return f'{{"items":[{",".join(shown)}]{end}}}'


def _titled(card: str, language: str) -> str:
    if '"titles"' not in card:
        return card
    told = orjson.loads(card)
    title = told.get("titles", {}).get(language)
    return orjson.dumps(told | {"title": title}).decode() if title else card


def one_category(category: Category, attributes: Iterable[Attribute]) -> str:
    """A `CategoryTree` of one branch, with all the attributes of its products."""
    told = [attribute.model_dump(by_alias=True) for attribute in attributes]
    branch = {
        "id": category.id,
        "path": category.path,
        "name": category.name,
        "sortOrder": category.sort_order,
        "isActive": category.active,
        "children": [],
        "attributes": told,
    }
    return orjson.dumps({"items": [branch]}).decode()


def is_public(shown: Shown) -> bool:
    return shown.document["status"] == "active" and shown.vendor.status == ACTIVE


def product_page(shown: Shown, language: str, store_url: str) -> str:
    """A `ProductPage` in one of the languages that the product is told in, or as it was written."""
    document = shown.document
    page = {name: value for name, value in document.items() if name not in _HIDDEN}
    if told := document.get("translations"):
        page["languages"] = sorted(told)
        if language:
            page |= {"description": "", **told[language], "language": language}
    page["vendor"] = _seller(shown.vendor)
    page["variants"] = [
        _on_sale(variant, offer, shown)
        for variant in document["variants"]
        if (offer := shown.offers.get(variant["sku"])) and offer.active
    ]
    if shown.brand and shown.brand.active:
        page["brandDetails"] = {"slug": shown.brand.slug, "name": shown.brand.name, "logo": shown.brand.logo}
    page["seo"] = _seo(page, document.get("seo") or {})
    page["openGraph"] = _open_graph(page, store_url)
    return orjson.dumps(page).decode()


def _on_sale(variant: Mapping[str, Any], offer: Offer, shown: Shown) -> dict[str, Any]:
    live = {"price": offer.price.plain()} | public_stock(offer.available)
    told = {name: value for name, value in variant.items() if name != "isActive"} | live
    if rivals := [rival for rival in shown.rivals if rival.variant == offer.sku and _sells(rival, offer)]:
        own = Rival(offer, shown.vendor, offer.sku, shown.document["createdAt"])
        told["offers"] = [_offered(rival) for rival in sorted((own, *rivals), key=_place)]
    return told


def _sells(rival: Rival, own: Offer) -> bool:
    offer = rival.offer
    return offer.active and rival.vendor.status == ACTIVE and offer.price.currency == own.price.currency


def _place(rival: Rival) -> tuple[bool, int, str, str]:
    """Which offer is shown first: one that can be had, then the lowest price, then the oldest."""
    return rival.offer.available <= 0, rival.offer.price.amount, rival.since, rival.offer.sku


def _offered(rival: Rival) -> dict[str, Any]:
    offer = rival.offer
    said = {"sku": offer.sku, "vendor": _seller(rival.vendor), "price": offer.price.plain()}
    return said | public_stock(offer.available)


def _seller(vendor: Vendor) -> dict[str, str]:
    return {"id": vendor.id, "name": vendor.name, "slug": vendor.slug}


def _seo(page: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    translated = "language" in page
    return {
        "title": page["title"] if translated else given.get("title") or page["title"],
        "description": (not translated and given.get("description")) or _cut(page["description"]),
        "keywords": given.get("keywords") or page["tags"],
    }


def _cut(text: str, longest: int = 160) -> str:
    """The beginning of a text on one line, ending with a whole word."""
    line = " ".join(text[: 4 * longest].split())
    return line if len(line) <= longest else f"{line[:longest].rpartition(' ')[0] or line[:longest]}…"


def _open_graph(page: Mapping[str, Any], store_url: str) -> dict[str, str]:
    told = {
        "og:type": "product",
        "og:title": page["seo"]["title"],
        "og:description": page["seo"]["description"],
        "og:url": f"{store_url.rstrip('/')}/products/{page['slug']}",
    }
    if page["images"]:
        picture = page["images"][0]
        address = picture["url"] if "://" in picture["url"] else store_url.rstrip("/") + picture["url"]
        told |= {"og:image": address} | ({"og:image:alt": picture["alt"]} if picture["alt"] else {})
    if page["variants"]:
        cheapest = min(page["variants"], key=lambda variant: variant["price"]["amount"])
        price = Money(**cheapest["price"])
        told |= {"product:price:amount": price.decimal(), "product:price:currency": price.currency}
        there = any(variant["inStock"] for variant in page["variants"])
        told["product:availability"] = "in stock" if there else "out of stock"
    return told


_HIDDEN = frozenset(
    {"vendorId", "status", "version", "listedAt", "externalId", "formerSlugs", "review", "translations", "seo"}
)
