"""Works off the queue of verified webhooks. What fails is tried again and at last parked where staff sees it."""

from typing import Any

import orjson

from market import ids, log
from market.events import each_record
from payments import service
from payments.gateway import provider


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    return each_record(batch, lambda record: work(orjson.loads(record["body"])))


def work(message: dict[str, Any]) -> None:
    """Act on a webhook that the edge verified."""
    with log.acting(log.Scope(ids.ulid(), message["correlationId"], actor_id="webhook")):
        service.hear(provider(message["provider"]).parse(message["body"].encode()))
