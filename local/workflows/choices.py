"""The rules of Choice states, compiled to predicates."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from local.workflows.errors import RUNTIME, Refused, StateError
from local.workflows.paths import MISSING, finder

Test = Callable[[Any, Any], bool]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": lambda a, b: bool(a == b),
    "LessThan": lambda a, b: bool(a < b),
    "LessThanEquals": lambda a, b: bool(a <= b),
    "GreaterThan": lambda a, b: bool(a > b),
    "GreaterThanEquals": lambda a, b: bool(a >= b),
}
_KINDS = ("String", "Numeric", "Timestamp", "Boolean")
_COMPARISON = re.compile(rf"({'|'.join(_KINDS)})({'|'.join(_ORDER)})(Path)?")


def instant(value: Any) -> datetime:
    """An RFC 3339 timestamp with its offset. Raises ValueError."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", value):
        raise ValueError(value)
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


def _cast(kind: str, value: Any) -> Any:
    """The value as its kind, or MISSING if it is of another."""
    if kind == "String":
        return value if isinstance(value, str) else MISSING
    if kind == "Boolean":
        return value if isinstance(value, bool) else MISSING
    if kind == "Numeric":
        return value if isinstance(value, int | float) and not isinstance(value, bool) else MISSING
    try:
        return instant(value)
    except ValueError:
        return MISSING


_IS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda v: v is None,
    "IsPresent": lambda v: True,
    "IsNumeric": lambda v: _cast("Numeric", v) is not MISSING,
    "IsString": lambda v: isinstance(v, str),
    "IsBoolean": lambda v: isinstance(v, bool),
    "IsTimestamp": lambda v: _cast("Timestamp", v) is not MISSING,
}


def rule(shape: dict[str, Any]) -> Test:
    """A predicate over (data, context). Raises Refused."""
    shape = {k: v for k, v in shape.items() if k not in ("Next", "Comment")}
    if "Variable" not in shape:
        return _combination(shape)
    variable = shape.pop("Variable")
    if len(shape) != 1:
        raise Refused(f"a choice rule has one comparison: {shape!r}")
    ((name, argument),) = shape.items()
    return _comparison(name, _find(variable), argument, variable)


def _find(path: str) -> Callable[[Any, Any], Any]:
    if path.startswith("$$"):
        in_context = finder(path[1:])
        return lambda data, context: in_context(context)
    in_data = finder(path)
    return lambda data, context: in_data(data)


def _combination(shape: dict[str, Any]) -> Test:
    if len(shape) != 1:
        raise Refused(f"a choice rule is one comparison or one of And, Or, Not: {shape!r}")
    ((name, argument),) = shape.items()
    if name == "Not":
        inner = rule(argument)
        return lambda data, context: not inner(data, context)
    if name not in ("And", "Or"):
        raise Refused(f"the choice rule {name} is not known")
    tests = [rule(part) for part in argument]
    if name == "And":
        return lambda data, context: all(test(data, context) for test in tests)
    return lambda data, context: any(test(data, context) for test in tests)


def _present(find: Callable[[Any, Any], Any], path: str) -> Callable[[Any, Any], Any]:
    def read(data: Any, context: Any) -> Any:
        found = find(data, context)
        if found is MISSING:
            raise StateError(RUNTIME, f"Invalid path '{path}': The choice state's condition path references no value.")
        return found

    return read


def _comparison(name: str, find: Callable[[Any, Any], Any], argument: Any, path: str) -> Test:
    if name == "IsPresent":
        return lambda data, context: (find(data, context) is not MISSING) == argument
    read = _present(find, path)
    if name in _IS:
        test = _IS[name]
        return lambda data, context: test(read(data, context)) == argument
    if name == "StringMatches":
        expression = _wildcard(argument)
        return lambda data, context: isinstance(v := read(data, context), str) and bool(expression.fullmatch(v))
    known = _COMPARISON.fullmatch(name)
    if known is None or (known.group(1) == "Boolean" and known.group(2) != "Equals"):
        raise Refused(f"the comparison {name} is not known")
    kind, compare = known.group(1), _ORDER[known.group(2)]
    if known.group(3):
        other = _present(_find(argument), argument)
        return lambda data, context: _compare(kind, compare, read(data, context), other(data, context))
    if _cast(kind, argument) is MISSING:
        raise Refused(f"{name} cannot compare with {argument!r}")
    return lambda data, context: _compare(kind, compare, read(data, context), argument)


def _compare(kind: str, compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    left, right = _cast(kind, left), _cast(kind, right)
    return left is not MISSING and right is not MISSING and compare(left, right)


def _wildcard(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\\\*|\\\\|\*)", pattern)
    replaced = {"*": ".*", "\\*": r"\*", "\\\\": r"\\"}
    return re.compile("".join(replaced.get(part, re.escape(part)) for part in parts), re.DOTALL)
