"""What payments need of the fraud screen: keys to read, a pure verdict on what was found, and the writes that keep it.

    found = table.batch_get(lookups(facts, key))
    screening = known(facts.order_id, found) or ...
    screening, writes = judged(facts, key, found)      # AlreadyScreened, if another call was first

One read and one transaction a payment. The record of the order is the fence: however often a payment is screened, it is
judged once and counted once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from fraud import facts as cleaned
from fraud import rules, signals
from fraud.events import FraudReviewNeeded
from fraud.known import listed
from fraud.manifest import MANIFEST as MANIFEST
from fraud.model import APPROVED as APPROVED
from fraud.model import BLOCKED as BLOCKED
from fraud.model import EXPIRED as EXPIRED
from fraud.model import OPEN as OPEN
from fraud.model import PASS, PASSED, STATUS_OF, Evidence, Judgement, Reason
from fraud.model import REJECTED as REJECTED
from fraud.model import WITHDRAWN as WITHDRAWN
from fraud.model import Facts as Facts
from market import clock
from market.errors import Conflict
from market.events import announce
from market.money import Money
from market.table import Item, Key, Write, update

clean = cleaned.clean
KEPT = timedelta(days=400)
"""How long a screening is kept: longer than a card holder may dispute the payment."""

RULES = Key("FRD#rules")
_REVIEWS = "FRD#reviews"
_WAITING, _ENDED = "0", "1"
"""First character of a review's place in the queue: those that wait come first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Screening:
    """What the screen said of an order's payment, and what a person made of it.

    score and the reasons' weights are basis points. signals: the facts, masked, and counts, for staff. subjects: of a
    payment that does not simply pass, what stands for its account, card and addresses on lists, by kind. Where there is
    a status but no verdict, the order was given up before it was screened.
    """

    order_id: str
    order_no: str
    customer_id: str
    status: str
    verdict: str
    score: int
    reasons: tuple[Reason, ...]
    signals: Mapping[str, Any]
    subjects: Mapping[str, str]
    amount: Money | None
    rules_version: int
    screened_at: str
    token: str = ""
    decided_by: str = ""
    decided_at: str = ""
    note: str = ""

    @property
    def admitted(self) -> bool:
        """Whether the money may be taken."""
        return self.status in (PASSED, APPROVED)


class AlreadyScreened(Conflict):
    """Another call of the same step was first; `screening` is what it found."""

    screening: Screening


def record_key(order_id: str) -> Key:
    return Key(f"FRD#{order_id}")


def lookups(facts: Facts, key: bytes) -> list[Key]:
    """Everything that `known` and `judged` look at, for one read. key: the secret of the hashes."""
    return [record_key(facts.order_id), RULES, *signals.marks(facts, key), *signals.subjects(facts, key).values()]


def known(order_id: str, found: Mapping[Key, Item]) -> Screening | None:
    """What an earlier call of the step said, if there was one."""
    item = found.get(record_key(order_id))
    return read_screening(item) if item and "status" in item else None


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict with its writes.

    fenced: keep it, once, and announce a review; all or none, AlreadyScreened if the order was screened meanwhile.
    counts: let later screenings see this use. They follow one by one, at half the price of a transaction: after a
    crash in between a use goes uncounted, which a rule of thumb bears.
    """

    screening: Screening
    fenced: list[Write]
    counts: list[Write]


def judged(facts: Facts, key: bytes, found: Mapping[Key, Item]) -> Judged:
    """The verdict on a payment."""
    use, keys = signals.use_of(facts, key), signals.subjects(facts, key)
    uses = {kind: signals.read_uses(found.get(place)) for kind, place in keys.items()}
    rulebook = rules.read(found.get(RULES))
    account = signals.read_history(found.get(keys["account"]) if "account" in keys else None)
    evidence = Evidence(facts=facts, use=use, uses=uses, history=account, marks=_marks(facts, key, found))
    judgement = rules.judge(rulebook, evidence)
    screening = Screening(
        order_id=facts.order_id,
        order_no=facts.order_no,
        customer_id=facts.account,
        status=STATUS_OF[judgement.verdict if rulebook.enforced else PASS],
        verdict=judgement.verdict,
        score=judgement.score,
        reasons=judgement.reasons,
        signals=_shown(evidence, judgement),
        subjects=_subjects(facts, key) if judgement.verdict != PASS else {},
        amount=facts.amount,
        rules_version=rulebook.version,
        screened_at=clock.timestamp(),
    )
    counts = signals.remember(use, keys, found, facts.amount if screening.admitted else None)
    return Judged(screening, [_record(screening), *_news(screening)], counts)


def read_screening(item: Mapping[str, Any]) -> Screening:
    return Screening(
        order_id=item["pk"].removeprefix("FRD#"),
        order_no=item.get("order_no", ""),
        customer_id=item.get("customer_id", ""),
        status=item.get("status", ""),
        verdict=item.get("verdict", ""),
        score=item.get("score", 0),
        reasons=tuple(Reason(rule, weight) for rule, weight in orjson.loads(item.get("reasons", "[]"))),
        signals=orjson.loads(item.get("signals", "{}")),
        subjects=item.get("subjects", {}),
        amount=Money(item["amount"], item["currency"]) if "amount" in item else None,
        rules_version=item.get("rules_version", 0),
        screened_at=item.get("screened_at", ""),
        token=item.get("task_token", ""),
        decided_by=item.get("decided_by", ""),
        decided_at=item.get("decided_at", ""),
        note=item.get("note", ""),
    )


def waiting_place(at: str, order_id: str) -> Item:
    """Where a review stands in the queue while it waits: by the time it began."""
    return {"by1pk": _REVIEWS, "by1sk": f"{_WAITING}#{at}#{order_id}"}


def ended_place(at: str, order_id: str) -> Item:
    """Where it stands afterwards, behind all that wait."""
    return {"by1pk": _REVIEWS, "by1sk": f"{_ENDED}#{at}#{order_id}"}


def _marks(facts: Facts, key: bytes, found: Mapping[Key, Item]) -> dict[str, str]:
    """The list that each kind of fact is on: what staff say comes before what we know from the start.

    A domain and its parents, a long BIN and its short form are looked up together; the most specific entry counts.
    """
    named: dict[str, str] = {}
    for place, kind in signals.marks(facts, key).items():
        if place in found:
            named.setdefault(kind, found[place]["list"])
    for kind, values in (("domain", cleaned.parents(facts.domain)), ("bin", (facts.bin,))):
        for value in values:
            if kind not in named and (default := listed(kind, value)):
                named[kind] = default
    return named


def _subjects(facts: Facts, key: bytes) -> dict[str, str]:
    known = {"account": facts.account, "card": facts.card, "ip": facts.ip, "email": facts.email, "bin": facts.bin}
    return {kind: signals.hashed(key, kind, value) for kind, value in known.items() if value}


def _shown(evidence: Evidence, judgement: Judgement) -> dict[str, Any]:
    """What staff see of the evidence; for a payment that passes without a reason, nothing worth its storage."""
    if judgement.verdict == PASS and not judgement.reasons:
        return {}
    history = evidence.history
    return {
        "facts": signals.masked(evidence.facts),
        "today": signals.counts(evidence.use, evidence.uses),
        "lists": dict(sorted(evidence.marks.items())),
        "history": {"paid": history.orders, "refused": history.refused, "refunded": history.refunded},
    }


def _record(screening: Screening) -> Write:
    fields: Item = {
        "order_no": screening.order_no,
        "customer_id": screening.customer_id,
        "status": screening.status,
        "verdict": screening.verdict,
        "score": screening.score,
        "reasons": orjson.dumps([[reason.rule, reason.weight] for reason in screening.reasons]).decode(),
        "signals": orjson.dumps(screening.signals).decode(),
        "rules_version": screening.rules_version,
        "screened_at": screening.screened_at,
        "expires_at": clock.epoch(KEPT),
    }
    if screening.subjects:
        fields["subjects"] = screening.subjects
    if screening.amount:
        fields |= {"amount": screening.amount.amount, "currency": screening.amount.currency}
    if screening.status == OPEN:
        fields |= waiting_place(screening.screened_at, screening.order_id) | {"card": _card(screening)}
    return update(
        record_key(screening.order_id),
        "SET " + ", ".join(f"{name} = :{name}" for name in fields),
        {f":{name}": value for name, value in fields.items()},
        when="attribute_not_exists(status)",
        otherwise=_already,
    )


def _card(screening: Screening) -> Item:
    """What the queue shows of a review."""
    amount = {"amount": screening.amount.amount, "currency": screening.amount.currency} if screening.amount else {}
    shown = ("order_no", "customer_id", "status", "score", "screened_at")
    return {name: getattr(screening, name) for name in shown} | amount


def _already(found: Item | None) -> Conflict:
    assert found, "the condition only fails for an item that is there"
    refusal = AlreadyScreened("The payment is screened already.")
    refusal.screening = read_screening(found)
    return refusal


def _news(screening: Screening) -> list[Write]:
    if screening.status != OPEN:
        return []
    needed = FraudReviewNeeded(
        order_id=screening.order_id,
        order_no=screening.order_no,
        customer_id=screening.customer_id,
        score=screening.score,
    )
    return [announce(needed, by=MANIFEST)]
