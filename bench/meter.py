"""Counts what the marketplace asks of DynamoDB: calls, and request units as the embedded database computes them.

The embedded database reports consumed capacity by AWS's rules (1 write unit per KB, twice in a transaction; 1 read unit
per 4 KB, half if eventually consistent), indexes included. It is asked for it on every call, through a botocore hook.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from market import config
from market.table import OUTBOX

_OPERATIONS = (
    "GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem",
)  # fmt: skip
_READS = ("GetItem", "BatchGetItem", "Query")


@dataclass
class Reading:
    """calls by operation; units of table and indexes; events put into the outbox."""

    calls: Counter[str] = field(default_factory=Counter)
    reads: float = 0.0
    writes: float = 0.0
    index_writes: float = 0.0
    events: int = 0

    def __str__(self) -> str:
        calls = ", ".join(f"{count} {name}" for name, count in sorted(self.calls.items()))
        units = f"{self.writes:5.1f} WRU (of which indexes {self.index_writes:.1f})  {self.reads:5.1f} RRU"
        return f"{units}  {calls or 'no call'}"


class Meter:
    """Reads what is asked while a block runs, but for the calls of which `ignored` says so."""

    def __init__(self, ignored: Callable[[], bool] = bool) -> None:
        self._reading = Reading()
        self._ignored = ignored
        events = config.client("dynamodb").meta.events
        for operation in _OPERATIONS:
            events.register(f"provide-client-params.dynamodb.{operation}", _ask, unique_id=f"meter-ask-{operation}")
            events.register(f"after-call.dynamodb.{operation}", self._note, unique_id=f"meter-{operation}")
        events.register("provide-client-params.dynamodb.TransactWriteItems", self._look, unique_id="meter-outbox")

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """What is asked within the block."""
        self._reading = reading = Reading()
        yield reading
        self._reading = Reading()

    def _look(self, params: dict[str, Any], **_: Any) -> None:
        puts = [action["Put"]["Item"]["pk"]["S"] for action in params["TransactItems"] if "Put" in action]
        self._reading.events += sum(pk.startswith(OUTBOX) for pk in puts)

    def _note(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if self._ignored():
            return
        reading = self._reading
        reading.calls[model.name] += 1
        used = parsed.get("ConsumedCapacity") or []
        for part in used if isinstance(used, list) else [used]:
            units = float(part.get("CapacityUnits", 0))
            if model.name in _READS:
                reading.reads += units
            else:
                reading.writes += units
                indexes = part.get("GlobalSecondaryIndexes") or {}
                reading.index_writes += sum(float(index["CapacityUnits"]) for index in indexes.values())


def _ask(params: dict[str, Any], **_: Any) -> dict[str, Any]:
    return params | {"ReturnConsumedCapacity": "INDEXES"}
