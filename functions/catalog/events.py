"""What the catalog tells: a product exists, was changed, costs something else."""

from typing import ClassVar

from pydantic import BaseModel

from market.events import Event
from market.money import Money


class ProductCreated(Event):
    """`status` is `draft` or `active`; `category` a path such as `electronics>phones`."""

    type: ClassVar[str] = "product.created"
    product_id: str
    vendor_id: str
    slug: str
    title: str
    category: str
    status: str
    skus: list[str]


class ProductUpdated(Event):
    """`changed` names the fields of the product that are different now, such as `title` or `status`."""

    type: ClassVar[str] = "product.updated"
    product_id: str
    vendor_id: str
    slug: str
    status: str
    revision: int
    changed: list[str]


class PriceChange(BaseModel):
    sku: str
    before: Money
    after: Money


class ProductPriceUpdated(Event):
    type: ClassVar[str] = "product.price.updated"
    product_id: str
    vendor_id: str
    prices: list[PriceChange]
