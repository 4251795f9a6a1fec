"""Hears of every recorded action. What a delivery brings for one chain is appended together."""

from typing import Any

import orjson

from audit import model, service
from audit.manifest import MANIFEST
from market import ids, log
from market.events import Consumer, Envelope

consumer = Consumer(MANIFEST)


@consumer.on("audit.recorded")
def recorded(envelope: Envelope) -> None:
    service.append([model.read(envelope.data)])


def handler(batch: dict[str, Any], context: object = None) -> dict[str, Any]:
    """The whole batch at once; if any of it cannot be appended, each message alone, so that the others are stored."""
    try:
        told = [orjson.loads(record["body"])["detail"]["data"] for record in batch["Records"]]
        with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="audit.recorded")):
            log.info("entries appended", count=service.append(map(model.read, told)), told=len(told))
    except Exception as error:  # what is wrong with which of them, the one-by-one pass below finds out
        log.warning("a batch could not be appended at once", error=type(error).__name__)
        return consumer.handler(batch, context)
    return {"batchItemFailures": []}
