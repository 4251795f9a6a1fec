"""From the outbox to the relay function: every announced change at least once, and in normal operation exactly once.

Items are seen twice: at once, by `record_writes`, in the request of every successful write; and by `sweep`, which
reads the outbox partitions by key, from the youngest item it knows less a minute. Handing an item over and
remembering its id is one commit, so a crash between the write and the hand-over, or a lost reply, loses nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from local.journal import Journal

JSON = dict[str, Any]
Accept = Callable[[JSON], None]
PREFIX = "OUTBOX#"
SHARDS = 8
OVERLAP_MS = 60_000
FORGET_MS = 3_600_000
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MARK = b"OUTBOX#"


class Outbox:
    """The hand-over of outbox items to whoever listens to the table's stream."""

    def __init__(self, journal: Journal, accept: Accept) -> None:
        self._journal = journal
        self._accept = accept

    def hand_over(self, items: Iterable[JSON]) -> int:
        """Give items (in DynamoDB's own JSON) to the stream, each id once for ever; how many were new."""
        fresh = 0
        with self._journal.transaction() as db:
            for item in items:
                key = item["sk"]["S"]
                if db.execute("INSERT OR IGNORE INTO handed_over VALUES (?)", (key,)).rowcount:
                    self._accept(stream_record(item))
                    fresh += 1
        return fresh

    def sweep(self, client: Any, table: str) -> int:
        """Hand over what the outbox holds and nobody has handed over yet; how many that were."""
        fresh = 0
        for shard in range(SHARDS):
            fact = f"outbox/{table}/{shard}"
            youngest = self._journal.fact(fact)
            items = _query(client, table, f"{PREFIX}{shard}", "" if youngest is None else earlier(youngest, OVERLAP_MS))
            if not items:
                continue
            fresh += self.hand_over(items)
            if (last := items[-1]["sk"]["S"]) != youngest:
                self._journal.remember(fact, last)
        self._forget(table)
        return fresh

    def _forget(self, table: str) -> None:
        """Drop remembered ids that no sweep will ever read again."""
        marks = [self._journal.fact(f"outbox/{table}/{shard}") for shard in range(SHARDS)]
        oldest = min((mark for mark in marks if mark is not None), default=None)
        if oldest is None or None in marks:
            return
        with self._journal.transaction() as db:
            db.execute("DELETE FROM handed_over WHERE id < ?", (earlier(oldest, FORGET_MS),))


def _query(client: Any, table: str, partition: str, after: str) -> list[JSON]:
    condition, values = "pk = :pk", {":pk": {"S": partition}}
    if after:
        condition, values = "pk = :pk AND sk >= :after", {**values, ":after": {"S": after}}
    asked: JSON = {"TableName": table, "KeyConditionExpression": condition, "ExpressionAttributeValues": values}
    items: list[JSON] = []
    while True:
        page = client.query(**asked)
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            return items
        asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def earlier(ulid: str, milliseconds: int) -> str:
    """The smallest id made `milliseconds` before a ULID, which may have a prefix; the time is its first 10 letters."""
    prefix, clock = ulid[:-26], ulid[-26:-16]
    value = 0
    for letter in clock:
        value = value * 32 + _ALPHABET.index(letter.upper())
    value = max(0, value - milliseconds)
    letters = ""
    for _ in range(10):
        value, digit = divmod(value, 32)
        letters = _ALPHABET[digit] + letters
    return prefix + letters


def stream_record(item: JSON) -> JSON:
    """An outbox item as the table's stream shows its insertion."""
    key = item["sk"]["S"]
    return {
        "eventID": key,
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": item,
            "SequenceNumber": key,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def record_writes(events: Any, hand_over: Callable[[list[JSON]], object]) -> None:
    """Give outbox items of successful writes (seen on botocore's `events`) to `hand_over`, before the call returns."""

    def remember(params: Mapping[str, Any], context: JSON, **_: Any) -> None:
        body = params["body"]
        if _MARK in (body if isinstance(body, bytes) else body.encode()):
            context["outbox"] = body

    def collect(http_response: Any, context: JSON, **_: Any) -> None:
        body = context.pop("outbox", None)
        if body is not None and http_response.status_code < 300:
            hand_over(written_items(orjson.loads(body)))

    for operation in ("PutItem", "TransactWriteItems", "BatchWriteItem"):
        events.register_first(f"before-call.dynamodb.{operation}", remember)
        events.register(f"after-call.dynamodb.{operation}", collect)


def written_items(request: JSON) -> list[JSON]:
    """The outbox items put by a PutItem, TransactWriteItems or BatchWriteItem request."""
    puts = [request] if "Item" in request else [a["Put"] for a in request.get("TransactItems", ()) if "Put" in a]
    for writes in request.get("RequestItems", {}).values():
        puts += [write["PutRequest"] for write in writes if "PutRequest" in write]
    return [put["Item"] for put in puts if put["Item"].get("pk", {}).get("S", "").startswith(PREFIX)]
