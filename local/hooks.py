"""Answers the AWS calls of the handlers from the runtime, in process: EventBridge, SQS and Step Functions.

Registered on a session's botocore events before its clients are made. The answer is given at `before-call`, when
botocore has validated the parameters: nothing is signed, sent or parsed, and errors carry AWS's codes.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import orjson

from local.bus import MalformedDetail
from local.outbox import record_writes
from local.queues import Entry, Message, UnknownQueue, md5
from local.runtime import Runtime
from local.workflows.engine import (
    Execution,
    ExecutionAlreadyExists,
    InvalidToken,
    NoSuchExecution,
    NoSuchMachine,
    TaskTimedOut,
)

JSON = dict[str, Any]
Answer = Callable[[Runtime, JSON], JSON]
_OK = SimpleNamespace(status_code=200, headers={}, content=b"")
_REFUSED = SimpleNamespace(status_code=400, headers={}, content=b"")
_METADATA = {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0, "RequestId": "local"}


class AwsError(Exception):
    """An error that the service itself would answer."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


_CODES: dict[type[Exception], str] = {
    ExecutionAlreadyExists: "ExecutionAlreadyExists",
    InvalidToken: "InvalidToken",
    TaskTimedOut: "TaskTimedOut",
    NoSuchExecution: "ExecutionDoesNotExist",
    NoSuchMachine: "StateMachineDoesNotExist",
    UnknownQueue: "AWS.SimpleQueueService.NonExistentQueue",
}
_REFUSALS: tuple[type[Exception], ...] = (AwsError, *_CODES)
_QUERY_CODES = {"AWS.SimpleQueueService.NonExistentQueue": "QueueDoesNotExist"}


def install(session: Any, runtime: Runtime) -> None:
    """Serve the event and workflow calls of a boto3 session (or of a botocore event emitter) from `runtime`.

    Also hands outbox items to the runtime as soon as the write that made them has succeeded.
    """
    events = getattr(session, "events", session)
    for service, answers in (("eventbridge", _EVENTS), ("sqs", _SQS), ("sfn", _STATES)):
        for operation, answer in answers.items():
            events.register(f"before-parameter-build.{service}.{operation}", _remember)
            events.register(f"before-call.{service}.{operation}", _answering(runtime, answer))
    record_writes(events, runtime.outbox.hand_over)


def _remember(params: JSON, context: JSON, **_: Any) -> None:
    context["asked"] = params


def _answering(runtime: Runtime, answer: Answer) -> Callable[..., tuple[Any, JSON]]:
    def respond(context: JSON, **_: Any) -> tuple[Any, JSON]:
        try:
            return _OK, {**answer(runtime, context["asked"]), "ResponseMetadata": dict(_METADATA)}
        except _REFUSALS as error:
            code = error.code if isinstance(error, AwsError) else _CODES[type(error)]
            shown = {"Code": code, "Message": str(error)}
            if code in _QUERY_CODES:
                shown["QueryErrorCode"] = _QUERY_CODES[code]
            return _REFUSED, {"Error": shown, "ResponseMetadata": {**_METADATA, "HTTPStatusCode": 400}}

    return respond


# -- EventBridge


def _put_events(runtime: Runtime, asked: JSON) -> JSON:
    """Each entry stands alone, as on AWS: one that is malformed fails and the others are published."""
    results: list[JSON] = []
    failed = 0
    with runtime.journal.transaction():
        for entry in asked["Entries"]:
            try:
                results.append({"EventId": runtime.bus.put((entry,))[0]})
            except (MalformedDetail, KeyError) as error:
                code = "MalformedDetail" if isinstance(error, MalformedDetail) else "InvalidArgument"
                results.append({"ErrorCode": code, "ErrorMessage": str(error)})
                failed += 1
    return {"FailedEntryCount": failed, "Entries": results}


# -- SQS


def _send_message(runtime: Runtime, asked: JSON) -> JSON:
    body = asked["MessageBody"]
    attributes = asked.get("MessageAttributes")
    sent = runtime.queues.send(asked["QueueUrl"], body, attributes=attributes, delay=asked.get("DelaySeconds"))
    return {"MessageId": sent, "MD5OfMessageBody": md5(body)}


def _send_batch(runtime: Runtime, asked: JSON) -> JSON:
    given = asked["Entries"]
    entries = [Entry(e["MessageBody"], e.get("MessageAttributes"), e.get("DelaySeconds")) for e in given]
    ids = runtime.queues.send_all(asked["QueueUrl"], entries)
    sent = zip(given, ids, strict=True)
    answers = [{"Id": e["Id"], "MessageId": id_, "MD5OfMessageBody": md5(e["MessageBody"])} for e, id_ in sent]
    return {"Successful": answers, "Failed": []}


def _receive(runtime: Runtime, asked: JSON) -> JSON:
    limit, visibility = asked.get("MaxNumberOfMessages", 1), asked.get("VisibilityTimeout")
    messages = runtime.queues.receive(asked["QueueUrl"], limit, visibility=visibility)
    return {"Messages": [_received(message) for message in messages]} if messages else {}


def _received(message: Message) -> JSON:
    shown: JSON = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.receipt,
        "MD5OfBody": md5(message.body),
        "Body": message.body,
        "Attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent_at * 1000)),
        },
    }
    return {**shown, "MessageAttributes": message.attributes} if message.attributes else shown


def _delete(runtime: Runtime, asked: JSON) -> JSON:
    runtime.queues.delete(asked["QueueUrl"], [asked["ReceiptHandle"]])
    return {}


def _delete_batch(runtime: Runtime, asked: JSON) -> JSON:
    runtime.queues.delete(asked["QueueUrl"], [entry["ReceiptHandle"] for entry in asked["Entries"]])
    return {"Successful": [{"Id": entry["Id"]} for entry in asked["Entries"]], "Failed": []}


def _visibility(runtime: Runtime, asked: JSON) -> JSON:
    runtime.queues.hide(asked["QueueUrl"], asked["ReceiptHandle"], seconds=asked["VisibilityTimeout"])
    return {}


def _queue_attributes(runtime: Runtime, asked: JSON) -> JSON:
    queue = runtime.queues.named(asked["QueueUrl"])
    depth = runtime.queues.depth(queue.name)
    attributes = {
        "ApproximateNumberOfMessages": str(depth.visible),
        "ApproximateNumberOfMessagesNotVisible": str(depth.in_flight),
        "ApproximateNumberOfMessagesDelayed": str(depth.delayed),
        "QueueArn": queue.arn,
        "VisibilityTimeout": str(math.ceil(queue.visibility)),
        "DelaySeconds": str(math.ceil(queue.delay)),
    }
    if queue.dead_letters is not None:
        redrive = {
            "deadLetterTargetArn": runtime.queues.named(queue.dead_letters).arn,
            "maxReceiveCount": queue.max_receives,
        }
        attributes["RedrivePolicy"] = orjson.dumps(redrive).decode()
    names = asked.get("AttributeNames", ["All"])
    return {"Attributes": {k: v for k, v in attributes.items() if "All" in names or k in names}}


def _queue_url(runtime: Runtime, asked: JSON) -> JSON:
    return {"QueueUrl": runtime.queues.named(asked["QueueName"]).url}


def _purge(runtime: Runtime, asked: JSON) -> JSON:
    runtime.queues.purge(asked["QueueUrl"])
    return {}


# -- Step Functions


def _json(text: str, code: str) -> Any:
    try:
        return orjson.loads(text)
    except ValueError as error:
        raise AwsError(code, f"not JSON: {error}") from error


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _start(runtime: Runtime, asked: JSON) -> JSON:
    given = _json(asked.get("input", "{}"), "InvalidExecutionInput")
    arn = runtime.workflows.start(asked["stateMachineArn"], asked.get("name"), given)
    return {"executionArn": arn, "startDate": _moment(runtime.workflows.describe(arn).started)}


def _task_success(runtime: Runtime, asked: JSON) -> JSON:
    runtime.workflows.succeed(asked["taskToken"], _json(asked["output"], "InvalidOutput"))
    return {}


def _task_failure(runtime: Runtime, asked: JSON) -> JSON:
    runtime.workflows.fail(asked["taskToken"], asked.get("error", ""), asked.get("cause", ""))
    return {}


def _task_heartbeat(runtime: Runtime, asked: JSON) -> JSON:
    runtime.workflows.heartbeat(asked["taskToken"])
    return {}


def _shown(execution: Execution, machine_arn: str) -> JSON:
    shown: JSON = {
        "executionArn": execution.arn,
        "stateMachineArn": machine_arn,
        "name": execution.name,
        "status": execution.status,
        "startDate": _moment(execution.started),
    }
    return shown if execution.stopped is None else {**shown, "stopDate": _moment(execution.stopped)}


def _describe(runtime: Runtime, asked: JSON) -> JSON:
    execution = runtime.workflows.describe(asked["executionArn"])
    shown = _shown(execution, runtime.templates.machines[execution.machine].arn)
    shown["input"] = orjson.dumps(execution.input).decode()
    if execution.status == "SUCCEEDED":
        shown["output"] = orjson.dumps(execution.output).decode()
    for name in ("error", "cause"):
        if (value := getattr(execution, name)) is not None:
            shown[name] = value
    return shown


def _list(runtime: Runtime, asked: JSON) -> JSON:
    """All at once: local lists are never cut into pages."""
    arn = asked["stateMachineArn"]
    found = runtime.workflows.executions(arn, asked.get("statusFilter"))
    return {"executions": [_shown(execution, arn) for execution in found]}


def _history(runtime: Runtime, asked: JSON) -> JSON:
    events = []
    for number, event in enumerate(runtime.workflows.events(asked["executionArn"]), start=1):
        shown: JSON = {"id": number, "previousEventId": number - 1, "timestamp": _moment(event["at"])}
        if event["type"].endswith("StateEntered"):
            shown |= {"type": event["type"], "stateEnteredEventDetails": {"name": event["name"]}}
        else:
            shown |= {"type": "TaskFailed", "taskFailedEventDetails": {"error": event["error"]}}
        events.append(shown)
    return {"events": events[::-1] if asked.get("reverseOrder") else events}


def _stop(runtime: Runtime, asked: JSON) -> JSON:
    runtime.workflows.stop(asked["executionArn"], asked.get("error"), asked.get("cause"))
    return {"stopDate": _moment(runtime.now())}


_EVENTS: dict[str, Answer] = {"PutEvents": _put_events}
_SQS: dict[str, Answer] = {
    "SendMessage": _send_message,
    "SendMessageBatch": _send_batch,
    "ReceiveMessage": _receive,
    "DeleteMessage": _delete,
    "DeleteMessageBatch": _delete_batch,
    "ChangeMessageVisibility": _visibility,
    "GetQueueAttributes": _queue_attributes,
    "GetQueueUrl": _queue_url,
    "PurgeQueue": _purge,
}
_STATES: dict[str, Answer] = {
    "StartExecution": _start,
    "SendTaskSuccess": _task_success,
    "SendTaskFailure": _task_failure,
    "SendTaskHeartbeat": _task_heartbeat,
    "DescribeExecution": _describe,
    "ListExecutions": _list,
    "GetExecutionHistory": _history,
    "StopExecution": _stop,
}
