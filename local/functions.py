"""The functions of the templates, called in process by their handler strings.

All share this process's environment: the union of what the templates give each. Two functions that want
different values under one name cannot share it; that is an error here, as it would be a trap for readers on
AWS.
"""

import importlib
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any

from local.templates import Function, Templates

__all__ = ["Context", "EnvironmentConflict", "Functions", "environment_of"]

JSON = dict[str, Any]
Handler = Callable[[Any, Any], Any]


class EnvironmentConflict(RuntimeError):
    """Two functions have different values for one environment variable."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda passes beside the event."""

    function_name: str
    memory_limit_in_mb: int
    invoked_function_arn: str
    aws_request_id: str
    deadline: float
    function_version: str = "1"
    log_group_name: str = "local"
    log_stream_name: str = "local"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self.deadline - monotonic()) * 1000))


class Functions:
    """Handlers by function name; each module is imported once, at first use or by `warm`."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._handlers: dict[str, Handler] = {}
        self._importing = Lock()

    def invoke(self, name: str, event: Any) -> Any:
        """Call a function by name, ARN or alias; what it raises is raised."""
        function = self._templates.function(name)
        return self.handler(function.name)(event, _context(function))

    def handler(self, name: str) -> Handler:
        found = self._handlers.get(name)
        if found is None:
            with self._importing:
                found = self._handlers.setdefault(name, _load(self._templates.functions[name]))
        return found

    def warm(self, names: list[str] | None = None) -> None:
        """Import the modules of these functions (of all) now, so that no first request waits for it."""
        for name in names if names is not None else list(self._templates.functions):
            self.handler(name)


def _load(function: Function) -> Handler:
    module, _, attribute = function.handler.rpartition(".")
    handler: Handler = getattr(importlib.import_module(module), attribute)
    return handler


def _context(function: Function) -> Context:
    return Context(
        function_name=function.name,
        memory_limit_in_mb=function.memory,
        invoked_function_arn=function.arn,
        aws_request_id=str(uuid.uuid4()),
        deadline=monotonic() + function.timeout,
    )


def environment_of(templates: Templates) -> dict[str, str]:
    """The union of all functions' variables. Raises EnvironmentConflict."""
    union: dict[str, tuple[str, str]] = {}
    for function in templates.functions.values():
        for name, value in function.environment.items():
            owner, given = union.setdefault(name, (function.name, value))
            if given != value:
                raise EnvironmentConflict(f"{name} is {given!r} for {owner} and {value!r} for {function.name}")
    return {name: value for name, (_, value) in union.items()}


def set_environment(values: Mapping[str, str]) -> dict[str, str | None]:
    """Set variables and return what was there before, for `restore_environment`."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    return before


def restore_environment(before: Mapping[str, str | None]) -> None:
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
