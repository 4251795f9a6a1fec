"""Works off the queue of verified webhooks. What fails is tried again and at last parked where staff sees it."""

from typing import Any

import orjson

from market import ids, log
from market.events import each_record
from payments import hearing, incidents
from payments.gateway import Notice, provider
from payments.model import Mismatch
from payments.store import NotRecorded

PATIENCE = 3
"""How often a webhook is tried that speaks of what we do not know, before it is told to staff instead."""


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    return each_record(batch, lambda record: work(orjson.loads(record["body"]) | {"tries": _tries(record)}))


def work(message: dict[str, Any]) -> None:
    """Act on a webhook that the edge verified. Raises NotRecorded for one that came too early."""
    with log.acting(log.Scope(ids.ulid(), message["correlationId"], actor_id="webhook")):
        notice = provider(message["provider"]).parse(message["body"].encode())
        try:
            hearing.hear(message["provider"], notice, message["body"])
        except Mismatch as mismatch:
            _tell(message, notice, mismatch.reason)
        except NotRecorded as early:
            if message.get("tries", 1) < PATIENCE:
                raise
            _tell(message, notice, early.detail)


def _tell(message: dict[str, Any], notice: Notice, reason: str) -> None:
    name = message["provider"]
    log.error("webhook mismatch", provider=name, reason=reason, order_id=notice.intent.order_id, notice=notice.id)
    incidents.record(name, notice, reason, received_at=message["receivedAt"], payload=message["body"])


def _tries(record: dict[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))
