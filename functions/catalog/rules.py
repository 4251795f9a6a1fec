"""Which changes a person looks at before everybody sees them: a table of rules that staff write.

| who and where | what waits for a person |
|---|---|
| no rule fits (as it is before anybody writes one) | nothing: products go live as their vendors say |
| the first rule that fits vendor and category | the fields it names; `listing` is going on sale at all |
| always | never prices, compare-at prices, stock, or taking something off sale |
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, get_args

import orjson

from catalog.model import Product, Reviewable
from catalog.tree import SEPARATOR

LISTING = "listing"
REVIEWABLE: frozenset[str] = frozenset(get_args(Reviewable))
MAX_RULES = 100
_FREE = frozenset({"price", "compare_at_price", "is_active"})


@dataclass(frozen=True, slots=True)
class Rule:
    """For one vendor or all, for one branch of the categories or all: what is looked at."""

    needs: frozenset[str]
    vendor_id: str = ""
    category: str = ""

    def fits(self, vendor_id: str, category: str) -> bool:
        branch = not self.category or f"{category}{SEPARATOR}".startswith(f"{self.category}{SEPARATOR}")
        return branch and self.vendor_id in ("", vendor_id)


def packed(rules: Iterable[Rule]) -> str:
    return orjson.dumps([[sorted(rule.needs), rule.vendor_id, rule.category] for rule in rules]).decode()


def unpacked(text: str) -> tuple[Rule, ...]:
    return tuple(Rule(frozenset(names), vendor_id, category) for names, vendor_id, category in orjson.loads(text))


def needs(rules: Iterable[Rule], vendor_id: str, category: str) -> frozenset[str]:
    """What is looked at in this vendor's products of this category; who looks at images looks at media, too."""
    found = next((rule.needs for rule in rules if rule.fits(vendor_id, category)), frozenset[str]())
    return found | {"media"} if "images" in found else found


def waiting(rules: Iterable[Rule], before: Product, after: Product) -> frozenset[str]:
    """Changes of a product on sale that somebody must look at; a move is looked at where either branch says so."""
    rules = tuple(rules)
    looked_at = needs(rules, after.vendor_id, before.category) | needs(rules, after.vendor_id, after.category)
    return looked_at & changed(before, after) if looked_at else frozenset()


def changed(before: Product, after: Product) -> frozenset[str]:
    """Fields that are different, of those that can be looked at: of variants all but price and sale."""
    plain = REVIEWABLE - {LISTING, "variants"}
    found = {name for name in plain if getattr(before, name) != getattr(after, name)}
    if _natures(before) != _natures(after):
        found.add("variants")
    return frozenset(found)


def _natures(product: Product) -> dict[str, dict[str, Any]]:
    return {variant.sku: variant.model_dump(exclude=set(_FREE)) for variant in product.variants}
