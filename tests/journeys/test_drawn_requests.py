"""Requests that Schemathesis draws from the OpenAPI document, sent by every kind of caller to every route."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from local.harness import ROOT, Reply, marketplace
from tests.journeys import promises, scenery
from tests.journeys.scenery import Scene

JSON = dict[str, Any]
pytestmark = [pytest.mark.contract("25.1"), pytest.mark.slow]

ORDER = ("GET", "POST", "PUT", "PATCH", "DELETE")
LAST = ("/v1/me/erasure", "/v1/auth/logout", "/rotation", "/status", "/kill", "/cancellation")
"""Whoever comes here may find less afterwards, and so these come last."""


@pytest.fixture(scope="module")
def drawn() -> list[JSON]:
    """See `generated`; reads before writes before removals."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.journeys.generated"],
        input=promises.DOCUMENT.read_bytes(),
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        check=True,
    )
    cases: list[JSON] = [json.loads(line) for line in made.stdout.splitlines()]
    return sorted(cases, key=_turn)


def _turn(case: JSON) -> tuple[bool, int]:
    method, _, path = case["operation"].partition(" ")
    return path.endswith(LAST), ORDER.index(method)


@pytest.fixture
def scene() -> Iterator[Scene]:
    with marketplace() as inside:
        yield scenery.on(inside)


@pytest.fixture(scope="module")
def schema() -> Any:
    import schemathesis  # takes seconds to load, so not for those who leave out the slow tests

    return schemathesis.openapi.from_dict(json.loads(promises.DOCUMENT.read_text()), config=schemathesis.Config())


def test_for_every_route_there_are_requests(drawn: list[JSON]) -> None:
    routes = {
        f"{method.upper()} {path}" for path, methods in promises.document()["paths"].items() for method in methods
    }
    assert {case["operation"] for case in drawn} == routes
    assert sum(case["mode"] == "negative" for case in drawn) > 400


@pytest.mark.parametrize("kind", scenery.KINDS)
def test_every_answer_is_one_that_the_description_promises(
    scene: Scene, drawn: list[JSON], schema: Any, kind: str
) -> None:
    """And nothing crashes, and no body is taken that its schema forbids."""
    operations = {str(operation): operation for operation in scene.operations}
    found: list[str] = []
    succeeded: set[str] = set()
    for number, case in enumerate(drawn):
        label, body = case["operation"], case["body"] and base64.b64decode(case["body"])
        operation = operations[label]
        path = scene.path(operation) if number % 2 else case["path"]
        address = f"{path}?{case['query']}" if case["query"] else path
        headers = case["headers"] | scene.proof_for(operation, kind)
        answer = scene.inside.call(operation.method, address, body, headers=headers)
        wrong = [*_by_the_tool(schema, label, answer)]
        if operation.body and answer.status < 400 and not promises.allows(label, body or b"{}"):
            wrong.append("it took a body that its schema forbids")
        found += [f"{label} as {kind}: {sentence}: {case} {answer}" for sentence in wrong]
        succeeded |= {label} if answer.status < 400 else set()
    assert not found, "\n".join(found)
    print(kind, len(drawn), "requests", len(succeeded), "of", len(operations), "operations succeeded")


def _by_the_tool(schema: Any, label: str, answer: Reply) -> Iterator[str]:
    from schemathesis import Response, checks
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks as conformance

    asked = requests.Request("GET", "http://127.0.0.1/").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    response = Response(answer.status, headers, answer.body, asked, elapsed=0.0, verify=False)
    places = {name: "any" for name in re.findall(r"\{(\w+)\}", label)}
    try:
        schema.find_operation_by_label(label).Case(path_parameters=places).validate_response(
            response,
            checks=[
                checks.not_a_server_error,
                conformance.status_code_conformance,
                conformance.content_type_conformance,
                conformance.response_headers_conformance,
                conformance.response_schema_conformance,
            ],
        )
    except FailureGroup as failed:
        yield from (f"{failure.title}: {failure.message[:200]}" for failure in failed.exceptions)
