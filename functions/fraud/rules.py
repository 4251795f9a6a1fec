"""The kinds of rules, what each needs, and the rules that the screen begins with."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import orjson

from fraud.model import (
    CERTAIN,
    ON_BLOCK_LIST,
    RISKY,
    Evidence,
    Judgement,
    Reason,
    Rule,
    Rulebook,
    Use,
    score,
    verdict,
)
from fraud.signals import COUNTED_A_DAY, LONGEST_MINUTES
from market.errors import Unprocessable
from market.money import CURRENCIES, MAX_AMOUNT

SUBJECTS = ("account", "card", "ip", "domain")
TAGS = ("account", "card", "ip")
PAIRS = ("card-address", "card-ip", "address-ip")
MOST_RULES = 50


def judge(rulebook: Rulebook, evidence: Evidence) -> Judgement:
    """The verdict on a payment, with the score and its reasons, the heaviest first."""
    fired = (rule for rule in rulebook.rules if rule.on and rule.weight and KINDS[rule.kind].fires(rule, evidence))
    reasons = sorted((Reason(rule.id, rule.weight) for rule in fired), key=lambda reason: (-reason.weight, reason.rule))
    points = score(reason.weight for reason in reasons)
    return Judgement(verdict=verdict(rulebook, points, evidence.marks.values()), score=points, reasons=tuple(reasons))


def _velocity(rule: Rule, evidence: Evidence) -> bool:
    """More than `limit` payments of a subject in so many minutes, this one included; or so many distinct others."""
    earlier = evidence.uses.get(rule.subject)
    if earlier is None:
        return False
    since = evidence.use.at - rule.minutes * 60
    recent = {use.order: use for use in earlier if use.at > since} | {evidence.use.order: evidence.use}
    if not rule.distinct:
        return len(recent) > rule.limit
    return len({tag for use in recent.values() if (tag := _tag(use, rule.distinct))}) > rule.limit


def _tag(use: Use, name: str) -> str:
    return {"account": use.account, "card": use.card, "ip": use.ip}[name]


def _mismatch(rule: Rule, evidence: Evidence) -> bool:
    """Two countries are known and differ."""
    facts = evidence.facts
    known = {"card": facts.card_country, "address": facts.address_country, "ip": facts.ip_country}
    one, _, other = rule.pair.partition("-")
    return bool(known[one] and known[other] and known[one] != known[other])


def _first_order(rule: Rule, evidence: Evidence) -> bool:
    """An account that has paid nothing yet orders for more than the amount in its currency."""
    amount = evidence.facts.amount
    limit = rule.amounts.get(amount.currency) if amount else None
    return bool(amount and limit is not None and not evidence.history.orders and amount.amount > limit)


def _above_average(rule: Rule, evidence: Evidence) -> bool:
    """More than `limit` times the average of at least three paid orders in the same currency."""
    amount = evidence.facts.amount
    count, paid = evidence.history.paid.get(amount.currency, (0, 0)) if amount else (0, 0)
    return bool(amount and count >= 3 and paid > 0 and amount.amount * count > rule.limit * paid)


def _new_account(rule: Rule, evidence: Evidence) -> bool:
    """Seen for the first time now, or less than so many minutes ago, and nothing paid."""
    first = evidence.history.first_seen
    if not evidence.facts.account or evidence.history.orders:
        return False
    return first is None or first > evidence.use.at - rule.minutes * 60


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of rule: when it fires, and the fields that it needs besides id and weight."""

    fires: Callable[[Rule, Evidence], bool]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


KINDS: Mapping[str, Kind] = {
    "velocity": Kind(_velocity, ("subject", "minutes", "limit"), ("distinct",)),
    "country_mismatch": Kind(_mismatch, ("pair",)),
    "risky_bin": Kind(lambda _, evidence: evidence.marks.get("bin") == RISKY),
    "disposable_mail": Kind(lambda _, evidence: evidence.marks.get("domain") == RISKY),
    "risky_subject": Kind(
        lambda _, evidence: any(evidence.marks.get(kind) == RISKY for kind in ("account", "card", "ip", "email"))
    ),
    "block_list": Kind(lambda _, evidence: ON_BLOCK_LIST in evidence.marks.values()),
    "first_order_above": Kind(_first_order, ("amounts",)),
    "above_average": Kind(_above_average, ("limit",)),
    "new_account": Kind(_new_account, ("minutes",)),
    "guest": Kind(lambda _, evidence: evidence.facts.guest),
    "refused_before": Kind(lambda rule, evidence: evidence.history.refused > rule.limit, ("limit",)),
    "refunded_before": Kind(lambda rule, evidence: evidence.history.refunded > rule.limit, ("limit",)),
}


def check(rulebook: Rulebook) -> None:
    """Raises Unprocessable, naming each rule and field that cannot be."""
    errors = [
        {"field": f"body.rules.{number}.{field}", "code": "invalid_rule", "message": message}
        for number, rule in enumerate(rulebook.rules)
        for field, message in _faults(rule)
    ]
    names = [rule.id for rule in rulebook.rules]
    errors += [
        {"field": f"body.rules.{number}.id", "code": "invalid_rule", "message": "is used twice"}
        for number, name in enumerate(names)
        if name in names[:number]
    ]
    if rulebook.review_from > rulebook.block_from:
        errors.append({"field": "body.reviewFrom", "code": "invalid_rule", "message": "is above blockFrom"})
    if errors:
        raise Unprocessable("Some rules cannot be.", errors=errors[:50])


def _faults(rule: Rule) -> Iterator[tuple[str, str]]:
    kind = KINDS.get(rule.kind)
    if kind is None:
        yield "kind", f"is none of {', '.join(KINDS)}"
        return
    plain = Rule(id=rule.id, kind=rule.kind, weight=rule.weight, on=rule.on)
    for field in fields(rule):
        given, absent = getattr(rule, field.name), getattr(plain, field.name)
        if field.name in kind.needs or (field.name in kind.takes and given != absent):
            if not _ALLOWED[field.name](given):
                yield field.name, "is missing or out of bounds"
        elif given != absent:
            yield field.name, f"means nothing to {rule.kind}"


_ALLOWED: Mapping[str, Callable[[Any], bool]] = {
    "subject": lambda value: value in SUBJECTS,
    "distinct": lambda value: value in TAGS,
    "minutes": lambda value: 1 <= value <= LONGEST_MINUTES,
    "limit": lambda value: 0 <= value < COUNTED_A_DAY,
    "pair": lambda value: value in PAIRS,
    "amounts": lambda value: (
        bool(value) and all(currency in CURRENCIES and 0 <= amount <= MAX_AMOUNT for currency, amount in value.items())
    ),
}


HOUR, DAY = 60, 24 * 60
DEFAULT = Rulebook(
    rules=(
        Rule(id="block_list", kind="block_list", weight=CERTAIN),
        Rule(id="risky_bin", kind="risky_bin", weight=7_000),
        Rule(id="risky_subject", kind="risky_subject", weight=7_000),
        Rule(id="disposable_mail", kind="disposable_mail", weight=4_500),
        Rule(id="card_velocity", kind="velocity", weight=5_000, subject="card", minutes=HOUR, limit=5),
        Rule(id="account_velocity", kind="velocity", weight=3_500, subject="account", minutes=HOUR, limit=10),
        Rule(id="ip_velocity", kind="velocity", weight=3_500, subject="ip", minutes=HOUR, limit=15),
        Rule(id="domain_velocity", kind="velocity", weight=2_500, subject="domain", minutes=DAY, limit=25),
        Rule(id="many_cards", kind="velocity", weight=5_500, subject="account", minutes=DAY, limit=3, distinct="card"),
        Rule(
            id="shared_card",
            kind="velocity",
            weight=5_500,
            subject="card",
            minutes=7 * DAY,
            limit=2,
            distinct="account",
        ),
        Rule(id="shared_ip", kind="velocity", weight=3_000, subject="ip", minutes=DAY, limit=8, distinct="account"),
        Rule(id="card_abroad", kind="country_mismatch", weight=2_000, pair="card-address"),
        Rule(id="card_elsewhere", kind="country_mismatch", weight=2_500, pair="card-ip"),
        Rule(id="buyer_elsewhere", kind="country_mismatch", weight=1_500, pair="address-ip"),
        Rule(
            id="large_first_order",
            kind="first_order_above",
            weight=4_000,
            amounts={"EUR": 50_000, "USD": 50_000, "GBP": 45_000, "JPY": 80_000, "BDT": 5_000_000},
        ),
        Rule(id="above_average", kind="above_average", weight=3_000, limit=5),
        Rule(id="new_account", kind="new_account", weight=1_000, minutes=DAY),
        Rule(id="guest", kind="guest", weight=1_000),
        Rule(id="refused_before", kind="refused_before", weight=2_500, limit=2),
        Rule(id="refunded_before", kind="refunded_before", weight=1_500, limit=5),
    )
)
"""What a marketplace begins with. No two mild reasons hold a payment back; a card that is passed around does."""


def stored(rulebook: Rulebook) -> str:
    """The rules as one text; fields that a kind does not use are left out."""
    plain = asdict(Rule(id="", kind="", weight=-1))
    return orjson.dumps(
        [{name: value for name, value in asdict(rule).items() if value != plain[name]} for rule in rulebook.rules]
    ).decode()


def read(item: Mapping[str, Any] | None) -> Rulebook:
    """The rulebook as stored; the default one where there is none."""
    if item is None:
        return DEFAULT
    return Rulebook(
        rules=tuple(Rule(**rule) for rule in orjson.loads(item["rules"])),
        review_from=item["review_from"],
        block_from=item["block_from"],
        enforced=item["enforced"],
        version=item["version"],
        updated_by=item["updated_by"],
        updated_at=item["updated_at"],
    )
