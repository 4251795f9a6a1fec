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
_SUM = re.compile(r"(.+) ([+-]) (:\w+)")
_DEFAULT = re.compile(r"if_not_exists\(([#\w.]+), (:\w+)\)")
_WORDS = "agent buyer digest ip legal_name network nonce note origin previous_digest tax_id text"
_PERSONAL = frozenset(_WORDS.split())
"""Attributes that tell of people, or lead to a secret, by names that `log` does not mind."""


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
    changes = [{"item": "", "before": _shown(before or {}), "after": _shown(after or {})}]
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
    if any(write.request.get("Item", {}).get("type") == _TYPE for write in writes):
        _told.set(True)  # whoever made that entry, and when
        return None
    if current is None or not concerned:
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
        record["changes"] = [
            {"item": change["item"], "attributes": sorted({*change["before"], *change["after"]})}
            for change in changes[:99]
        ]
    return outgoing(RECORDED, 1, record, service=service)


def _change(write: Write, before: Item) -> dict[str, Any]:
    after = _after(write, before)
    differs = [
        name for name in {*before, *after} if before.get(name) != after.get(name) and not _DERIVED.fullmatch(name)
    ]
    return {
        "item": _name(write.key),
        "before": {name: _safe(write, name, before[name]) for name in sorted(differs) if name in before},
        "after": {name: _safe(write, name, after[name]) for name in sorted(differs) if name in after},
    }


def _safe(write: Write, name: str, value: Any) -> Any:
    """A name is what a product is called, but personal where it is a person's: records outlive those who are erased."""
    return "***" if name == "name" and write.key.pk.startswith(_PERSON) else _masked(name, value)


def _shown(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _masked(name, attributes[name]) for name in sorted(attributes)}


def _masked(name: str, value: Any) -> Any:
    if name in _PERSONAL:
        return "***"
    if isinstance(value, dict) and log.safe(name, "") == "":
        return {str(inner): _masked(str(inner), part) for inner, part in value.items()}
    if isinstance(value, list):
        return [_masked(name, part) for part in value]
    return log.safe(name, value)


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


def _apply(whole: Item, clause: str, part: str, values: Mapping[str, Any]) -> None:
    """One part of an update expression, such as `#version = #version + :one` or `#parts.#first = :sent`."""
    place, _, what = (text.strip() for text in part.partition("=" if clause == "SET" else " "))
    *way, name = place.replace("#", "").split(".")
    result = _result(what, whole, values) if clause == "SET" else None
    after = whole
    for step in way:  # maps are copied on the way: `before` holds the same ones
        after[step] = dict(after.get(step) or {})
        after = after[step]
    if clause == "SET":
        after[name] = result
    elif clause == "REMOVE":
        after.pop(name, None)
    elif clause == "ADD":
        given, had = values[what], after.get(name)
        after[name] = (had or set()) | given if isinstance(given, set) else (had or 0) + given
    else:
        after[name] = after.get(name, set()) - values[what]


def _result(what: str, item: Item, values: Mapping[str, Any]) -> Any:
    """What an operand of SET comes to; of another expression than these its text, without the values in it."""
    if what in values:
        return values[what]
    if found := _SUM.fullmatch(what):
        had, less = _result(found[1], item, values), -1 if found[2] == "-" else 1
        return (had or 0) + less * values[found[3]]
    if found := _DEFAULT.fullmatch(what):
        had = _at(item, found[1])
        return values[found[2]] if had is None else had
    return _at(item, what) if what.startswith("#") else re.sub(r":\w+", "?", what)


def _at(item: Item, place: str) -> Any:
    """What is at the place, as `#parts.#first`; None if nothing is."""
    found: Any = item
    for step in place.replace("#", "").split("."):
        found = found.get(step) if isinstance(found, dict) else None
    return found
