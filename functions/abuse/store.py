"""The block list and the scores in the table."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from abuse.contract import read_score, score_key
from abuse.events import AbuseAllowanceChanged, AbuseBlocksChanged, AbuseLevelChanged
from abuse.manifest import MANIFEST
from abuse.model import LIMITED, OK, POINT, Block, Level, Score
from market import clock
from market.errors import Conflict
from market.events import announce
from market.guard.blocks import LIST
from market.table import NEW, Key, Page, Table, Write, put, update

_table = Table(MANIFEST)
_GUEST = "gst_"
_HEARD_FOR = timedelta(days=30)
"""How long a signal is known to have been counted: queues and dead letters keep messages for two weeks."""

_KEPT = timedelta(days=180)
"""How long a score is kept after its last signal; by then nothing of it is left."""


class Stale(Conflict):
    """Somebody else was first."""


class AlreadyCounted(Conflict):
    """This signal was heard before."""


def blocks() -> tuple[dict[str, Block], int]:
    """The list by entry's id, and its version."""
    item = _table.get(LIST, consistent=True) or {"entries": {}, "version": 0}
    entries: Mapping[str, dict[str, Any]] = item["entries"]
    return {block_id: Block(**({"until": None} | entry), id=block_id) for block_id, entry in entries.items()}, item[
        "version"
    ]


def save_blocks(blocks: Mapping[str, Block], seen: int) -> None:
    """Store the list that was made from version `seen`, and announce it. Raises Stale."""
    version = seen + 1
    item = {"entries": {block_id: _entry(block) for block_id, block in blocks.items()}, "version": version}
    _table.transact(
        put(
            LIST,
            item,
            when="version = :seen" if seen else NEW,
            values={":seen": seen} if seen else None,
            otherwise=Stale("The list has changed meanwhile."),
        ),
        announce(AbuseBlocksChanged(change=version, networks=len(blocks)), by=MANIFEST),
    )


def _entry(block: Block) -> dict[str, str | int]:
    return {name: value for name, value in asdict(block).items() if name != "id" and value is not None}


def score(user_id: str) -> Score:
    return read_score(user_id, _table.get(score_key(user_id), consistent=True))


def save_score(changed: Score, before: Score, *, signal_id: str) -> None:
    """Store a score made from `before`, once for each signal, and announce a new level or allowance.

    Whoever is limited is slowed down until it has faded: access does that when it hears of it. Raises AlreadyCounted,
    Stale.
    """
    said = AbuseLevelChanged(
        user_id=changed.user_id, level=changed.level, before=before.level, points=changed.hundredths // POINT
    )
    _table.transact(
        put(
            Key(f"ABU#heard#{signal_id}"),
            {"expires_at": clock.epoch(_HEARD_FOR)},
            when=NEW,
            otherwise=AlreadyCounted("This was counted before."),
        ),
        put(
            score_key(changed.user_id),
            _score_item(changed),
            when="version = :seen" if before.version else NEW,
            values={":seen": before.version} if before.version else None,
            otherwise=Stale("The score has changed meanwhile."),
        ),
        *([announce(said, by=MANIFEST)] if changed.level != before.level else ()),
        *_slowing(changed, before),
    )


def _slowing(changed: Score, before: Score) -> list[Write]:
    """Guests have no standing, and a new name for each cart: they are counted by address."""
    if LIMITED not in (changed.level, before.level) or changed.user_id.startswith(_GUEST):
        return []
    told = f"{changed.at:012}.{changed.version:09}"
    return [
        announce(
            AbuseAllowanceChanged(user_id=changed.user_id, until=changed.limited_until, told=told),
            by=MANIFEST,
        )
    ]


def erase(user_id: str) -> None:
    """Leave a stone, so that what is heard late does not begin a new score; it goes when nothing more can be heard."""
    values = {":zero": 0, ":ok": OK, ":none": {}, ":now": clock.timestamp(), ":one": 1, ":until": clock.epoch(_KEPT)}
    expression = (
        "SET hundredths = :zero, at = :zero, level = :ok, counts = :none, erased_at = :now, expires_at = :until"
        " REMOVE card, by1pk, by1sk ADD version :one"
    )
    _table.transact(update(score_key(user_id), expression, values))


def _score_item(score: Score) -> dict[str, Any]:
    item: dict[str, Any] = {
        "hundredths": score.hundredths,
        "at": score.at,
        "level": score.level,
        "counts": dict(score.counts),
        "version": score.version,
        "expires_at": clock.epoch(_KEPT),
    }
    if score.level == OK:
        return item
    card = {"user_id": score.user_id, "points": score.hundredths // POINT, "at": score.at}
    return item | {"card": card, "by1pk": f"ABU#{score.level}", "by1sk": f"{score.at:012}#{score.user_id}"}


def at_level(level: Level, *, limit: int, cursor: str | None) -> Page:
    """Cards of the accounts that reached a level with their last signal, the latest first."""
    return _table.query(f"ABU#{level}", index="by1", newest_first=True, limit=limit, cursor=cursor)
