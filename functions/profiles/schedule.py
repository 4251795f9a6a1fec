"""Every hour: erasures whose waiting time is over are begun, those that got stuck go on."""

from market import ids, log
from profiles import erasing


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return erasing.carry_out_due()
