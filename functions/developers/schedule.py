"""Every few minutes: attempts that are due, and those that somebody began and did not end."""

from developers import delivering
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return delivering.look_after()
