"""The archive of all events: whatever the bus delivers, as JSON lines in the audit bucket."""

import hashlib
from typing import Any

import orjson
import pytest

from audit.archive import handler
from tests.services.audit import desk
from tests.services.audit.desk import at

pytestmark = pytest.mark.contract("21.4")
NOW = "2026-11-21T12:00"


def test_a_delivery_is_one_file_named_by_its_content(bucket: Any) -> None:
    with at(NOW):
        assert desk.archived([{"order_id": "ord_1"}, {"order_id": "ord_2"}]) == {"batchItemFailures": []}
    ((name, content),) = desk.files().items()
    assert name == f"events/2026/11/21/{hashlib.sha256(content).hexdigest()[:32]}.jsonl"
    told = [orjson.loads(line) for line in content.splitlines()]
    assert [event["data"]["order_id"] for event in told] == ["ord_1", "ord_2"]
    assert {event["type"] for event in told} == {"order.paid"}


def test_the_same_delivery_again_is_the_same_file(bucket: Any) -> None:
    with at(NOW):
        desk.archived([{"order_id": "ord_1"}])
        desk.archived([{"order_id": "ord_1"}])
    assert len(desk.files()) == 1


def test_what_is_no_event_does_not_hold_up_the_others(bucket: Any) -> None:
    good, bad, worse = (desk.record(number, "order.paid", {"order_id": "ord_1"}) for number in range(3))
    bad["body"], worse["body"] = "garbage", '{"detail": {}}'
    answer = handler({"Records": [bad, good, worse]})
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["1", "2"]
    assert len(desk.files()) == 1


def test_nothing_is_lost_where_the_file_cannot_be_written(bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_BUCKET", "market-dev-nowhere")
    with pytest.raises(Exception, match="NoSuchBucket"):
        desk.archived([{"order_id": "ord_1"}])
