"""Promotions, goods and customers for tests, and what becomes of them."""

from collections.abc import Sequence
from typing import Any

from market.money import Money
from promotions.contract import Code, CustomerFacts, Goods, Outcome, Promotion, evaluate
from promotions.model import RUNNING, WHOLE, Benefit, Conditions, Limits, Selector, Stacking

NOON = "2026-11-20T12:00:00.000Z"
"""A Friday."""
ADA = CustomerFacts(customer_id="ada", orders=3, since="2026-01-01T00:00:00.000Z")


def promotion(name: str, benefit: Benefit, **options: Any) -> Promotion:
    """A running promotion of the platform. Names of conditions, limits and stacking may be given directly."""
    parts: dict[str, dict[str, Any]] = {"conditions": {}, "limits": {}, "stacking": {}}
    kinds: dict[str, type[Any]] = {"conditions": Conditions, "limits": Limits, "stacking": Stacking}
    for part, kind in kinds.items():
        for field in kind.__dataclass_fields__:
            if field in options:
                parts[part][field] = options.pop(field)
    made = {part: kind(**parts[part]) for part, kind in kinds.items()}
    scope = options.get("scope", "platform")
    options.setdefault("platform_basis_points", WHOLE if scope == "platform" else 0)
    return Promotion(id=name, status=options.pop("status", RUNNING), title=name, benefit=benefit, **made, **options)


def goods(
    sku: str,
    price: int,
    quantity: int = 1,
    *,
    vendor: str = "ven_1",
    category: str = "",
    brand: str = "",
    currency: str = "EUR",
) -> Goods:
    return Goods(
        sku=sku,
        product_id=f"prd_{sku}",
        vendor_id=vendor,
        category=category,
        quantity=quantity,
        unit_price=Money(price, currency),
        brand=brand,
    )


def outcome(lines: Sequence[Goods], *promotions: Promotion, codes: Sequence[Code] = (), **options: Any) -> Outcome:
    """What the promotions do for the lines, for Ada in Germany at noon where nothing else is said."""
    usual: dict[str, Any] = {"customer": ADA, "country": "DE", "currency": "EUR", "at": NOON}
    return evaluate(lines, promotions, codes=codes, **(usual | options))


def off(lines: Sequence[Goods], *promotions: Promotion, **options: Any) -> tuple[int, ...]:
    """Minor units off each line."""
    return outcome(lines, *promotions, **options).by_line(len(lines))


def applied(lines: Sequence[Goods], *promotions: Promotion, **options: Any) -> dict[str, int]:
    """Minor units off by promotion, in the order in which they were taken off."""
    return {one.promotion_id: one.amount.amount for one in outcome(lines, *promotions, **options).applied}


def some(**named: Sequence[str]) -> Selector:
    return Selector(**{kind: frozenset(names) for kind, names in named.items()})
