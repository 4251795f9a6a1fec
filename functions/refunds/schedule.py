"""Every few minutes: finds refunds that should have been carried out by now."""

from datetime import timedelta

from market import clock, ids, log
from refunds import service

GRACE = timedelta(minutes=15)
"""How long a refund may be on its way to its state machine."""

REMEMBERED = timedelta(days=80)
"""Step Functions knows an execution's name for 90 days. What is older may have been carried out: it is left alone."""


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        now = clock.now()
        return {"started": service.begin_again(now - REMEMBERED, now - GRACE)}
