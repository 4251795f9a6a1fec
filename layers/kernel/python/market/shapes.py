"""Shapes on the wire: what bodies, answers and problem documents have in common."""

import unicodedata
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

_NOT_TEXT = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

Limit = Annotated[int, Query(ge=1, le=100, description="Entries a page.")]
Cursor = Annotated[str | None, Query(max_length=4000, description="`nextCursor` of the page before.")]


def _one_line(text: str) -> str:
    """Text as people write it on one line: NFC, without control and formatting characters, but with joiners."""
    if any(unicodedata.category(sign) in _NOT_TEXT and sign not in "\u200c\u200d" for sign in text):
        raise ValueError("must be one line of printable text")
    return unicodedata.normalize("NFC", text)


OneLine = Annotated[str, AfterValidator(_one_line)]


class Body(BaseModel):
    """Base of request bodies: camelCase on the wire, unknown fields refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, str_strip_whitespace=True)


class View(BaseModel):
    """Base of answers: camelCase on the wire."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)


class FieldError(View):
    field: str = Field(description="Path of the field, such as `body.lines.0.quantity`.")
    code: str
    message: str


class ProblemView(View):
    """RFC 9457 problem details; `code` is stable, texts are not."""

    model_config = ConfigDict(extra="allow")
    type: str
    title: str
    status: int
    code: str
    detail: str | None = None
    errors: list[FieldError] | None = None
    requestId: str | None = None
