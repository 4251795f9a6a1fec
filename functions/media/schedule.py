"""Every hour: sweeps."""

from market import ids, log
from media import sweeping


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return sweeping.sweep()
