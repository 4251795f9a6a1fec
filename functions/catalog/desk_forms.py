"""What staff and vendors may send beside products: categories, brands, rules and decisions of review, own offers."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from catalog.attributes import MAX_ATTRIBUTES, Attribute, Type
from catalog.forms import (
    Address,
    Count,
    Language,
    Line,
    Path,
    Price,
    ProductChange,
    Slug,
    Word,
    checked,
    without_repeats,
)
from catalog.model import Reason, Reviewable
from catalog.rules import MAX_RULES, Rule
from inventory.contract import Sku
from market.http import Body
from media.contract import file_of


def _lasting(address: str) -> str:
    if file_of(address):
        raise ValueError("must not be a file of a vendor's library, which goes when its products no longer show it")
    return address


Lasting = Annotated[Address, AfterValidator(_lasting)]


class AttributeForm(Body):
    """Required attributes must be there when a product goes on sale. unit: of a number; choices: of a choice."""

    name: Word
    type: Type = "text"
    required: bool = False
    unit: Annotated[Line, Field(max_length=20)] = ""
    choices: Annotated[list[Word], Field(max_length=100), AfterValidator(without_repeats)] = []

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if bool(self.choices) != (self.type == "choice") or (self.unit and self.type != "number"):
            raise ValueError("a choice has choices, and only a number has a unit")
        return self


Names = Annotated[
    dict[Language, Annotated[Line, Field(max_length=80)]],
    Field(max_length=40, description="Names in other languages; an empty one takes that name away."),
]
AttributesOfCategory = Annotated[
    list[AttributeForm],
    Field(max_length=MAX_ATTRIBUTES, description="Of this category and all below it; those from above are inherited."),
]


def _attributes(forms: list[AttributeForm]) -> tuple[Attribute, ...]:
    return tuple({form.name: Attribute(**form.model_dump()) for form in forms}.values())


class CategoryForm(Body):
    name: Annotated[Line, Field(min_length=1, max_length=80)]
    parent: Annotated[Path | None, BeforeValidator(lambda path: None if path == "" else path)] = Field(
        None, description="Path."
    )
    slug: Slug | None = Field(None, description="Last step of the path; made of the name unless given.")
    sort_order: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    names: Names = {}
    attributes: AttributesOfCategory = []

    def attributes_wanted(self) -> tuple[Attribute, ...]:
        return _attributes(self.attributes)


class CategoryChange(Body):
    """The path stays: products and links refer to it."""

    name: Annotated[Line, Field(min_length=1, max_length=80)] = ""
    sort_order: Annotated[int, Field(strict=True, ge=0, le=1_000_000)] = 0
    is_active: bool = True
    names: Names = {}
    attributes: AttributesOfCategory = []

    def attributes_wanted(self) -> tuple[Attribute, ...]:
        return _attributes(self.attributes)


class DraftForm(Body):
    """Changes of the working copy, on top of those that it has; `submit` puts it forward at once."""

    changes: ProductChange
    submit: bool = False
    note: Annotated[Line, Field(max_length=500)] = Field("", description="To the reviewer.")


class Submission(Body):
    """`submit` puts a draft or a working copy forward, `withdraw` takes it back, `discard` drops the working copy."""

    action: Literal["submit", "withdraw", "discard"] = "submit"
    note: Annotated[Line, Field(max_length=500)] = Field("", description="To the reviewer.")


class Approval(Body):
    """`version` is what the reviewer saw: of the product, or of the working copy."""

    version: Annotated[int, Field(strict=True, ge=1)]
    answer: Annotated[Line, Field(max_length=500)] = ""


class Rejection(Approval):
    reasons: Annotated[list[Reason], Field(min_length=1, max_length=8), AfterValidator(without_repeats)]


class RuleForm(Body):
    """What a person looks at, of one vendor or all, in one branch or all; `listing` is going on sale."""

    vendor_id: Annotated[str, Field(max_length=64, pattern=r"^[\w.-]*$")] = ""
    category: Annotated[str, Field(max_length=300, pattern=r"^([a-z0-9-]+(>[a-z0-9-]+){0,3})?$")] = ""
    needs: Annotated[list[Reviewable], Field(max_length=20)]


class RulesForm(Body):
    """All rules; of those that fit a product the first counts."""

    rules: Annotated[list[RuleForm], Field(max_length=MAX_RULES)]

    def rules_wanted(self) -> tuple[Rule, ...]:
        return tuple(Rule(frozenset(rule.needs), rule.vendor_id, rule.category) for rule in self.rules)


class OfferForm(Body):
    """One's own offer of a product that is there, found by its id or by the GTIN of a variant.

    `variant` is the SKU there that it is the same as; it may be left out where the GTIN or a single variant tells.
    """

    product_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    gtin: Annotated[str, Field(pattern=r"^(\d{8}|\d{12,14})$"), AfterValidator(checked)] | None = None
    variant: Sku | None = None
    sku: Sku
    price: Price
    stock: Count = 0

    @model_validator(mode="after")
    def _names_a_product(self) -> Self:
        if (self.product_id is None) == (self.gtin is None):
            raise ValueError("send a productId or a gtin")
        return self


class OfferChange(Body):
    """What is sent is changed; stock is changed with the inventory."""

    price: Price | None = None
    is_active: bool | None = None


class BrandForm(Body):
    name: Annotated[Line, Field(min_length=1, max_length=80)]
    logo: Lasting | Literal[""] = ""
    is_active: bool = True
