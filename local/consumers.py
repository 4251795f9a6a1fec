"""Event source mappings: what takes messages from queues and hands them to functions, in batches.

Each consumer's `take` claims a batch (fast, under the journal's lock) and returns the work of delivering it, which may
run on any thread. A failed message comes again after the visibility timeout, scaled by `retry_scale`.
"""

import logging
from collections.abc import Callable
from typing import Any

import orjson

from local.patterns import compile_pattern
from local.queues import Message, Queues, lambda_record
from local.templates import EventSource, Queue

JSON = dict[str, Any]
Invoke = Callable[[str, Any], Any]
Work = Callable[[], None]
log = logging.getLogger("market.local")
_ASYNC_RETRIES = 2
_ASYNC_DELAYS = (60, 120)


class QueueConsumer:
    """An SQS event source mapping."""

    def __init__(self, queues: Queues, source: EventSource, invoke: Invoke, retry_scale: float) -> None:
        assert source.queue is not None
        self._queues = queues
        self._source = source
        self._queue = queues.named(source.queue)
        self._invoke = invoke
        self._scale = retry_scale
        self._filters = [compile_pattern(pattern) for pattern in source.filters]
        self.key = self._queue.name
        self.concurrency = source.concurrency

    def next_due(self) -> float | None:
        return self._queues.next_due(self.key)

    def take(self) -> Work | None:
        messages = self._queues.receive(self.key, self._source.batch)
        if not messages:
            return None
        return lambda: self._deliver(messages)

    def _deliver(self, messages: list[Message]) -> None:
        records = [lambda_record(message, self._queue) for message in messages]
        kept = [record for record in records if self._wanted(record)] if self._filters else records
        failed: set[str] = set()
        if kept:
            try:
                answer = self._invoke(self._source.function, {"Records": kept})
                failed = self._failures(answer, {str(record["messageId"]) for record in kept})
            except Exception:
                log.warning("delivery failed: %s to %s", self.key, self._source.function, exc_info=True)
                failed = {str(record["messageId"]) for record in kept}
        if done := [m.receipt for m in messages if m.message_id not in failed]:
            self._queues.delete(self.key, done)
        if again := [m.receipt for m in messages if m.message_id in failed]:
            self._queues.give_back(self.key, again, delay=self._queue.visibility * self._scale)

    def _failures(self, answer: Any, sent: set[str]) -> set[str]:
        """The ids reported as failed; a report that names anything else fails the whole batch, as on AWS."""
        if self._source.partial_failures == "ignored":
            return set()
        return reported_failures(answer, sent)

    def _wanted(self, record: JSON) -> bool:
        try:
            event = {**record, "body": orjson.loads(record["body"])}
        except ValueError:
            event = record
        return any(matches(event) for matches in self._filters)


def reported_failures(answer: Any, sent: set[str]) -> set[str]:
    """What a `batchItemFailures` answer says; everything, if it cannot be understood."""
    if not isinstance(answer, dict) or not answer.get("batchItemFailures"):
        return set()
    named = {item.get("itemIdentifier") for item in answer["batchItemFailures"]}
    return named if named <= sent else sent


class StreamConsumer:
    """A table stream's event source mapping, fed by the outbox: in order, one batch at a time.

    A failing batch is cut in halves until the failing record is alone; that one is tried `retries` more times and then
    goes to the mapping's failure queue.
    """

    def __init__(self, queues: Queues, source: EventSource, invoke: Invoke, retry_scale: float) -> None:
        self.key = f"stream/{source.table}/{source.function}"
        self._queues = queues
        self._source = source
        self._invoke = invoke
        self._scale = retry_scale
        self._filters = [compile_pattern(pattern) for pattern in source.filters]
        self.concurrency: int | None = 1
        queues.add(Queue(name=self.key, url=self.key, arn=self.key, visibility=300))

    def accept(self, record: JSON) -> None:
        """Keep a stream record for delivery, if the mapping's filter wants it."""
        if not self._filters or any(matches(record) for matches in self._filters):
            self._queues.send(self.key, orjson.dumps(record).decode())

    def next_due(self) -> float | None:
        return self._queues.next_due(self.key)

    def take(self) -> Work | None:
        messages = self._queues.receive(self.key, self._source.batch)
        if not messages:
            return None
        return lambda: self._deliver(messages)

    def _deliver(self, messages: list[Message]) -> None:
        records = [orjson.loads(message.body) for message in messages]
        numbers = [str(record["dynamodb"]["SequenceNumber"]) for record in records]
        try:
            answer = self._invoke(self._source.function, {"Records": records})
            failed = reported_failures(answer, set(numbers)) if self._source.partial_failures == "reported" else set()
        except Exception:
            log.warning("delivery failed: %s to %s", self.key, self._source.function, exc_info=True)
            if len(messages) > 1:
                half = len(messages) // 2
                self._deliver(messages[:half])
                self._deliver(messages[half:])
                return
            failed = set(numbers)
        first = min((at for at, number in enumerate(numbers) if number in failed), default=len(messages))
        if first:
            self._queues.delete(self.key, [m.receipt for m in messages[:first]])
        if first < len(messages):
            self._again(messages[first:])

    def _again(self, messages: list[Message]) -> None:
        worn, retries = messages[0], self._source.retries
        if retries is not None and worn.receives > retries:
            if self._source.on_failure is not None:
                self._queues.send(self._source.on_failure, worn.body)
            self._queues.delete(self.key, [worn.receipt])
            messages = messages[1:]
        if messages:
            delay = min(2.0 ** min(messages[0].receives - 1, 6), 60.0) * self._scale
            self._queues.give_back(self.key, [m.receipt for m in messages], delay=delay)


class AsyncConsumer:
    """Asynchronous invocations, from rules and schedules: three attempts, then given up with a log line."""

    def __init__(self, queues: Queues, invoke: Invoke, retry_scale: float) -> None:
        self.key = "local/async"
        self._queues = queues
        self._invoke = invoke
        self._scale = retry_scale
        self.concurrency: int | None = None
        queues.add(Queue(name=self.key, url=self.key, arn=self.key, visibility=900))

    def accept(self, function: str, payload: str) -> None:
        """Keep an invocation until it has been done."""
        self._queues.send(self.key, payload, attributes={"function": {"StringValue": function}})

    def next_due(self) -> float | None:
        return self._queues.next_due(self.key)

    def take(self) -> Work | None:
        messages = self._queues.receive(self.key, 1)
        return (lambda: self._deliver(messages[0])) if messages else None

    def _deliver(self, message: Message) -> None:
        function = message.attributes["function"]["StringValue"]
        try:
            self._invoke(function, orjson.loads(message.body))
        except Exception:
            log.warning("invocation failed: %s", function, exc_info=True)
            if message.receives <= _ASYNC_RETRIES:
                delay = _ASYNC_DELAYS[message.receives - 1] * self._scale
                self._queues.give_back(self.key, [message.receipt], delay=delay)
                return
        self._queues.delete(self.key, [message.receipt])
