"""The record of what staff, vendors and their programs do: an outbox event in the very transaction that does it.

While such a request changes something, a `Trail` stands beside it, and the table puts an `audit.recorded` event into
each of its transactions: who, by which permission, to what, from where, and every changed attribute before and after.
Nobody has to think of it, and there is no change without its record. What happens outside of such requests makes an
`entry` itself.

Personal data and secrets are masked by the attribute's name; an entry stays below MAX_ENTRY bytes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from market import clock, ids, log
from market.events import outgoing
from market.manifest import Manifest
from market.table import OUTBOX, Busy, Item, Key, Table, Write, decoded, recorder

RECORDED = "audit.recorded"
_TYPE = {"S": RECORDED}
_ABSENT = "attribute_not_exists(#pk)"
MAX_ENTRY = 16_000
_PERSON = "USR#"
_DERIVED = re.compile(r"by[123][ps]k|card|pk|sk|expires_at")
_CLAUSE = re.compile(r"\b(SET|REMOVE|ADD|DELETE)\b")
_PART = re.compile(r",(?![^()]*\))")
_SUM = re.compile(r"#(\w+) ([+-]) (:\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """One request of somebody whose actions are recorded."""

    action: str
    permission: str
    actor_type: str
    actor_id: str
    scope: str
    subject: Mapping[str, str]
    address: str
    agent: str


trail: ContextVar[Trail | None] = ContextVar("trail", default=None)
_told: ContextVar[bool] = ContextVar("told", default=False)
"""Whether a record was made of the present request."""


def on(whose: Trail) -> None:
    """From here on to the end of the `off` block, every change is recorded as theirs."""
    trail.set(whose)
    recorder.set(follow)


@contextmanager
def off() -> Iterator[None]:
    """A block that begins without a trail; one that is begun in it ends with it."""
    trails, recorders, tales = trail.set(None), recorder.set(None), _told.set(False)
    try:
        yield
    finally:
        _told.reset(tales)
        trail.reset(trails)
        recorder.reset(recorders)


def entry(
    by: Manifest,
    *,
    action: str,
    subject: Mapping[str, str],
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Write:
    """The record of a change of access, to be put into the transaction that makes it; the actor is the log scope's."""
    changes = [{"item": "", "before": dict(before or {}), "after": dict(after or {})}]
    acting = log.scope()
    whose = Trail(
        action=action,
        permission="",
        actor_type=acting.actor_type,
        actor_id=acting.actor_id,
        scope="",
        subject=subject,
        address="",
        agent="",
    )
    current = trail.get()
    whose = replace(current, subject={**current.subject, **subject}) if current else whose
    return _outgoing(by.service, whose, changes if before or after else [], action=action)


def follow(table: Table, writes: Sequence[Write]) -> Write | None:
    """The record of these writes, if somebody's trail is being followed; it reads the items as they are before."""
    current = trail.get()
    concerned = [write for write in writes if not write.key.pk.startswith(OUTBOX) and write.action != "ConditionCheck"]
    if current is None or not concerned or any(write.request.get("Item", {}).get("type") == _TYPE for write in writes):
        return None
    old = [write.key for write in concerned if write.request.get("ConditionExpression") != _ABSENT]
    found = table.batch_get(old, consistent=True) if old else {}
    changes = [_change(write, found.get(write.key, {})) for write in concerned]
    return _outgoing(table.service, current, changes)


def complete(service: str) -> None:
    """Record a request that was carried out without a change in the table: of a file, a queue, a state machine."""
    if (current := trail.get()) is None or _told.get():
        return
    try:
        Table(Manifest(service=service, prefixes=(), functions=())).transact(_outgoing(service, current, []))
    except (ClientError, BotoCoreError, Busy) as lost:  # what was done is done, and the answer says so
        log.error("action not recorded", lost, action=current.action)


def _outgoing(service: str, current: Trail, changes: list[dict[str, Any]], *, action: str = "") -> Write:
    acting = log.scope()
    _told.set(True)
    record = {
        "entry_id": ids.new("aud"),
        "at": clock.timestamp(),
        "service": service,
        "action": action or current.action,
        "actor": {"type": current.actor_type, "id": current.actor_id},
        "permission": current.permission,
        "scope": current.scope,
        "subject": dict(current.subject),
        "address": current.address,
        "agent": current.agent,
        "request_id": acting.request_id,
        "correlation_id": acting.correlation_id,
        "changes": changes,
    }
    if len(orjson.dumps(record, default=str)) > MAX_ENTRY:
        record["changes"] = [{"item": change["item"], "attributes": sorted(change["after"])} for change in changes[:99]]
    return outgoing(RECORDED, 1, record, service=service)


def _change(write: Write, before: Item) -> dict[str, Any]:
    after = _after(write, before)
    differs = [name for name in {*before, *after} if before.get(name) != after.get(name) and not _DERIVED.match(name)]
    return {
        "item": _name(write.key),
        "before": {name: _safe(write, name, before[name]) for name in sorted(differs) if name in before},
        "after": {name: _safe(write, name, after[name]) for name in sorted(differs) if name in after},
    }


def _safe(write: Write, name: str, value: Any) -> Any:
    """A name is what a product is called, but personal where it is a person's: records outlive those who are erased."""
    return "***" if name == "name" and write.key.pk.startswith(_PERSON) else log.safe(name, value)


def _name(key: Key) -> str:
    return key.pk if key.sk == "-" else f"{key.pk}|{key.sk}"


def _after(write: Write, before: Item) -> Item:
    """The item as the write leaves it, as far as its expression tells; what it does not tell is given as its text."""
    if write.action == "Delete":
        return {}
    if write.action == "Put":
        return decoded(write.request["Item"])
    values = decoded(write.request.get("ExpressionAttributeValues", {}))
    after, pieces = dict(before), _CLAUSE.split(write.request["UpdateExpression"])
    for clause, text in zip(pieces[1::2], pieces[2::2], strict=True):
        for part in _PART.split(text):
            _apply(after, clause, part.strip(), values)
    return after


def _apply(after: Item, clause: str, part: str, values: Mapping[str, Any]) -> None:
    """One part of an update expression, such as `#version = #version + :one`."""
    place, _, what = (text.strip() for text in part.partition("=" if clause == "SET" else " "))
    name = place.replace("#", "")
    if clause == "REMOVE":
        after.pop(name, None)
    elif clause == "ADD":
        given, had = values[what], after.get(name)
        after[name] = (had or set()) | given if isinstance(given, set) else (had or 0) + given
    elif clause == "DELETE":
        after[name] = after.get(name, set()) - values[what]
    elif what in values:
        after[name] = values[what]
    elif found := _SUM.fullmatch(what):
        less = -1 if found[2] == "-" else 1
        after[name] = after.get(found[1], 0) + less * values[found[3]]
    else:
        after[name] = re.sub(r":\w+", lambda match: str(values.get(match[0], match[0])), what)
