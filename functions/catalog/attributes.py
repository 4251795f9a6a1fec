"""What a category wants to know of its products: typed attributes, some of them required, for the whole branch below.

A product says everything as text; an attribute's type says which texts mean something.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from market.errors import Unprocessable

Type = Literal["text", "number", "choice", "yes_no"]
MAX_ATTRIBUTES = 40
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,6})?")


class AttributesUnfit(Unprocessable):
    """Required attributes of the category are missing, or values are none of their type; `errors` names each."""

    code, title = "attributes_unfit", "Attributes do not fit the category"


class Attribute(BaseModel):
    """One attribute of a category. unit: of a number, such as `W`; choices: of a choice."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, extra="ignore")

    name: str
    type: Type = "text"
    required: bool = False
    unit: str = ""
    choices: tuple[str, ...] = ()

    def takes(self, value: str) -> bool:
        """Whether the text means something: `60`, `60 W` where the unit is W, one of the choices, `yes` or `no`."""
        match self.type:
            case "number":
                number = value.removesuffix(self.unit).rstrip() if self.unit else value
                return _NUMBER.fullmatch(number) is not None
            case "choice":
                return value in self.choices
            case "yes_no":
                return value in ("yes", "no")
        return True

    def wish(self) -> str:
        match self.type:
            case "number":
                return f"a number{f' of {self.unit}' if self.unit else ''}"
            case "choice":
                return f"one of {', '.join(self.choices)[:200]}"
            case "yes_no":
                return "yes or no"
        return "a text"


def inherited(branches: Iterable[Sequence[Attribute]]) -> tuple[Attribute, ...]:
    """Of a category and all above it, from the top: what is nearer replaces what has the same name further up."""
    found: dict[str, Attribute] = {}
    for branch in branches:
        found |= {attribute.name: attribute for attribute in branch}
    return tuple(found.values())


def require(attributes: Iterable[Attribute], given: Mapping[str, str]) -> None:
    """Pass for a product that says all that is required, and says it rightly; others are its own. Raises
    AttributesUnfit.
    """
    errors = []
    for attribute in attributes:
        value = given.get(attribute.name)
        if value is None and attribute.required:
            errors.append(_error(attribute, "missing", f"The category requires {attribute.wish()}."))
        elif value is not None and not attribute.takes(value):
            errors.append(_error(attribute, f"{attribute.type}_expected", f"Must be {attribute.wish()}."))
    if errors:
        raise AttributesUnfit("Some attributes are missing or wrong.", errors=errors)


def packed(attributes: Iterable[Attribute]) -> str:
    return orjson.dumps([attribute.model_dump(exclude_defaults=True) for attribute in attributes]).decode()


def unpacked(text: str) -> tuple[Attribute, ...]:
    return tuple(Attribute.model_validate(entry) for entry in orjson.loads(text))


def _error(attribute: Attribute, code: str, message: str) -> dict[str, Any]:
    return {"field": f"body.attributes.{attribute.name}", "code": code, "message": message}
