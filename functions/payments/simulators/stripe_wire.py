"""What Stripe's API looks like on the wire: forms with brackets, JSON objects, errors, expansion."""

import re
from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qsl

import orjson

Form = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

_KEY = re.compile(r"\[([^\[\]]*)\]")


class Refusal(Exception):
    """An error of Stripe's. kept: whether the idempotency key remembers it, as everything that was begun."""

    def __init__(
        self, status: int, kind: str, message: str, *, code: str = "", param: str = "", kept: bool = False, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.kept = status, kept
        named = {"code": code, "param": param}
        self.error = {"type": kind, "message": message} | {name: value for name, value in named.items() if value} | more

    @property
    def answer(self) -> Answer:
        return answer(self.status, {"error": self.error})


def invalid(message: str, *, code: str = "", param: str = "", status: int = 400, kept: bool = False) -> Refusal:
    return Refusal(status, "invalid_request_error", message, code=code, param=param, kept=kept)


def missing(kind: str, name: str, param: str = "id", status: int = 404) -> Refusal:
    return invalid(f"No such {kind}: '{name}'", code="resource_missing", param=param, status=status)


def answer(status: int, body: Mapping[str, Any]) -> Answer:
    return status, {"content-type": "application/json"}, orjson.dumps(body)


def form(text: str) -> Form:
    """`a=1&b[c]=2&d[0]=3&e[]=4` as nested dicts and lists of text."""
    read: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, path = name.partition("[")[0], _KEY.findall(name)
        inside: Any = read
        for key, after in zip([head, *path], [*path, None], strict=True):
            key = key or str(len(inside))
            if after is None:
                inside[key] = value
            else:
                inside = inside.setdefault(key, {})
    return {name: _listed(value) for name, value in read.items()}


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(value[key]) for key in sorted(value, key=int)]
    return {name: _listed(inner) for name, inner in value.items()}


def only(params: Form, allowed: Collection[str], required: Collection[str] = ()) -> None:
    """Raises Refusal for parameters that the endpoint does not know, or lacks."""
    for name in params:
        if name not in allowed and name != "expand":
            raise invalid(f"Received unknown parameter: {name}", code="parameter_unknown", param=name)
    for name in required:
        if params.get(name) in (None, ""):
            raise invalid(f"Missing required param: {name}.", code="parameter_missing", param=name)


def integer(params: Form, name: str, default: int = 0) -> int:
    text = params.get(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,12}", str(text)):
        raise invalid(f"Invalid integer: {text}", code="parameter_invalid_integer", param=name)
    return int(text)


def expanded(body: Mapping[str, Any], paths: list[str], objects: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the object in which the ids at `paths` are replaced by what they name."""
    copy = deepcopy(dict(body))
    for path in paths:
        _expand(copy, path.split("."), objects)
    return copy


def _expand(inside: Any, path: list[str], objects: Mapping[str, Any]) -> None:
    for body in inside if isinstance(inside, list) else [inside]:
        if path[0] not in body:
            raise invalid(f"This property cannot be expanded ({path[0]}).", param="expand")
        value = body[path[0]]
        if isinstance(value, str):
            value = body[path[0]] = deepcopy(objects[value])
        if value is not None and len(path) > 1:
            _expand(value, path[1:], objects)
