"""Commission rules: data that says what we keep of a sale, and the pure working-out of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from market.money import Money

SEPARATOR = ">"
"""Between the levels of a category's path, as the catalog writes it."""

Sold = tuple[str, Money, int]
"""A line for commission: its category's path, what the customer pays for it, how many units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One way to work out a commission: exactly one of `basis_points` (1000 is 10 %), `per_unit` and `per_order`.

    vendor_id, category: whom and what it is for, empty for all; a category includes those below it.
    least, most: bounds of what the rule takes of one vendor's part of an order.
    since, until: ISO 8601; valid from the first moment, until just before the second; empty is open.
    priority: among rules that are equally specific the highest wins.
    A rule with amounts is for sales in their currency only.
    """

    vendor_id: str = ""
    category: str = ""
    basis_points: int | None = None
    per_unit: Money | None = None
    per_order: Money | None = None
    least: Money | None = None
    most: Money | None = None
    since: str = ""
    until: str = ""
    priority: int = 0

    @property
    def amounts(self) -> tuple[Money, ...]:
        return tuple([money for money in (self.per_unit, self.per_order, self.least, self.most) if money])


STANDARD = Rule(basis_points=1_000)
"""What holds where no rule does: 10 %."""

Rules = Mapping[str, Sequence[Rule]]
"""Rules by vendor; those for all vendors under the empty name."""


def commission_of(rules: Rules, vendor_id: str, lines: Iterable[Sold], at: str) -> Money:
    """What we keep of a vendor's lines sold at `at` (ISO 8601), never more than is paid for them.

    Each line is under its most specific rule: of vendor and category, of the vendor, of the category, the standard one;
    a deeper category goes before a higher one. Percentages are rounded half up, line by line. Raises ValueError
    without lines, or for a negative charge.
    """
    by_rule: dict[int, tuple[Rule, list[Sold]]] = {}
    for line in lines:
        if line[1].amount < 0:
            raise ValueError("a line cannot be charged less than nothing")
        rule = rule_for(rules, vendor_id, line, at)
        by_rule.setdefault(id(rule), (rule, []))[1].append(line)  # to hash a rule is dearer than to apply it
    if not by_rule:
        raise ValueError("there is no commission of nothing")
    currency = line[1].currency
    return Money(sum([_taken(rule, sold) for rule, sold in by_rule.values()]), currency)


def rule_for(rules: Rules, vendor_id: str, line: Sold, at: str) -> Rule:
    """The rule that a line is under; the standard one where there is no other."""
    named = (*rules.get(vendor_id, ()), *rules.get("", ()))
    if not named:
        return STANDARD
    category, charge, _ = line
    candidates = [
        rule
        for rule in named
        if _covers(rule.category, category)
        and rule.since <= at
        and (not rule.until or at < rule.until)
        and all([money.currency == charge.currency for money in rule.amounts])
    ]
    return max(candidates, key=_rank, default=STANDARD)


def _covers(ruled: str, category: str) -> bool:
    return not ruled or category == ruled or category.startswith(f"{ruled}{SEPARATOR}")


def _rank(rule: Rule) -> tuple[bool, int, int, str]:
    levels = rule.category.count(SEPARATOR) + 1 if rule.category else 0
    return bool(rule.vendor_id), levels, rule.priority, rule.since


def _taken(rule: Rule, sold: Sequence[Sold]) -> int:
    """What one rule takes of the lines that are under it, in minor units of their currency."""
    charged = sum([charge.amount for _, charge, _ in sold])
    if rule.basis_points is not None:
        amount = sum([(charge.amount * rule.basis_points + 5_000) // 10_000 for _, charge, _ in sold])
    elif rule.per_unit:
        amount = sum(min(rule.per_unit.amount * quantity, charge.amount) for _, charge, quantity in sold)
    else:
        amount = rule.per_order.amount if rule.per_order else 0
    if rule.least:
        amount = max(amount, rule.least.amount)
    if rule.most:
        amount = min(amount, rule.most.amount)
    return min(amount, charged)
