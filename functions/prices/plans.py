"""Plans of a SKU's base price: changes from a moment on, and sales that end by themselves. Pure.

Nothing is remembered of what was decided: `looked_at` compares the plans with the base price as it is, so that a run
that is late, repeated or lost changes nothing but when the catalog learns of it. Readers of prices do not wait for
that: see `lists.planned`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from market.errors import Conflict, Unprocessable
from market.money import Money
from prices.lists import Entry

NEVER = ""


class PlansOverlap(Conflict):
    """Two plans of one SKU would decide on its base price at once; `listId` is the other one."""

    code, title = "plans_overlap", "Plans overlap"


class PlanCurrency(Unprocessable):
    """A plan is in the currency of the price that it replaces."""

    code, title = "plan_currency", "Currency of a plan"


@dataclass(frozen=True, slots=True)
class Outlook:
    """What plans mean for a base price now.

    entries: those that are still of use, plans that are yet to come on the base that will be there. price: what the
    base should be; plan_id, moment: which plan says so, and since when. due: when to look again; NEVER for no plans.
    """

    entries: tuple[Entry, ...]
    price: Money
    plan_id: str = ""
    moment: str = ""
    due: str = NEVER


def looked_at(entries: Iterable[Entry], base: Money, at: str) -> Outlook:
    """Carry plans that are due on to the price that they ask for, and drop those that are done or overtaken.

    A plan is overtaken when the base is neither what it replaces nor its own: the vendor set another price.
    """
    known = tuple(entries)
    plans = sorted((entry for entry in known if entry.replaces), key=lambda one: one.starts_at)
    price, plan_id, moment, kept = base, "", "", list[Entry]()
    returning: Money | None = None
    for plan in plans:
        if plan.price.currency != base.currency:
            continue
        if at < plan.starts_at:
            comes_back = returning or price
            kept.append(replace(plan, replaces=comes_back))
            returning = comes_back if plan.ends_at else plan.price
            continue
        after = _after(plan, price, at)
        if after is None:
            continue
        kept.append(plan)
        if after != price:
            price, plan_id, moment = after, plan.list_id, plan.ends_at if _over(plan, at) else plan.starts_at
        returning = plan.replaces if plan.ends_at and not _over(plan, at) else None
    rest = tuple(entry for entry in known if not entry.replaces)
    due = at if price != base else min((_next(plan, at) for plan in kept), default=NEVER)
    return Outlook((*rest, *kept), price, plan_id, moment, due)


def _after(plan: Entry, price: Money, at: str) -> Money | None:
    """The base after a plan that has begun; None for a plan that has nothing left to do."""
    if _over(plan, at):
        return plan.replaces if price == plan.price != plan.replaces else None
    if price == plan.price:
        return price if plan.ends_at else None
    return plan.price if price == plan.replaces else None


def _over(plan: Entry, at: str) -> bool:
    return bool(plan.ends_at) and plan.ends_at <= at


def _next(plan: Entry, at: str) -> str:
    return plan.starts_at if at < plan.starts_at else plan.ends_at


def require_order(entries: Sequence[Entry]) -> None:
    """Raises PlansOverlap if a plan starts while another has not ended, or two start at once.

    A plan without an end only starts something; what starts later goes on from there.
    """
    plans = sorted((entry for entry in entries if entry.replaces), key=lambda one: one.starts_at)
    for earlier, later in pairwise(plans):
        if later.starts_at < earlier.ends_at or later.starts_at == earlier.starts_at:
            said = f"{later.list_id} starts while {earlier.list_id} still counts."
            raise PlansOverlap(said, listId=earlier.list_id)
