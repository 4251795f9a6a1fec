"""Requests that Schemathesis makes from the OpenAPI document, printed as JSON lines, the same on every run.

python -m tests.journeys.generated < openapi.json

A process of its own, so that nothing which happens to be loaded has a say in what is generated (Hypothesis looks for
constants in the loaded modules). It only draws requests: nothing is sent, judged, replayed or shrunk here, so that no
chance in between can make the tool believe that its own strategies are flaky.
"""

import base64
import json
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from schemathesis import GenerationMode
from schemathesis.config import GenerationConfig

JSON = dict[str, Any]
BASE = "http://127.0.0.1"
EACH = {GenerationMode.POSITIVE: 6, GenerationMode.NEGATIVE: 5}
MOST = 8_000
"""Bytes of address and headers: beyond, the gateway answers in the API's place."""

OURS = frozenset({"idempotency-key", "if-match", "content-type", "captcha-token"})
"""Headers that are taken from what was drawn; who calls, the runner says."""


def requests_for(document: JSON) -> Iterator[JSON]:
    """Per operation and mode a few requests: `{operation, mode, path, query, headers, body}`, the body in base64."""
    config = schemathesis.Config()
    config.projects.default.generation = GenerationConfig(with_security_parameters=False, deterministic=True)
    schema = schemathesis.openapi.from_dict(_without_callers(document), config=config)
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode, most in EACH.items():
            if mode is GenerationMode.POSITIVE or operation.body or operation.query:
                yield from filter(None, (_written(case, mode) for case in _drawn(operation, mode, most)))


def _without_callers(document: JSON) -> JSON:
    document["components"].pop("securitySchemes", None)
    for methods in document["paths"].values():
        for operation in methods.values():
            operation.pop("security", None)
    return document


def _drawn(operation: Any, mode: GenerationMode, most: int) -> list[Any]:
    """Fewer than `most`, down to none, where the schema has no more: a text of any kind cannot be wrong."""
    cases: list[Any] = []

    @seed(1)
    @settings(
        max_examples=most,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def draw(case: Any) -> None:
        cases.append(case)

    try:
        draw()
    except HypothesisException as gave_up:
        print(f"{operation.label}, {mode.value}: {len(cases)} drawn: {gave_up}", file=sys.stderr)
    return cases


def _written(case: Any, mode: GenerationMode) -> JSON | None:
    try:
        made = requests.Request(**case.as_transport_kwargs(base_url=BASE)).prepare()
    except (ValueError, UnicodeError, requests.RequestException):  # what no client can send
        return None
    headers = {name.lower(): _text(value) for name, value in made.headers.items() if name.lower() in OURS}
    address = urlsplit(made.url or "")
    if len(made.url or "") + sum(map(len, headers.values())) > MOST:
        return None
    body = made.body.encode() if isinstance(made.body, str) else made.body
    return {
        "operation": case.operation.label,
        "mode": mode.value,
        "path": address.path,
        "query": address.query,
        "headers": headers,
        "body": None if body is None else base64.b64encode(body).decode(),
    }


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


if __name__ == "__main__":
    for line in requests_for(json.load(sys.stdin)):
        print(json.dumps(line))
