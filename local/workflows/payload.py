"""Payload templates: `{"orderId.$": "$.id", "kind": "capture"}` compiled to a function of the input and the context."""

from typing import Any

from local.workflows.errors import Refused
from local.workflows.intrinsics import Value, expression


def template(shape: Any) -> Value:
    """A function of (data, context) that fills the template in. Raises Refused."""
    if not _dynamic(shape):
        return lambda data, context: shape
    if isinstance(shape, list):
        items = [template(item) for item in shape]
        return lambda data, context: [item(data, context) for item in items]
    fields: list[tuple[str, Value]] = []
    for key, value in shape.items():
        if key.endswith(".$"):
            if not isinstance(value, str):
                raise Refused(f"the value of {key} is a path or an intrinsic function: {value!r}")
            fields.append((key[:-2], expression(value)))
        else:
            fields.append((key, template(value)))
    return lambda data, context: {key: field(data, context) for key, field in fields}


def _dynamic(shape: Any) -> bool:
    if isinstance(shape, dict):
        return any(key.endswith(".$") or _dynamic(value) for key, value in shape.items())
    return isinstance(shape, list) and any(map(_dynamic, shape))
