"""Structured logs, and on whose behalf they are written.

One JSON object a line, events in the past tense, ids as fields. A `Scope` (who acts, for which request) is carried from
the edge through events and state machines. Values of keys that could hold a secret or personal data are replaced, long
ones cut; exceptions are logged with type and place, not with their message, which may quote what a caller sent.
"""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import orjson

from market import clock, config

_HIDDEN = ("password", "secret", "token", "authorization", "email", "phone", "address", "card", "signature")
_LONGEST = 300
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40}


@dataclass(frozen=True, slots=True)
class Scope:
    """Who is acting, and the request that set it off."""

    request_id: str = ""
    correlation_id: str = ""
    actor_type: str = "system"
    actor_id: str = "system"


_scope: ContextVar[Scope] = ContextVar("scope", default=Scope())  # noqa: B039 - frozen


def scope() -> Scope:
    return _scope.get()


@contextmanager
def acting(scope: Scope) -> Iterator[None]:
    """Let everything in the block happen on behalf of `scope`."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def act_as(actor_type: str, actor_id: str) -> None:
    """From here on to the end of the `acting` block it is this actor: who calls is known only after it began."""
    _scope.set(replace(_scope.get(), actor_type=actor_type, actor_id=actor_id))


def info(event: str, **fields: Any) -> None:
    _write("INFO", event, fields)


def warning(event: str, **fields: Any) -> None:
    _write("WARNING", event, fields)


def error(event: str, cause: BaseException | None = None, **fields: Any) -> None:
    """Something that a person should look at; `cause` adds the exception's type and where it was raised."""
    if cause is not None:
        frames = traceback.extract_tb(cause.__traceback__)[-4:]
        where = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
        fields |= {"error": type(cause).__name__, "where": where}
        logging.getLogger("market").debug("traceback", exc_info=cause)
    _write("ERROR", event, fields)


def ring(event: str, metric: str, value: int = 1, **fields: Any) -> None:
    """An error that CloudWatch also reads as a number (embedded metric format): an alarm is on it."""
    said = {"Namespace": "Market", "Dimensions": [["stage"]], "Metrics": [{"Name": metric}]}
    embedded = {"Timestamp": int(clock.now().timestamp() * 1000), "CloudWatchMetrics": [said]}
    error(event, **fields | {"stage": config.setting("STAGE"), metric: value, "_aws": embedded})


def _write(level: str, event: str, fields: dict[str, Any]) -> None:
    if _LEVELS[level] < _LEVELS.get(config.setting("LOG_LEVEL"), 20):
        return
    line = {"at": clock.timestamp(), "level": level, "event": event}
    line |= {name: safe(name, value) for name, value in fields.items() if value is not None}
    if (current := _scope.get()).correlation_id:
        line["correlationId"] = current.correlation_id
        line |= {"requestId": current.request_id} if current.request_id != current.correlation_id else {}
    sys.stdout.write(orjson.dumps(line, default=str).decode() + "\n")


def safe(name: str, value: Any) -> Any:
    """The value as it may be written under this name; what is inside of it is judged by the inner names."""
    if any(word in name.lower() for word in _HIDDEN):
        return "***"
    match value:
        case str():
            return value[:_LONGEST]
        case dict():
            return {str(inner): safe(str(inner), part) for inner, part in value.items()}
        case list() | tuple():
            return [safe(name, part) for part in value]
    return value
