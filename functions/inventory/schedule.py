"""Every minute: looks after the SKUs that are sold from shards. With none it reads one item."""

from inventory import sweep
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return {"tended": sweep.sweep()}
