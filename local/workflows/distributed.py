"""What a distributed Map has beside an inline one: items from a file in S3, and how many of them may fail.

Played as AWS does it: the items are read when the state is entered, each is an execution of its own, and a failed one
fails the state only when more have failed than is tolerated. Softer: children are branches of the same execution, so
their number is bounded by this machine's memory; there are no map runs to look at. Batches (ItemBatcher), writing
results (ResultWriter), lists of objects, CSV and Parquet are not played.
"""

from dataclasses import dataclass
from typing import Any

import orjson

from local.workflows.errors import Refused, StateError
from local.workflows.intrinsics import Value
from local.workflows.payload import template

JSON = dict[str, Any]
FIELDS = {"ItemReader", "ToleratedFailurePercentage", "ToleratedFailureCount", "Label"}
READER = "s3:getObject"
READER_FAILED = "States.ItemReaderFailed"
EXCEEDED = "States.ExceedToleratedFailureThreshold"
_KINDS = ("JSON", "JSONL")


@dataclass(frozen=True, slots=True)
class Distributed:
    """arguments: of the call that reads the items; tolerated: how many of a hundred may fail, and how many at all."""

    arguments: Value
    kind: str
    percentage: float
    count: int | None

    def exceeded(self, failed: int, items: int) -> bool:
        """Whether more have failed than may."""
        share = 100 * failed > self.percentage * items
        return share if self.count is None else failed > self.count and (share or not self.percentage)

    def items(self, content: bytes) -> list[Any]:
        """The items of a file. Raises StateError."""
        try:
            one = self.kind == "JSON"
            found = orjson.loads(content) if one else [orjson.loads(line) for line in content.splitlines()]
        except orjson.JSONDecodeError as error:
            raise StateError(READER_FAILED, f"The file is not {self.kind}: {error}") from error
        if not isinstance(found, list):
            raise StateError(READER_FAILED, "The file does not hold an array.")
        return found


def is_distributed(processor: JSON) -> bool:
    """Raises Refused for a mode that AWS does not know, or a distributed one without a type of its children."""
    config = processor.get("ProcessorConfig", {})
    mode = config.get("Mode", "INLINE")
    if mode not in ("INLINE", "DISTRIBUTED"):
        raise Refused(f"the mode {mode!r} is not known")
    if mode == "DISTRIBUTED" and config.get("ExecutionType") not in ("STANDARD", "EXPRESS"):
        raise Refused("a distributed map names the ExecutionType of its children")
    return bool(mode == "DISTRIBUTED")


def distributed(shape: JSON) -> Distributed:
    """Of the state's definition. Raises Refused."""
    reader = shape.get("ItemReader")
    if reader is None or "ItemsPath" in shape:
        raise Refused("a distributed map is played with an ItemReader only")
    resource = str(reader["Resource"]).removeprefix("arn:aws:states:::")
    kind = reader.get("ReaderConfig", {}).get("InputType")
    if resource != READER or kind not in _KINDS or set(reader["ReaderConfig"]) != {"InputType"}:
        raise Refused(f"the items of {resource} as {kind} are not read locally")
    return Distributed(
        arguments=template(reader["Parameters"]),
        kind=kind,
        percentage=float(shape.get("ToleratedFailurePercentage", 0)),
        count=shape.get("ToleratedFailureCount"),
    )
