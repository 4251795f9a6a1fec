"""The same definitions through this interpreter and through moto's: same outcome, same errors, same way."""

import io
import json
import time
import zipfile
from collections import Counter
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.awslambda.models import LambdaFunction

from local.runtime import Runtime
from tests.local.runtime_parts import JSON, MACHINE, one_machine, task


class Declined(Exception):
    pass


class Hiccup(Exception):
    pass


class Handler:
    """Deterministic tasks that remember how often each was run."""

    def __init__(self) -> None:
        self.runs: Counter[str] = Counter()

    def __call__(self, event: JSON) -> Any:
        name = event["task"]
        self.runs[name] += 1
        if name == "decline":
            raise Declined("no funds")
        if name == "hiccup" and self.runs[name] < 2:
            raise Hiccup("again")
        if name == "double":
            return {"doubled": event["input"] * 2}
        return {"done": name, "saw": event["input"]}


ORDER: JSON = {"id": "o1", "lines": [{"sku": "lamp", "qty": 2}, {"sku": "chair", "qty": 1}], "total": 120, "vip": True}
FAIL: JSON = {"Type": "Fail", "Error": "Gave.Up", "Cause": "no more"}
DONE: JSON = {"Type": "Succeed"}
ALL = ["States.ALL"]


def machine(start: str, **states: JSON) -> JSON:
    return {"StartAt": start, "States": states}


def choice(*rules: JSON, default: str | None = None) -> JSON:
    states: JSON = {"Type": "Choice", "Choices": list(rules)}
    return {**states, "Default": default} if default else states


def give(result: Any, following: str | None = None, **fields: Any) -> JSON:
    flow = {"Next": following} if following else {"End": True}
    return {"Type": "Pass", "Result": result, **flow, **fields}


DEFINITIONS: dict[str, JSON] = {
    "a task's result is selected and put beside the input": machine(
        "Pay",
        Pay=task("pay", ResultSelector={"ok.$": "$.Payload.done", "n": 1}, ResultPath="$.pay", OutputPath="$.pay"),
    ),
    "a named retry, then on": machine(
        "Try",
        Try=task("hiccup", following="Done", Retry=[{"ErrorEquals": ["Hiccup"], "MaxAttempts": 2}]),
        Done=DONE,
    ),
    "a named catch keeps the input and adds the error": machine(
        "Pay",
        Pay=task("decline", Catch=[{"ErrorEquals": ["Declined"], "ResultPath": "$.why", "Next": "Undo"}]),
        Undo=task("undo", ResultPath=None, following="Bad"),
        Bad=FAIL,
    ),
    "an error nobody catches": machine("Pay", Pay=task("decline")),
    "task failed matches a handler's error": machine(
        "Pay",
        Pay=task("decline", Catch=[{"ErrorEquals": ["States.TaskFailed"], "Next": "Done"}]),
        Done=give({"ok": 1}),
    ),
    "choices": machine(
        "Pick",
        Pick=choice(
            {"Variable": "$.missing", "IsPresent": True, "Next": "Bad"},
            {"And": [
                {"Variable": "$.total", "NumericGreaterThanEquals": 100},
                {"Not": {"Variable": "$.vip", "BooleanEquals": False}},
                {"Or": [{"Variable": "$.id", "StringMatches": "x*"}, {"Variable": "$.id", "StringMatches": "o*"}]},
            ], "Next": "Vip"},
            default="Bad",
        ),
        Vip=give("yes", ResultPath="$.answer"),
        Bad=FAIL,
    ),
    "no choice matches": machine(
        "Pick", Pick=choice({"Variable": "$.total", "NumericLessThan": 3, "Next": "Done"}), Done=DONE
    ),
    "paths and intrinsics": machine(
        "Shape",
        Shape={
            "Type": "Pass",
            "Parameters": {
                "skus.$": "$.lines[*].sku",
                "text.$": "States.Format('{} of {}', $.total, $.id)",
                "sum.$": "States.MathAdd($.total, 3)",
                "list.$": "States.Array($.total, 'x', true)",
                "json.$": "States.StringToJson('{\"a\": [1]}')",
                "back.$": "States.JsonToString($.lines[0])",
                "size.$": "States.ArrayLength($.lines)",
                "name.$": "$$.State.Name",
                "whole.$": "$$.Execution.Input.id",
            },
            "ResultPath": "$.shaped",
            "Next": "Narrow",
        },
        Narrow={"Type": "Pass", "OutputPath": "$.shaped", "End": True},
    ),
    "a parallel of tasks": machine(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [machine("A", A=task("a", ResultSelector={"a.$": "$.Payload.done"})), machine("B", B=give(2))],
            "ResultPath": "$.both",
            "End": True,
        },
    ),
    "a branch that fails is caught": machine(
        "Both",
        Both={
            "Type": "Parallel",
            "Branches": [
                machine("A", A={"Type": "Wait", "Seconds": 1, "Next": "Pay"}, Pay=task("decline")),
                machine("B", B=give(2)),
            ],
            "Catch": [{"ErrorEquals": ALL, "Next": "Done", "ResultPath": "$.error"}],
            "End": True,
        },
        Done=DONE,
    ),
    "a map over lines": machine(
        "Each",
        Each={
            "Type": "Map",
            "ItemsPath": "$.lines",
            "ItemSelector": {"at.$": "$$.Map.Item.Index", "qty.$": "$$.Map.Item.Value.qty", "order.$": "$.id"},
            "MaxConcurrency": 1,
            "ItemProcessor": machine(
                "Twice",
                Twice={**task("double", ResultPath="$.twice", ResultSelector={"n.$": "$.Payload.doubled"}),
                       "Parameters": {"FunctionName": "tasks", "Payload": {"task": "double", "input.$": "$.qty"}}},
            ),
            "ResultPath": "$.lines",
            "End": True,
        },
    ),
    "a map item that fails": machine(
        "Each",
        Each={
            "Type": "Map",
            "ItemsPath": "$.lines",
            "MaxConcurrency": 1,
            "ItemProcessor": machine("Bad", Bad=FAIL),
            "Retry": [{"ErrorEquals": ["Other"]}],
            "Catch": [{"ErrorEquals": ["Gave.Up"], "Next": "Done"}],
            "End": True,
        },
        Done=DONE,
    ),
    "a message to a queue": machine(
        "Park",
        Park={
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage",
            "Parameters": {"QueueUrl": "${queue}", "MessageBody": {"order.$": "$.id"}},
            "ResultSelector": {"sent": True},
            "End": True,
        },
    ),
    "a parameter that leads nowhere": machine(
        "Shape", Shape={"Type": "Pass", "Parameters": {"x.$": "$.nope.deeper"}, "End": True}
    ),
    "an error with paths": machine("Bad", Bad={"Type": "Fail", "ErrorPath": "$.id", "CausePath": "$.lines[0].sku"}),
    "a task that leads through a null result and input": machine(
        "Pay",
        Pay=task("pay", InputPath=None, ResultPath=None, following="Last"),
        Last={"Type": "Pass", "InputPath": None, "End": True},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def aws():
    """moto's interpreter, with the handler in the place of every Lambda function."""
    handlers: list[Handler] = []

    def invoked(_: LambdaFunction, event: Any = None) -> tuple[str, bool, str]:
        try:
            return json.dumps(handlers[-1](event if isinstance(event, dict) else json.loads(event))), False, ""
        except Exception as error:
            return json.dumps({"errorMessage": str(error), "errorType": type(error).__name__}), True, ""

    patch = pytest.MonkeyPatch()
    patch.setattr(LambdaFunction, "_invoke_lambda", invoked)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "local")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        yield _moto(handlers)
    patch.undo()


def _moto(handlers: list[Handler]):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("x.py", "")
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    role = boto3.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
    boto3.client("lambda").create_function(
        FunctionName="tasks", Runtime="python3.11", Role=role, Handler="x.h", Code={"ZipFile": code.getvalue()}
    )
    queue = boto3.client("sqs").create_queue(QueueName="parked")["QueueUrl"]
    states = boto3.client("stepfunctions")

    def run(name: str, definition: JSON) -> tuple[Any, ...]:
        handlers.append(Handler())
        text = json.dumps(definition).replace("${queue}", queue)
        arn = states.create_state_machine(name=name, definition=text, roleArn=role)["stateMachineArn"]
        execution = states.start_execution(stateMachineArn=arn, input=json.dumps(ORDER))["executionArn"]
        while (found := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
            time.sleep(0.01)
        events = states.get_execution_history(executionArn=execution)["events"]
        entered = [e["stateEnteredEventDetails"]["name"] for e in events if "stateEnteredEventDetails" in e]
        return found["status"], json.loads(found.get("output", "null")), found.get("error"), found.get("cause"), entered

    return run


def local(definition: JSON, tmp_path) -> tuple[Any, ...]:
    text = json.dumps(definition).replace("${queue}", "https://sqs.us-east-1.amazonaws.com/000000000000/parked")
    handler = Handler()
    runtime = Runtime(
        one_machine(json.loads(text)), tmp_path / "journal", lambda _, event: handler(event), retry_scale=0
    )
    arn = runtime.workflows.start(MACHINE, "x", ORDER)
    runtime.advance(60)
    found = runtime.workflows.describe(arn)
    return found.status, found.output, found.error, found.cause, runtime.workflows.history(arn)


def _plain(value: Any) -> Any:
    """Without what a Lambda answer says about its own transport."""
    if isinstance(value, dict):
        transport = ("ExecutedVersion", "SdkHttpMetadata", "SdkResponseMetadata")
        return {key: _plain(inner) for key, inner in value.items() if key not in transport}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("name", DEFINITIONS)
def test_a_definition_behaves_as_on_aws(name, aws, tmp_path):
    expected = aws(f"m{list(DEFINITIONS).index(name)}", DEFINITIONS[name])
    found = local(DEFINITIONS[name], tmp_path)

    assert _plain(found[0:3]) == _plain(expected[0:3])
    assert sorted(found[4]) == sorted(expected[4])
