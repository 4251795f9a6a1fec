"""Reads what was announced, and what was recorded of it; makes the messages by which a consumer hears."""

import json
from collections.abc import Mapping
from typing import Any

from market import clock, ids
from market.events import SHARDS
from market.guard.audit import RECORDED
from market.manifest import Manifest
from market.table import OUTBOX, Table

_NOBODY = Table(Manifest(service="nobody", prefixes=(), functions=()))


def announced() -> list[dict[str, Any]]:
    """The envelopes of all events, in the order of their ids; audit records apart."""
    return [envelope for envelope in _envelopes() if envelope["type"] != RECORDED]


def recorded(action: str = "") -> list[dict[str, Any]]:
    """The audit records in the order of their ids; of one action, if it is named."""
    records = [envelope["data"] for envelope in _envelopes() if envelope["type"] == RECORDED]
    return [record for record in records if action in ("", record["action"])]


def message(kind: str, data: Mapping[str, Any], event_id: str = "") -> dict[str, Any]:
    """What a queue delivers when the bus has brought it an event; without an id it is a new one."""
    event_id = event_id or ids.ulid()
    envelope = {
        "eventId": event_id,
        "type": kind,
        "version": 1,
        "occurredAt": clock.timestamp(),
        "actor": {"type": "system", "id": "system"},
        "data": data,
        "trace": {},
    }
    return {"messageId": event_id, "eventSourceARN": "arn:aws:sqs:::events", "body": json.dumps({"detail": envelope})}


def _envelopes() -> list[dict[str, Any]]:
    items = [item for shard in range(SHARDS) for item in _NOBODY.query(f"{OUTBOX}{shard}", limit=1000).items]
    return [json.loads(item["envelope"]) for item in sorted(items, key=lambda item: item["sk"])]
