"""Every hour: blocks that are over leave the list, and the firewall gets it again, whatever befell the events."""

from abuse import service
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        ended = service.tidy()
        service.push()
        return {"ended": ended}
