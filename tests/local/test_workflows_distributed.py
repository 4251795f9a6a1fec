"""Distributed maps: items from a file, each an execution of its own, and some of them may fail."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from local.runtime import Runtime
from local.workflows.distributed import READER
from local.workflows.errors import Refused
from tests.local.runtime_parts import JSON, MACHINE, one_machine, task

pytestmark = pytest.mark.contract("5.5")

ITEMS = b'[{"n": 0}, {"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]'


class Broken(Exception):
    pass


class Handler:
    """Fails for the items in `wrong` as often as told, counts the calls."""

    def __init__(self, wrong: dict[int, int] | None = None) -> None:
        self.wrong = dict(wrong or {})
        self.calls: Counter[int] = Counter()

    def __call__(self, _: str, event: JSON) -> Any:
        number = event["input"]["n"]
        self.calls[number] += 1
        if self.wrong.get(number, 0):
            self.wrong[number] -= 1
            raise Broken(str(number))
        return {"payload": number, "shop": event["input"]["shop"]}


def machine(*, kind: str = "JSON", **fields: Any) -> JSON:
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": kind},
        "Parameters": {"Bucket": "b", "Key.$": "$.list"},
    }
    work = task("work", Retry=[{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}], OutputPath="$.Payload")
    spread: JSON = {
        "Type": "Map",
        "ItemReader": reader,
        "ItemSelector": {"n.$": "$$.Map.Item.Value.n", "shop.$": "$.shop"},
        "MaxConcurrency": 2,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
            "StartAt": "Work",
            "States": {"Work": work},
        },
        "End": True,
    }
    return {"StartAt": "Each", "States": {"Each": spread | fields}}


def played(tmp_path: Path, definition: JSON, handler: Handler, content: bytes = ITEMS) -> Any:
    asked: list[JSON] = []

    def read(arguments: JSON) -> bytes:
        asked.append(arguments)
        return content

    runtime = Runtime(
        one_machine(definition), tmp_path / "journal", handler, retry_scale=0.0, integrations={READER: read}
    )
    arn = runtime.workflows.start(MACHINE, "one", {"list": "chunks.json", "shop": "lamps"})
    runtime.drain()
    assert asked[0] == {"Bucket": "b", "Key": "chunks.json"}
    found = runtime.workflows.describe(arn)
    runtime.close()
    return found


@pytest.mark.parametrize(("kind", "content"), [("JSON", ITEMS), ("JSONL", b'{"n": 0}\n{"n": 1}\n')])
def test_every_item_of_the_file_is_worked_on_once(tmp_path: Path, kind: str, content: bytes) -> None:
    handler = Handler()

    ended = played(tmp_path, machine(kind=kind), handler, content)

    assert ended.status == "SUCCEEDED"
    assert set(handler.calls.values()) == {1}
    assert ended.output == [{"payload": n, "shop": "lamps"} for n in sorted(handler.calls)]


def test_an_empty_list_leads_on(tmp_path: Path) -> None:
    assert played(tmp_path, machine(), Handler(), b"[]").output == []


def test_a_failed_item_is_tried_again(tmp_path: Path) -> None:
    handler = Handler({3: 1})

    assert played(tmp_path, machine(), handler).status == "SUCCEEDED"
    assert handler.calls[3] == 2


def test_items_that_fail_for_good_fail_the_state_unless_they_are_tolerated(tmp_path: Path) -> None:
    strict = played(tmp_path, machine(), Handler({3: 9}))
    assert (strict.status, strict.error) == ("FAILED", "States.ExceedToleratedFailureThreshold")

    (tmp_path / "journal").unlink()
    handler = Handler({1: 9, 3: 9})
    lenient = played(tmp_path, machine(ToleratedFailurePercentage=100), handler)
    assert lenient.status == "SUCCEEDED"
    assert [told["payload"] for told in lenient.output] == [0, 2, 4]

    (tmp_path / "journal").unlink()
    between = played(tmp_path, machine(ToleratedFailurePercentage=20), Handler({1: 9, 3: 9}))
    assert between.error == "States.ExceedToleratedFailureThreshold"


def test_a_file_that_holds_no_items_is_an_error_of_its_own(tmp_path: Path) -> None:
    assert played(tmp_path, machine(), Handler(), b"{}").error == "States.ItemReaderFailed"


@pytest.mark.parametrize(
    "fields",
    [
        {"ItemBatcher": {"MaxItemsPerBatch": 10}},
        {"ItemReader": {"Resource": "arn:aws:states:::s3:listObjectsV2", "Parameters": {}}},
        {"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED"}, "StartAt": "W", "States": {"W": task("w")}}},
        {"ItemProcessor": {"StartAt": "W", "States": {"W": task("w")}}},
    ],
)
def test_what_is_not_played_is_refused_at_once(tmp_path: Path, fields: JSON) -> None:
    with pytest.raises(Refused):
        Runtime(one_machine(machine(**fields)), tmp_path / "journal", Handler(), integrations={READER: lambda _: b""})
