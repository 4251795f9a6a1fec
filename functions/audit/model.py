"""Entries of the audit log and the chains that they are links of. Pure.

A chain binds each entry to all before it: a link's hash is the SHA-256 of its chain, sequence, time, predecessor's hash
and entry, as JSON with sorted keys and no spaces. There are several chains so that no single item takes every write;
an entry's id says which is its own.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import orjson

from audit.events import AuditRecorded
from market.errors import Conflict, NotFound

CHAINS = 8
START = "0" * 64
"""What the first link of a chain names as the hash before it."""
PLATFORM = "platform"
MOST_SUBJECTS = 6
_LONGEST = 200
_KINDS = {"customer_id": "user", "member_id": "user", "sub": "user", "number": "document", "saved_id": "payment_method"}
_SUFFIXES = ("_id", "_no", "_name", "_key")
_ID = re.compile(r"\b(cat|ord|prd|ven)_[0-9a-z]{16,26}\b")
_OF_IDS = {"cat": "category", "ord": "order", "prd": "product", "ven": "vendor"}


class NoSuchEntry(NotFound):
    code, title = "no_such_entry", "No such audit entry"


class Moved(Conflict):
    """Somebody else wrote meanwhile."""

    code, title = "moved", "Changed meanwhile"


class BrokenChain(RuntimeError):
    """The table does not hold what the chain says it must: somebody has to look (runbook audit-broken)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. `data` is all that was recorded, as it came; `recorded` the same, read."""

    data: Mapping[str, Any]
    recorded: AuditRecorded

    @property
    def id(self) -> str:
        return self.recorded.entry_id

    @property
    def chain(self) -> int:
        return crc32(self.id.encode()) % CHAINS

    @property
    def sha256(self) -> str:
        return hashlib.sha256(canonical(self.data)).hexdigest()

    @property
    def subjects(self) -> list[str]:
        """What it is about, as `kind:id`, such as `order:0r3k7q8h2mx4tq9z` or `vendor:ven_…`.

        That is what the request named, whose scope it was in, and what the changed items are: who makes a product, say,
        cannot name it before.
        """
        named = [subject(name, value) for name, value in self.recorded.subject.items() if value]
        whose = self.recorded.scope
        named += [subject("vendor", whose)] if whose not in ("", PLATFORM) else []
        changed = (found for change in self.recorded.changes for found in _ID.finditer(change.item))
        named += [subject(_OF_IDS[found[1]], found[0]) for found in changed]
        return list(dict.fromkeys(named))[:MOST_SUBJECTS]

    @property
    def card(self) -> dict[str, Any]:
        """What lists show; not from where it was done, which is personal."""
        told = self.recorded
        return {
            "id": told.entry_id,
            "at": told.at,
            "service": told.service,
            "action": told.action,
            "actor_type": told.actor.type,
            "actor_id": told.actor.id,
            "permission": told.permission,
            "scope": told.scope,
            "subjects": self.subjects,
        }


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain ends: the last link's sequence, hash and time. An empty chain ends before its first."""

    sequence: int = 0
    hash: str = START
    recorded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An entry in its place. recorded: when it was stored, which may be long after it happened."""

    chain: int
    sequence: int
    recorded: str
    previous: str
    hash: str
    entry: Mapping[str, Any]

    @property
    def sound(self) -> bool:
        """Whether the hash is that of what the link says."""
        return self.hash == _hash(self.chain, self.sequence, self.recorded, self.previous, self.entry)

    def follows(self, head: Head) -> bool:
        """Whether it is sound and the very next after `head`."""
        return self.sequence == head.sequence + 1 and self.previous == head.hash and self.sound

    @property
    def head(self) -> Head:
        return Head(self.sequence, self.hash, self.recorded)


def read(data: Mapping[str, Any]) -> Entry:
    """Raises pydantic's ValidationError for what is no entry."""
    return Entry(data, AuditRecorded.model_validate(data))


def extend(chain: int, head: Head, entries: Iterable[Entry], now: str) -> Iterator[Link]:
    """The links of entries that come after `head`. Their time never runs backwards, whatever clocks say."""
    recorded = max(now, head.recorded)
    sequence, previous = head.sequence, head.hash
    for entry in entries:
        sequence += 1
        digest = _hash(chain, sequence, recorded, previous, entry.data)
        yield Link(chain=chain, sequence=sequence, recorded=recorded, previous=previous, hash=digest, entry=entry.data)
        previous = digest


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and no spaces: the same bytes for the same value."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def subject(name: str, value: str) -> str:
    """`kind:id` of a route's parameter or of what somebody looks for: an order's number and id are the same order."""
    kind = _KINDS.get(name) or next((name.removesuffix(end) for end in _SUFFIXES if name.endswith(end)), name)
    if kind == "order":
        value = "".join(value.replace("_", "-").split("-")[-2:]).lower().removeprefix("ord")
    return f"{kind}:{value[:_LONGEST]}"


def _hash(chain: int, sequence: int, recorded: str, previous: str, entry: Mapping[str, Any]) -> str:
    sealed = {"chain": chain, "sequence": sequence, "recorded": recorded, "previous": previous, "entry": entry}
    return hashlib.sha256(canonical(sealed)).hexdigest()
