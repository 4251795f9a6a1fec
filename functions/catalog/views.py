"""Answers of the catalog as JSON text: pages and lists are put together from stored parts, not validated again."""

from collections.abc import Iterable

import orjson

from catalog.attributes import Attribute, Type
from catalog.media_views import MediumView
from catalog.model import Product, Review, Status
from catalog.tree import Category
from market.http import View
from market.money import Money


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


class BadgeView(View):
    """A promotion that needs no code, in a few words such as `20% off`."""

    promotion_id: str
    badge: str
    ends_at: str | None = None


class Card(View):
    """A product in a list. `priceTo` is the highest price of its variants, `price` the lowest.

    skus: of its first ten variants. available: of all variants together, exact up to 10; 10 means ten or more. It and
    `badges` are told in lists of what is on sale; in large pages of products with many variants not for every card.
    """

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
    skus: list[str] = []
    in_stock: bool | None = None
    available: int | None = None
    badges: list[BadgeView] | None = None
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
    available_from: str | None = None


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
    available_from: str | None = None
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
    media: list[MediumView] = []
    vendor: Seller
    variants: list[VariantOnSale]
    badges: list[BadgeView] | None = None
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


def card_list(cards: Iterable[str], cursor: str | None) -> str:
    """A `CardList` of cards, as stored or as shown."""
    end = f',"nextCursor":"{cursor}"' if cursor else ""
    return f'{{"items":[{",".join(cards)}]{end}}}'


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
