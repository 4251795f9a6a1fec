"""The intrinsic functions of the States Language, such as `States.Format('{}', $.sku)`."""

import base64
import hashlib
import json
import random
import re
import uuid
from collections.abc import Callable
from functools import cache
from typing import Any

from local.workflows.errors import Refused, StateError
from local.workflows.paths import reader

Value = Callable[[Any, Any], Any]
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")
_NAME = re.compile(r"States\.(\w+)\s*\(")


def _format(template: str, *values: Any) -> str:
    parts = re.split(r"(?<!\\)\{\}", template)
    if len(parts) - 1 != len(values):
        raise ValueError("as many {} as arguments are needed")
    texts = [v if isinstance(v, str) else json.dumps(v, separators=(",", ":")) for v in values]
    joined = "".join(part + text for part, text in zip(parts, [*texts, ""], strict=True))
    return re.sub(r"\\([{}'\\])", r"\1", joined)


def _chunks(items: list[Any], size: int) -> list[list[Any]]:
    return [items[at : at + size] for at in range(0, len(items), int(size))]


def _range(first: int, last: int, step: int) -> list[int]:
    return list(range(first, last + (1 if step > 0 else -1), step))


def _unique(items: list[Any]) -> list[Any]:
    return list({json.dumps(item, sort_keys=True): item for item in items}.values())


def _hash(text: str, algorithm: str) -> str:
    names = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
    return hashlib.new(names[algorithm], str(text).encode()).hexdigest()


def _split(text: str, separators: str) -> list[str]:
    return [part for part in re.split("[" + re.escape(separators) + "]", text) if part]


def _merge(left: dict[str, Any], right: dict[str, Any], deep: object) -> dict[str, Any]:
    if deep is not False:
        raise ValueError("only shallow merges are known")
    return {**left, **right}


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "Array": lambda *items: list(items),
    "ArrayContains": lambda items, item: item in items,
    "ArrayGetItem": lambda items, at: items[at],
    "ArrayLength": len,
    "ArrayPartition": _chunks,
    "ArrayRange": _range,
    "ArrayUnique": _unique,
    "Base64Decode": lambda text: base64.b64decode(text).decode(),
    "Base64Encode": lambda text: base64.b64encode(text.encode()).decode(),
    "Format": _format,
    "Hash": _hash,
    "JsonMerge": _merge,
    "JsonToString": lambda value: json.dumps(value, separators=(",", ":")),
    "MathAdd": lambda left, right: left + right,
    "MathRandom": lambda low, high, seed=None: random.Random(seed).randrange(low, high),  # noqa: S311
    "StringSplit": _split,
    "StringToJson": json.loads,
    "UUID": lambda: str(uuid.uuid4()),
}


@cache
def expression(text: str) -> Value:
    """A function of (data, context) for a path, a context path (`$$.…`) or an intrinsic call. Raises Refused."""
    value, end = _parse(text, 0)
    if text[end:].strip():
        raise Refused(f"not an expression: {text!r}")
    return value


def is_intrinsic(text: str) -> bool:
    return text.startswith("States.")


def path_value(path: str) -> Value:
    """A function of (data, context) for `$.…` or `$$.…`."""
    if path.startswith("$$"):
        from_context = reader(path[1:])
        return lambda data, context: from_context(context)
    from_data = reader(path)
    return lambda data, context: from_data(data)


def _parse(text: str, at: int) -> tuple[Value, int]:
    at = _blank(text, at)
    if call := _NAME.match(text, at):
        return _call(text, call)
    if text[at : at + 1] == "'":
        return _string(text, at)
    if text[at : at + 1] == "$":
        end = _path_end(text, at)
        return path_value(text[at:end].strip()), end
    if number := _NUMBER.match(text, at):
        return _constant(json.loads(number.group())), number.end()
    for word, constant in (("true", True), ("false", False), ("null", None)):
        if text.startswith(word, at):
            return _constant(constant), at + len(word)
    raise Refused(f"not an expression: {text!r}")


def _constant(value: Any) -> Value:
    return lambda data, context: value


def _blank(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _string(text: str, at: int) -> tuple[Value, int]:
    end = at + 1
    while end < len(text) and text[end] != "'":
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        raise Refused(f"a string does not end: {text!r}")
    return _constant(text[at + 1 : end].replace("\\'", "'")), end + 1


def _path_end(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if text[at] in "[(":
            depth += 1
        elif text[at] in "])":
            if depth == 0:
                break
            depth -= 1
        elif text[at] == "," and depth == 0:
            break
        at += 1
    return at


def _call(text: str, call: re.Match[str]) -> tuple[Value, int]:
    name = call.group(1)
    if name not in FUNCTIONS:
        raise Refused(f"the intrinsic function States.{name} is not played locally")
    arguments: list[Value] = []
    at = _blank(text, call.end())
    while text[at : at + 1] != ")":
        argument, at = _parse(text, at)
        arguments.append(argument)
        at = _blank(text, at)
        if text[at : at + 1] == ",":
            at = _blank(text, at + 1)
        elif text[at : at + 1] != ")":
            raise Refused(f"an argument list does not end: {text!r}")
    function = FUNCTIONS[name]

    def value(data: Any, context: Any) -> Any:
        given = [argument(data, context) for argument in arguments]
        try:
            return function(*given)
        except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
            raise StateError("States.IntrinsicFailure", f"States.{name}: {error}") from error

    return value, at + 1
