"""Entry point of the queue of arrivals: the bucket tells of uploads, we ask for other crops.

The news may come twice, late, or before the sender was told that the upload is complete.
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

import orjson

from market import ids, log
from market.events import each_record
from media import deriving, gateway


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    with log.acting(log.Scope(ids.ulid(), ids.ulid(), actor_id="media.processing")):
        return each_record(batch, _work)


def _work(record: dict[str, Any]) -> None:
    for media_id in _named(orjson.loads(record["body"])):
        deriving.process(media_id)


def _named(message: dict[str, Any]) -> Iterator[str]:
    """Ids of media in our own request, an event of EventBridge, or a notification of S3, whose keys are quoted."""
    if "media" in message:
        yield message["media"]
    keys = [message["detail"]["object"]["key"]] if "detail" in message else []
    keys += [unquote_plus(record["s3"]["object"]["key"]) for record in message.get("Records", ())]
    yield from filter(None, map(gateway.uploaded_id, keys))
