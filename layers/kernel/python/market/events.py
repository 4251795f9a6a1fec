"""What services tell each other: typed events, announced in the same transaction as the change, consumed at least once.

`announce` makes the outbox write. The table's stream feeds the relay, the relay the bus, the bus each consumer's queue.
A consumer must be idempotent by `event_id`: the same event may come twice, late, or after a younger one.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar
from zlib import crc32

import orjson
from pydantic import BaseModel, ConfigDict

from market import clock, ids, log
from market.manifest import Manifest
from market.table import OUTBOX, Key, Write, put

SHARDS = 8
KEPT = timedelta(days=7)


class Event(BaseModel):
    """A fact in the past tense. `type` is a name such as `order.paid`; the fields are ids and amounts, not people."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=None)
    type: ClassVar[str]
    version: ClassVar[int] = 1


class Envelope(BaseModel):
    """How an event travels (annex A2 of the contract)."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    eventId: str
    type: str
    version: int
    occurredAt: str
    actor: dict[str, str]
    data: dict[str, Any]
    trace: dict[str, str]


def announce(event: Event, *, by: Manifest) -> Write:
    """The outbox write that publishes `event` if, and only if, the transaction it is part of succeeds."""
    assert event.type in by.publishes, f"{by.service} does not declare that it publishes {event.type}"
    return outgoing(event.type, event.version, event.model_dump(mode="json"), service=by.service)


def outgoing(event_type: str, version: int, data: Mapping[str, Any], *, service: str) -> Write:
    """The outbox write of one event of a service."""
    event_id, scope = ids.ulid(), log.scope()
    envelope = {
        "eventId": event_id,
        "type": event_type,
        "version": version,
        "occurredAt": clock.timestamp(),
        "actor": {"type": scope.actor_type, "id": scope.actor_id},
        "data": data,
        "trace": {"requestId": scope.request_id, "correlationId": scope.correlation_id},
    }
    item = {
        "type": event_type,
        "source": f"market.{service}",
        "envelope": orjson.dumps(envelope, default=_listed).decode(),
        "expires_at": clock.epoch(KEPT),
    }
    return put(Key(f"{OUTBOX}{crc32(event_id.encode()) % SHARDS}", event_id), item)


def _listed(value: Any) -> Any:
    return sorted(value)  # sets, as the table knows them


class Consumer:
    """Lambda entry point of a service's event queue.

    Each message stands alone: one that raises is reported back by its id, delivered again and at last parked in the
    dead-letter queue; the others of the batch are done.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._listeners: dict[str, Callable[[Envelope], None]] = {}

    def on(self, event_type: str) -> Callable[[Callable[[Envelope], None]], Callable[[Envelope], None]]:
        """Let the decorated function hear every `event_type`."""
        assert event_type in self._manifest.consumes, (
            f"{self._manifest.service} does not declare that it consumes {event_type}"
        )

        def register(listener: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
            self._listeners[event_type] = listener
            return listener

        return register

    def handler(self, batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
        return each_record(batch, lambda record: self._hear(orjson.loads(record["body"])["detail"]))

    def _hear(self, detail: dict[str, Any]) -> None:
        envelope = Envelope.model_validate(detail)
        with log.acting(log.Scope(ids.ulid(), envelope.trace.get("correlationId", ""), actor_id=envelope.type)):
            self._listeners[envelope.type](envelope)
            log.info("event consumed", service=self._manifest.service, type=envelope.type, event_id=envelope.eventId)


def each_record(batch: dict[str, Any], handle: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Handle each SQS record of a batch; the answer names those that failed."""
    failed = []
    for record in batch["Records"]:
        try:
            handle(record)
        except Exception as error:  # one bad message must not hold up the others; it comes again and is then parked
            log.error(
                "message failed",
                error,
                message_id=record["messageId"],
                queue=record["eventSourceARN"].rsplit(":", 1)[-1],
            )
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}
