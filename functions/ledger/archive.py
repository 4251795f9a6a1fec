"""Writes the book of each day that is over into the audit bucket, one file a day, each naming the one before."""

from datetime import date, timedelta

from ledger import gateway, lines, service, store
from ledger.store import BOOKED, MOVED, Head, Moved
from market import clock, log

MOST_DAYS = 7
"""Days that one run catches up on; the next run goes on."""


class ArchiveDiffers(RuntimeError):
    """The bucket holds another file for a day than the book makes: somebody has to look (runbook ledger-differs)."""


def run() -> dict[str, int]:
    """Archive every day that is over, after projecting what of it was missed. Repeated, it changes nothing.

    The first run of a stage begins with yesterday. Raises ArchiveDiffers.
    """
    last, projected, written = store.head(), 0, 0
    yesterday = clock.now().date() - timedelta(days=1)
    day = date.fromisoformat(last.day) + timedelta(days=1) if last else yesterday
    while day <= yesterday and written < MOST_DAYS:
        projected += service.catch_up(day)
        archived = _archive(day, last)
        try:
            store.move_head(archived, last)
        except Moved:
            break  # another run is at it
        last, day, written = archived, day + timedelta(days=1), written + 1
    if projected:
        log.error("vendor entries had been missed", count=projected)
    return {"days": written, "projected": projected}


def _archive(day: date, previous: Head | None) -> Head:
    file = lines.file_of(
        day.isoformat(),
        (previous.day, previous.sha256) if previous else None,
        store.of_days(day, day, BOOKED),
        store.of_days(day, day, MOVED),
    )
    if gateway.keep(lines.name_of(file.day), file.content) != file.content:
        raise ArchiveDiffers(file.day)
    return Head(file.day, file.sha256)
