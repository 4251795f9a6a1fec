"""Every few minutes: compares our payments with the providers' books."""

from market import ids, log
from payments import reconciling


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return reconciling.run()
