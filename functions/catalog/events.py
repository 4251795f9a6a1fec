"""What the catalog tells: a product exists, was changed, waits for review, costs something else."""

from typing import ClassVar

from pydantic import BaseModel

from market.events import Event
from market.money import Money


class ProductCreated(Event):
    """`status` is `draft`, `pending` or `active`; `category` a path such as `electronics>phones`."""

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
    """compare_at: what the vendor says that it cost before, if anything."""

    sku: str
    before: Money
    after: Money
    compare_at: Money | None = None


class ProductPriceUpdated(Event):
    type: ClassVar[str] = "product.price.updated"
    product_id: str
    vendor_id: str
    prices: list[PriceChange]


class ProductSubmitted(Event):
    """`kind` is `listing` for a product that is to go on sale, `change` for one that is; `revision` is what waits."""

    type: ClassVar[str] = "product.submitted"
    product_id: str
    vendor_id: str
    kind: str
    revision: int
    changed: list[str]


class ProductApproved(Event):
    type: ClassVar[str] = "product.approved"
    product_id: str
    vendor_id: str
    slug: str
    kind: str
    revision: int


class ProductRejected(Event):
    """`reasons` such as `poor_images`; what the reviewer wrote is for the vendor to read, not for everybody to hear."""

    type: ClassVar[str] = "product.rejected"
    product_id: str
    vendor_id: str
    kind: str
    revision: int
    reasons: list[str]


class ProductWithdrawn(Event):
    """The vendor took back what waited for review."""

    type: ClassVar[str] = "product.withdrawn"
    product_id: str
    vendor_id: str
    kind: str


class ProductPublished(Event):
    """A product that was a draft, in review or archived is on sale now."""

    type: ClassVar[str] = "product.published"
    product_id: str
    vendor_id: str
    slug: str
    revision: int


class ProductArchived(Event):
    type: ClassVar[str] = "product.archived"
    product_id: str
    vendor_id: str
    slug: str
    skus: list[str]


class ProductMoved(Event):
    """The page has another address; the old one leads there."""

    type: ClassVar[str] = "product.moved"
    product_id: str
    vendor_id: str
    before: str
    after: str


class OfferCreated(Event):
    """A vendor offers what another vendor's page shows; `variant` is the SKU there that it is the same as."""

    type: ClassVar[str] = "offer.created"
    product_id: str
    vendor_id: str
    sku: str
    variant: str
    price: Money


class OfferUpdated(Event):
    type: ClassVar[str] = "offer.updated"
    product_id: str
    vendor_id: str
    sku: str
    active: bool
    price: Money


class ImportFinished(Event):
    """A bulk import has come to an end: `finished`, `refused` (`code` says why; nothing went in) or `failed` (some rows
    are not in yet; it may be started again). Counts are of rows; `sha256` is of the file, if it was read; `started_by`
    is a user, or empty where a program started it.
    """

    type: ClassVar[str] = "import.finished"
    import_id: str
    vendor_id: str
    started_by: str
    status: str
    code: str
    sha256: str
    created: int
    updated: int
    unchanged: int
    rejected: int


class PriceRefused(Event):
    """A decided price was not applied: `code` says why, `present` is what it costs, if it is sold at all."""

    type: ClassVar[str] = "price.refused"
    decision_id: str
    vendor_id: str
    product_id: str
    sku: str
    code: str
    present: Money | None = None
