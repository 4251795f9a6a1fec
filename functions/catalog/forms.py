"""What callers may send: products, changes of them, rows of an import, categories. Bounded in every direction."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator

from catalog import gtin, matrix
from catalog.languages import PATTERN as LANGUAGE
from catalog.matrix import Deviation, MatrixClash
from catalog.model import MAX_IMAGES, Dimensions, Image, Seo, TaxCategory, Translation, Variant
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


def checked(barcode: str) -> str:
    if gtin.is_gtin(barcode) and not gtin.is_sound(barcode):
        raise ValueError("must have the right check digit, as it has the form of a GTIN")
    return barcode


def without_repeats(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


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
Tags = Annotated[list[Word], Field(max_length=20), AfterValidator(without_repeats)]
Language = Annotated[str, Field(pattern=LANGUAGE, examples=["de", "pt-BR"])]
Grams = Annotated[int, Field(strict=True, ge=0, le=10_000_000)]
Millimetres = Annotated[int, Field(strict=True, ge=1, le=100_000)]
Barcode = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,32}$"), AfterValidator(checked)]
WishedStatus = Literal["draft", "active", "archived"]
"""What a vendor may wish; what a rule keeps waiting for a person is `pending` instead."""
Attributes = Annotated[dict[Word, Annotated[Line, Field(min_length=1, max_length=300)]], Field(max_length=50)]
Options = Annotated[dict[Word, Word], Field(max_length=3, examples=[{"colour": "brass", "size": "small"}])]
assert MAX_DEPTH == 4, "the pattern of Path counts levels"


class ImageForm(Body):
    url: Address
    alt: Annotated[Line, Field(max_length=200)] = ""


class MediaForm(Body):
    """A medium of the vendor's library that is ready. `alt` in place of the library's own text; `crop` as
    `x,y,width,height`, one whose sizes are made: as wished in the library unless given, empty for the whole.
    """

    media_id: Annotated[str, Field(pattern=r"^med_[0-9a-z]{26}$")]
    alt: Annotated[Line, Field(max_length=300)] = ""
    crop: Annotated[str, Field(max_length=40, pattern=r"^(\d+,\d+,\d+,\d+)?$")] | None = None


def _named_once(media: list[MediaForm]) -> list[MediaForm]:
    if len({medium.media_id for medium in media}) < len(media):
        raise ValueError("must name each medium once")
    return media


class DimensionsForm(Body):
    """Of one unit packed for sending."""

    length_mm: Millimetres
    width_mm: Millimetres
    height_mm: Millimetres

    def dimensions(self) -> Dimensions:
        return Dimensions(length_mm=self.length_mm, width_mm=self.width_mm, height_mm=self.height_mm)


class SeoForm(Body):
    """For search engines and previews; what is left empty is made of the product."""

    title: Annotated[Line, Field(max_length=200)] = ""
    description: Annotated[Line, Field(max_length=500)] = ""
    keywords: Annotated[list[Word], Field(max_length=20), AfterValidator(without_repeats)] = []

    def seo(self) -> Seo:
        return Seo(title=self.title, description=self.description, keywords=tuple(self.keywords))


class TranslationForm(Body):
    title: Title
    description: Description = ""


class VariantForm(Body):
    """`stock` is what is available at first; it is left alone where the SKU is known already."""

    sku: Sku
    options: Options = {}
    price: Price
    compare_at_price: Price | None = None
    tax_category: TaxCategory | None = None
    weight_grams: Grams | None = None
    dimensions: DimensionsForm | None = None
    barcode: Barcode | None = None
    image: Address | None = None
    is_active: bool = True
    stock: Count = 0

    def variant(self) -> Variant:
        plain = {name: getattr(self, name) for name in Variant.model_fields if name != "dimensions"}
        return Variant(**plain, dimensions=self.dimensions.dimensions() if self.dimensions else None)


class DeviationForm(Body):
    """What is different for all combinations with these option values; `skip` leaves them out."""

    options: Annotated[dict[Word, Word], Field(min_length=1, max_length=3)]
    skip: bool = False
    sku: Sku | None = None
    price: Price | None = None
    compare_at_price: Price | None = None
    weight_grams: Grams | None = None
    barcode: Barcode | None = None
    image: Address | None = None
    is_active: bool | None = None
    stock: Count | None = None


class MatrixForm(Body):
    """All combinations of the options' values become variants, with a SKU each such as `LAMP-{colour}-{size}` gives."""

    options: Annotated[
        dict[Word, Annotated[list[Word], Field(min_length=1, max_length=50), AfterValidator(without_repeats)]],
        Field(min_length=1, max_length=3),
    ]
    sku_pattern: Annotated[Line, Field(min_length=1, max_length=300, examples=["LAMP-{colour}-{size}"])]
    price: Price
    compare_at_price: Price | None = None
    tax_category: TaxCategory | None = None
    weight_grams: Grams | None = None
    dimensions: DimensionsForm | None = None
    image: Address | None = None
    stock: Count = 0
    deviations: Annotated[list[DeviationForm], Field(max_length=100)] = []

    def variants(self) -> list[VariantForm]:
        """Raises TooManyVariants or MatrixClash."""
        common = self.model_dump(exclude={"options", "sku_pattern", "deviations"}, exclude_none=True, by_alias=True)
        made = matrix.expanded(self.options, self.sku_pattern, common, [_deviation(form) for form in self.deviations])
        try:
            return [VariantForm.model_validate(variant) for variant in made]
        except ValidationError as error:
            raise MatrixClash(f"{error.errors()[0]['loc'][-1]}: {error.errors()[0]['msg']}"[:300]) from None


def _deviation(form: DeviationForm) -> Deviation:
    changes = form.model_dump(exclude={"options", "skip"}, exclude_none=True, by_alias=True)
    return Deviation(form.options, changes, form.skip)


Images = Annotated[list[ImageForm], Field(max_length=MAX_IMAGES)]
Gallery = Annotated[list[MediaForm], Field(max_length=MAX_IMAGES), AfterValidator(_named_once)]
Variants = Annotated[list[VariantForm], Field(max_length=500)]
Translations = Annotated[dict[Language, TranslationForm], Field(max_length=10)]


class ProductForm(Body):
    """A product; its slug is made of the title unless given, and gets a suffix where another has it.

    Its variants are sent one by one, or as a `matrix` of options.
    """

    title: Title
    slug: Slug | None = None
    description: Description = ""
    category: Path
    brand: Brand | None = None
    tags: Tags = []
    attributes: Attributes = {}
    images: Images = []
    media: Gallery = []
    variants: Variants = []
    matrix: MatrixForm | None = None
    seo: SeoForm | None = None
    translations: Translations = {}
    status: WishedStatus = "draft"

    @model_validator(mode="after")
    def _has_variants(self) -> Self:
        if bool(self.variants) == bool(self.matrix):
            raise ValueError("send variants, at least one, or a matrix of options")
        return self

    def wanted(self) -> list[VariantForm]:
        """The variants, however they were sent. Raises TooManyVariants or MatrixClash."""
        return self.matrix.variants() if self.matrix else self.variants

    def fields(self) -> dict[str, Any]:
        """As fields of the model, media still by their names; who says nothing of media leaves them as they are."""
        unsaid = set() if "media" in self.model_fields_set else {"media"}
        return _fields(self, set(ProductForm.model_fields) - {"slug", "matrix"} - unsaid)

    def stock(self) -> dict[str, int]:
        return {variant.sku: variant.stock for variant in self.wanted()}


class ImportRow(ProductForm):
    """A product as the vendor's own system knows it: `externalId` finds it again. On sale unless said otherwise."""

    external_id: Annotated[Line, Field(min_length=1, max_length=100)]
    status: WishedStatus = "active"

    def stock(self) -> dict[str, int]:
        """Where the row says how much there is; where it says nothing, stock stays as it is."""
        return {variant.sku: variant.stock for variant in self.wanted() if "stock" in variant.model_fields_set}


class ProductChange(Body):
    """What is sent is changed, what is absent stays. `variants` are all that are to be sold from now on.

    `fromVersion` brings back what the product was like in a former version, but for prices and stock; what is sent
    beside it comes on top.
    """

    title: Title = ""
    slug: Slug = ""
    description: Description = ""
    category: Path = ""
    brand: Brand | None = None
    tags: Tags = []
    attributes: Attributes = {}
    images: Images = []
    media: Gallery = []
    variants: Variants = []
    matrix: MatrixForm | None = None
    seo: SeoForm | None = None
    translations: Translations = {}
    status: WishedStatus = "draft"
    from_version: Annotated[int, Field(strict=True, ge=1)] | None = None

    @model_validator(mode="after")
    def _has_variants(self) -> Self:
        sent = self.model_fields_set
        if (self.matrix and "variants" in sent) or ("variants" in sent and not self.variants):
            raise ValueError("send variants, at least one, or a matrix of options")
        return self

    def wanted(self) -> list[VariantForm]:
        """Raises TooManyVariants or MatrixClash."""
        return self.matrix.variants() if self.matrix else self.variants

    def fields(self) -> dict[str, Any]:
        """Those that were sent, as fields of the model, media still by their names."""
        names = set(self.model_fields_set) - {"from_version", "matrix"}
        return _fields(self, names | ({"variants"} if self.matrix else set()))

    def stock(self) -> dict[str, int]:
        return {variant.sku: variant.stock for variant in self.wanted()}


class Import(Body):
    """Rows are judged one by one: a wrong one does not keep the others out."""

    rows: Annotated[list[dict[str, object]], Field(min_length=1, max_length=100)]


def _fields(form: ProductForm | ProductChange, names: set[str]) -> dict[str, Any]:
    made = {"variants", "images", "tags", "seo", "translations"}
    fields: dict[str, Any] = {name: getattr(form, name) for name in names - made}
    if "variants" in names:
        fields["variants"] = tuple(variant.variant() for variant in form.wanted())
    if "images" in names:
        fields["images"] = tuple(Image(url=image.url, alt=image.alt) for image in form.images)
    if "tags" in names:
        fields["tags"] = tuple(form.tags)
    if "seo" in names:
        fields["seo"] = form.seo.seo() if form.seo else None
    if "translations" in names:
        told = form.translations.items()
        fields["translations"] = {
            lang: Translation(title=text.title, description=text.description) for lang, text in told
        }
    return fields
