"""Writes every event of the bus into the audit bucket: a file for each batch of the queue, as JSON lines.

A file is named by its content. So a batch that comes again is the same file; an event that comes again in another batch
is in two files, and whoever reads them counts event ids.
"""

import hashlib
from typing import Any

import orjson

from audit import gateway
from market import clock, ids, log
from market.events import Envelope, each_record


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    """What cannot be read is reported by its message; if the file cannot be written, the whole batch comes again."""
    events: list[dict[str, Any]] = []
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="archive")):
        answer = each_record(batch, lambda record: events.append(_event(record)))
        if events:
            content = b"".join(orjson.dumps(event, option=orjson.OPT_SORT_KEYS) + b"\n" for event in events)
            gateway.keep(name_of(clock.timestamp(), content), content)
            log.info("events archived", count=len(events))
    return answer


def name_of(at: str, content: bytes) -> str:
    """`events/2026/11/21/<32 hexadecimal digits>.jsonl`"""
    return f"events/{at[:10].replace('-', '/')}/{hashlib.sha256(content).hexdigest()[:32]}.jsonl"


def _event(record: dict[str, Any]) -> dict[str, Any]:
    """The event as it was announced. Raises ValueError for what is none."""
    detail: dict[str, Any] = orjson.loads(record["body"])["detail"]
    Envelope.model_validate(detail)
    return detail
