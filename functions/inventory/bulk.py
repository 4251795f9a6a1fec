"""Many counts and adjustments at once: each row stands alone, and says what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from inventory import store
from inventory.moves import StockChanged
from inventory.store import Done, Step
from market.errors import Problem

CHANGED, UNCHANGED, REFUSED = "changed", "unchanged", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One SKU's steps. to: what was counted, if it was a count; reference: of an adjustment."""

    sku: str
    steps: Sequence[Step]
    to: int | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """available: of the SKU in all, if it was changed or found as wished."""

    sku: str
    outcome: str
    available: int | None = None
    problem: Problem | None = None


def carry_out(vendor_id: str, rows: Sequence[Row]) -> list[Outcome]:
    """Each row in turn. What a row asks for and what is so already, from an answer that was lost, is `unchanged`."""
    return [_carried_out(vendor_id, row) for row in rows]


def _carried_out(vendor_id: str, row: Row) -> Outcome:
    try:
        offer = store.change(row.sku, vendor_id, *row.steps, reference=row.reference)
        return Outcome(sku=row.sku, outcome=CHANGED, available=offer.available + offer.elsewhere)
    except Done:
        return Outcome(sku=row.sku, outcome=UNCHANGED)
    except StockChanged as changed:
        if row.to is not None and changed.extra["available"] == row.to:
            return Outcome(sku=row.sku, outcome=UNCHANGED)
        return Outcome(sku=row.sku, outcome=REFUSED, problem=changed)
    except Problem as refused:
        return Outcome(sku=row.sku, outcome=REFUSED, problem=refused)
