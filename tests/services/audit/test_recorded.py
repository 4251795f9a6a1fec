"""What the kernel records is what this service reads: the same shape, told by the real table of a real request."""

from typing import Any

import orjson
import pytest

from audit.events import AuditRecorded, Change
from audit.manifest import MANIFEST
from audit.model import read
from market import log
from market.guard import audit
from market.table import NEW, Key, Table, delete, put, update
from tests.services.audit.desk import chains, tell
from tests.services.outbox import recorded

pytestmark = pytest.mark.contract("21.4", "2.3")
table = Table(MANIFEST)
THING = Key("AUH#thing")
TRAIL = audit.Trail(
    action="audit.try_out",
    permission="audit.try",
    actor_type="user",
    actor_id="usr_grace",
    scope="ven_1",
    subject={"vendor_id": "ven_1", "product_id": "prd_1"},
    address="192.0.2.7",
    agent="tests",
)


def act(**attributes: Any) -> None:
    """Put, change and delete an item as somebody whose actions are recorded."""
    with log.acting(log.Scope("req_1", "cor_1", "user", "usr_grace")), audit.off():
        audit.on(TRAIL)
        table.transact(put(THING, {"status": "new"} | attributes, when=NEW))
        table.write(update(THING, "SET status = :status", {":status": "old"}))
        table.write(delete(THING))


def test_each_change_of_a_recorded_request_is_read_and_stored(database: str) -> None:
    act(note="fine", email="ada@example.com")
    told = recorded()
    assert [read(data).recorded.actor.id for data in told] == ["usr_grace"] * 3
    assert [data["changes"][0]["after"].get("status") for data in told] == ["new", "old", None]
    assert tell(told) == []
    assert sum(len(links) for links in chains().values()) == 3
    assert read(told[0]).subjects == ["vendor:ven_1", "product:prd_1"]
    assert b"ada@example.com" not in orjson.dumps(told), "masked"


def test_the_kernel_says_exactly_what_the_schema_says(database: str) -> None:
    act()
    act(text="x" * 300, **{f"much{number}": "y" * 290 for number in range(100)})
    told = recorded()
    assert len(told) == 6
    for data in told:
        assert set(data) == set(AuditRecorded.model_fields)
        assert set(data["actor"]) == {"type", "id"}
        for change in data["changes"]:
            assert set(change) <= set(Change.model_fields)
        assert len(orjson.dumps(data)) <= audit.MAX_ENTRY
    assert any("attributes" in change for data in told for change in data["changes"]), "what was too large"


def test_what_is_recorded_by_hand_is_read_as_well(database: str) -> None:
    with log.acting(log.Scope("req_1", "cor_1", "user", "usr_ada")), audit.off():
        write = audit.entry(
            MANIFEST,
            action="identity.password_changed",
            subject={"user_id": "usr_ada"},
            before={"sessions": 3},
            after={"sessions": 0},
        )
        table.transact(put(THING, {"status": "new"}), write)
    (data,) = recorded()
    assert set(data) == set(AuditRecorded.model_fields)
    assert tell([data]) == []
    assert read(data).subjects == ["user:usr_ada"]
    assert read(data).recorded.actor.id == "usr_ada"
