"""A score for a payment, made of rules that are data: pure, deterministic, and silent where nothing is known.

A rule that fires gives a reason with the rule's weight w, in basis points. The score is

    10 000 - 10 000 * product of (1 - w / 10 000) over all reasons, rounded down,

worked out in whole numbers: between 0 and 10 000, the same in whatever order the rules stand, and never lower for one
more reason. From the first threshold on a person decides, from the second on the payment is refused.

A trusted subject passes whatever the score; a blocked one is refused whatever else is known of it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from market.errors import Conflict, NotFound, Problem
from market.money import Money

CERTAIN = 10_000
"""The highest score, and the weight of a rule that decides alone."""

PASS, REVIEW, BLOCK = "pass", "review", "block"
"""What the screen says of a payment."""

PASSED, BLOCKED, OPEN, APPROVED, REJECTED, EXPIRED, WITHDRAWN = (
    "passed", "blocked", "open", "approved", "rejected", "expired", "withdrawn",
)  # fmt: skip
"""Where a screening stands. `open` waits for a person; `expired` waited too long, `withdrawn` lost its order."""

STATUS_OF = {PASS: PASSED, REVIEW: OPEN, BLOCK: BLOCKED}
Subject = Literal["account", "card", "ip", "domain"]
MarkKind = Literal["account", "card", "ip", "email", "domain", "bin"]
ListName = Literal["trusted", "risky", "blocked"]
TRUSTED, RISKY, ON_BLOCK_LIST = "trusted", "risky", "blocked"


class NoSuchScreening(NotFound):
    """Nothing of this order was screened."""

    code, title = "screening_not_found", "No such screening"


class NotOnList(NotFound):
    code, title = "list_entry_not_found", "No such entry"


class NotInReview(Conflict):
    """The review is over, or there never was one; `present` says how the screening stands."""

    code, title = "not_in_review", "Not in review"


class ReviewRejected(Problem):
    """A person refused the payment, or nobody decided in time: final."""


class CancelledByCustomer(Problem):
    """The customer no longer wants the order, which was in review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a payment as it is made; an empty text or None where it is not. Clean, see `facts.clean`.

    account: the customer's or guest's id; card: the provider's fingerprint; bin: 6 to 8 digits; countries: ISO 3166-1
    alpha-2; ip: of the public internet, an IPv6 one by its /64 network; domain: of the e-mail address.
    """

    order_id: str
    order_no: str = ""
    account: str = ""
    guest: bool = False
    amount: Money | None = None
    card: str = ""
    bin: str = ""
    card_country: str = ""
    address_country: str = ""
    ip_country: str = ""
    ip: str = ""
    email: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One earlier payment of a subject, by short tags: when (epoch seconds), of which order, with what else."""

    at: int
    order: str
    account: str = ""
    card: str = ""
    ip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What became of an account's orders. paid: by currency, (orders, their sum in minor units)."""

    first_seen: int | None = None
    paid: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    refused: int = 0
    refunded: int = 0

    @property
    def orders(self) -> int:
        return sum(count for count, _ in self.paid.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that rules look at. uses: earlier payments by subject; marks: the list that a kind of the facts is on."""

    facts: Facts
    use: Use
    uses: Mapping[str, tuple[Use, ...]] = field(default_factory=dict)
    history: History = field(default_factory=History)
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. weight: basis points. Which of the other fields it needs is its kind's affair, see `rules.py`."""

    id: str
    kind: str
    weight: int
    on: bool = True
    subject: str = ""
    distinct: str = ""
    minutes: int = 0
    limit: int = 0
    pair: str = ""
    amounts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rulebook:
    """All rules with the thresholds, in basis points. Where it is not enforced, verdicts are noted but all may pass."""

    rules: tuple[Rule, ...]
    review_from: int = 6_500
    block_from: int = 9_000
    enforced: bool = True
    version: int = 0
    updated_by: str = ""
    updated_at: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the score is what it is: a rule that fired, with the weight that it had."""

    rule: str
    weight: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    verdict: str
    score: int
    reasons: tuple[Reason, ...]


def score(weights: Iterable[int]) -> int:
    """The score of reasons with these weights, in basis points; see the formula above."""
    innocent, whole = 1, 1
    for weight in weights:
        innocent *= CERTAIN - min(max(weight, 0), CERTAIN)
        whole *= CERTAIN
    return CERTAIN * (whole - innocent) // whole


def verdict(rulebook: Rulebook, points: int, marks: Iterable[str]) -> str:
    """pass, review or block, for a score and the lists that the payment's subjects are on."""
    lists = set(marks)
    if ON_BLOCK_LIST in lists:
        return BLOCK
    if TRUSTED in lists or points < min(rulebook.review_from, rulebook.block_from):
        return PASS
    return BLOCK if points >= rulebook.block_from else REVIEW
