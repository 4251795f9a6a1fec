"""The state machines, as far as they can be judged without running them."""

import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.machines import Machine, discover_machines
from infra.services import ROOT, Source
from tests.infra.assembly import Assembly, as_list

Definition = dict[str, Any]

INPUT = {
    "checkout": {"orderId", "correlationId", "holdSeconds"},
    "import": {"vendorId", "importId", "attempt", "correlationId"},
    "refund": {"orderId", "customerId", "refundId", "amount", "correlationId"},
}
"""What an execution is started with, at the least."""

MACHINES = {name: json.loads(machine.text) for name, machine in discover_machines().items()}
TASKS = {
    (name, state): task
    for name, machine in MACHINES.items()
    for state, task in machine["States"].items()
    if task["Type"] == "Task"
}
RESOURCES = {
    "arn:aws:states:::lambda:invoke",
    "arn:aws:states:::lambda:invoke.waitForTaskToken",
    "arn:aws:states:::sqs:sendMessage",
}
MUST_HAPPEN = {
    ("checkout", "GiveUpOrder"),
    ("checkout", "UndoPayment"),
    ("checkout", "ParkForPeople"),
    ("refund", "BookRefund"),
    ("refund", "RefuseRefund"),
    ("refund", "ParkForPeople"),
}
"""Undoing and booking are tried again whatever went wrong."""

STARTED_AGAIN = {("import", "Split"), ("import", "Report"), ("import", "GiveUp")}
"""What is wrong with a file is an answer, no refusal; and a job that failed may be started again by its vendor."""

HOURS = {("refund", "ExecuteRefund"): 36, **dict.fromkeys(MUST_HAPPEN, 3)}
"""How long is tried at most before a person is called, where it is more than minutes: nobody waits for these."""


def _next(state: Definition, known: frozenset[str]) -> Iterator[tuple[str, frozenset[str]]]:
    """The states that may follow, with the variables that exist there."""
    written = known | _variable(state.get("ResultPath"))
    for target in [state.get("Next"), state.get("Default"), *(c["Next"] for c in state.get("Choices", ()))]:
        if target:
            yield target, frozenset(written)
    for catch in state.get("Catch", ()):
        yield catch["Next"], frozenset(known | _variable(catch.get("ResultPath")))


def _variable(path: str | None) -> set[str]:
    return {path.split(".")[1]} if path and path.startswith("$.") else set()


def _reads(state: Definition) -> set[str]:
    """Variables of the state's input that it reads; a result selector and an output path read the result instead."""
    others = ("ResultPath", "ResultSelector", "OutputPath", "Catch")
    text = json.dumps({key: value for key, value in state.items() if key not in others})
    return set(re.findall(r'"\$\.(\w+)', text))


def _known_at_each_state(machine: Definition, given: set[str]) -> dict[str, frozenset[str]]:
    """Variables that exist at a state whichever way led to it."""
    known: dict[str, frozenset[str]] = {machine["StartAt"]: frozenset(given)}
    waiting = [machine["StartAt"]]
    while waiting:
        name = waiting.pop()
        for target, there in _next(machine["States"][name], known[name]):
            merged = known[target] & there if target in known else there
            if known.get(target) != merged:
                known[target] = merged
                waiting.append(target)
    return known


def _unwritten(machine: Definition, given: set[str]) -> list[str]:
    """States that read what some way to them does not write."""
    known = _known_at_each_state(machine, given)
    return [name for name, there in known.items() if not _reads(machine["States"][name]) <= there]


def _owner(task: Definition) -> str:
    """The service that does a task."""
    return str(task["Parameters"]["FunctionName"]).removeprefix("${").removesuffix("Tasks}").lower()


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_is_reached(name: str) -> None:
    assert set(_known_at_each_state(MACHINES[name], INPUT[name])) == set(MACHINES[name]["States"])


@pytest.mark.parametrize("name", MACHINES)
def test_no_state_reads_what_was_not_written_before(name: str) -> None:
    assert _unwritten(MACHINES[name], INPUT[name]) == []


@pytest.mark.parametrize("name", MACHINES)
def test_a_variable_that_only_some_ways_write_is_found(name: str) -> None:
    machine: Definition = json.loads(json.dumps(MACHINES[name]))
    first = machine["StartAt"]
    machine["States"][first]["ResultPath"] = "$.onlyWhenAllIsWell"
    after = machine["States"][first]["Next"]
    for state in machine["States"]:
        if state not in (first, after) and machine["States"][state]["Type"] == "Task":
            machine["States"][state]["InputPath"] = "$.onlyWhenAllIsWell"
    assert _unwritten(machine, INPUT[name]), "reached by a Catch, which does not write the result"


@pytest.mark.parametrize("name", TASKS, ids=".".join)
def test_every_task_ends_in_time_and_its_failure_is_caught(name: tuple[str, str]) -> None:
    task = TASKS[name]
    assert "TimeoutSeconds" in task or "TimeoutSecondsPath" in task
    assert task["Resource"] in RESOURCES
    assert any(catch["ErrorEquals"] == ["States.ALL"] for catch in task["Catch"])


@pytest.mark.parametrize("name", sorted(set(TASKS) - MUST_HAPPEN - STARTED_AGAIN), ids=".".join)
def test_a_refusal_ends_a_step_at_once(name: tuple[str, str]) -> None:
    refusals = TASKS[name]["Retry"][0]
    assert refusals["MaxAttempts"] == 0
    owner = _owner(TASKS[name])
    raised = "".join(path.read_text() for path in (ROOT / "functions" / owner).glob("**/*.py"))
    for error in set(refusals["ErrorEquals"]) - {"States.Timeout"}:
        assert f"class {error}(" in raised, f"{owner} raises no {error}"


@pytest.mark.parametrize("name", sorted(set(TASKS) - STARTED_AGAIN), ids=".".join)
def test_anything_else_is_tried_again_for_a_limited_time(name: tuple[str, str]) -> None:
    last = TASKS[name]["Retry"][-1]
    assert last["ErrorEquals"] == ["States.ALL"]
    waits = (last["IntervalSeconds"] * last["BackoffRate"] ** attempt for attempt in range(last["MaxAttempts"]))
    waiting = sum(min(wait, last["MaxDelaySeconds"]) for wait in waits)
    assert 5 * 60 < waiting < HOURS.get(name, 0.25) * 3600


@pytest.mark.parametrize("name", sorted(STARTED_AGAIN), ids=".".join)
def test_what_can_be_started_again_is_tried_some_times(name: tuple[str, str]) -> None:
    (everything,) = TASKS[name]["Retry"]
    assert everything["ErrorEquals"] == ["States.ALL"]
    assert 4 <= everything["MaxAttempts"] <= 10


@pytest.mark.parametrize("name", TASKS, ids=".".join)
def test_every_task_is_one_that_its_service_has(name: tuple[str, str], services: dict[str, Source]) -> None:
    state = TASKS[name]
    if "Payload" not in state["Parameters"]:
        return
    (function,) = [entry for entry in services[_owner(state)].manifest.functions if entry.kind == "tasks"]
    tasks = importlib.import_module(function.handler.rpartition(".")[0]).tasks
    assert state["Parameters"]["Payload"]["task"] in tasks.names


def test_names_that_differ_in_kind_lead_to_different_things() -> None:
    machines = discover_machines().values()
    for kind in (Machine.parked, Machine.setting, Machine.title, Machine.unfinished):
        assert len({kind.fget(machine) for machine in machines}) == len(MACHINES)


@pytest.mark.parametrize("name", MACHINES)
def test_substitutions_are_functions_of_the_stage_and_may_be_called(name: str, dev: Assembly) -> None:
    template, machine = _deployed(name, dev)
    substitutions = {key: dev.text(value, template) for key, value in machine["DefinitionSubstitutions"].items()}
    assert set(substitutions) == set(re.findall(r"\$\{(\w+)\}", machine["DefinitionString"]))
    deployed = {properties["FunctionName"] for _, properties in dev.properties("AWS::Lambda::Function")}
    (role,) = [p for n, p in dev.properties("AWS::IAM::Policy") if n.startswith(f"{template}/")]
    allowed = json.dumps(role["PolicyDocument"])
    for key, value in substitutions.items():
        if key.endswith("Tasks"):
            function = value.split(":")[-2]
            assert function in deployed
            assert f":function:{function}:live" in allowed


@pytest.mark.parametrize("name", MACHINES)
def test_what_it_parks_has_a_queue_and_an_alarm_of_its_own_with_a_runbook(name: str, dev: Assembly) -> None:
    source = discover_machines()[name]
    queues = {queue["QueueName"] for _, queue in dev.properties("AWS::SQS::Queue")}
    assert (f"market-dev-{source.parked}" in queues) == source.parks
    says = {
        alarm["AlarmDescription"].rpartition("docs/")[2]
        for where, alarm in dev.properties("AWS::CloudWatch::Alarm")
        if where.startswith(f"{source.title}/")
    }
    parked = {f"runbooks/parked-{source.unfinished}.md"} if source.parks else set()
    assert says == {f"runbooks/{name}-failed.md"} | parked
    assert all((ROOT / "docs" / page).exists() for page in says)


@pytest.mark.parametrize("name", MACHINES)
def test_functions_that_start_it_may_and_know_where_it_is(
    name: str, dev: Assembly, services: dict[str, Source]
) -> None:
    source = discover_machines()[name]
    starting = {
        f"market-dev-{service.name}-{function.name}"
        for service in services.values()
        for function in service.functions("dev")
        if name in function.capabilities
    }
    told = {
        function["FunctionName"]
        for _, function in dev.properties("AWS::Lambda::Function")
        if source.setting in function.get("Environment", {}).get("Variables", {})
    }
    assert starting
    assert told == starting


@pytest.mark.parametrize("name", MACHINES)
def test_only_a_machine_that_spreads_starts_executions_and_reads_files(name: str, dev: Assembly) -> None:
    template, _ = _deployed(name, dev)
    (role,) = [p for n, p in dev.properties("AWS::IAM::Policy") if n.startswith(f"{template}/")]
    reached = {
        action: dev.text(resource, template)
        for statement in role["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if action.startswith(("s3:", "states:"))
    }
    if not discover_machines()[name].spreads:
        assert reached == {}
        return
    assert reached["states:StartExecution"].endswith(f":stateMachine:market-dev-{name}"), "its own"
    for action in ("states:DescribeExecution", "states:StopExecution"):
        assert f":execution:market-dev-{name}" in reached[action]
    assert reached["s3:GetObject"].endswith("/imports/*")
    assert set(reached) == {"s3:GetObject", *(f"states:{a}Execution" for a in ("Describe", "Start", "Stop"))}


@pytest.mark.parametrize("name", MACHINES)
def test_the_happy_path_takes_at_most_five_transitions(name: str) -> None:
    states = MACHINES[name]["States"]
    state, transitions = MACHINES[name]["StartAt"], 1
    while "Next" in states[state]:
        state, transitions = states[state]["Next"], transitions + 1
    assert transitions + 1 <= 5, "each state entered, and the end"


@pytest.mark.parametrize("name", MACHINES)
def test_the_definition_is_in_the_template_for_other_checks_to_see(name: str, dev: Assembly) -> None:
    _, machine = _deployed(name, dev)
    assert json.loads(machine["DefinitionString"]) == MACHINES[name]
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}


def _deployed(name: str, assembly: Assembly) -> tuple[str, dict[str, Any]]:
    """(template, properties) of a state machine."""
    ((where, machine),) = [
        found
        for found in assembly.properties("AWS::StepFunctions::StateMachine")
        if found[1]["StateMachineName"] == f"market-dev-{name}"
    ]
    return where.partition("/")[0], machine
