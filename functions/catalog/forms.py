"""What callers may send: products, changes of them, rows of an import, categories. Bounded in every direction."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field

from catalog.model import MAX_IMAGES, Image, Status, Variant
from catalog.tree import MAX_DEPTH
from inventory.contract import MAX_STOCK, Sku
from market.http import Body
from market.money import Money

MAX_PRICE = 10**11
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_ADDRESS = re.compile(r"(https?://[^\s/?#]+|/(?!/))[^\s<>\"'\\]*\Z")


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _address(text: str) -> str:
    if not _ADDRESS.match(text):
        raise ValueError("must be an http(s) address or a path such as /media/lamp.svg")
    return text


def _costs_something(price: Money) -> Money:
    if not 1 <= price.amount <= MAX_PRICE:
        raise ValueError(f"must be between 1 and {MAX_PRICE} minor units")
    return price


Line = Annotated[str, AfterValidator(_one_line), AfterValidator(_printable)]
Prose = Annotated[str, AfterValidator(_printable)]
Word = Annotated[Line, Field(min_length=1, max_length=60)]
Address = Annotated[str, Field(max_length=500), AfterValidator(_address)]
Price = Annotated[Money, AfterValidator(_costs_something)]
Count = Annotated[int, Field(strict=True, ge=0, le=MAX_STOCK)]
Path = Annotated[str, Field(max_length=300, pattern=r"^[a-z0-9-]+(>[a-z0-9-]+){0,3}$", examples=["electronics>phones"])]
Slug = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Title = Annotated[Line, Field(min_length=1, max_length=200)]
Description = Annotated[Prose, Field(max_length=10_000)]
Brand = Annotated[Line, Field(min_length=1, max_length=80)]
Tags = Annotated[list[Word], Field(max_length=20), AfterValidator(lambda tags: list(dict.fromkeys(tags)))]
Attributes = Annotated[dict[Word, Annotated[Line, Field(min_length=1, max_length=300)]], Field(max_length=50)]
Options = Annotated[dict[Word, Word], Field(max_length=3, examples=[{"colour": "brass", "size": "small"}])]
assert MAX_DEPTH == 4, "the pattern of Path counts levels"


class ImageForm(Body):
    url: Address
    alt: Annotated[Line, Field(max_length=200)] = ""


class VariantForm(Body):
    """`stock` is what is available at first; it is left alone where the SKU is known already."""

    sku: Sku
    options: Options = {}
    price: Price
    compare_at_price: Price | None = None
    weight_grams: Annotated[int, Field(strict=True, ge=0, le=10_000_000)] | None = None
    barcode: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$")] | None = None
    image: Address | None = None
    is_active: bool = True
    stock: Count = 0

    def variant(self) -> Variant:
        return Variant(**{name: getattr(self, name) for name in Variant.model_fields})


Images = Annotated[list[ImageForm], Field(max_length=MAX_IMAGES)]
Variants = Annotated[list[VariantForm], Field(min_length=1, max_length=500)]


class ProductForm(Body):
    """A product; its slug is made of the title unless given, and gets a suffix where another has it."""

    title: Title
    slug: Slug | None = None
    description: Description = ""
    category: Path
    brand: Brand | None = None
    tags: Tags = []
    attributes: Attributes = {}
    images: Images = []
    variants: Variants
    status: Status = "draft"

    def fields(self) -> dict[str, Any]:
        """As fields of the model."""
        return _fields(self, set(ProductForm.model_fields) - {"slug"})

    def stock(self) -> dict[str, int]:
        return {variant.sku: variant.stock for variant in self.variants}


class ImportRow(ProductForm):
    """A product as the vendor's own system knows it: `externalId` finds it again. On sale unless said otherwise."""

    external_id: Annotated[Line, Field(min_length=1, max_length=100)]
    status: Status = "active"


class ProductChange(Body):
    """What is sent is changed, what is absent stays. `variants` are all that are to be sold from now on."""

    title: Title = ""
    description: Description = ""
    category: Path = ""
    brand: Brand | None = None
    tags: Tags = []
    attributes: Attributes = {}
    images: Images = []
    variants: Variants = []
    status: Status = "draft"

    def fields(self) -> dict[str, Any]:
        """Those that were sent, as fields of the model."""
        return _fields(self, self.model_fields_set)

    def stock(self) -> dict[str, int]:
        return {variant.sku: variant.stock for variant in self.variants}


class Import(Body):
    """Rows are judged one by one: a wrong one does not keep the others out."""

    rows: Annotated[list[dict[str, object]], Field(min_length=1, max_length=100)]


class CategoryForm(Body):
    name: Annotated[Line, Field(min_length=1, max_length=80)]
    parent: Annotated[Path | None, BeforeValidator(lambda path: None if path == "" else path)] = Field(
        None, description="Path."
    )
    slug: Slug | None = Field(None, description="Last step of the path; made of the name unless given.")
    sort_order: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0


class CategoryChange(Body):
    """The path stays: products and links refer to it."""

    name: Annotated[Line, Field(min_length=1, max_length=80)] = ""
    sort_order: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    is_active: bool = True


def _fields(form: ProductForm | ProductChange, names: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {name: getattr(form, name) for name in names if name not in ("variants", "images")}
    if "variants" in names:
        fields["variants"] = tuple(variant.variant() for variant in form.variants)
    if "images" in names:
        fields["images"] = tuple(Image(url=image.url, alt=image.alt) for image in form.images)
    if "tags" in names:
        fields["tags"] = tuple(form.tags)
    return fields
