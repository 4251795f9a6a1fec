"""Every night: what the audit log got on the day before goes into the audit bucket."""

from audit import export
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return export.run()
