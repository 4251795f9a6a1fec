"""AWS calls of handlers, answered by the runtime with AWS's shapes and error codes."""

import json

import boto3
import pytest

from local import hooks
from local.runtime import Runtime
from local.templates import Templates
from tests.local.runtime_parts import MACHINE, one_machine, paid, shop, task

PARKED = "https://sqs.us-east-1.amazonaws.com/000000000000/parked"


@pytest.fixture
def tokens():
    return []


@pytest.fixture
def runtime(tmp_path, tokens):
    definition = {"StartAt": "Pay", "States": {"Pay": task("pay", token=".waitForTaskToken", HeartbeatSeconds=60)}}
    machines, events = one_machine(definition), shop()
    templates = Templates(
        functions=machines.functions | events.functions,
        machines=machines.machines,
        queues={**machines.queues, **events.queues},
        rules=events.rules,
    )
    return Runtime(templates, tmp_path / "journal", lambda _, event: tokens.append(event["token"]), retry_scale=0)


@pytest.fixture
def client(runtime):
    session = boto3.Session("local", "local", region_name="us-east-1")
    hooks.install(session, runtime)
    return session.client


def test_events_are_published_and_a_malformed_one_fails_alone(client, runtime):
    answer = client("events").put_events(Entries=[paid(1), {**paid(2), "Detail": "{"}, paid(3)])
    assert answer["FailedEntryCount"] == 1
    assert [entry.get("ErrorCode") for entry in answer["Entries"]] == [None, "MalformedDetail", None]
    assert runtime.depths()["orders-events"].visible == 2


def test_messages_are_sent_received_and_deleted(client):
    sqs = client("sqs")
    attributes = {"kind": {"DataType": "String", "StringValue": "refund"}}
    sent = sqs.send_message(QueueUrl=PARKED, MessageBody="a", MessageAttributes=attributes)
    entries = [{"Id": str(n), "MessageBody": f"b{n}"} for n in range(3)]
    assert len(sqs.send_message_batch(QueueUrl=PARKED, Entries=entries)["Successful"]) == 3

    first, *others = sqs.receive_message(QueueUrl=PARKED, MaxNumberOfMessages=10)["Messages"]
    assert (first["MessageId"], first["Body"], first["MessageAttributes"]) == (sent["MessageId"], "a", attributes)
    sqs.delete_message(QueueUrl=PARKED, ReceiptHandle=first["ReceiptHandle"])
    sqs.change_message_visibility(QueueUrl=PARKED, ReceiptHandle=others[0]["ReceiptHandle"], VisibilityTimeout=0)
    counts = sqs.get_queue_attributes(QueueUrl=PARKED, AttributeNames=["All"])["Attributes"]
    assert (counts["ApproximateNumberOfMessages"], counts["ApproximateNumberOfMessagesNotVisible"]) == ("1", "2")
    sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName="parked")["QueueUrl"])
    assert "Messages" not in sqs.receive_message(QueueUrl=PARKED)


def test_an_unknown_queue_is_reported_as_sqs_does(client):
    sqs = client("sqs")
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.send_message(QueueUrl=PARKED + "x", MessageBody="a")


def test_an_execution_is_started_answered_and_described(client, runtime, tokens):
    states = client("stepfunctions")
    arn = states.start_execution(stateMachineArn=MACHINE, name="o1", input='{"id": "o1"}')["executionArn"]
    assert states.start_execution(stateMachineArn=MACHINE, name="o1", input='{"id": "o1"}')["executionArn"] == arn
    with pytest.raises(states.exceptions.ExecutionAlreadyExists):
        states.start_execution(stateMachineArn=MACHINE, name="o1", input="{}")
    runtime.drain()

    states.send_task_heartbeat(taskToken=tokens[0])
    states.send_task_success(taskToken=tokens[0], output='{"paid": 1}')
    runtime.drain()

    found = states.describe_execution(executionArn=arn)
    assert (found["status"], json.loads(found["output"])) == ("SUCCEEDED", {"paid": 1})
    assert [
        e["name"] for e in states.list_executions(stateMachineArn=MACHINE, statusFilter="SUCCEEDED")["executions"]
    ] == ["o1"]
    (entered,) = states.get_execution_history(executionArn=arn)["events"]
    assert entered["stateEnteredEventDetails"]["name"] == "Pay"
    with pytest.raises(states.exceptions.TaskTimedOut):
        states.send_task_failure(taskToken=tokens[0], error="Late")
    with pytest.raises(states.exceptions.InvalidToken):
        states.send_task_success(taskToken="nobody's", output="{}")
    with pytest.raises(states.exceptions.ExecutionDoesNotExist):
        states.stop_execution(executionArn=arn + "x")
    with pytest.raises(states.exceptions.StateMachineDoesNotExist):
        states.start_execution(stateMachineArn=MACHINE + "x")
