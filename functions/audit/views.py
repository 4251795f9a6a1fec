"""How the audit log looks in answers."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from audit.model import Link
from market.http import View
from market.table import Item


class EntryView(View):
    """One action. subjects: what it was done to, as `kind:id`; the whole entry says what changed."""

    id: str
    at: str
    service: str
    action: str
    actor_type: str
    actor_id: str
    permission: str
    scope: str
    subjects: list[str]


class EntryPage(View):
    items: list[EntryView]
    next_cursor: str | None = None

    @classmethod
    def of(cls, cards: Sequence[Item], following: str | None) -> "EntryPage":
        return cls(items=[EntryView(**card) for card in cards], next_cursor=following)


class ProofView(View):
    """An entry in its chain.

    `hash` is the SHA-256 of `{"chain", "entry", "previous", "recorded", "sequence"}` as JSON with sorted keys and no
    spaces; `entry` is spelled as it is hashed.
    """

    chain: int
    sequence: int
    recorded: str = Field(description="When it was stored.")
    previous: str = Field(description="The hash of the entry before it in its chain.")
    hash: str
    sound: bool = Field(description="Whether the hash is right.")
    entry: dict[str, Any]

    @classmethod
    def of(cls, link: Link) -> "ProofView":
        return cls(
            chain=link.chain,
            sequence=link.sequence,
            recorded=link.recorded,
            previous=link.previous,
            hash=link.hash,
            sound=link.sound,
            entry=dict(link.entry),
        )
