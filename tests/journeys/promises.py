"""What the OpenAPI document promises of answers: their status, their codes, their types, the shape of their bodies."""

import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache, wraps
from typing import Any
from urllib.parse import quote

import jsonschema_rs
import pytest

from local.harness import ROOT, InProcess, Reply, Running

JSON = dict[str, Any]
DOCUMENT = ROOT / "functions" / "backbone" / "openapi.json"
_NAME = "urn:openapi"
_PARAMETER = re.compile(r"\\\{\w+\\\}")
_OF_THE_GATEWAY = frozenset({"headers_too_large"})
"""Refusals before any route is looked at: of a request that is larger than API Gateway takes."""

_OF_EVERY_ANSWER = frozenset(
    (
        *("allow", "cache-control", "connection", "content-disposition", "content-language", "content-length"),
        *("content-security-policy", "content-type", "date", "etag", "location", "permissions-policy"),
        *("referrer-policy", "retry-after", "server", "strict-transport-security", "transfer-encoding", "vary"),
        *("www-authenticate", "x-content-type-options", "x-correlation-id", "x-frame-options", "x-request-id"),
    )
)
"""Headers that mean the same everywhere, and those of the door; what a route says by another, it declares."""

_LOG_SECONDS = 2


@cache
def document() -> JSON:
    found: JSON = json.loads(DOCUMENT.read_text())
    return found


def label_of(method: str, path: str) -> str:
    """The operation that answers at an address, as `GET /v1/orders/{order_no}`; empty if there is none."""
    found = [
        template
        for template, pattern in _patterns()
        if pattern.fullmatch(path) and method.lower() in document()["paths"][template]
    ]
    return f"{method} {min(found, key=lambda template: template.count('{'))}" if found else ""


@cache
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(path, re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))) for path in document()["paths"]]


def operation(label: str) -> JSON:
    method, _, path = label.partition(" ")
    found: JSON = document()["paths"][path][method.lower()]
    return found


def broken(label: str, answer: Reply) -> Iterator[str]:
    """What an answer of this operation is that nobody promised, in words."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    problem = answer.json if kind == "application/problem+json" else {}
    if problem.get("code") in _OF_THE_GATEWAY:
        return
    if answer.status == 500:
        yield "it crashed"
    promised = operation(label)["responses"].get(str(answer.status))
    if promised is None:
        yield f"undeclared status {answer.status} {problem.get('code', '')}"
    elif problem and problem["code"] not in promised["description"].split(", "):
        yield f"undeclared code {problem['code']} of {answer.status}"
    elif kind not in promised.get("content", {}) and (answer.body or promised.get("content")):
        yield f"undeclared type {kind or 'of nothing'} of {answer.status}"
    elif kind in ("application/json", "application/problem+json"):
        error = next(validator(label, "responses", str(answer.status), kind).iter_errors(answer.json), None)
        if error:
            yield f"a body of {answer.status} that is not as declared: {error.message[:200]} at {error.instance_path}"
    yield from undeclared_headers(label, answer.status, answer.headers)


def undeclared_headers(label: str, status: int, headers: Iterable[str]) -> Iterator[str]:
    """Those names, in lower case, that the operation does not declare for such an answer, in words."""
    own = {name for name in headers if name not in _OF_EVERY_ANSWER and not name.startswith("access-control-")}
    for name in sorted(own - operation(label)["responses"].get(str(status), {}).get("headers", {}).keys()):
        yield f"undeclared header {name} of {status}"


def allows(label: str, body: bytes) -> bool:
    """Whether a body is one that the operation's schema allows; one that is no JSON is not."""
    try:
        value = json.loads(body)
    except ValueError:
        return False
    return validator(label, "requestBody", "application/json").is_valid(value)


@cache
def validator(label: str, *place: str) -> jsonschema_rs.Draft202012Validator:
    """For the schema of a body: `responses`, status and type; or `requestBody` and type.

    Thousands of them are made in a run: each compiles only what its own schema refers to in the one document.
    """
    method, _, path = label.partition(" ")
    at = ("paths", path, method.lower(), *place[:-1], "content", place[-1], "schema")
    pointer = "/".join(quote(name.replace("~", "~0").replace("/", "~1"), safe="") for name in at)
    return jsonschema_rs.Draft202012Validator({"$ref": f"{_NAME}#/{pointer}"}, registry=_registry())


@cache
def _registry() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry([(_NAME, document())], draft=jsonschema_rs.Draft202012)


@contextmanager
def watched() -> Iterator[None]:
    """While it lasts, an answer to a test that breaks a promise fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        for market in (InProcess, Running):
            patch.setattr(market, "call", _watching(market.call))
        yield


def _watching(call: Any) -> Any:
    @wraps(call)
    def watching(self: Any, method: str, path: str, *arguments: Any, **named: Any) -> Reply:
        answer: Reply = call(self, method, path, *arguments, **named)
        label = label_of(method, path.partition("?")[0])
        for wrong in broken(label, answer) if label else ():
            pytest.fail(f"{label} gave {wrong}: {answer}{_logged(self, answer)}")
        return answer

    return watching


def _logged(market: InProcess | Running, answer: Reply) -> str:
    """What a server of its own logged of the request: it writes that in a moment, and keeps it when it is killed."""
    request_id = answer.headers.get("x-request-id", "")
    if not request_id or isinstance(market, InProcess):
        return ""
    deadline = time.monotonic() + _LOG_SECONDS
    while not (lines := [line for line in market.log().splitlines() if request_id in line]):
        if time.monotonic() > deadline:
            return "\nand its log says nothing of it"
        time.sleep(0.05)
    return "\n".join(["", *lines])
