"""The event and workflow runtime of the marketplace on one machine: queues, bus, state machines, schedules, outbox.

It is driven by the synthesized templates and remembers everything in one journal file, so kill -9 loses nothing.
Several processes may open one journal: one of them runs it (`start`), the others only send.
"""

import fcntl
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import orjson

from local.bus import Bus
from local.consumers import AsyncConsumer, QueueConsumer, StreamConsumer
from local.dispatch import Dispatcher, Source
from local.journal import Journal
from local.outbox import Outbox
from local.queues import Depth, Queues, md5
from local.schedules import Schedules
from local.templates import Target, Templates
from local.workflows.distributed import READER
from local.workflows.engine import KEY, Engine, Work
from local.workflows.errors import StateError
from local.workflows.tasks import Integration, Tasks

JSON = dict[str, Any]
Invoke = Callable[[str, Any], Any]
SWEEP_SECONDS = 5.0
log = logging.getLogger("market.local")


class AlreadyRunning(Exception):
    """Another process runs this journal."""


class _Executions:
    """The state machines as a source of work."""

    key = KEY
    concurrency: int | None = None

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def next_due(self) -> float | None:
        return self._engine.next_due()

    def take(self) -> Work | None:
        return self._engine.take()


class _Sweep:
    """The outbox sweep as a source of work."""

    key = "sweep"
    concurrency: int | None = 1

    def __init__(self, outbox: Outbox, clock: Callable[[], float]) -> None:
        self._outbox = outbox
        self._clock = clock
        self._watched: tuple[Any, str] | None = None
        self._next: float | None = None

    def watch(self, client: Any, table: str) -> None:
        self._watched, self._next = (client, table), 0.0

    def next_due(self) -> float | None:
        return self._next

    def take(self) -> Work | None:
        if self._watched is None:
            return None
        client, table = self._watched
        self._next = self._clock() + SWEEP_SECONDS
        return lambda: _discard(self._outbox.sweep(client, table))


def _no_files(_: object) -> bytes:
    """What a distributed map finds in a runtime that was given no bucket."""
    raise StateError("S3.NoSuchBucketException", "This runtime has no files.")


def _discard(_: object) -> None:
    """Work has no result."""


class Runtime:
    """Everything between the handlers. `invoke(function name, event)` runs a handler and raises what it raises.

    retry_scale: multiplies every retry delay (visibility timeouts after a failure, Retry intervals); 0 retries at once.
    integrations: further task resources of state machines, such as `dynamodb:updateItem`.
    """

    def __init__(
        self,
        templates: Templates,
        journal_path: str | Path,
        invoke: Invoke,
        *,
        retry_scale: float = 1.0,
        clock: Callable[[], float] = time.time,
        integrations: Mapping[str, Integration] | None = None,
    ) -> None:
        self.templates = templates
        self._clock = clock
        self._ahead = 0.0
        self._recovered = False
        self._lock: IO[str] | None = None
        self.journal = Journal(journal_path)
        self.queues = Queues(self.journal, templates.queues, self.now)
        self.bus = Bus(self.journal, templates.rules, self.deliver, self.now)
        plays = {**self._integrations(), **(integrations or {})}
        tasks = Tasks(invoke, templates.functions.__contains__, plays)
        self.workflows = Engine(self.journal, templates.machines, tasks, clock=self.now, retry_scale=retry_scale)
        self.schedules = Schedules(self.journal, templates.schedules, self.deliver, self.now)
        mapped = [s for s in templates.sources if s.function in templates.functions]
        queued = [QueueConsumer(self.queues, s, invoke, retry_scale) for s in mapped if s.queue is not None]
        self._streams = [StreamConsumer(self.queues, s, invoke, retry_scale) for s in mapped if s.table is not None]
        self._invocations = AsyncConsumer(self.queues, invoke, retry_scale)
        self.outbox = Outbox(self.journal, self._to_streams)
        self._sweep = _Sweep(self.outbox, self.now)
        self._consumed: list[Source] = [*queued, *self._streams, self._invocations]
        sources = [*self._consumed, _Executions(self.workflows), self.schedules, self._sweep]
        self._dispatcher = Dispatcher(self.journal, sources, self.now)
        self.queues.wake = self.workflows.wake = self._dispatcher.wake

    def now(self) -> float:
        """The runtime's time, epoch seconds: the clock's, plus what tests have advanced."""
        return self._clock() + self._ahead

    def deliver(self, target: Target, payload: str) -> None:
        """Send to a target of a rule or a schedule."""
        if target.kind == "queue":
            self.queues.send(target.name, payload)
        elif target.kind == "function":
            self._invocations.accept(target.name, payload)
        elif target.kind == "machine":
            self.workflows.start(target.name, None, orjson.loads(payload))
        else:
            log.warning("not played locally: delivery to %s", target.name)

    def watch_outbox(self, client: Any, table: str) -> None:
        """Sweep the outbox of a table, through a DynamoDB client, at start and every few seconds."""
        self._sweep.watch(client, table)
        self._dispatcher.wake(self._sweep.key, 0.0)

    def start(self, threads: int = 4) -> None:
        """Run in the background. Raises AlreadyRunning if another process runs this journal."""
        self._claim_journal()
        self._recover()
        self._dispatcher.refresh()
        self._dispatcher.start(threads)

    def stop(self) -> None:
        """Finish what is being done and stop; the journal keeps the rest."""
        self._dispatcher.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def close(self) -> None:
        """Stop, and close the journal."""
        self.stop()
        self.journal.close()

    def drain(self, timeout: float = 10.0) -> None:
        """Do everything that is due, on the calling thread, until nothing is (or wait for the threads, if started).

        Raises TimeoutError when that takes longer than `timeout` seconds.
        """
        if self._dispatcher.running:
            if not self._dispatcher.wait_idle(timeout):
                raise TimeoutError("the runtime is still busy")
            return
        self._recover()
        self._dispatcher.refresh()
        end = time.monotonic() + timeout
        while self._dispatcher.run_one():
            if time.monotonic() > end:
                raise TimeoutError("there is still something due")

    def advance(self, seconds: float, timeout: float = 10.0) -> None:
        """Let time pass, as far as this runtime is concerned, doing on the way everything when it is due.

        The outbox is swept whenever something else is due and at the end, not every few seconds in between.
        """
        self.drain(timeout)
        target = self.now() + seconds
        while (due := self._dispatcher.next_due(except_for=self._sweep.key)) is not None and due <= target:
            self._ahead += max(0.0, due - self.now())
            self.drain(timeout)
        self._ahead += max(0.0, target - self.now())
        self.drain(timeout)

    def _recover(self) -> None:
        if self._recovered:
            return
        self._recovered = True
        self.queues.recover(source.key for source in self._consumed)
        self.schedules.recover()
        self.workflows.recover()

    def _claim_journal(self) -> None:
        if self._lock is not None or self.journal.path == ":memory:":
            return
        lock = Path(f"{self.journal.path}.lock").open("w")  # noqa: SIM115 (held until stop)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise AlreadyRunning(self.journal.path) from error
        self._lock = lock

    def _to_streams(self, record: JSON) -> None:
        for stream in self._streams:
            stream.accept(record)

    def _integrations(self) -> dict[str, Integration]:
        return {
            "sqs:sendMessage": self._send_message,
            "events:putEvents": self._put_events,
            "states:startExecution": self._start_execution,
            READER: _no_files,
        }

    def _send_message(self, arguments: JSON) -> JSON:
        body = arguments["MessageBody"]
        text = body if isinstance(body, str) else orjson.dumps(body).decode()
        sent = self.queues.send(
            arguments["QueueUrl"],
            text,
            attributes=arguments.get("MessageAttributes"),
            delay=arguments.get("DelaySeconds"),
        )
        return {"MD5OfMessageBody": md5(text), "MessageId": sent}

    def _put_events(self, arguments: JSON) -> JSON:
        entries = [
            {**e, "Detail": e["Detail"] if isinstance(e["Detail"], str) else orjson.dumps(e["Detail"])}
            for e in arguments["Entries"]
        ]
        return {"Entries": [{"EventId": id_} for id_ in self.bus.put(entries)], "FailedEntryCount": 0}

    def _start_execution(self, arguments: JSON) -> JSON:
        given = arguments.get("Input", {})
        parsed = orjson.loads(given) if isinstance(given, str) else given
        arn = self.workflows.start(arguments["StateMachineArn"], arguments.get("Name"), parsed)
        return {"ExecutionArn": arn, "StartDate": self.now()}

    # -- what auditors and tests ask

    def depths(self) -> dict[str, Depth]:
        """How many messages every queue of the templates holds."""
        return {name: self.queues.depth(name) for name in self.templates.queues}

    def dead_letters(self) -> dict[str, list[str]]:
        """The bodies in every dead-letter queue that is not empty."""
        names = {q.dead_letters for q in self.templates.queues.values() if q.dead_letters}
        names |= {s.on_failure for s in self.templates.sources if s.on_failure}
        found = {str(name): [m.body for m in self.queues.peek(str(name))] for name in sorted(map(str, names))}
        return {name: bodies for name, bodies in found.items() if bodies}

    def export(self) -> JSON:
        """Depths, dead letters and executions, as JSON values."""
        return {
            "queues": {name: asdict(depth) for name, depth in self.depths().items()},
            "deadLetters": self.dead_letters(),
            "executions": [asdict(execution) for execution in self.workflows.executions()],
        }
