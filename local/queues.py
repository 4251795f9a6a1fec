"""Queues with the promises of SQS standard queues, kept in the journal.

A received message is invisible for the visibility timeout, comes again unless it is deleted, and after the queue's
`max_receives` it moves to the dead-letter queue.
"""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from local.journal import Journal
from local.templates import Queue

Clock = Callable[[], float]
Wake = Callable[[str, float], None]
JSON = dict[str, Any]
_RECEIVE = (
    "UPDATE messages SET visible_at = ?, receives = receives + 1, receipt = hex(randomblob(6)),"
    " first_at = coalesce(first_at, ?) WHERE id IN (SELECT id FROM messages"
    " WHERE queue = ? AND visible_at <= ? ORDER BY visible_at, id LIMIT ?)"
    " RETURNING id, message_id, body, attributes, receives, receipt, sent_at, first_at"
)


class UnknownQueue(Exception):
    """No queue has this name, URL or ARN."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message as received; `receipt` is good until the visibility timeout ends. Times are epoch seconds."""

    id: int
    message_id: str
    body: str
    attributes: JSON
    receives: int
    receipt: str
    sent_at: float
    first_at: float


@dataclass(frozen=True, slots=True)
class Entry:
    """A message to send; `delay` in seconds, None for the queue's own."""

    body: str
    attributes: JSON | None = None
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Depth:
    """How many messages a queue holds."""

    visible: int
    in_flight: int
    delayed: int

    @property
    def total(self) -> int:
        return self.visible + self.in_flight + self.delayed


class Queues:
    """Every queue of the marketplace, internal ones included."""

    def __init__(self, journal: Journal, queues: Mapping[str, Queue], clock: Clock = time.time) -> None:
        self._journal = journal
        self._queues = dict(queues)
        self._clock = clock
        self.wake: Wake = lambda queue, at: None

    def add(self, queue: Queue) -> Queue:
        """Add an internal queue."""
        self._queues[queue.name] = queue
        return queue

    def named(self, url_or_arn: str) -> Queue:
        """The queue behind a URL, an ARN or a name. Raises UnknownQueue."""
        queue = self._queues.get(url_or_arn) or self._queues.get(url_or_arn.replace("/", ":").rsplit(":", 1)[-1])
        if queue is None:
            raise UnknownQueue(url_or_arn)
        return queue

    def names(self) -> list[str]:
        return list(self._queues)

    def send(self, queue: str, body: str, *, attributes: JSON | None = None, delay: float | None = None) -> str:
        """Send one message and return its id; committed on return."""
        return self.send_all(queue, (Entry(body, attributes, delay),))[0]

    def send_all(self, queue: str, entries: Iterable[Entry]) -> list[str]:
        """Send messages in one transaction and return their ids."""
        target = self.named(queue)
        now = self._clock()
        rows = []
        for entry in entries:
            visible_at = now + (target.delay if entry.delay is None else entry.delay)
            attributes = orjson.dumps(entry.attributes).decode() if entry.attributes else None
            rows.append((target.name, str(uuid.uuid4()), entry.body, attributes, now, visible_at))
        if not rows:
            return []
        with self._journal.transaction() as db:
            db.executemany(
                "INSERT INTO messages (queue, message_id, body, attributes, sent_at, visible_at)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )
        self.wake(target.name, min(row[5] for row in rows))
        return [row[1] for row in rows]

    def receive(self, queue: str, limit: int = 10, *, visibility: float | None = None) -> list[Message]:
        """Up to `limit` visible messages, oldest first, invisible to others for `visibility` seconds.

        Messages that were received too often already move to the dead-letter queue instead.
        """
        source = self.named(queue)
        now = self._clock()
        until = now + (source.visibility if visibility is None else visibility)
        with self._journal.transaction() as db:
            while True:
                rows = db.execute(_RECEIVE, (until, now, source.name, now, limit)).fetchall()
                worn_out = [row for row in rows if source.max_receives and row[4] > source.max_receives]
                if not worn_out:
                    break
                self._redrive(db, source, [row[0] for row in worn_out], now)
                if rows := [row for row in rows if row not in worn_out]:
                    break
        rows.sort()
        return [_message(row) for row in rows]

    def _redrive(self, db: Any, source: Queue, ids: list[int], now: float) -> None:
        assert source.dead_letters is not None
        db.executemany(
            "UPDATE messages SET queue = ?, visible_at = ?, receives = 0, receipt = NULL, first_at = NULL WHERE id = ?",
            [(source.dead_letters, now, id_) for id_ in ids],
        )
        self.wake(source.dead_letters, now)

    def delete(self, queue: str, receipts: Sequence[str]) -> None:
        """Delete received messages. A receipt that has expired deletes nothing."""
        name = self.named(queue).name
        with self._journal.transaction() as db:
            db.executemany(
                "DELETE FROM messages WHERE id = ? AND queue = ? AND receipt = ?",
                [(_split(r)[0], name, _split(r)[1]) for r in receipts],
            )

    def give_back(self, queue: str, receipts: Sequence[str], *, delay: float) -> None:
        """Make received messages visible again after `delay` seconds."""
        name = self.named(queue).name
        at = self._clock() + delay
        with self._journal.transaction() as db:
            db.executemany(
                "UPDATE messages SET visible_at = ?, receipt = NULL WHERE id = ? AND queue = ? AND receipt = ?",
                [(at, _split(r)[0], name, _split(r)[1]) for r in receipts],
            )
        self.wake(name, at)

    def hide(self, queue: str, receipt: str, *, seconds: float) -> None:
        """Change how long a received message stays invisible; the receipt stays good."""
        name, at = self.named(queue).name, self._clock() + seconds
        with self._journal.transaction() as db:
            db.execute(
                "UPDATE messages SET visible_at = ? WHERE id = ? AND queue = ? AND receipt = ?",
                (at, _split(receipt)[0], name, _split(receipt)[1]),
            )
        self.wake(name, at)

    def recover(self, queues: Iterable[str]) -> None:
        """Make what a dead consumer had received visible at once. Only for the one process that consumes."""
        now = self._clock()
        with self._journal.transaction() as db:
            db.executemany(
                "UPDATE messages SET visible_at = ?, receipt = NULL WHERE queue = ? AND receipt IS NOT NULL",
                [(now, queue) for queue in queues],
            )

    def next_due(self, queue: str) -> float | None:
        """When the next message of a queue becomes visible."""
        row = self._journal.one("SELECT MIN(visible_at) FROM messages WHERE queue = ?", (queue,))
        return None if row[0] is None else float(row[0])

    def depth(self, queue: str) -> Depth:
        name = self.named(queue).name
        now = self._clock()
        visible, in_flight, delayed = self._journal.one(
            "SELECT coalesce(SUM(visible_at <= ?1), 0), coalesce(SUM(visible_at > ?1 AND receipt IS NOT NULL), 0),"
            " coalesce(SUM(visible_at > ?1 AND receipt IS NULL), 0) FROM messages WHERE queue = ?2",
            (now, name),
        )
        return Depth(visible, in_flight, delayed)

    def peek(self, queue: str) -> list[Message]:
        """Every message of a queue, oldest first, without receiving it."""
        rows = self._journal.rows(
            "SELECT id, message_id, body, attributes, receives, coalesce(receipt, ''), sent_at,"
            " coalesce(first_at, 0) FROM messages WHERE queue = ? ORDER BY id",
            (self.named(queue).name,),
        )
        return [_message(row) for row in rows]

    def purge(self, queue: str) -> None:
        """Delete every message of a queue."""
        with self._journal.transaction() as db:
            db.execute("DELETE FROM messages WHERE queue = ?", (self.named(queue).name,))


def _message(row: Any) -> Message:
    id_, message_id, body, attributes, receives, receipt, sent_at, first_at = row
    parsed = orjson.loads(attributes) if attributes else {}
    return Message(id_, message_id, body, parsed, receives, f"{id_}.{receipt}", sent_at, first_at)


def _split(receipt: str) -> tuple[int, str]:
    number, _, nonce = receipt.partition(".")
    return (int(number), nonce) if number.isdigit() else (-1, "")


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def lambda_record(message: Message, queue: Queue) -> JSON:
    """A message as an SQS event source mapping hands it to a function."""
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(int(message.sent_at * 1000)),
            "SenderId": "AIDALOCAL",
            "ApproximateFirstReceiveTimestamp": str(int(message.first_at * 1000)),
        },
        "messageAttributes": {name: _attribute(value) for name, value in message.attributes.items()},
        "md5OfBody": md5(message.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": "us-east-1",
    }


def _attribute(value: JSON) -> JSON:
    shaped: JSON = {"stringListValues": [], "binaryListValues": [], "dataType": value.get("DataType", "String")}
    if "StringValue" in value:
        shaped["stringValue"] = value["StringValue"]
    if "BinaryValue" in value:
        shaped["binaryValue"] = value["BinaryValue"]
    return shaped
