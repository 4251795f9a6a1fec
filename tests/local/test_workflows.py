"""What the state machines promise: retries, catches, timeouts, task tokens, names, refusals."""

import json
from typing import Any

import pytest

from local.runtime import Runtime
from local.workflows.engine import ExecutionAlreadyExists, InvalidToken, NoSuchExecution, TaskTimedOut
from local.workflows.errors import Refused
from tests.local.runtime_parts import JSON, MACHINE, one_machine, task

TOKEN = ".waitForTaskToken"
DONE: JSON = {"Type": "Succeed"}
UNDO = task("undo", following="Bad", ResultPath=None)
BAD: JSON = {"Type": "Fail", "Error": "Cancelled"}


class Declined(Exception):
    pass


class Handler:
    """Tasks by name; each fails as often as `failures` says."""

    def __init__(self, **failures: int) -> None:
        self.failures = failures
        self.calls: list[str] = []
        self.tokens: list[str] = []

    def __call__(self, _: str, event: JSON) -> Any:
        name = event["task"]
        self.calls.append(name)
        self.tokens += [event["token"]] if "token" in event else []
        if self.failures.get(name, 0):
            self.failures[name] -= 1
            raise Declined("no funds")
        return {"done": name}


def machine(start: str, **states: JSON) -> JSON:
    return {"StartAt": start, "States": states}


@pytest.fixture
def play(tmp_path):
    def build(definition: JSON, handler: Any = None, **options: Any) -> Runtime:
        return Runtime(one_machine(definition), tmp_path / "journal", handler or Handler(), **options)

    return build


WAITING = machine(
    "Pay",
    Pay=task("pay", token=TOKEN, following="Done", TimeoutSeconds=900, HeartbeatSeconds=600, ResultPath="$.pay",
             Catch=[{"ErrorEquals": ["Declined"], "Next": "Undo", "ResultPath": "$.why"},
                    {"ErrorEquals": ["States.Timeout"], "Next": "Late", "ResultPath": "$.why"}]),
    Done=DONE, Undo=UNDO, Late={"Type": "Pass", "End": True}, Bad=BAD,
)  # fmt: skip


def test_retries_wait_longer_each_time_and_end(play):
    retry = [{"ErrorEquals": ["Declined"], "IntervalSeconds": 10, "BackoffRate": 2, "MaxAttempts": 2}]
    handler = Handler(pay=9)
    runtime = play(machine("Pay", Pay=task("pay", Retry=retry)), handler)
    arn = runtime.workflows.start(MACHINE, "o1", {})

    runtime.advance(9)
    assert len(handler.calls) == 1
    runtime.advance(2)
    assert len(handler.calls) == 2
    runtime.advance(18)
    assert len(handler.calls) == 2
    runtime.advance(2)
    found = runtime.workflows.describe(arn)
    assert (len(handler.calls), found.status, found.error) == (3, "FAILED", "Declined")
    assert json.loads(found.cause or "") == {"errorMessage": "no funds", "errorType": "Declined"}


def test_a_task_waits_for_its_token_and_takes_the_answer_as_its_result(play):
    handler = Handler()
    runtime = play(WAITING, handler)
    arn = runtime.workflows.start(MACHINE, "o1", {"id": "o1"})
    runtime.advance(300)
    assert runtime.workflows.describe(arn).status == "RUNNING"

    runtime.workflows.succeed(handler.tokens[0], {"paid": 120})
    runtime.drain()

    found = runtime.workflows.describe(arn)
    assert (found.status, found.output) == ("SUCCEEDED", {"id": "o1", "pay": {"paid": 120}})
    assert runtime.workflows.history(arn) == ["Pay", "Done"]
    with pytest.raises(TaskTimedOut):
        runtime.workflows.succeed(handler.tokens[0], {})
    with pytest.raises(InvalidToken):
        runtime.workflows.fail("never given out")


def test_a_token_can_be_answered_while_its_task_is_still_being_run(play):
    runtime: Runtime

    def eager(_: str, event: JSON) -> JSON:
        runtime.workflows.succeed(event["token"], {"paid": 1})
        return {}

    runtime = play(WAITING, eager)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    assert runtime.workflows.describe(arn).output == {"pay": {"paid": 1}}


def test_a_failed_token_is_caught_by_its_error(play):
    handler = Handler()
    runtime = play(WAITING, handler)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    runtime.workflows.fail(handler.tokens[0], "Declined", "no funds")
    runtime.drain()
    assert runtime.workflows.history(arn) == ["Pay", "Undo", "Bad"]
    assert runtime.workflows.describe(arn).error == "Cancelled"


def test_a_token_task_that_raises_fails_without_an_answer(play):
    runtime = play(WAITING, Handler(pay=1))
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    assert runtime.workflows.history(arn) == ["Pay", "Undo", "Bad"]


def test_heartbeats_keep_a_task_alive_until_its_timeout(play):
    handler = Handler()
    runtime = play(WAITING, handler)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.advance(500)
    runtime.workflows.heartbeat(handler.tokens[0])
    runtime.advance(350)
    assert runtime.workflows.describe(arn).status == "RUNNING"
    runtime.advance(60)
    assert runtime.workflows.describe(arn).output["why"]["Error"] == "States.Timeout"
    with pytest.raises(TaskTimedOut):
        runtime.workflows.heartbeat(handler.tokens[0])


def test_a_missing_heartbeat_is_a_timeout(play):
    runtime = play(WAITING)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.advance(601)
    assert runtime.workflows.describe(arn).output["why"]["Error"] == "States.HeartbeatTimeout"


def test_a_machine_has_a_timeout_of_its_own(play):
    runtime = play({**WAITING, "TimeoutSeconds": 100})
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.advance(101)
    assert runtime.workflows.describe(arn).status == "TIMED_OUT"


@pytest.mark.parametrize(
    "wait",
    [{"Seconds": 60}, {"SecondsPath": "$.pause"}, {"TimestampPath": "$.until"}],
    ids=lambda wait: next(iter(wait)),
)
def test_a_wait_lasts_as_long_as_it_says(wait, tmp_path):
    definition = machine("Hold", Hold={"Type": "Wait", **wait, "End": True})
    runtime = Runtime(one_machine(definition), tmp_path / "journal", Handler(), clock=lambda: 1_800_000_000.0)
    given = {"pause": 60, "until": "2027-01-15T08:01:00Z"}
    arn = runtime.workflows.start(MACHINE, "o1", given)
    runtime.advance(59)
    assert runtime.workflows.describe(arn).status == "RUNNING"
    runtime.advance(1)
    assert runtime.workflows.describe(arn).output == given


def test_the_same_name_and_input_is_the_same_execution_and_another_input_is_refused(play):
    runtime = play(WAITING)
    arn = runtime.workflows.start(MACHINE, "o1", {"total": 1})
    assert runtime.workflows.start(MACHINE, "o1", {"total": 1}) == arn
    with pytest.raises(ExecutionAlreadyExists):
        runtime.workflows.start(MACHINE, "o1", {"total": 2})
    assert len(runtime.workflows.executions()) == 1


def test_a_stopped_execution_runs_no_further(play):
    handler = Handler()
    runtime = play(WAITING, handler)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    runtime.workflows.stop(arn, "Operator", "by hand")
    runtime.advance(1000)
    found = runtime.workflows.describe(arn)
    assert (found.status, found.error, runtime.workflows.history(arn)) == ("ABORTED", "Operator", ["Pay"])
    with pytest.raises(NoSuchExecution):
        runtime.workflows.describe(arn + "x")


def test_a_choice_over_something_that_is_not_there_fails_the_execution(play):
    pick = {"Type": "Choice", "Choices": [{"Variable": "$.no", "StringEquals": "x", "Next": "Done"}], "Default": "Done"}
    runtime = play(machine("Pick", Pick=pick, Done=DONE))
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    assert runtime.workflows.describe(arn).error == "States.Runtime"


def test_a_failing_branch_closes_the_tokens_of_the_others(play):
    handler = Handler(b=1)
    branches = [machine("A", A=task("a", token=TOKEN)), machine("B", B=task("b"))]
    runtime = play(machine("Both", Both={"Type": "Parallel", "Branches": branches, "End": True}), handler)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    assert runtime.workflows.describe(arn).error == "Declined"
    with pytest.raises(TaskTimedOut):
        runtime.workflows.succeed(handler.tokens[0], {})


def test_data_that_a_definition_does_not_expect_fails_the_execution_and_nothing_else(play):
    runtime = play(machine("Hold", Hold={"Type": "Wait", "SecondsPath": "$.pause", "End": True}))
    broken = runtime.workflows.start(MACHINE, "o1", {"pause": {"much": 1}})
    sound = runtime.workflows.start(MACHINE, "o2", {"pause": 1})
    runtime.advance(1)
    assert runtime.workflows.describe(broken).error == "States.Runtime"
    assert runtime.workflows.describe(sound).status == "SUCCEEDED"


def test_a_task_running_when_the_process_dies_is_run_again_with_its_token(tmp_path):
    tokens: list[str] = []

    class Died(BaseException):
        pass

    def dies(_: str, event: JSON) -> None:
        tokens.append(event["token"])
        raise Died

    first = Runtime(one_machine(WAITING), tmp_path / "journal", dies)
    arn = first.workflows.start(MACHINE, "o1", {})
    with pytest.raises(Died):
        first.drain()

    handler = Handler()
    second = Runtime(one_machine(WAITING), tmp_path / "journal", handler)
    second.drain()
    assert handler.tokens == tokens
    second.workflows.succeed(tokens[0], {"paid": 1})
    second.drain()
    assert second.workflows.describe(arn).output == {"pay": {"paid": 1}}


def test_a_long_map_runs_a_few_items_at_a_time(play):
    processor = machine("Note", Note={"Type": "Pass", "End": True})
    each = {"Type": "Map", "ItemsPath": "$", "MaxConcurrency": 2, "ItemProcessor": processor, "End": True}
    runtime = play(machine("Each", Each=each))
    arn = runtime.workflows.start(MACHINE, "o1", list(range(500)))
    runtime.drain()
    assert runtime.workflows.describe(arn).output == list(range(500))


def test_a_result_that_is_too_large_cannot_be_caught(play):
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
    runtime = play(machine("Big", Big=task("big", Catch=catch), Done=DONE), lambda *_: "x" * 300_000)
    arn = runtime.workflows.start(MACHINE, "o1", {})
    runtime.drain()
    assert runtime.workflows.describe(arn).error == "States.DataLimitExceeded"


def test_a_task_can_park_a_message_and_wait_for_whoever_reads_it(play):
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/parked"
    body = {"order.$": "$.id", "token.$": "$$.Task.Token"}
    resource = f"arn:aws:states:::sqs:sendMessage{TOKEN}"
    park = {"Type": "Task", "Resource": resource, "Parameters": {"QueueUrl": url, "MessageBody": body}, "End": True}
    runtime = play(machine("Park", Park=park))
    arn = runtime.workflows.start(MACHINE, "o1", {"id": "o1"})
    runtime.drain()
    (message,) = runtime.queues.receive("parked")
    runtime.workflows.succeed(json.loads(message.body)["token"], "looked at")
    runtime.drain()
    assert runtime.workflows.describe(arn).output == "looked at"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"Type": "Pass", "QueryLanguage": "JSONata", "End": True}, "JSONPath"),
        ({"Type": "Pass", "Assign": {"x": 1}, "End": True}, "Assign"),
        ({"Type": "Pass", "Next": "Nowhere"}, "Nowhere"),
        ({"Type": "Pass"}, "Next and End"),
        ({"Type": "Dance", "End": True}, "Dance"),
        ({"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun", "End": True}, "glue"),
        (task("x", Retry=[{"ErrorEquals": ["States.ALL", "Other"]}]), "alone"),
        ({"Type": "Pass", "Parameters": {"x.$": "States.Guess($.a)"}, "End": True}, "Guess"),
        ({"Type": "Pass", "ResultPath": "$.a[*]", "End": True}, "reference path"),
        ({"Type": "Choice", "Choices": [{"Variable": "$.a", "StringLike": "x", "Next": "X"}]}, "StringLike"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_definition_that_cannot_be_played_is_refused_when_it_is_loaded(play, state, why):
    with pytest.raises(Refused, match=why):
        play(machine("X", X=state))
