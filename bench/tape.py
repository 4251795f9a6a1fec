"""Answers of DynamoDB as they once were, played back from memory: what is measured then is the handler alone.

A handler that waits for the embedded database shares two cores and their caches with it, and looks slower the more the
database has to do. While a tape plays, nobody waits: botocore builds the call, the answer's JSON is read again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import orjson

from market import config

_OPERATIONS = ("GetItem", "BatchGetItem", "Query")


class Tape:
    """Reads by operation and body, and their answers."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, bytes], bytes] = {}

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Keep the answers of all that is read within the block."""
        with _hooked("before-call", self._begin), _hooked("after-call", self._keep):
            yield

    @contextmanager
    def playing(self) -> Iterator[None]:
        """Answer within the block what was recorded. Another read raises KeyError."""
        with _hooked("before-call", self._answer):
            yield

    def _begin(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        context["taped"] = _name(params, model)

    def _keep(self, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        self._answers[context["taped"]] = orjson.dumps(parsed)

    def _answer(self, params: dict[str, Any], model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        document = self._answers[_name(params, model)]
        return SimpleNamespace(status_code=200, headers={}, content=document), orjson.loads(document)


def _name(params: dict[str, Any], model: Any) -> tuple[str, bytes]:
    body = params["body"]
    return model.name, body if isinstance(body, bytes) else body.encode()


@contextmanager
def _hooked(moment: str, hook: Any) -> Iterator[None]:
    """Call it before all other hooks of that moment."""
    events = config.client("dynamodb").meta.events
    for operation in _OPERATIONS:
        events.register_first(f"{moment}.dynamodb.{operation}", hook)
    try:
        yield
    finally:
        for operation in _OPERATIONS:
            events.unregister(f"{moment}.dynamodb.{operation}", hook)
