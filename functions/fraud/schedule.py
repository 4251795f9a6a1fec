"""Every hour: sees whether somebody looks after the queue of reviews."""

from fraud import waiting
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return waiting.check()
