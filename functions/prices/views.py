"""How the answers of prices look."""

from typing import Any, Literal

from pydantic import Field

from market.errors import Problem
from market.http import View
from market.money import Money
from prices.history import Prior
from prices.lists import Entry
from prices.ratebook import Ratebook
from prices.rates import Quote, Rate, Rates
from prices.rules import Rule, Signal, State, Trigger
from prices.rulestore import Decision
from prices.store import Book


class Tier(View):
    min_quantity: int
    price: Money


class QuoteView(View):
    """rate: units of `to` for one of `from`; the fee is on top of what it gives, and in the price already."""

    rate: str
    day: str
    source: str
    fee_basis_points: int
    fee: Money

    @classmethod
    def of(cls, quote: Quote, fee: Money) -> "QuoteView":
        return cls(
            rate=quote.decimal(), day=quote.at, source=quote.source, fee_basis_points=quote.fee_basis_points, fee=fee
        )


class PublicPrice(View):
    """price: of one unit, for the quantity and country asked for. base: in the currency in which it is sold.

    comparePrice is there only while the price is reduced: the lowest of the 30 days before. lowest30Days: without a
    reduction the lowest of the last 30. conversion: only where another currency was asked for.
    """

    sku: str
    price: Money
    base: Money
    list_id: str | None = None
    compare_price: Money | None = None
    lowest30_days: Money | None = None
    since: str | None = None
    tiers: list[Tier]
    conversion: QuoteView | None = None


class EntryView(View):
    kind: Literal["list", "plan"]
    list_id: str
    price: Money
    min_quantity: int
    groups: list[str]
    countries: list[str]
    starts_at: str | None = None
    ends_at: str | None = None
    replaces: Money | None = None

    @classmethod
    def of(cls, entry: Entry) -> "EntryView":
        return cls(
            kind="plan" if entry.replaces else "list",
            list_id=entry.list_id,
            price=entry.price,
            min_quantity=entry.min_quantity,
            groups=sorted(entry.groups),
            countries=sorted(entry.countries),
            starts_at=entry.starts_at or None,
            ends_at=entry.ends_at or None,
            replaces=entry.replaces,
        )


class Refusal(View):
    code: str
    detail: str


class Written(View):
    """What became of one SKU's entries: all of them as they are now, or why none was changed."""

    sku: str
    entries: list[EntryView] | None = None
    refused: Refusal | None = None

    @classmethod
    def of(cls, sku: str, outcome: Problem | Book) -> "Written":
        if isinstance(outcome, Problem):
            return cls(sku=sku, refused=Refusal(code=outcome.code, detail=outcome.detail))
        return cls(sku=sku, entries=[EntryView.of(entry) for entry in outcome.entries])


class Accepted(View):
    """What became of a suggestion: the price that the SKU gets, or why it does not."""

    sku: str
    decision_id: str
    price: Money | None = None
    refused: Refusal | None = None

    @classmethod
    def of(cls, sku: str, decision_id: str, outcome: Problem | Decision) -> "Accepted":
        if isinstance(outcome, Problem):
            return cls(sku=sku, decision_id=decision_id, refused=Refusal(code=outcome.code, detail=outcome.detail))
        return cls(sku=sku, decision_id=decision_id, price=outcome.after)


class Reported(View):
    """What became of what competitors ask for a SKU: noted, or why not."""

    sku: str
    refused: Refusal | None = None

    @classmethod
    def of(cls, sku: str, outcome: Problem | None) -> "Reported":
        return cls(sku=sku, refused=Refusal(code=outcome.code, detail=outcome.detail) if outcome else None)


class WrittenList(View):
    items: list[Written]
    accepted: list[Accepted] = []
    competitors: list[Reported] = []


class BookCard(View):
    sku: str
    entries: int
    changed_at: str


class BookList(View):
    items: list[BookCard]
    next_cursor: str | None = None


class ReasonView(View):
    code: str
    seen: int
    bound: int


class DecisionView(View):
    """kind: `plan`, `rule` or `suggestion`, by: which; or `claim`: compared with `before`, at most `after` is true.

    acceptedAt, acceptedBy: of a suggestion that became the price.
    """

    id: str
    at: str
    kind: str
    by: str
    before: Money
    after: Money
    confidence: int
    reasons: list[ReasonView]
    accepted_at: str | None = None
    accepted_by: str | None = None

    @classmethod
    def of(cls, decision: Decision) -> "DecisionView":
        reasons = [ReasonView(code=one.code, seen=one.seen, bound=one.bound) for one in decision.reasons]
        return cls(
            id=decision.id,
            at=decision.at,
            kind=decision.kind,
            by=decision.by,
            before=decision.before,
            after=decision.after,
            confidence=decision.confidence,
            reasons=reasons,
            accepted_at=decision.accepted_at or None,
            accepted_by=decision.accepted_by or None,
        )


class SignalView(View):
    competitor: str
    price: Money
    seen_at: str

    @classmethod
    def of(cls, signal: Signal) -> "SignalView":
        return cls(competitor=signal.competitor, price=signal.price, seen_at=signal.at)


class BookView(View):
    """base: as the catalog has it; effective: with plans that are due. withoutRules: the price that rules start from.

    mayCompareWith: the highest price that the present one may be compared with; absent where it is not reduced.
    """

    sku: str
    base: Money
    effective: Money
    entries: list[EntryView]
    may_compare_with: Money | None = None
    lowest30_days: Money | None = None
    without_rules: Money | None = None
    rule: str | None = None
    rests_until: str | None = None
    competitors: list[SignalView] = Field([], description="What they were last seen asking, the youngest first.")
    decisions: list[DecisionView]
    next_cursor: str | None = None


def told(found: Prior | None) -> tuple[Money | None, Money | None, str | None]:
    """The price to compare with, the lowest of 30 days, and since when the present one counts."""
    if found is None:
        return None, None, None
    return found.lowest if found.reduced else None, found.lowest, found.since or None


class TriggerView(View):
    kind: str
    units: int | None = None
    hours: int | None = None
    days: list[int] | None = None
    opens: str | None = None
    closes: str | None = None

    @classmethod
    def of(cls, trigger: Trigger) -> "TriggerView":
        if trigger.kind != "hours":
            return cls(kind=trigger.kind, units=trigger.units or None, hours=trigger.hours or None)
        return cls(kind="hours", days=sorted(trigger.days), opens=_clock(trigger.opens), closes=_clock(trigger.closes))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


class RuleView(View):
    id: str
    trigger: TriggerView
    change_basis_points: int
    floor: Money
    ceiling: Money
    cooldown_minutes: int
    max_step_basis_points: int
    mode: str
    active: bool
    skus: list[str]
    category: str

    @classmethod
    def of(cls, rule: Rule) -> "RuleView":
        return cls(
            id=rule.id,
            trigger=TriggerView.of(rule.trigger),
            change_basis_points=rule.change,
            floor=rule.floor,
            ceiling=rule.ceiling,
            cooldown_minutes=rule.cooldown_minutes,
            max_step_basis_points=rule.step,
            mode=rule.mode,
            active=rule.active,
            skus=sorted(rule.skus),
            category=rule.category,
        )


class RuleList(View):
    rules: list[RuleView]
    changed_at: str | None = None
    changed_by: str | None = None


class Groups(View):
    groups: list[str]


class RateView(View):
    rate: str
    day: str
    source: str
    pinned: bool

    @classmethod
    def of(cls, rate: Rate) -> "RateView":
        return cls(rate=rate.value, day=rate.at, source=rate.source, pinned=rate.pinned)


class PublicRates(View):
    """Units of each currency for one of `base`. feeBasisPoints comes on top of every conversion."""

    base: str
    rates: dict[str, RateView]
    fee_basis_points: int


class RoundingView(View):
    step: int
    ending: int


class RatesOfDay(View):
    at: str
    source: str
    rates: dict[str, str]


class AllRates(PublicRates):
    """held: rates that were published but jumped, for staff to accept. history: of the month asked for."""

    roundings: dict[str, RoundingView]
    refuse_after_days: int
    held: dict[str, RateView]
    changed_at: str | None = None
    changed_by: str | None = None
    history: list[RatesOfDay] | None = None
    next_cursor: str | None = None


def rates_fields(rates: Rates, base: str) -> dict[str, Any]:
    return {
        "base": base,
        "rates": {name: RateView.of(rate) for name, rate in sorted(rates.rates.items())},
        "fee_basis_points": rates.fee_basis_points,
    }


def all_rates(book: Ratebook, base: str, **more: Any) -> AllRates:
    rounding = {
        name: RoundingView(step=rule.step, ending=rule.ending) for name, rule in sorted(book.rates.roundings.items())
    }
    return AllRates(
        **rates_fields(book.rates, base),
        roundings=rounding,
        refuse_after_days=book.rates.refuse_after_days,
        held={name: RateView.of(rate) for name, rate in sorted(book.held.items())},
        changed_at=book.changed_at or None,
        changed_by=book.changed_by or None,
        **more,
    )


def moved_by(state: State) -> dict[str, Any]:
    """What a SKU's rules did to it."""
    return {
        "without_rules": state.reference if state.in_force else None,
        "rule": state.rule if state.in_force else None,
        "rests_until": state.until or None,
    }
