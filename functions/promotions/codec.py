"""Promotions as JSON: what is as usual is left out, so that a book of fifty stays small."""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import lru_cache
from typing import Any

import orjson

from promotions.model import (
    Benefit,
    Bundle,
    BuyGet,
    Conditions,
    Fixed,
    FreeGift,
    FreeShipping,
    Limits,
    Percent,
    Promotion,
    Selector,
    Stacking,
    Tier,
    Tiered,
)

_BENEFITS: dict[str, type[Any]] = {
    one.kind: one for one in (Percent, Fixed, FreeShipping, BuyGet, Tiered, Bundle, FreeGift)
}


def compact(promotion: Promotion) -> str:
    """The whole promotion."""
    return orjson.dumps(plain(promotion), option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=256)
def expand(text: str) -> Promotion:
    """What `compact` made."""
    return promotion_of(orjson.loads(text))


def compact_book(promotions: list[Promotion]) -> str:
    return orjson.dumps([plain(promotion) for promotion in promotions], option=orjson.OPT_SORT_KEYS).decode()


@lru_cache(maxsize=64)
def expand_book(text: str) -> tuple[Promotion, ...]:
    """What `compact_book` made; a book that was read before is not parsed again."""
    return tuple(map(promotion_of, orjson.loads(text)))


def plain(value: Any) -> Any:
    """As JSON has it."""
    if is_dataclass(value) and not isinstance(value, type):
        kind = {"kind": value.kind} if hasattr(value, "kind") else {}
        named = ((one, getattr(value, one.name)) for one in fields(value) if one.init)
        return kind | {one.name: plain(given) for one, given in named if given != _usual(one)}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return {name: plain(given) for name, given in value.items()}
    if isinstance(value, tuple):
        return [plain(given) for given in value]
    return value


def _usual(field: Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()


def promotion_of(row: dict[str, Any]) -> Promotion:
    """Of what `plain` made, or a form with the same names."""
    row["benefit"] = _benefit(row.get("benefit", {"kind": FreeShipping.kind}))
    row["conditions"] = _conditions(row.get("conditions", {}))
    row["include"], row["exclude"] = (_selector(row.get(name, {})) for name in ("include", "exclude"))
    row["limits"], row["stacking"] = Limits(**row.get("limits", {})), Stacking(**row.get("stacking", {}))
    row["participants"] = {vendor: frozenset(products) for vendor, products in row.get("participants", {}).items()}
    return Promotion(**row)


def _benefit(row: dict[str, Any]) -> Benefit:
    kind = row.pop("kind")
    if kind == Tiered.kind:
        return Tiered(tiers=tuple(Tier(**tier) for tier in row["tiers"]))
    if kind == BuyGet.kind:
        row["rewards"] = _selector(row.get("rewards", {}))
    made: Benefit = _BENEFITS[kind](**row)
    return made


def _conditions(row: dict[str, Any]) -> Conditions:
    for name in ("weekdays", "countries", "currencies", "groups", "customers"):
        if name in row:
            row[name] = frozenset(row[name])
    if "hours" in row:
        row["hours"] = tuple(row["hours"])
    return Conditions(**row)


def _selector(row: dict[str, Any]) -> Selector:
    return Selector(**{name: frozenset(named) for name, named in row.items()})
