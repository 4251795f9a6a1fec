"""How the fraud screen's answers and requests look. Scores are 0 to 1, weights and thresholds basis points."""

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from fraud.contract import Screening
from fraud.model import CERTAIN, ListName, MarkKind, Rule, Rulebook
from fraud.store import Mark
from market.http import Body, OneLine, View
from market.money import MAX_AMOUNT, Money
from market.table import Item

BasisPoints = Annotated[int, Field(strict=True, ge=0, le=CERTAIN)]
Note = Annotated[OneLine, StringConstraints(max_length=500)]


class ReviewView(View):
    """A review in the queue. status: open, or how it ended."""

    order_no: str
    status: str
    score: float
    amount: Money | None = None
    screened_at: str

    @classmethod
    def of(cls, item: Item) -> "ReviewView":
        card = item["card"]
        return cls(
            order_no=card["order_no"],
            status=card["status"],
            score=card["score"] / CERTAIN,
            amount=Money(card["amount"], card["currency"]) if "amount" in card else None,
            screened_at=card["screened_at"],
        )


class ReviewList(View):
    items: list[ReviewView]
    next_cursor: str | None = None


class ReasonView(View):
    rule: str
    weight: int


class ScreeningView(View):
    """A screening. verdict: what the rules said; status: how it stands. signals: masked facts, counts of a day."""

    order_no: str
    customer_id: str
    status: str
    verdict: str
    score: float
    reasons: list[ReasonView]
    signals: dict[str, Any]
    amount: Money | None = None
    rules_version: int
    screened_at: str
    decided_by: str | None = None
    decided_at: str | None = None
    note: str | None = None

    @classmethod
    def of(cls, screening: Screening) -> "ScreeningView":
        return cls(
            order_no=screening.order_no,
            customer_id=screening.customer_id,
            status=screening.status,
            verdict=screening.verdict,
            score=screening.score / CERTAIN,
            reasons=[ReasonView(rule=reason.rule, weight=reason.weight) for reason in screening.reasons],
            signals=dict(screening.signals),
            amount=screening.amount,
            rules_version=screening.rules_version,
            screened_at=screening.screened_at,
            decided_by=screening.decided_by or None,
            decided_at=screening.decided_at or None,
            note=screening.note or None,
        )


class Decision(Body):
    decision: Literal["approve", "reject"]
    note: Note = ""


class Entry(Body):
    """Either the value itself (id, fingerprint, address, domain or BIN), or the order that was paid with it.

    Only a keyed hash of the value and a hint are kept.
    """

    kind: MarkKind
    value: Annotated[OneLine, StringConstraints(max_length=320)] = ""
    order_no: Annotated[OneLine, StringConstraints(max_length=64)] = ""
    note: Note = ""


class EntryView(View):
    id: str
    list: ListName
    kind: str
    hint: str
    note: str
    added_by: str
    added_at: str

    @classmethod
    def of(cls, mark: Mark) -> "EntryView":
        return cls.model_validate(mark, from_attributes=True)


class EntryList(View):
    items: list[EntryView]
    next_cursor: str | None = None


class RuleBody(Body):
    """Which fields a rule needs besides id, kind and weight says its kind; the others are left out."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
    kind: Annotated[str, StringConstraints(max_length=40)]
    weight: BasisPoints
    on: bool = True
    subject: Annotated[str, StringConstraints(max_length=20)] = ""
    distinct: Annotated[str, StringConstraints(max_length=20)] = ""
    minutes: Annotated[int, Field(strict=True, ge=0, le=100_000)] = 0
    limit: Annotated[int, Field(strict=True, ge=0, le=1_000)] = 0
    pair: Annotated[str, StringConstraints(max_length=20)] = ""
    amounts: dict[str, Annotated[int, Field(strict=True, ge=0, le=MAX_AMOUNT)]] = {}


class RulesBody(Body):
    """All rules and thresholds, in basis points: from reviewFrom on a person decides, from blockFrom on nobody pays."""

    rules: Annotated[list[RuleBody], Field(min_length=1, max_length=50)]
    review_from: BasisPoints
    block_from: BasisPoints
    enforced: bool = True

    def rulebook(self, version: int) -> Rulebook:
        return Rulebook(
            rules=tuple(Rule(**rule.model_dump()) for rule in self.rules),
            review_from=self.review_from,
            block_from=self.block_from,
            enforced=self.enforced,
            version=version,
        )


class RuleView(View):
    id: str
    kind: str
    weight: int
    on: bool
    subject: str | None = None
    distinct: str | None = None
    minutes: int | None = None
    limit: int | None = None
    pair: str | None = None
    amounts: dict[str, int] | None = None

    @classmethod
    def of(cls, rule: Rule, needs: tuple[str, ...]) -> "RuleView":
        shown = {name: getattr(rule, name) for name in needs if getattr(rule, name) not in ("", {})}
        return cls(id=rule.id, kind=rule.kind, weight=rule.weight, on=rule.on, **shown)


class RulesView(View):
    """version counts changes; 0 is what the marketplace begins with."""

    rules: list[RuleView]
    review_from: int
    block_from: int
    enforced: bool
    version: int
    updated_by: str | None = None
    updated_at: str | None = None
