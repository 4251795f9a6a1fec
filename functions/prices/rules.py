"""Rules that move a price: when they apply, how far they go, and what is decided. Pure.

A rule asks for a share more or less than the *reference*: the base price as it was before any rule touched it. So rules
do not add up, and when none applies any more the price returns. Whatever is decided lies within floor and ceiling, and
at most one step from the present price; the next step waits for the cooldown. A price that nobody here decided is the
vendor's own wish: it becomes the reference, and rules wait for a cooldown before they touch it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from market import clock
from market.money import Money

Mode = Literal["apply", "suggest"]
Kind = Literal["stock", "demand", "hours", "competitor"]
APPLY: Mode = "apply"
SUGGEST: Mode = "suggest"
_WHOLE = 10_000
MAX_HOURS = 168
MOST_COMPETITORS = 20
CARRIED_OUT = timedelta(hours=1)
"""By when after its cooldown a decision has been carried out or never will be."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """When a rule applies. Of these only the fields of its `kind` count.

    stock: fewer than `units` are available. demand: at least `units` were sold within `hours`. hours: on these weekdays
    (Monday is 0), from `opens` until `closes`, in minutes of the day, UTC. competitor: somebody else was seen asking a
    price within the last `hours`.
    """

    kind: Kind
    units: int = 0
    hours: int = 0
    days: frozenset[int] = frozenset()
    opens: int = 0
    closes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """skus, category: what it is for, a category with all below it. change: basis points of the reference, with a sign;
    of a rule on competitors, of the lowest price that one of them asks, 0 to match it.

    step: the most that one decision moves the price, in basis points of it. mode: `suggest` decides nothing.
    """

    id: str
    trigger: Trigger
    change: int
    floor: Money
    ceiling: Money
    cooldown_minutes: int
    step: int = _WHOLE
    mode: Mode = APPLY
    active: bool = True
    skus: frozenset[str] = frozenset()
    category: str = ""

    def covers(self, sku: str, category: str) -> bool:
        below = bool(self.category) and f"{category}>".startswith(f"{self.category}>")
        return self.active and (sku in self.skus or below)

    def bounds(self, price: Money) -> bool:
        same = self.floor.currency == price.currency == self.ceiling.currency
        return same and self.floor.amount <= price.amount <= self.ceiling.amount


@dataclass(frozen=True, slots=True)
class Signal:
    """What a competitor asked for a SKU at a moment."""

    competitor: str
    price: Money
    at: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a SKU at a moment. sold: units by the number of hours that rules ask for."""

    sku: str
    category: str
    price: Money
    available: int
    at: str
    sold: Mapping[int, int] = field(default_factory=dict)
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class State:
    """What rules did to a SKU. reference: the price without them. before, after: of the last decision.

    rule: whose decision it was; empty before the first. until: the end of the cooldown.
    """

    reference: Money | None = None
    before: Money | None = None
    after: Money | None = None
    rule: str = ""
    until: str = ""
    version: int = 0

    @property
    def in_force(self) -> bool:
        """Whether the last decision left the price elsewhere than without rules."""
        return bool(self.rule) and self.after != self.reference


@dataclass(frozen=True, slots=True)
class Reason:
    """Why, as a stable code with the number that was seen and the bound that it was compared with."""

    code: str
    seen: int = 0
    bound: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """price: what it should cost now. state: to be kept with the decision. confidence: 0 to 100."""

    rule: str
    mode: Mode
    price: Money
    state: State
    reasons: tuple[Reason, ...]
    confidence: int

    @property
    def looks_again(self) -> bool:
        """Whether somebody must come back after the cooldown: for the way back, or for the next step, which a step that
        landed on the reference does not show in the state.
        """
        stepped = any(reason.code == "step_limited" for reason in self.reasons)
        return self.state.in_force or (stepped and self.mode == APPLY)


def judged(rules: Iterable[Rule], facts: Facts, state: State) -> Verdict | None:
    """What the first rule that applies asks for, or the way back; None where the price stays.

    A rule whose bounds leave the reference out does not apply: it was made for another price.
    """
    if facts.at < state.until:
        return None
    known = [rule for rule in rules if rule.covers(facts.sku, facts.category)]
    if own_wish(facts, state):
        state = State(version=state.version)
    reference = state.reference or facts.price
    for rule in known:
        reasons = _reasons(rule.trigger, facts)
        if reasons and rule.bounds(reference) and rule.bounds(facts.price):
            seen = _lowest(rule.trigger, facts)
            return _verdict(rule, facts, state, _moved(seen.price if seen else reference, rule), reasons)
    return _back(known, facts, state)


def own_wish(facts: Facts, state: State) -> bool:
    """Whether somebody else than a rule set this price; the last decision may not have been carried out yet."""
    if not state.rule or facts.price == state.after:
        return False
    waits = datetime.fromisoformat(facts.at) <= datetime.fromisoformat(state.until) + CARRIED_OUT
    return facts.price != state.before or not waits


def rested(rules: Iterable[Rule], facts: Facts, state: State) -> State:
    """The state after the vendor set a price: all is forgotten, and the rules that cover the SKU wait."""
    waits = max((rule.cooldown_minutes for rule in rules if rule.covers(facts.sku, facts.category)), default=0)
    return State(until=_later(facts.at, waits), version=state.version)


def _back(rules: list[Rule], facts: Facts, state: State) -> Verdict | None:
    rule = next((rule for rule in rules if rule.id == state.rule), None)
    if rule is None or state.reference is None or not rule.bounds(state.reference) or not rule.bounds(facts.price):
        return None
    return _verdict(rule, facts, state, state.reference, (Reason("no_longer_applies"),))


def _verdict(rule: Rule, facts: Facts, state: State, wanted: Money, reasons: tuple[Reason, ...]) -> Verdict | None:
    price = _one_step(facts.price, wanted, rule)
    if price == facts.price:
        return None
    notes = [Reason("floor", wanted.amount, rule.floor.amount)] if wanted == rule.floor else []
    notes += [Reason("ceiling", wanted.amount, rule.ceiling.amount)] if wanted == rule.ceiling else []
    notes += [Reason("step_limited", price.amount, wanted.amount)] if price != wanted else []
    until = _later(facts.at, rule.cooldown_minutes)
    after = State(state.reference or facts.price, facts.price, price, rule.id, until, state.version)
    if rule.mode == SUGGEST:
        after = replace(state, until=until)
    return Verdict(rule.id, rule.mode, price, after, (*reasons, *notes), _confidence(rule.trigger, facts, reasons))


def _moved(reference: Money, rule: Rule) -> Money:
    """The share of the reference, or of a competitor's price, half up, within floor and ceiling."""
    amount = (2 * reference.amount * (_WHOLE + rule.change) + _WHOLE) // (2 * _WHOLE)
    return Money(min(max(amount, rule.floor.amount), rule.ceiling.amount), reference.currency)


def _one_step(present: Money, wanted: Money, rule: Rule) -> Money:
    """At most a step towards it, rounded down but never to nothing, so that cheap goods move at all."""
    most = max(present.amount * rule.step // _WHOLE, 1)
    gap = max(-most, min(most, wanted.amount - present.amount))
    return Money(present.amount + gap, present.currency)


def _reasons(trigger: Trigger, facts: Facts) -> tuple[Reason, ...]:
    match trigger.kind:
        case "stock":
            applies = facts.available < trigger.units
            return (Reason("stock_below", facts.available, trigger.units),) if applies else ()
        case "demand":
            sold = facts.sold.get(trigger.hours, 0)
            return (Reason("sold_at_least", sold, trigger.units),) if sold >= trigger.units else ()
        case "hours":
            minute = minute_of_week(facts.at)
            within = minute // 1_440 in trigger.days and trigger.opens <= minute % 1_440 < trigger.closes
            return (Reason("within_hours", minute % 1_440, trigger.opens),) if within else ()
        case "competitor":
            lowest = _lowest(trigger, facts)
            return (Reason("competitor_asks", lowest.price.amount, facts.price.amount),) if lowest else ()


def _lowest(trigger: Trigger, facts: Facts) -> Signal | None:
    """The lowest price that a competitor asks, of those fresh enough and in the price's currency."""
    if trigger.kind != "competitor":
        return None
    oldest = _later(facts.at, -60 * trigger.hours)
    fresh = (one for one in facts.signals if one.at >= oldest and one.price.currency == facts.price.currency)
    youngest_first = sorted(fresh, key=lambda one: one.at, reverse=True)
    return min(youngest_first, key=lambda one: one.price.amount, default=None)


def with_signals(known: Iterable[Signal], new: Iterable[Signal], at: str) -> tuple[Signal, ...]:
    """The youngest signal of each competitor, the youngest first; without those that no rule may ask for any more.

    Of two of one moment the new one counts: it corrects the other.
    """
    oldest, youngest = _later(at, -60 * MAX_HOURS), dict[str, Signal]()
    for signal in (*known, *new):
        before = youngest.get(signal.competitor)
        if signal.at >= oldest and (before is None or signal.at >= before.at):
            youngest[signal.competitor] = signal
    kept = sorted(youngest.values(), key=lambda one: one.competitor)
    return tuple(sorted(kept, key=lambda one: one.at, reverse=True)[:MOST_COMPETITORS])


def _confidence(trigger: Trigger, facts: Facts, reasons: tuple[Reason, ...]) -> int:
    """How clear the case is: 50 at the bound of stock, demand or age, more the farther from it; hours are certain."""
    seen, bound = reasons[0].seen, reasons[0].bound
    match reasons[0].code:
        case "stock_below":
            return 50 + 50 * (bound - max(seen, 0)) // bound
        case "sold_at_least":
            return min(100, 50 * seen // bound)
    signal = _lowest(trigger, facts)
    if signal is None:
        return 100
    age = datetime.fromisoformat(facts.at) - datetime.fromisoformat(signal.at)
    return 100 - int(50 * age / timedelta(hours=trigger.hours))


def minute_of_week(at: str) -> int:
    moment = datetime.fromisoformat(at)
    return moment.weekday() * 1_440 + moment.hour * 60 + moment.minute


def next_turn(rules: Iterable[Rule], at: str) -> str:
    """When hours of a rule begin or end next; empty if no rule has any."""
    now = datetime.fromisoformat(at).replace(second=0, microsecond=0)
    here = minute_of_week(at)
    turns = {
        day * 1_440 + minute
        for rule in rules
        if rule.active and rule.trigger.kind == "hours"
        for day in rule.trigger.days
        for minute in (rule.trigger.opens, rule.trigger.closes)
    }
    waits = [(turn - here) % 10_080 or 10_080 for turn in turns]
    return clock.iso(now + timedelta(minutes=min(waits))) if waits else ""


def _later(at: str, minutes: int) -> str:
    return clock.iso(datetime.fromisoformat(at) + timedelta(minutes=minutes)) if minutes else at


def packed(rules: Iterable[Rule]) -> list[dict[str, Any]]:
    """As they are stored: plain JSON."""
    return [
        {
            "id": rule.id,
            "trigger": {
                "kind": rule.trigger.kind,
                "units": rule.trigger.units,
                "hours": rule.trigger.hours,
                "days": sorted(rule.trigger.days),
                "opens": rule.trigger.opens,
                "closes": rule.trigger.closes,
            },
            "change": rule.change,
            "floor": rule.floor.plain(),
            "ceiling": rule.ceiling.plain(),
            "cooldown_minutes": rule.cooldown_minutes,
            "step": rule.step,
            "mode": rule.mode,
            "active": rule.active,
            "skus": sorted(rule.skus),
            "category": rule.category,
        }
        for rule in rules
    ]


def unpacked(rows: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            **dict(row)
            | {
                "trigger": Trigger(**dict(row["trigger"]) | {"days": frozenset(row["trigger"]["days"])}),
                "floor": Money(**row["floor"]),
                "ceiling": Money(**row["ceiling"]),
                "skus": frozenset(row["skus"]),
            }
        )
        for row in rows
    )
