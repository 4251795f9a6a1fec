"""Event patterns, compiled: what EventBridge rules and event source filters match.

Exact values, prefix, suffix, equals-ignore-case, wildcard, anything-but, exists, numeric and `$or`. A pattern
that uses anything else is refused when it is compiled, not silently unmatched.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Matches = Callable[[Any], bool]
_MISSING = object()
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": lambda a, b: a == b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}


class BadPattern(ValueError):
    """A pattern EventBridge would refuse, or a comparison that is not played locally."""


def compile_pattern(pattern: Mapping[str, Any]) -> Matches:
    """A predicate over events. Raises BadPattern."""
    fields = [(name, _field(value)) for name, value in pattern.items() if name != "$or"]
    either = [compile_pattern(part) for part in pattern.get("$or", ())]

    def matches(event: Any) -> bool:
        if not isinstance(event, dict):
            return False
        for name, test in fields:
            if not test(event.get(name, _MISSING)):
                return False
        return not either or any(test(event) for test in either)

    return matches


def _field(value: Any) -> Matches:
    if isinstance(value, Mapping):
        inner = compile_pattern(value)

        def nested(found: Any) -> bool:
            if isinstance(found, list):
                return any(inner(one) for one in found)
            return inner({} if found is _MISSING else found)

        return nested
    if not isinstance(value, list) or not value:
        raise BadPattern(f"a pattern's values are in a list: {value!r}")
    return _any_of(value)


def _any_of(allowed: list[Any]) -> Matches:
    exact = {_token(v) for v in allowed if not isinstance(v, dict)}
    exists = [v["exists"] for v in allowed if isinstance(v, dict) and "exists" in v]
    tests = [_comparison(v) for v in allowed if isinstance(v, dict) and "exists" not in v]

    def one(found: Any) -> bool:
        return _token(found) in exact or any(test(found) for test in tests)

    def matches(found: Any) -> bool:
        if found is _MISSING or isinstance(found, dict):
            return found is _MISSING and False in exists
        if True in exists:
            return True
        if isinstance(found, list):
            return any(one(v) for v in found if not isinstance(v, dict | list))
        return one(found)

    return matches


def _token(value: Any) -> Any:
    """Equal for equal JSON values, so that 1 is not true and null is not missing."""
    return (bool, value) if isinstance(value, bool) else value


def _comparison(test: Mapping[str, Any]) -> Matches:
    if len(test) != 1:
        raise BadPattern(f"one comparison at a time: {test!r}")
    ((name, argument),) = test.items()
    if name == "anything-but":
        return _anything_but(argument)
    if name == "numeric":
        return _numeric(argument)
    return _textual(name, argument)


def _textual(name: str, argument: Any) -> Matches:
    if isinstance(argument, dict) and set(argument) == {"equals-ignore-case"} and name in ("prefix", "suffix"):
        lowered = str(argument["equals-ignore-case"]).lower()
        plain = _textual(name, lowered)
        return lambda found: isinstance(found, str) and plain(found.lower())
    if not isinstance(argument, str):
        raise BadPattern(f"{name} takes a string: {argument!r}")
    if name == "prefix":
        return lambda found: isinstance(found, str) and found.startswith(argument)
    if name == "suffix":
        return lambda found: isinstance(found, str) and found.endswith(argument)
    if name == "equals-ignore-case":
        lowered = argument.lower()
        return lambda found: isinstance(found, str) and found.lower() == lowered
    if name == "wildcard":
        expression = re.compile(".*".join(map(re.escape, argument.split("*"))), re.DOTALL)
        return lambda found: isinstance(found, str) and expression.fullmatch(found) is not None
    raise BadPattern(f"the comparison {name} is not played locally")


def _anything_but(argument: Any) -> Matches:
    if isinstance(argument, dict):
        ((name, values),) = argument.items()
        unwanted = [_textual(name, v) for v in (values if isinstance(values, list) else [values])]
        return lambda found: not any(test(found) for test in unwanted)
    refused = {_token(v) for v in (argument if isinstance(argument, list) else [argument])}
    return lambda found: _token(found) not in refused


def _numeric(argument: Any) -> Matches:
    if not isinstance(argument, list) or len(argument) % 2 or not argument:
        raise BadPattern(f"numeric takes pairs of operator and number: {argument!r}")
    pairs = list(zip(argument[::2], argument[1::2], strict=True))
    if any(op not in _COMPARE or isinstance(n, bool) or not isinstance(n, int | float) for op, n in pairs):
        raise BadPattern(f"numeric takes pairs of operator and number: {argument!r}")

    def matches(found: Any) -> bool:
        if isinstance(found, bool) or not isinstance(found, int | float):
            return False
        return all(_COMPARE[op](found, number) for op, number in pairs)

    return matches
