"""Paths into JSON: `$.order.lines[0].sku` without a library, everything else (wildcards, filters) with jsonpath-ng."""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from local.workflows.errors import RUNTIME, Refused, StateError

Read = Callable[[Any], Any]
_STEP = re.compile(r"\.([A-Za-z_][\w\-]*)|\[(-?\d+)\]|\['([^'\\]*)'\]|\[\"([^\"\\]*)\"\]")
MISSING = object()


def _steps(path: str) -> tuple[str | int, ...] | None:
    """The keys and indexes of a simple path, or None if it is not simple."""
    found: list[str | int] = []
    at = 1
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            return None
        name, index, quoted, double = step.groups()
        found.append(int(index) if index is not None else next(k for k in (name, quoted, double) if k is not None))
        at = step.end()
    return tuple(found)


@cache
def finder(path: str) -> Read:
    """A reader that returns MISSING for what is not there. Raises Refused for a malformed path."""
    if not path.startswith("$"):
        raise Refused(f"a path starts with $: {path!r}")
    steps = _steps(path)
    return _library(path) if steps is None else _simple(steps)


def _simple(steps: tuple[str | int, ...]) -> Read:
    if not steps:
        return lambda data: data
    if len(steps) == 1 and isinstance(steps[0], str):
        only = steps[0]
        return lambda data: data.get(only, MISSING) if isinstance(data, dict) else MISSING

    def read(data: Any) -> Any:
        for step in steps:
            if isinstance(step, str):
                if not isinstance(data, dict) or step not in data:
                    return MISSING
            elif not isinstance(data, list) or not -len(data) <= step < len(data):
                return MISSING
            data = data[step]
        return data

    return read


def _library(path: str) -> Read:
    from jsonpath_ng.ext.parser import parse

    try:
        expression = parse(path)
    except Exception as error:
        raise Refused(f"not a path: {path!r} ({error})") from error
    definite = not re.search(r"\*|\.\.|\?|:|,", path)

    def read(data: Any) -> Any:
        found = [match.value for match in expression.find(data)]
        if definite:
            return found[0] if found else MISSING
        return found

    return read


@cache
def reader(path: str) -> Read:
    """A reader that fails the execution with States.Runtime when the path leads nowhere."""
    find = finder(path)

    def read(data: Any) -> Any:
        found = find(data)
        if found is MISSING:
            raise StateError(RUNTIME, f"The JSONPath '{path}' specified could not be found in the input.")
        return found

    return read


@cache
def writer(path: str) -> Callable[[Any, Any], Any]:
    """A function of (document, value): the document with the value at the path; the original stays as it is."""
    steps = _steps(path) if path.startswith("$") else None
    if steps is None:
        raise Refused(f"not a reference path: {path!r}")
    return lambda document, value: _set(document, steps, value, path)


def _set(document: Any, steps: tuple[str | int, ...], value: Any, path: str) -> Any:
    if not steps:
        return value
    step = steps[0]
    if isinstance(step, str):
        if not isinstance(document, dict):
            raise _mismatch(path)
        return {**document, step: _set(document.get(step, {}), steps[1:], value, path)}
    if not isinstance(document, list) or not 0 <= step < len(document):
        raise _mismatch(path)
    return [*document[:step], _set(document[step], steps[1:], value, path), *document[step + 1 :]]


def _mismatch(path: str) -> StateError:
    return StateError("States.ResultPathMatchFailure", f"Unable to apply ReferencePath {path} to the state's input.")
