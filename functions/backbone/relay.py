"""Lambda entry point of the table's stream: takes what was put into the outbox to the bus.

A stream keeps order: Lambda goes on from the first record that is reported as failed, and brings everything behind it
again. So the relay stops where it fails. What was sent twice that way, consumers know by its event id.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from market import config, log

ENTRIES = 10
SIZE = 256 * 1024
"""What PutEvents takes at once: entries, and bytes of source, type and detail together."""

Record = dict[str, Any]


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    for records in _chunks(batch["Records"]):
        failed = _publish(records)
        if failed is not None:
            return {"batchItemFailures": [{"itemIdentifier": failed["dynamodb"]["SequenceNumber"]}]}
    return {"batchItemFailures": []}


def _publish(records: Sequence[Record]) -> Record | None:
    """Send one chunk. Returns its first record that the bus did not take, if any."""
    try:
        answer = config.client("events").put_events(Entries=[_entry(record) for record in records])
    except (ClientError, BotoCoreError) as error:
        log.error("bus unreachable", error, first=records[0]["eventID"], events=len(records))
        return records[0]
    refused = [
        (record, entry["ErrorCode"])
        for record, entry in zip(records, answer["Entries"], strict=True)
        if entry.get("ErrorCode")
    ]
    for record, code in refused:
        log.warning("event refused by the bus", stream_event_id=record["eventID"], reason=code)
    return refused[0][0] if refused else None


def _chunks(records: Sequence[Record]) -> Iterator[list[Record]]:
    """Split so that each part fits one PutEvents. A record that is too large stands alone, and fails alone."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        weight = sum(len(record["dynamodb"]["NewImage"][name]["S"].encode()) for name in ("source", "type", "envelope"))
        if chunk and (len(chunk) == ENTRIES or size + weight > SIZE):
            yield chunk
            chunk, size = [], 0
        chunk.append(record)
        size += weight
    if chunk:
        yield chunk


def _entry(record: Record) -> dict[str, str]:
    image = record["dynamodb"]["NewImage"]
    return {
        "Source": image["source"]["S"],
        "DetailType": image["type"]["S"],
        "Detail": image["envelope"]["S"],
        "EventBusName": config.setting("BUS_NAME"),
    }
