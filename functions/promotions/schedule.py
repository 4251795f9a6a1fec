"""Every five minutes: promotions begin and end, their counters are looked at, and forgotten reservations end."""

from market import clock, ids, log
from market.errors import Problem
from promotions import service, store, sweeping


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        due = store.due(clock.timestamp())
        for promotion_id in due:
            _move_on(promotion_id)
        return {"looked_at": len(due), "swept": sweeping.sweep()}


def _move_on(promotion_id: str) -> None:
    """One that others are changing, or that cannot move on, holds up nobody."""
    try:
        service.move_on(promotion_id)
    except Problem as refused:
        log.warning("promotion not moved on", promotion_id=promotion_id, reason=refused.code)
