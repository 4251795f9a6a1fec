"""What people ask for by right, in the table: `PRF#<user>`/`export` and `PRF#<user>`/`erasure`, one of each.

Erasures that are not over are listed by when they are due, in the index by1 under `PRF#erasures`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from access.contract import read_standing, standing_key
from market import clock, ids
from market.errors import Conflict, Problem
from market.events import announce
from market.table import Item, Key, delete, put, update
from orders.contract import PAID, PENDING, UNFULFILLED, OrderSnapshot, claimed_from, order_key, read_order
from profiles import model
from profiles.contract import export_folder
from profiles.events import (
    ProfileErasureCancelled,
    ProfileErasureRequested,
    ProfileErasureScheduled,
    ProfileExportRequested,
)
from profiles.manifest import MANIFEST
from profiles.model import (
    CANCELLED,
    ERASED,
    ERASING,
    WAITING,
    Erasure,
    ErasureUnderWay,
    ExportTooSoon,
    NoErasure,
    NoExport,
)
from profiles.store import TABLE

_DUE = "PRF#erasures"
_REMEMBERED = timedelta(days=400)
"""How long it is known that, and when, somebody was erased; it says no more of them than their id."""


class _Known(Conflict):
    """There is a request already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """Asked for at `requested_at` (ISO 8601)."""

    request_id: str
    requested_at: str


def ask_export(user_id: str) -> Export:
    """Announce that the person wants their data. Raises ExportTooSoon within a day of the last time."""
    now = clock.now()
    export = Export(request_id=ids.new("exp"), requested_at=clock.iso(now))
    item = {
        "request_id": export.request_id,
        "requested_at": export.requested_at,
        "expires_at": clock.epoch(2 * model.EXPORT_KEPT),
    }
    TABLE.transact(
        put(
            _export(user_id),
            item,
            when="attribute_not_exists(pk) OR requested_at <= :before",
            values={":before": clock.iso(now - model.EXPORT_EVERY)},
            otherwise=_too_soon,
        ),
        announce(
            ProfileExportRequested(
                request_id=export.request_id, user_id=user_id, folder=export_folder(export.request_id)
            ),
            by=MANIFEST,
        ),
    )
    return export


def export_of(user_id: str) -> Export:
    """The last one. Raises NoExport, also when its files are deleted by now."""
    found = last_export(user_id)
    if not found or found.requested_at <= clock.iso(clock.now() - model.EXPORT_KEPT):
        raise NoExport("There is no export of your data.")
    return found


def last_export(user_id: str) -> Export | None:
    """The last one, as long as we know of it."""
    item = TABLE.get(_export(user_id), consistent=True)
    return Export(request_id=item["request_id"], requested_at=item["requested_at"]) if item else None


def forget_export(user_id: str) -> None:
    TABLE.write(delete(_export(user_id)))


def plan_erasure(user_id: str) -> Erasure:
    """Have the account erased after the waiting time. One that is planned already stays as it is.

    Raises ErasureUnderWay.
    """
    now = clock.now()
    due, request_id = clock.iso(now + model.ERASURE_WAIT), ids.new("ers")
    item = {
        "request_id": request_id,
        "status": WAITING,
        "requested_at": clock.iso(now),
        "due_at": due,
        "by1pk": _DUE,
        "by1sk": f"{due}#{user_id}",
        "card": {"user_id": user_id},
    }
    try:
        TABLE.transact(
            put(
                _erasure(user_id),
                item,
                when="attribute_not_exists(pk) OR status = :cancelled",
                values={":cancelled": CANCELLED},
                otherwise=_Known(),
            ),
            announce(ProfileErasureScheduled(request_id=request_id, user_id=user_id, due_at=due), by=MANIFEST),
        )
    except _Known:
        planned = erasure_of(user_id)
        if planned.status == WAITING:
            return planned
        raise _under_way() from None
    return erasure_of(user_id)


def erasure_of(user_id: str) -> Erasure:
    """The last one, whatever became of it. Raises NoErasure."""
    item = TABLE.get(_erasure(user_id), consistent=True)
    if item is None:
        raise NoErasure("No erasure is planned.")
    return _read(user_id, item)


def cancel_erasure(user_id: str) -> None:
    """Keep the account after all. Repeated, it changes nothing. Raises NoErasure or ErasureUnderWay."""
    planned = erasure_of(user_id)
    if planned.status == CANCELLED:
        return
    TABLE.transact(
        update(
            _erasure(user_id),
            "SET status = :cancelled, expires_at = :until REMOVE by1pk, by1sk, card",
            {":cancelled": CANCELLED, ":waiting": WAITING, ":until": clock.epoch(_REMEMBERED)},
            when="status = :waiting",
            otherwise=_under_way(),
        ),
        announce(ProfileErasureCancelled(request_id=planned.request_id, user_id=user_id), by=MANIFEST),
    )


def due_erasures(*, limit: int = 100) -> list[str]:
    """Whose erasure is due, or was begun and not finished, the longest waiting first."""
    now = clock.timestamp()
    entries = TABLE.query(_DUE, index="by1", limit=limit).items
    return [entry["card"]["user_id"] for entry in entries if entry["by1sk"] < now]


def postpone(erasure: Erasure, until: str) -> None:
    """Look again at that time. Nothing happens to one that was cancelled meanwhile."""
    _move(
        erasure,
        "SET due_at = :until, by1sk = :place",
        {":until": until, ":place": f"{until}#{erasure.user_id}"},
        was=WAITING,
    )


def begin_erasure(erasure: Erasure, *, look_again: str) -> bool:
    """Tell every service to forget the person; identity closes the account. False if it was cancelled meanwhile.

    look_again: when all are told once more, if this service has not finished by then.
    """
    place = f"{look_again}#{erasure.user_id}"
    values = {":erasing": ERASING, ":place": place, ":waiting": WAITING, ":id": erasure.request_id}
    requested = ProfileErasureRequested(request_id=erasure.request_id, user_id=erasure.user_id)
    try:
        TABLE.transact(
            update(
                _erasure(erasure.user_id),
                "SET status = :erasing, by1sk = :place",
                values,
                when="request_id = :id AND (status = :waiting OR status = :erasing)",
                otherwise=_Known(),
            ),
            announce(requested, by=MANIFEST),
        )
    except _Known:
        return False
    return True


def finish_erasure(erasure: Erasure) -> None:
    """Nothing of the person is left here. Repeated, it changes nothing."""
    _move(
        erasure,
        "SET status = :erased, erased_at = :now, expires_at = :until REMOVE by1pk, by1sk, card",
        {":erased": ERASED, ":now": clock.timestamp(), ":until": clock.epoch(_REMEMBERED)},
        was=ERASING,
    )


def is_needed(user_id: str) -> bool:
    """Whether the person is of staff or of a vendor's team."""
    item = TABLE.get(standing_key(user_id), consistent=True)
    return bool(item and read_standing(item).grants)


def has_open_orders(user_id: str) -> bool:
    """Whether something that they bought lately is not paid, or paid and not yet sent or cancelled."""
    oldest = clock.iso(clock.now() - model.OPEN_FOR)
    cursor: str | None = None
    while True:
        page = TABLE.query(order_key(user_id, "").pk, newest_first=True, limit=50, cursor=cursor)
        claimed = [order_key(guest, item["sk"]) for item in page.items if (guest := claimed_from(item))]
        own = [item for item in page.items if not claimed_from(item)]
        orders = [read_order(item) for item in (*own, *(TABLE.batch_get(claimed) if claimed else {}).values())]
        if any(order.created_at >= oldest and _open(order) for order in orders):
            return True
        cursor = page.next
        if cursor is None or all(order.created_at < oldest for order in orders):
            return False


def _open(order: OrderSnapshot) -> bool:
    unsent = any(order.fulfilment_of(part.vendor_id) == UNFULFILLED for part in order.parts)
    return order.status == PENDING or (order.status == PAID and unsent)


def _move(erasure: Erasure, expression: str, values: Mapping[str, Any], *, was: str) -> None:
    write = update(
        _erasure(erasure.user_id),
        expression,
        {**values, ":id": erasure.request_id, ":was": was},
        when="request_id = :id AND status = :was",
        otherwise=_Known(),
    )
    try:
        TABLE.write(write)
    except _Known:
        return


def _too_soon(found: Item | None) -> Problem:
    return ExportTooSoon("You may ask for your data once a day.", requestedAt=found["requested_at"] if found else "")


def _under_way() -> Problem:
    return ErasureUnderWay("The erasure is under way and cannot be taken back.")


def _export(user_id: str) -> Key:
    return Key(f"PRF#{user_id}", "export")


def _erasure(user_id: str) -> Key:
    return Key(f"PRF#{user_id}", "erasure")


def _read(user_id: str, item: Mapping[str, Any]) -> Erasure:
    return Erasure(
        user_id=user_id,
        request_id=item["request_id"],
        status=item["status"],
        requested_at=item["requested_at"],
        due_at=item["due_at"],
        erased_at=item.get("erased_at", ""),
    )
