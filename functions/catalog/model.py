"""Products as they are stored and shown, and the rules that they keep.

The stored document and the answer of the vendor's own route are one shape: camelCase JSON, money in minor units.
"""

from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from catalog import gtin
from inventory.contract import STANDARD, Offer
from market.errors import Conflict, Unprocessable
from market.money import Money

MAX_VARIANTS = 50
"""A product is written in one transaction of at most 100 actions; every variant is one of them."""
MAX_CARD_SKUS = 10
"""SKUs that the card of a product names: a list looks at their stock."""
MAX_IMAGES = 12
MAX_GTINS = 12
"""Each is an item beside the product, in the same transaction."""

Status = Literal["draft", "pending", "active", "archived"]
TaxCategory = Literal["standard", "reduced", "exempt", "digital"]
Reviewable = Literal[
    "listing", "title", "description", "category", "brand", "tags", "attributes", "images", "variants", "slug", "seo",
    "translations", "media",
]  # fmt: skip
Reason = Literal[
    "incomplete", "misleading", "prohibited", "wrong_category", "poor_images", "duplicate", "counterfeit", "other"
]
MAX_DOCUMENT = 180_000
"""Bytes: a working copy holds two documents, and an item of the table at most 400,000."""
MAX_FORMER_SLUGS = 20
_CARD_WIDTH = 480


class TooManyVariants(Unprocessable):
    code, title = "too_many_variants", "Too many variants"


class MixedCurrencies(Unprocessable):
    """All prices of a product are in one currency."""

    code, title = "mixed_currencies", "Mixed currencies"


class VariantsClash(Unprocessable):
    """Two variants have the same SKU or the same options, or are told apart by different options."""

    code, title = "variants_clash", "Variants cannot be told apart"


class NoReduction(Unprocessable):
    """A price to compare with must be higher than the price."""

    code, title = "no_reduction", "Not a reduction"


class ProductTooLarge(Unprocessable):
    """All texts of a product together are too long; with fewer translations it may fit."""

    code, title = "product_too_large", "Product too large"


class UnderReview(Conflict):
    """Somebody is to look at it as it is. Withdraw it, then change it."""

    code, title = "under_review", "Waiting for review"


class NotInReview(Conflict):
    """Nothing of this product waits for review: it was withdrawn, or decided already."""

    code, title = "not_in_review", "Not in review"


class NotLive(Conflict):
    """Only what is on sale has a working copy: change the product itself."""

    code, title = "not_live", "Not on sale"


class CopyOutdated(Conflict):
    """What the working copy changes was meanwhile changed on sale too; `fields` names it. Send these fields again."""

    code, title = "copy_outdated", "Working copy outdated"


class SlugTaken(Conflict):
    """Another product has this slug. Nothing was written; another slug may do."""

    code, title = "slug_taken", "Slug already in use"


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Image(Shape):
    url: str
    alt: str = ""


class Medium(Shape):
    """A medium in the gallery, with all that its page needs of it. kind: `image`, `model` or `video`.

    alts: texts by language; crop: as `x,y,width,height`, empty for the whole. base: what the addresses of all sizes
    begin with, or the address of what has none; it never changes.
    """

    media_id: str
    kind: str
    type: str
    alt: str = ""
    alts: dict[str, str] = {}
    crop: str = ""
    base: str
    sizes: tuple[tuple[int, int], ...] = ()

    def image(self) -> Image:
        """The size that lists show."""
        width = next((width for width, _ in self.sizes if width >= _CARD_WIDTH), self.sizes[-1][0])
        return Image(url=f"{self.base}-{width}.webp", alt=self.alt)


class Dimensions(Shape):
    """Of one unit packed for sending."""

    length_mm: int
    width_mm: int
    height_mm: int


class Seo(Shape):
    """What search engines and previews are told; where something is empty, it is made of the product."""

    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()


class Translation(Shape):
    title: str
    description: str = ""


class Review(Shape):
    """How a product or a change of it fared with the reviewers. `note` is the vendor's, `answer` the reviewer's."""

    outcome: Literal["pending", "approved", "rejected", "withdrawn"]
    submitted_at: str
    changed: tuple[str, ...] = ()
    note: str = ""
    decided_at: str | None = None
    reasons: tuple[Reason, ...] = ()
    answer: str = ""

    @property
    def waits(self) -> bool:
        return self.outcome == "pending"


class Variant(Shape):
    """What is sold under one SKU. A variant that was taken out of a product stays, inactive: its SKU is spent."""

    sku: str
    options: dict[str, str] = {}
    price: Money
    compare_at_price: Money | None = None
    tax_category: TaxCategory | None = None
    weight_grams: int | None = None
    dimensions: Dimensions | None = None
    barcode: str | None = None
    image: str | None = None
    is_active: bool = True


class Product(Shape):
    """`listed_at` is the moment it was first on sale and stays; lists are in its order. `former_slugs` lead to it."""

    id: str
    vendor_id: str
    slug: str
    title: str
    description: str = ""
    category: str
    brand: str | None = None
    tags: tuple[str, ...] = ()
    attributes: dict[str, str] = {}
    images: tuple[Image, ...] = ()
    media: tuple[Medium, ...] = ()
    variants: tuple[Variant, ...]
    seo: Seo | None = None
    translations: dict[str, Translation] = {}
    status: Status = "draft"
    version: int = 1
    created_at: str
    updated_at: str
    listed_at: str | None = None
    external_id: str | None = None
    former_slugs: tuple[str, ...] = ()
    review: Review | None = None

    @property
    def on_sale(self) -> bool:
        return self.status == "active"

    @property
    def in_review(self) -> bool:
        return self.status == "pending"

    @property
    def picture(self) -> Image | None:
        """What lists and carts show: the first of the gallery."""
        gallery = [medium.image() for medium in self.media if medium.kind == "image"]
        return next(iter((*gallery, *self.images)), None)

    @property
    def gtins(self) -> list[str]:
        """By which others find it: at most MAX_GTINS of those that are sold, in 14 digits."""
        coded = (variant.barcode for variant in self.variants if variant.is_active and variant.barcode)
        return list(dict.fromkeys(gtin.whole(code) for code in coded if gtin.is_gtin(code)))[:MAX_GTINS]

    @property
    def skus(self) -> list[str]:
        """Of all variants, those no longer sold too."""
        return [variant.sku for variant in self.variants]

    def document(self) -> str:
        return self.model_dump_json(by_alias=True, exclude_none=True)

    def offer(self, variant: Variant, stock: int = 0) -> Offer:
        """What inventory should know of a variant; `stock` counts only when the SKU is new."""
        kind = " / ".join(variant.options.values())
        return Offer(
            sku=variant.sku,
            product_id=self.id,
            vendor_id=self.vendor_id,
            title=f"{self.title} – {kind}" if kind else self.title,  # noqa: RUF001 - a dash
            price=variant.price,
            active=self.on_sale and variant.is_active,
            slug=self.slug,
            image=variant.image or (self.picture.url if self.picture else ""),
            category=self.category,
            brand=self.brand or "",
            tax_category=variant.tax_category or STANDARD,
            weight_grams=variant.weight_grams or 0,
            size_mm=(size.length_mm, size.width_mm, size.height_mm) if (size := variant.dimensions) else (),
            available=stock,
        )

    def card(self) -> str:
        """What a list shows, as JSON; what waits for review says since when and in which version."""
        sold = [variant for variant in self.variants if variant.is_active] or list(self.variants)
        cheapest = min(sold, key=lambda variant: variant.price.amount)
        card: dict[str, Any] = {
            "id": self.id,
            "slug": self.slug,
            "title": self.title,
            "vendorId": self.vendor_id,
            "category": self.category,
            "brand": self.brand,
            "image": self.picture.model_dump() if self.picture else None,
            "price": _money(cheapest.price),
            "priceTo": _money(max((variant.price for variant in sold), key=lambda price: price.amount)),
            "compareAtPrice": _money(cheapest.compare_at_price),
            "variants": len(sold),
            "skus": [variant.sku for variant in sold[:MAX_CARD_SKUS]],
            "status": self.status,
            "titles": {language: text.title for language, text in self.translations.items()} or None,
        }
        if self.in_review and self.review:
            card["review"] = {"kind": "listing", "version": self.version} | self.review.model_dump(
                by_alias=True, include={"submitted_at", "note"}
            )
        return orjson.dumps({name: value for name, value in card.items() if value is not None}).decode()


def check_variants(variants: Sequence[Variant]) -> None:
    """Raises TooManyVariants, MixedCurrencies, VariantsClash or NoReduction."""
    if len(variants) > MAX_VARIANTS:
        raise TooManyVariants(f"A product has at most {MAX_VARIANTS} variants, those taken out included.")
    for variant in variants:
        before = variant.compare_at_price
        if {price.currency for price in (variant.price, before) if price} != {variants[0].price.currency}:
            raise MixedCurrencies("All prices of a product are in one currency.")
        if before and before.amount <= variant.price.amount:
            raise NoReduction(f"compareAtPrice of {variant.sku} is not above its price.", sku=variant.sku)
    if len({variant.sku for variant in variants}) < len(variants):
        raise VariantsClash("Each variant has a SKU of its own.")
    sold = [variant for variant in variants if variant.is_active]
    if len({tuple(sorted(variant.options.items())) for variant in sold}) < len(sold):
        raise VariantsClash("Each variant has options of its own.")
    if len({tuple(sorted(variant.options)) for variant in sold}) > 1:
        raise VariantsClash("All variants are told apart by the same options.")


def check_size(product: Product) -> None:
    """Raises ProductTooLarge."""
    if len(product.document().encode()) > MAX_DOCUMENT:
        raise ProductTooLarge("All texts of the product together are too long; send fewer translations.")


def replaced(present: Sequence[Variant], wanted: Sequence[Variant]) -> tuple[Variant, ...]:
    """The wanted variants, and inactive behind them those that are no longer wanted."""
    kept = {variant.sku for variant in wanted}
    gone = (variant.model_copy(update={"is_active": False}) for variant in present if variant.sku not in kept)
    return (*wanted, *gone)


def read_product(item: dict[str, Any]) -> Product:
    return Product.model_validate_json(item["doc"])


def content(product: Product) -> dict[str, Any]:
    """What versions are about: all but prices, sale, and what we keep of it."""
    free = {"price", "compare_at_price", "is_active"}
    kept = product.model_dump(exclude={*_OURS, "variants"})
    return kept | {"variants": [variant.model_dump(exclude=free) for variant in product.variants]}


def merged(live: Product, base: Product, wanted: Product) -> Product:
    """What is on sale with the changes that lead from `base` to `wanted`; what was changed since stays.

    Variants meet SKU by SKU and field by field. Raises CopyOutdated where both sides changed the same otherwise.
    """
    fields: dict[str, Any] = {}
    clashes: list[str] = []
    for name in set(Product.model_fields) - _OURS - {"variants"}:
        was, now, wish = (getattr(product, name) for product in (base, live, wanted))
        if wish != was and wish != now:
            fields[name] = wish
            if now != was:
                clashes.append(name)
    if wanted.variants != base.variants:
        fields["variants"] = _merged_variants(live, base, wanted)
    if clashes:
        names = sorted(map(to_camel, clashes))
        raise CopyOutdated(f"Changed meanwhile: {', '.join(names)}.", fields=names)
    return live.model_copy(update=fields)


def _merged_variants(live: Product, base: Product, wanted: Product) -> tuple[Variant, ...]:
    was = {variant.sku: variant for variant in base.variants}
    now = {variant.sku: variant for variant in live.variants}
    met = []
    for wish in wanted.variants:
        old, present = was.get(wish.sku), now.get(wish.sku)
        if old is None or present is None:
            met.append(wish)
            continue
        names = (name for name in Variant.model_fields if getattr(wish, name) != getattr(old, name))
        met.append(present.model_copy(update={name: getattr(wish, name) for name in names}))
    known = set(wanted.skus)
    return (*met, *(variant for variant in live.variants if variant.sku not in known))


_OURS = frozenset(
    ("id", "vendor_id", "status", "version", "created_at", "updated_at", "listed_at", "external_id", "former_slugs",
     "review")
)  # fmt: skip


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"amount": money.amount, "currency": money.currency} if money else None
