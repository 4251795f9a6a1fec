"""The only place that asks what time it is; tests and simulations replace the source."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_source: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - a replaceable value, not a function


def now() -> datetime:
    """The present moment, timezone-aware, UTC."""
    return _source()


def timestamp() -> str:
    """Now as ISO 8601 with milliseconds and `Z`; sorts as text in the order of time."""
    return iso(now())


def iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def iso_of(seconds: int) -> str:
    """The same of seconds since 1970."""
    return iso(datetime.fromtimestamp(seconds, UTC))


def epoch(after: timedelta = timedelta(0)) -> int:
    """Seconds since 1970, `after` from now; the unit of DynamoDB's TTL attribute."""
    return int((now() + after).timestamp())


@contextmanager
def running_on(source: Callable[[], datetime]) -> Iterator[None]:
    """Let `source` tell the time within the block, for every thread."""
    global _source
    previous, _source = _source, source
    try:
        yield
    finally:
        _source = previous
