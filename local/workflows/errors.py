"""How executions fail, and how definitions are refused."""

from typing import Any

STATES_ALL = "States.ALL"
TIMEOUT = "States.Timeout"
HEARTBEAT = "States.HeartbeatTimeout"
TASK_FAILED = "States.TaskFailed"
RUNTIME = "States.Runtime"
DATA_LIMIT = "States.DataLimitExceeded"
_TERMINAL = (RUNTIME, DATA_LIMIT)


class Refused(ValueError):
    """A definition that is wrong, or uses what is not played locally."""


class StateError(Exception):
    """A state failed with an error name (matched by Retry and Catch) and a cause."""

    def __init__(self, error: str, cause: str | None = "") -> None:
        super().__init__(f"{error}: {cause}")
        self.error = error
        self.cause = cause


def as_state_error(error: Exception) -> StateError:
    """Data that a definition did not expect fails its execution, not the runtime."""
    return error if isinstance(error, StateError) else StateError(RUNTIME, f"{type(error).__name__}: {error}")


def seconds(value: Any) -> float:
    """A time-out or an interval of a definition. Raises StateError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise StateError(RUNTIME, f"not a number of seconds: {value!r}")
    return float(value)


def matches(names: tuple[str, ...], error: str) -> bool:
    """Whether a Retry or Catch naming `names` is meant for `error`."""
    if error in names:
        return True
    if error == HEARTBEAT and TIMEOUT in names:
        return True
    if TASK_FAILED in names and error not in (TIMEOUT, HEARTBEAT, *_TERMINAL):
        return True
    return STATES_ALL in names and error not in _TERMINAL
