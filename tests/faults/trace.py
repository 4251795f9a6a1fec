"""Finds reads whose value guards a later write that does not look: of the same item, in the same run of a handler.

A run is one call of a handler. In it each read of an item and each write is noted, the writes with their conditions. A
write to an item that was read before is sound if its condition fences what was read:

- the condition says that nothing is there, or not yet that attribute (`attribute_not_exists`): nothing is lost by it;
- or it names an attribute that moves when the item does, such as `version` or `status`. That the item exists fences
  nothing, nor do facts that never change, such as `vendor_id`.

Everything else is an `Unfenced`, as another run may have come between.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from market import config
from market.guard import audit
from tests.plugins.access_patterns import _caller, pattern

JSON = dict[str, Any]
Place = tuple[str, str]
FIXED = frozenset(
    {"pk", "sk", "vendor_id", "customer_id", "order_id", "product_id", "currency", "number", "created_at", "kind"}
)
"""Attributes that no run ever changes: a condition on them says nothing of what came between."""

_NAMES = re.compile(r"#\w+")
_ABSENT = re.compile(r"attribute_not_exists\s*\(\s*(#\w+)\s*\)")


@dataclass(frozen=True, slots=True, order=True)
class Unfenced:
    """Which function wrote which item, which had been read before by which other, and under what condition."""

    writer: str
    reader: str
    item: str
    condition: str


class Trace:
    """`watch` a session, and let each `run` be told; `findings` are the writes that do not look."""

    def __init__(self) -> None:
        self.findings: set[Unfenced] = set()
        self.fenced: set[tuple[str, str]] = set()
        self.runs = 0
        self._reads: list[dict[Place, str]] = []

    def watch(self) -> None:
        """Listen to the session of now; clients must be made afterwards."""
        events = config.session().events
        events.register("provide-client-params.dynamodb", self._writes)
        events.register("after-call.dynamodb", self._reads_of)
        events.register("before-parameter-build.dynamodb", self._asked)

    @contextmanager
    def run(self) -> Iterator[None]:
        """One call of a handler; what it lets others do, such as a provider, is a run of its own."""
        self.runs += 1
        self._reads.append({})
        try:
            yield
        finally:
            self._reads.pop()

    def _asked(self, params: JSON, context: JSON, **_: Any) -> None:
        context["trace"] = params

    def _reads_of(self, parsed: JSON, model: Any, context: JSON, **_: Any) -> None:
        """What an answer shows was read: items that are there, and places where nothing is; consistent or not."""
        if not self._reads or "Error" in parsed or _for_the_record():
            return
        asked, known, reader = context["trace"], self._reads[-1], _name()
        match model.name:
            case "GetItem":
                known[_place(asked["Key"])] = reader
            case "BatchGetItem":
                known.update({_place(key): reader for ask in asked["RequestItems"].values() for key in ask["Keys"]})
            case "Query" if "IndexName" not in asked:
                known.update({_place(item): reader for item in parsed["Items"] if "sk" in item})

    def _writes(self, params: JSON, model: Any, **_: Any) -> None:
        if not self._reads:
            return
        match model.name:
            case "PutItem" | "UpdateItem" | "DeleteItem":
                self._judge(params)
            case "TransactWriteItems":
                for action in params["TransactItems"]:
                    ((verb, body),) = action.items()
                    if verb != "ConditionCheck":
                        self._judge(body)
            case "BatchWriteItem":
                for entry in (entry for entries in params["RequestItems"].values() for entry in entries):
                    ((_verb, body),) = entry.items()
                    self._judge(body)

    def _judge(self, body: JSON) -> None:
        place = _place(body.get("Key") or body["Item"])
        reader = self._reads[-1].get(place)
        if reader is None:
            return
        condition, names = body.get("ConditionExpression", ""), body.get("ExpressionAttributeNames", {})
        writer, item = _name(), _item(place)
        if _fences(condition, names):
            self.fenced.add((writer, item))
            return
        plain = _NAMES.sub(lambda match: names.get(match[0], match[0]), condition)
        self.findings.add(Unfenced(writer, reader, item, plain))


def _fences(condition: str, names: JSON) -> bool:
    """Where the condition wants nothing there, nothing is lost."""
    if _ABSENT.search(condition):
        return True
    named = {names.get(alias, alias) for alias in _NAMES.findall(condition)}
    return bool(named - FIXED)


def _place(item: JSON) -> Place:
    return item["pk"]["S"], item["sk"]["S"]


def _item(place: Place) -> str:
    partition, sort = pattern(place[0]), pattern(place[1])
    return partition if sort == "-" else f"{partition} / {sort}"


def _for_the_record() -> bool:
    """Whether what is read is only noted in an audit record: it decides on nothing."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code is not audit.follow.__code__:
        frame = frame.f_back
    return frame is not None


def _name() -> str:
    """The service and function that asks, such as `orders store.place`."""
    caller = _caller(sys._getframe(1))
    return " ".join(caller) if caller else "a test"
