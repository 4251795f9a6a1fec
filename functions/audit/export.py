"""Writes what the chains got on each day that is over into the audit bucket, after checking every link of it."""

from datetime import date, timedelta

from audit import gateway, lines, store
from audit.lines import Exported
from audit.model import CHAINS, Head, Moved
from market import clock, log

MOST_DAYS = 7
"""Days that one run catches up on; the next run goes on."""
CLOSED_AFTER = timedelta(hours=1)
"""So long after its end a day gets no more links: no function that appends runs for longer, no clock is further off."""


class ExportDiffers(RuntimeError):
    """The bucket holds another file than the chain makes: somebody has to look (runbook audit-broken)."""


def run() -> dict[str, int]:
    """Export every day that is over. Repeated, it changes nothing. Raises BrokenChain, ExportDiffers.

    The first run begins with yesterday, and takes all that was stored before along. Entries that came late are in the
    file of the day on which they were stored.
    """
    newest, days, entries = (clock.now() - CLOSED_AFTER).date() - timedelta(days=1), 0, 0
    last = store.exported() or _begin(newest - timedelta(days=1))
    day = date.fromisoformat(last.day) + timedelta(days=1)
    while day <= newest and days < MOST_DAYS:
        new, count = _export(day.isoformat(), last)
        try:
            store.move_exported(new, last)
        except Moved:
            break  # another run is at it
        log.info("audit log exported", day=new.day, entries=count, sha256=new.sha256)
        last, day, days, entries = new, day + timedelta(days=1), days + 1, entries + count
    return {"days": days, "entries": entries}


def _begin(before: date) -> Exported:
    """Note with which day the export begins, before any file is written: a run that dies must not leave another one."""
    nothing = Exported(before.isoformat(), lines.NO_SUM, tuple(Head() for _ in range(CHAINS)))
    try:
        store.move_exported(nothing, None)
    except Moved:
        return store.exported() or nothing
    return nothing


def _export(day: str, last: Exported) -> tuple[Exported, int]:
    """Files first, then the manifest over them: a day is whole when it has one."""
    files = [lines.file_of(chain, head, store.links(chain, head, day)) for chain, head in enumerate(last.heads)]
    for file in files:
        if file.lines:
            _keep(lines.file_name(day, file.chain), file.content)
    manifest = lines.manifest_of(day, last, files)
    _keep(lines.manifest_name(day), manifest)
    sealed = Exported(day, lines.sha256(manifest), tuple(file.head for file in files))
    return sealed, sum(file.lines for file in files)


def _keep(name: str, content: bytes) -> None:
    if gateway.keep(name, content) != content:
        raise ExportDiffers(name)
