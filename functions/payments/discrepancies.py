"""What the reconciler found, kept for a year, and how far it has come.

PRC#<order id>    <kind>#<provider>#<reference>    one difference, listed by the time when it was found
PRC#progress      -                                where the next run goes on
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fraud.contract import MANIFEST as FRAUD
from ledger.contract import MANIFEST as LEDGER
from market import clock
from market.errors import Conflict, Problem
from market.table import NEW, Item, Key, Page, Table, put, update
from orders.contract import MANIFEST as ORDERS
from payments.manifest import MANIFEST

_table = Table(MANIFEST, FRAUD, LEDGER, ORDERS)
_LIST = "PRC#list"
_PROGRESS = Key("PRC#progress")
KEPT = timedelta(days=365)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference between our book and a provider's, in words of `differences`."""

    kind: str
    order_id: str
    provider: str
    reference: str
    ours: Mapping[str, Any]
    theirs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Where the next run goes on. waiting: a cursor into each list of orders that wait, empty at its front.

    sweep: the hour (ISO 8601) that the sweep over the whole window looks at next, empty between two sweeps; began: when
    the last sweep began.
    """

    waiting: tuple[str, ...]
    sweep: str = ""
    began: str = ""


class Known(Conflict):
    """The difference was found before, at `since`."""

    since: str


def note(found: Found) -> str:
    """Keep a difference, once however often it is seen; when it was found first. It is open until it is `repaired`."""
    now = clock.timestamp()
    fields: Item = {
        "order_id": found.order_id,
        "kind": found.kind,
        "provider": found.provider,
        "reference": found.reference,
        "ours": dict(found.ours),
        "theirs": dict(found.theirs),
        "repaired": False,
        "found_at": now,
        "by1pk": _LIST,
        "by1sk": f"{now}#{found.order_id}#{found.kind}",
        "expires_at": clock.epoch(KEPT),
    }
    try:
        _table.write(put(_key(found), fields, when=NEW, otherwise=_known))
    except Known as known:
        return known.since
    return now


def repaired(found: Found) -> None:
    """Note that nothing is left of a difference; once."""
    try:
        _table.write(
            update(
                _key(found),
                "SET repaired = :yes, repaired_at = :now",
                {":yes": True, ":no": False, ":now": clock.timestamp()},
                when="repaired = :no",
                otherwise=Conflict(),
            )
        )
    except Conflict:
        return


def page(*, limit: int, cursor: str | None) -> Page:
    """The differences found last come first."""
    listed = _table.query(_LIST, index="by1", newest_first=True, limit=limit, cursor=cursor)
    keys = [Key(item["pk"], item["sk"]) for item in listed.items]
    found = _table.batch_get(keys) if keys else {}
    return Page([found[key] for key in keys if key in found], listed.next)


def progress(shards: int) -> Progress:
    """Where the last run stopped; nowhere before the first."""
    item = _table.get(_PROGRESS, consistent=True) or {}
    waiting = tuple(item.get("waiting", ())) or ("",) * shards
    return Progress(waiting=waiting, sweep=item.get("sweep", ""), began=item.get("began", ""))


def proceed(reached: Progress) -> None:
    _table.write(put(_PROGRESS, {"waiting": list(reached.waiting), "sweep": reached.sweep, "began": reached.began}))


def _known(item: Item | None) -> Problem:
    assert item, "the condition only fails for an item that is there"
    known = Known("This difference was found before.")
    known.since = item["found_at"]
    return known


def _key(found: Found) -> Key:
    return Key(f"PRC#{found.order_id}", f"{found.kind}#{found.provider}#{found.reference}")
