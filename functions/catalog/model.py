"""Products as they are stored and shown, and the rules that they keep.

The stored document and the answer of the vendor's own route are one shape: camelCase JSON, money in minor units.
"""

from collections.abc import Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from inventory.contract import Offer
from market.errors import Conflict, Unprocessable
from market.money import Money

MAX_VARIANTS = 50
"""A product is written in one transaction of at most 100 actions; every variant is one of them."""
MAX_IMAGES = 12

Status = Literal["draft", "active", "archived"]


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


class SlugTaken(Conflict):
    """Another product has this slug. Nothing was written; another slug may do."""

    code, title = "slug_taken", "Slug already in use"


class Shape(BaseModel):
    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")


class Image(Shape):
    url: str
    alt: str = ""


class Variant(Shape):
    """What is sold under one SKU. A variant that was taken out of a product stays, inactive: its SKU is spent."""

    sku: str
    options: dict[str, str] = {}
    price: Money
    compare_at_price: Money | None = None
    weight_grams: int | None = None
    barcode: str | None = None
    image: str | None = None
    is_active: bool = True


class Product(Shape):
    """`listed_at` is the moment it was first on sale and stays; lists are in its order."""

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
    variants: tuple[Variant, ...]
    status: Status = "draft"
    version: int = 1
    created_at: str
    updated_at: str
    listed_at: str | None = None
    external_id: str | None = None

    @property
    def on_sale(self) -> bool:
        return self.status == "active"

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
            image=variant.image or (self.images[0].url if self.images else ""),
            category=self.category,
            available=stock,
        )

    def card(self) -> str:
        """What a list shows, as JSON."""
        sold = [variant for variant in self.variants if variant.is_active] or list(self.variants)
        cheapest = min(sold, key=lambda variant: variant.price.amount)
        card: dict[str, Any] = {
            "id": self.id,
            "slug": self.slug,
            "title": self.title,
            "vendorId": self.vendor_id,
            "category": self.category,
            "brand": self.brand,
            "image": self.images[0].model_dump() if self.images else None,
            "price": _money(cheapest.price),
            "priceTo": _money(max((variant.price for variant in sold), key=lambda price: price.amount)),
            "compareAtPrice": _money(cheapest.compare_at_price),
            "variants": len(sold),
            "status": self.status,
        }
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


def replaced(present: Sequence[Variant], wanted: Sequence[Variant]) -> tuple[Variant, ...]:
    """The wanted variants, and inactive behind them those that are no longer wanted."""
    kept = {variant.sku for variant in wanted}
    gone = (variant.model_copy(update={"is_active": False}) for variant in present if variant.sku not in kept)
    return (*wanted, *gone)


def read_product(item: dict[str, Any]) -> Product:
    return Product.model_validate_json(item["doc"])


def _money(money: Money | None) -> dict[str, Any] | None:
    return {"amount": money.amount, "currency": money.currency} if money else None
