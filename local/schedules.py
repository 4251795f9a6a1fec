"""Schedules: `rate(...)`, `cron(...)` and `at(...)`, remembered in the journal.

A schedule that was missed while nothing ran fires once when the marketplace starts again, not once for each time.
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from local.journal import Journal
from local.templates import Schedule, Target

Deliver = Callable[[Target, str], None]
Work = Callable[[], None]
_UNITS = {"minute": 60, "hour": 3600, "day": 86400}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


class BadSchedule(ValueError):
    """A schedule expression EventBridge would refuse, or one that is not played locally."""


class Cron:
    """The six fields of an AWS cron expression: minute, hour, day of month, month, day of week, year."""

    def __init__(self, expression: str) -> None:
        fields = expression.split()
        if len(fields) != 6:
            raise BadSchedule(f"cron has six fields: {expression!r}")
        self._minutes = _values(fields[0], 0, 59)
        self._hours = _values(fields[1], 0, 23)
        self._days = _values(fields[2], 1, 31)
        self._months = _values(fields[3], 1, 12, _MONTHS)
        self._weekdays = _values(fields[4], 1, 7, _DAYS, first_name=1)
        self._years = _values(fields[5], 1970, 2199)

    def after(self, moment: datetime) -> datetime | None:
        """The first minute after `moment` that matches, in the same time zone."""
        at = (moment + timedelta(minutes=1)).replace(second=0, microsecond=0)
        for _ in range(366 * 5):
            if self._matches_day(at):
                found = self._in_day(at)
                if found is not None:
                    return found
            at = (at + timedelta(days=1)).replace(hour=0, minute=0)
        return None

    def _matches_day(self, at: datetime) -> bool:
        weekday = at.isoweekday() % 7 + 1
        return (
            at.day in self._days and at.month in self._months and at.year in self._years and weekday in self._weekdays
        )

    def _in_day(self, at: datetime) -> datetime | None:
        for hour in sorted(h for h in self._hours if h >= at.hour):
            for minute in sorted(self._minutes):
                if hour > at.hour or minute >= at.minute:
                    return at.replace(hour=hour, minute=minute)
        return None


def _values(field: str, low: int, high: int, names: tuple[str, ...] = (), first_name: int = 1) -> frozenset[int]:
    found: set[int] = set()
    for part in field.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        try:
            if span in ("*", "?"):
                start, end = low, high
            else:
                start = _number(first, names, first_name)
                end = _number(last, names, first_name) if last else (high if step else start)
            found.update(range(start, end + 1, int(step or 1)))
        except ValueError as error:
            raise BadSchedule(f"not a cron field: {field!r}") from error
    if not found or min(found) < low or max(found) > high:
        raise BadSchedule(f"not a cron field: {field!r}")
    return frozenset(found)


def _number(text: str, names: tuple[str, ...], first_name: int) -> int:
    return names.index(text.upper()) + first_name if text.upper() in names else int(text)


def next_time(expression: str, after: float, timezone: str = "UTC") -> float | None:
    """When a schedule fires next after an instant (epoch seconds), None for never. Raises BadSchedule."""
    found = re.fullmatch(r"(rate|cron|at)\((.+)\)", expression.strip())
    if found is None:
        raise BadSchedule(expression)
    kind, inner = found.groups()
    zone = ZoneInfo(timezone)
    if kind == "rate":
        number, _, unit = inner.partition(" ")
        if not number.isdigit() or unit.rstrip("s") not in _UNITS:
            raise BadSchedule(expression)
        return after + int(number) * _UNITS[unit.rstrip("s")]
    if kind == "at":
        at = datetime.fromisoformat(inner).replace(tzinfo=zone).timestamp()
        return at if at > after else None
    moment = Cron(inner).after(datetime.fromtimestamp(after, zone))
    return None if moment is None else moment.timestamp()


class Schedules:
    """The marketplace's schedules."""

    key = "schedules"
    concurrency: int | None = 1

    def __init__(
        self,
        journal: Journal,
        schedules: Iterable[Schedule],
        deliver: Deliver,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._schedules = {schedule.name: schedule for schedule in schedules}
        self._deliver = deliver
        self._clock = clock
        for schedule in self._schedules.values():
            next_time(schedule.expression, 0.0, schedule.timezone)

    def recover(self) -> None:
        """Take up the remembered times, and plan what is new or changed."""
        now = self._clock()
        with self._journal.transaction() as db:
            known = dict(db.execute("SELECT name, expression FROM schedules").fetchall())
            for name in set(known) - set(self._schedules):
                db.execute("DELETE FROM schedules WHERE name = ?", (name,))
            for name, schedule in self._schedules.items():
                if known.get(name) != schedule.expression:
                    at = next_time(schedule.expression, now, schedule.timezone)
                    db.execute("INSERT OR REPLACE INTO schedules VALUES (?, ?, ?)", (name, schedule.expression, at))

    def next_due(self) -> float | None:
        row = self._journal.one("SELECT MIN(next_at) FROM schedules WHERE next_at IS NOT NULL")
        return None if row[0] is None else float(row[0])

    def take(self) -> Work | None:
        """Fire what is due: the target gets its message in the same commit that plans the next time."""
        now = self._clock()
        with self._journal.transaction() as db:
            due = db.execute("SELECT name FROM schedules WHERE next_at <= ?", (now,)).fetchall()
            for (name,) in due:
                self._fire(self._schedules[name])
                schedule = self._schedules[name]
                at = next_time(schedule.expression, now, schedule.timezone)
                db.execute("UPDATE schedules SET next_at = ? WHERE name = ?", (at, name))
        return _nothing if due else None

    def fire(self, name: str) -> None:
        """Fire one schedule now, as a test or an operator would; its plan stays."""
        self._fire(self._schedules[name])

    def names(self) -> list[str]:
        return list(self._schedules)

    def _fire(self, schedule: Schedule) -> None:
        if schedule.target.input is not None:
            payload = schedule.target.input
        else:
            now = datetime.fromtimestamp(self._clock(), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            event: dict[str, Any] = {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": "Scheduled Event",
                "source": "aws.scheduler",
                "time": now,
                "resources": [schedule.name],
                "detail": {},
            }
            payload = json.dumps(event)
        self._deliver(schedule.target, payload)


def _nothing() -> None:
    """The firing was done while taking; deliveries are other sources' work."""
