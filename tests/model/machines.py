"""The state machines as the models know them, and as their definitions say: two tables that a test compares."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT, ANY = "States.Timeout", "States.ALL"
ENDED, FAILED = "ended", "failed"


@dataclass(frozen=True)
class Step:
    """A task of a machine. final: errors that are not tried again; caught: by error, else `otherwise`.

    waits: ends when its token is used. decisive: a Choice by the task's answer, answer to state.
    """

    task: str
    then: str
    otherwise: str
    final: frozenset[str] = frozenset()
    caught: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False

    def after(self, error: str) -> str:
        """Where an error that is not tried again leads."""
        return self.caught.get(error, self.otherwise)


@dataclass(frozen=True)
class Choice:
    """By an answer of the step before."""

    by_answer: Mapping[str, str]
    otherwise: str


@dataclass(frozen=True)
class End:
    """The machine has ended, well or not."""

    how: str


Table = Mapping[str, Step | Choice | End]


def defined(name: str) -> tuple[str, Table]:
    """(first state, table) of a definition. Raises AssertionError for what no model here knows how to read."""
    text = (ROOT / "statemachines" / name / "definition.asl.json").read_text(encoding="utf-8")
    definition = json.loads(text)
    return definition["StartAt"], {state: read(body) for state, body in definition["States"].items()}


def read(body: dict[str, Any]) -> Step | Choice | End:
    """A state of a definition. Raises AssertionError."""
    if body["Type"] == "Succeed":
        return End(ENDED)
    if body["Type"] == "Fail":
        return End(FAILED)
    if body["Type"] == "Choice":
        assert all(set(rule) == {"Variable", "StringEquals", "Next"} for rule in body["Choices"]), body
        return Choice({rule["StringEquals"]: rule["Next"] for rule in body["Choices"]}, body["Default"])
    assert body["Type"] == "Task", body
    return _step(body)


def _step(body: dict[str, Any]) -> Step:
    *named, everything = body["Retry"]
    assert everything["ErrorEquals"] == [ANY], "whatever is not named is tried again"
    assert everything["MaxAttempts"] > 0
    assert all(retrier["MaxAttempts"] == 0 for retrier in named)
    *caught, rest = body["Catch"]
    assert rest["ErrorEquals"] == [ANY], "every failure leads somewhere"
    waits = body["Resource"].endswith(".waitForTaskToken")
    payload = body["Parameters"].get("Payload", {"task": body["Resource"].rpartition(":")[2]})
    return Step(
        task=payload["task"],
        then=ENDED if body.get("End") else body["Next"],
        otherwise=rest["Next"],
        final=frozenset(error for retrier in named for error in retrier["ErrorEquals"]),
        caught={error: catcher["Next"] for catcher in caught for error in catcher["ErrorEquals"]},
        waits=waits,
    )
