"""What a chain of the audit log must be like, worked out anew: nothing is taken from the service that writes it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

JSON = dict[str, Any]
CHAINS = 8
START = "0" * 64
_LINK = {"chain", "sequence", "recorded", "previous", "hash", "entry"}


@dataclass(frozen=True)
class End:
    """Where a chain ended on a day, by its files. first: when the first entry of that day was stored."""

    day: str
    sequence: int
    hash: str
    first: str


@dataclass
class Chain:
    """Where a chain has come to."""

    number: int
    sequence: int = 0
    hash: str = START
    recorded: str = ""
    ids: set[str] = field(default_factory=set)

    def follow(self, link: JSON) -> Iterator[str]:
        """Go on to a link; what is wrong about that. Raises KeyError, TypeError for what is no link."""
        place = f"chain {self.number}, entry {link['sequence']}"
        if set(link) != _LINK or link["chain"] != self.number:
            yield f"{place}: it is no link of this chain"
        if link["sequence"] != self.sequence + 1:
            yield f"{place}: entry {self.sequence + 1} is missing, removed or in another place"
        elif link["previous"] != self.hash:
            yield f"{place}: it does not name the entry before it as that is"
        if link["hash"] != digest(link):
            yield f"{place}: it was changed, its hash is not its own"
        if link["recorded"] < self.recorded:
            yield f"{place}: its time is before that of the entry before it"
        if link["entry"]["entry_id"] in self.ids:
            yield f"{place}: it is there twice"
        self.ids.add(link["entry"]["entry_id"])
        self.sequence, self.hash, self.recorded = link["sequence"], link["hash"], link["recorded"]


def canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(link: JSON) -> str:
    """What the link's hash must be."""
    return hashlib.sha256(canonical({name: link.get(name) for name in _LINK - {"hash"}})).hexdigest()
