"""Every night: what events missed is projected, and the book of the day goes into the archive."""

from ledger import archive
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return archive.run()
