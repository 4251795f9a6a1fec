"""The checkout state machine, as far as it can be judged without running it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.services import ROOT, Source
from infra.stacks.checkout import DEFINITION
from tests.infra.assembly import Assembly

INPUT = {"orderId", "correlationId", "holdSeconds"}
"""What the consumer starts an execution with, at the least."""

MACHINE = json.loads((ROOT / DEFINITION).read_text())
STATES: dict[str, dict[str, Any]] = MACHINE["States"]
TASKS = {name: state for name, state in STATES.items() if state["Type"] == "Task"}
RESOURCES = {
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "arn:aws:states:::sqs:sendMessage",
}
UNDO = ("GiveUpOrder", "UndoPayment", "ParkForPeople")
"""Undoing is tried again whatever went wrong."""


def _next(name: str, state: dict[str, Any], known: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The states that may follow, with the variables that exist there."""
    written = known | _variable(state.get("ResultPath"))
    for target in [state.get("Next"), state.get("Default"), *(c["Next"] for c in state.get("Choices", ()))]:
        if target:
            yield target, frozenset(written)
    for catch in state.get("Catch", ()):
        yield catch["Next"], frozenset(known | _variable(catch.get("ResultPath")))


def _variable(path: str | None) -> set[str]:
    return {path.split(".")[1]} if path and path.startswith("$.") else set()


def _reads(state: dict[str, Any]) -> set[str]:
    """Variables of the state's input that it reads; a result selector reads the result instead."""
    text = json.dumps(
        {key: value for key, value in state.items() if key not in ("ResultPath", "ResultSelector", "Catch")}
    )
    return set(re.findall(r'"\$\.(\w+)', text))


def _known_at_each_state() -> dict[str, frozenset[str]]:
    """Variables that exist at a state whichever way led to it."""
    known: dict[str, frozenset[str]] = {MACHINE["StartAt"]: frozenset(INPUT)}
    waiting = [MACHINE["StartAt"]]
    while waiting:
        name = waiting.pop()
        for target, there in _next(name, STATES[name], known[name]):
            merged = known[target] & there if target in known else there
            if known.get(target) != merged:
                known[target] = merged
                waiting.append(target)
    return known


def test_every_state_is_reached() -> None:
    assert set(_known_at_each_state()) == set(STATES)


def test_no_state_reads_what_was_not_written_before() -> None:
    for name, known in _known_at_each_state().items():
        assert _reads(STATES[name]) <= known, name


def test_a_variable_that_only_some_ways_write_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    first = MACHINE["StartAt"]
    after = STATES[first]["Next"]
    monkeypatch.setitem(STATES, first, {**STATES[first], "ResultPath": "$.onlyWhenAllIsWell"})
    for name, state in STATES.items():
        if name not in (first, after) and state["Type"] == "Task":
            monkeypatch.setitem(STATES, name, {**state, "InputPath": "$.onlyWhenAllIsWell"})
    unwritten = [name for name, known in _known_at_each_state().items() if not _reads(STATES[name]) <= known]
    assert unwritten, "reached by a Catch, which does not write the result"


@pytest.mark.parametrize("name", TASKS)
def test_every_task_ends_in_time_and_its_failure_is_caught(name: str) -> None:
    task = TASKS[name]
    assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task
    assert task["Resource"] in RESOURCES
    assert any(catch["ErrorEquals"] == ["States.ALL"] for catch in task["Catch"])


@pytest.mark.parametrize("name", [name for name in TASKS if name not in UNDO])
def test_a_refusal_ends_a_step_at_once(name: str) -> None:
    refusals = TASKS[name]["Retry"][0]
    assert refusals["MaxAttempts"] == 0
    owner = _owner(TASKS[name])
    raised = "".join(path.read_text() for path in (ROOT / "functions" / owner).glob("*.py"))
    for error in set(refusals["ErrorEquals"]) - {"States.Timeout"}:
        assert f"class {error}(" in raised, f"{owner} raises no {error}"


@pytest.mark.parametrize("name", TASKS)
def test_anything_else_is_tried_again_for_a_limited_time(name: str) -> None:
    last = TASKS[name]["Retry"][-1]
    assert last["ErrorEquals"] == ["States.ALL"]
    waits = (last["IntervalSeconds"] * last["BackoffRate"] ** attempt for attempt in range(last["MaxAttempts"]))
    waiting = sum(min(wait, last["MaxDelaySeconds"]) for wait in waits)
    assert 5 * 60 < waiting < (3 * 3600 if name in UNDO else 15 * 60)


def _owner(task: dict[str, Any]) -> str:
    """The service that does a task."""
    return str(task["Parameters"]["FunctionName"]).removeprefix("${").removesuffix("Tasks}").lower()


def test_every_task_is_one_that_its_service_has(services: dict[str, Source]) -> None:
    import importlib

    for name, state in TASKS.items():
        if "Payload" not in state["Parameters"]:
            continue
        (function,) = [entry for entry in services[_owner(state)].manifest.functions if entry.kind == "tasks"]
        tasks = importlib.import_module(function.handler.rpartition(".")[0]).tasks
        assert state["Parameters"]["Payload"]["task"] in tasks.names, name


def test_substitutions_are_functions_of_the_stage_and_may_be_called(dev: Assembly) -> None:
    ((name, machine),) = dev.properties("AWS::StepFunctions::StateMachine")
    template = name.partition("/")[0]
    substitutions = {key: dev.text(value, template) for key, value in machine["DefinitionSubstitutions"].items()}
    assert set(substitutions) == set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    deployed = {properties["FunctionName"] for _, properties in dev.properties("AWS::Lambda::Function")}
    (role,) = [p for n, p in dev.properties("AWS::IAM::Policy") if n.startswith("Checkout/")]
    allowed = json.dumps(role["PolicyDocument"])
    for key, value in substitutions.items():
        if key.endswith("Tasks"):
            function = value.split(":")[-2]
            assert function in deployed
            assert f":function:{function}:live" in allowed


def test_the_happy_path_takes_at_most_five_transitions() -> None:
    name, transitions = MACHINE["StartAt"], 1
    while "Next" in STATES[name]:
        name, transitions = STATES[name]["Next"], transitions + 1
    assert transitions + 1 <= 5, "each state entered, and the end"


def test_the_definition_is_in_the_template_for_other_checks_to_see(dev: Assembly) -> None:
    ((_, machine),) = dev.properties("AWS::StepFunctions::StateMachine")
    assert json.loads(machine["DefinitionString"]) == MACHINE
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
