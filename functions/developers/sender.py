"""Works off the queue of deliveries that are due: a batch at once, so that no slow server holds up the others'."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson

from developers import delivering
from developers.store import Appointment
from market import ids, log
from market.events import each_record


def handler(batch: dict[str, Any], _context: object = None) -> dict[str, Any]:
    records = batch["Records"]
    with ThreadPoolExecutor(max_workers=len(records)) as pool:
        answers = pool.map(lambda record: each_record({"Records": [record]}, _attempt), records)
        return {"batchItemFailures": [failed for answer in answers for failed in answer["batchItemFailures"]]}


def _attempt(record: dict[str, Any]) -> None:
    message = orjson.loads(record["body"])
    with log.acting(log.Scope(ids.ulid(), message.pop("correlation_id"), actor_id="webhook")):
        delivering.attempt(Appointment(**message))
