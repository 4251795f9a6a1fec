"""Every half hour: takes exchange rates that were published, and rings when they are old or doubtful."""

from market import ids, log
from prices import exchange


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return exchange.refresh()
