"""Write fragments as plain words, for tests of what exactly a contract asks of the table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from market.errors import Problem
from market.table import Item, Write


@dataclass(frozen=True)
class Words:
    """A write: the item that is put, or what is done to it, under which condition."""

    action: str
    key: tuple[str, str]
    does: str
    when: str
    values: Mapping[str, Any]
    item: Mapping[str, Any]


def words(write: Write) -> Words:
    request = write.request
    return Words(
        action=write.action,
        key=(write.key.pk, write.key.sk),
        does=request.get("UpdateExpression", "").replace("#", ""),
        when=request.get("ConditionExpression", "").replace("#", ""),
        values=_plain(request.get("ExpressionAttributeValues", {})),
        item=_plain(request.get("Item", {})),
    )


def refusal(write: Write, found: Item | None) -> Problem:
    """What the write raises if its condition fails on this item, None being none."""
    assert write.otherwise is not None
    return write.otherwise if isinstance(write.otherwise, Problem) else write.otherwise(found)


def _plain(encoded: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: int(value["N"]) if "N" in value else next(iter(value.values())) for name, value in encoded.items()}
