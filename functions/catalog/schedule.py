"""Twice a day: writes the sitemap anew."""

from catalog import sitemap
from market import ids, log


def handler(_event: object, _context: object = None) -> dict[str, int]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="schedule")):
        return {"pages": sitemap.rebuild()}
