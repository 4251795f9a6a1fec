"""Rules of vendors, what they did to a SKU, what was sold lately, and every decision.

PRR#<vendor>               all rules of a vendor, with a version; listed by the next turn of their hours
PRS#<sku>                  the state of a SKU; listed by the end of its cooldown while a rule is to look again
PRS#sold#<sku> / <moment>  units of one order, for as long as a rule may ask
PRS#seen#<sku>             what competitors ask for it, as last told, for as long as a rule may ask
PRA#<sku> / <moment>#<id>  a decision or a suggestion, kept for 400 days
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

import orjson

from identity.contract import MANIFEST as IDENTITY
from inventory.contract import MANIFEST as INVENTORY
from market import clock
from market.errors import Conflict, PreconditionFailed
from market.money import Money
from market.table import NEW, Item, Key, Table, Write, put, update
from orders.contract import MANIFEST as ORDERS
from prices import rules as model
from prices.manifest import MANIFEST
from prices.rules import Reason, Rule, Signal, State
from vendors.contract import MANIFEST as VENDORS

KEPT = timedelta(days=400)
SHARDS = 4
_MOST_COUNTED = 1_000
_table = Table(MANIFEST, IDENTITY, INVENTORY, ORDERS, VENDORS)


class StateChanged(Conflict):
    """Another decision on the SKU was made meanwhile."""


class SignalsChanged(Conflict):
    """Somebody else told what competitors ask for the SKU at the same moment."""

    code, title = "signals_changed", "Told by somebody else meanwhile"


class AlreadyNoted(Conflict):
    """The record is there."""


class AlreadyAccepted(Conflict):
    """The suggestion was accepted before."""


class RulesChanged(PreconditionFailed):
    """The rules were changed since they were read."""

    code, title = "rules_changed", "Rules were changed meanwhile"


@dataclass(frozen=True, slots=True)
class Rulebook:
    """A vendor's rules in the order in which they are asked. version: 0 before the first."""

    vendor_id: str
    rules: tuple[Rule, ...] = ()
    version: int = 0
    changed_at: str = ""
    changed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided, suggested or doubted, and why. by: of the plan or the rule.

    accepted_at, accepted_by: of a suggestion that somebody let become the price.

    kind: `plan`, `rule`, `suggestion`, or `claim`: a price that was compared with, and the highest that may be.
    """

    id: str
    sku: str
    at: str
    kind: str
    by: str
    before: Money
    after: Money
    confidence: int = 100
    reasons: tuple[Reason, ...] = ()
    accepted_at: str = ""
    accepted_by: str = ""


def rules_key(vendor_id: str) -> Key:
    return Key(f"PRR#{vendor_id}")


def state_key(sku: str) -> Key:
    return Key(f"PRS#{sku}")


def rulebook(vendor_id: str) -> Rulebook:
    item = _table.get(rules_key(vendor_id), consistent=True)
    return _rulebook(item) if item else Rulebook(vendor_id)


def rulebooks(vendor_ids: Iterable[str]) -> dict[str, Rulebook]:
    """Of those vendors that have rules."""
    found = _table.batch_get(map(rules_key, vendor_ids)).values()
    return {book.vendor_id: book for book in map(_rulebook, found)}


def _rulebook(item: Item) -> Rulebook:
    return Rulebook(
        item["pk"].removeprefix("PRR#"),
        model.unpacked(orjson.loads(item["rules"])),
        item["version"],
        item["changed_at"],
        item["changed_by"],
    )


def save_rules(book: Rulebook, *, turn: str) -> None:
    """Keep rules that were read at their version; turn: when somebody is to look at them. Raises RulesChanged."""
    item: dict[str, Any] = {
        "rules": orjson.dumps(model.packed(book.rules)).decode(),
        "version": book.version + 1,
        "changed_at": book.changed_at,
        "changed_by": book.changed_by,
    }
    item |= {"by1pk": "PRR#due", "by1sk": f"{turn}#{book.vendor_id}"} if turn else {}
    stale = RulesChanged("The rules were changed meanwhile.")
    when, values = ("version = :seen", {":seen": book.version}) if book.version else (NEW, None)
    _table.write(put(rules_key(book.vendor_id), item, when=when, values=values, otherwise=stale))


def turned(book: Rulebook, turn: str) -> None:
    """Say when somebody is to look at the rules next, or that nobody need; they stay in their version.

    Raises RulesChanged.
    """
    listed = {":due": "PRR#due", ":turn": f"{turn}#{book.vendor_id}"} if turn else {}
    write = update(
        rules_key(book.vendor_id),
        "SET by1pk = :due, by1sk = :turn" if turn else "REMOVE by1pk, by1sk",
        {":seen": book.version} | listed,
        when="version = :seen",
        otherwise=RulesChanged("The rules were changed meanwhile."),
    )
    _table.write(write)


def rules_due(now: str, *, limit: int) -> list[str]:
    """Vendors whose rules have a turn that has come."""
    page = _table.query("PRR#due", index="by1", limit=limit)
    return [item["pk"].removeprefix("PRR#") for item in page.items if item["by1sk"].partition("#")[0] <= now]


def states_due(shard: int, now: str, *, limit: int) -> list[str]:
    """SKUs on which a rule is in force, or has a step to go, whose cooldown is over."""
    page = _table.query(f"PRS#due#{shard}", index="by1", limit=limit)
    return [item["pk"].removeprefix("PRS#") for item in page.items if item["by1sk"] <= now]


def state(sku: str) -> State:
    item = _table.get(state_key(sku), consistent=True)
    if item is None:
        return State()
    amounts = {name: Money(*pair) if (pair := item[name]) else None for name in ("reference", "before", "after")}
    return State(**amounts, rule=item["rule"], until=item["until"], version=item["version"])


def save_state(sku: str, new: State, *writes: Write, due: str) -> None:
    """Keep a state that was read at its version, with the decision that made it. Raises StateChanged."""
    item: dict[str, Any] = {
        name: [money.amount, money.currency] if (money := getattr(new, name)) else None
        for name in ("reference", "before", "after")
    }
    item |= {"rule": new.rule, "until": new.until, "version": new.version + 1}
    item |= {"by1pk": f"PRS#due#{crc32(sku.encode()) % SHARDS}", "by1sk": due} if due else {}
    changed = StateChanged("Somebody else decided.", sku=sku)
    when, values = ("version = :seen", {":seen": new.version}) if new.version else (NEW, None)
    _table.transact(put(state_key(sku), item, when=when, values=values, otherwise=changed), *writes)


def noted(decision: Decision) -> Write:
    """The record of a decision; told again it is written again as it was."""
    return put(*_record(decision))


def noted_once(decision: Decision) -> Write:
    """The record of what is only to be told once. Raises AlreadyNoted."""
    return put(*_record(decision), when=NEW, otherwise=AlreadyNoted("This was told."))


def _record(decision: Decision) -> tuple[Key, Item]:
    item: Item = {
        "id": decision.id,
        "kind": decision.kind,
        "by": decision.by,
        "before": decision.before.plain(),
        "after": decision.after.plain(),
        "confidence": decision.confidence,
        "reasons": [asdict(reason) for reason in decision.reasons],
        "expires_at": clock.epoch(KEPT),
    }
    return Key(f"PRA#{decision.sku}", f"{decision.at}#{decision.id}"), item


def suggestion(sku: str, decision_id: str) -> Decision | None:
    """A rule's suggestion, if it is one of the latest decisions on the SKU."""
    latest, _ = decisions(sku, limit=100, cursor=None)
    return next((one for one in latest if one.id == decision_id and one.kind == "suggestion"), None)


def accepted(decision: Decision, *, by: str) -> Write:
    """Note, once, that a suggestion is to become the price. Raises AlreadyAccepted."""
    return update(
        Key(f"PRA#{decision.sku}", f"{decision.at}#{decision.id}"),
        "SET accepted_at = :now, accepted_by = :by",
        {":now": clock.timestamp(), ":by": by},
        when="attribute_exists(pk) AND attribute_not_exists(accepted_at)",
        otherwise=AlreadyAccepted("It was accepted."),
    )


def decisions(sku: str, *, limit: int, cursor: str | None) -> tuple[list[Decision], str | None]:
    """What was decided on a SKU, the youngest first."""
    page = _table.query(f"PRA#{sku}", newest_first=True, limit=limit, cursor=cursor)
    return [_decision(sku, item) for item in page.items], page.next


def _decision(sku: str, item: Item) -> Decision:
    return Decision(
        id=item["id"],
        sku=sku,
        at=item["sk"].partition("#")[0],
        kind=item["kind"],
        by=item["by"],
        before=Money(**item["before"]),
        after=Money(**item["after"]),
        confidence=item["confidence"],
        reasons=tuple(Reason(**reason) for reason in item["reasons"]),
        accepted_at=item.get("accepted_at", ""),
        accepted_by=item.get("accepted_by", ""),
    )


def count_sale(sku: str, order_id: str, units: int, at: str) -> None:
    """Remember what one order bought of a SKU; an order counts once, however often it is told."""
    kept = clock.epoch(timedelta(hours=model.MAX_HOURS + 1))
    _table.write(put(Key(f"PRS#sold#{sku}", f"{at}#{order_id}"), {"units": units, "expires_at": kept}))


def sold(sku: str, hours: int, *, enough: int) -> int:
    """Units sold within the last hours; counting stops at `enough`, and at a thousand orders."""
    since = clock.iso(clock.now() - timedelta(hours=hours))
    units, seen, cursor = 0, 0, None
    while units < enough and seen < _MOST_COUNTED:
        page = _table.query(f"PRS#sold#{sku}", newest_first=True, limit=100, cursor=cursor)
        fresh = [item for item in page.items if item["sk"] >= since]
        units, seen, cursor = units + sum(item["units"] for item in fresh), seen + len(fresh), page.next
        if cursor is None or len(fresh) < len(page.items):
            break
    return units


def signals(sku: str) -> tuple[tuple[Signal, ...], int]:
    """What competitors ask, and the version that it was read at: 0 before the first."""
    item = _table.get(_signals_key(sku), consistent=True)
    rows = orjson.loads(item["seen"]) if item else []
    return tuple(Signal(who, Money(*price), at) for who, price, at in rows), item["version"] if item else 0


def save_signals(sku: str, known: Iterable[Signal], *, version: int) -> None:
    """Keep what was read at this version. Raises SignalsChanged."""
    rows = [[one.competitor, [one.price.amount, one.price.currency], one.at] for one in known]
    kept = clock.epoch(timedelta(hours=model.MAX_HOURS + 1))
    item = {"seen": orjson.dumps(rows).decode(), "version": version + 1, "expires_at": kept}
    changed = SignalsChanged("Send it again.", sku=sku)
    when, values = ("version = :seen", {":seen": version}) if version else (NEW, None)
    _table.write(put(_signals_key(sku), item, when=when, values=values, otherwise=changed))


def _signals_key(sku: str) -> Key:
    return Key(f"PRS#seen#{sku}")


def later(at: str, minutes: int) -> str:
    return clock.iso(datetime.fromisoformat(at) + timedelta(minutes=minutes))
