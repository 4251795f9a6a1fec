"""Whatever staff, vendors and their programs change is recorded in the transaction that changes it."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from botocore.exceptions import EndpointConnectionError

from market import config, log
from market.errors import Conflict
from market.events import SHARDS
from market.guard import audit
from market.http import CUSTOMER, KEY, STAFF, VENDOR, Body, ServiceApi
from market.manifest import Manifest
from market.table import EXISTS, NEW, OUTBOX, Key, Table, Write, delete, put, update
from tests.http import Response, call

pytestmark = [pytest.mark.usefixtures("embedded_table"), pytest.mark.contract("21.4")]
MANIFEST = Manifest(service="lathes", prefixes=("LTH#",), functions=(), permissions={"lathes.turn": ()})
table = Table(MANIFEST)
api = ServiceApi(MANIFEST)
writes: list[Write] = []
LATHE = Key("LTH#1")


class Turn(Body):
    speed: int


class Broken(Conflict):
    code = "broken"


@api.post("/v1/vendors/<vendor_id>/lathes/<name>", callers=[VENDOR, STAFF, KEY], needs="lathes.turn")
def turn(vendor_id: str, name: str, body: Turn) -> dict[str, Any]:
    """Do what the test wants done; nothing, if that is to be done elsewhere."""
    if writes:
        table.transact(*writes)
    return {}


@api.patch("/v1/admin/lathes/<name>", callers=[STAFF], needs="lathes.turn")
def write_one(name: str, body: Turn) -> dict[str, Any]:
    return {"kept": table.write(writes[0])}


@api.put("/v1/admin/lathes/<name>", callers=[STAFF], needs="lathes.turn")
def write_many(name: str) -> dict[str, Any]:
    table.batch_put(writes)
    return {}


@api.get("/v1/admin/lathes/<name>", callers=[STAFF], needs="lathes.turn")
def read(name: str) -> dict[str, Any]:
    table.transact(*writes)
    return {}


@api.post("/v1/lathes", callers=[CUSTOMER])
def buy() -> dict[str, Any]:
    table.transact(*writes)
    return {}


@pytest.fixture(autouse=True)
def no_writes() -> Iterator[None]:
    writes.clear()
    yield
    writes.clear()


def records() -> list[dict[str, Any]]:
    nobody = Table(Manifest(service="nobody", prefixes=(), functions=()))
    items = [item for shard in range(SHARDS) for item in nobody.query(f"{OUTBOX}{shard}", limit=100).items]
    return [orjson.loads(item["envelope"])["data"] for item in items if item["type"] == audit.RECORDED]


def by_vendor(*these: Write) -> Response:
    writes[:] = these
    path = "/v1/vendors/ven_1/lathes/big"
    headers = {"user-agent": "Lathe/1", "x-correlation-id": "turning-0001"}
    return call(
        api.handler, "POST", path, {"speed": 1}, caller="ada", roles="vendor", vendor_id="ven_1", headers=headers
    )


def by_staff(method: str, *these: Write) -> Response:
    writes[:] = these
    return call(api.handler, method, "/v1/admin/lathes/big", {"speed": 1}, caller="sam", roles="staff")


def test_a_record_says_who_did_what_to_what_by_which_right_and_from_where() -> None:
    table.write(put(LATHE, {"speed": 1, "colour": "red"}))

    answer = by_vendor(update(LATHE, "SET speed = :speed", {":speed": 2}, when=EXISTS, otherwise=Broken()))

    (record,) = records()
    assert answer.status == 200
    assert record["entry_id"].startswith("aud_")
    assert record["request_id"] == answer.headers["x-request-id"]
    assert {name: record[name] for name in record if name not in ("entry_id", "at", "request_id")} == {
        "service": "lathes",
        "action": "lathes.turn",
        "actor": {"type": "user", "id": "ada"},
        "permission": "lathes.turn",
        "scope": "ven_1",
        "subject": {"vendor_id": "ven_1", "name": "big"},
        "address": "127.0.0.1",
        "agent": "Lathe/1",
        "correlation_id": "turning-0001",
        "changes": [{"item": "LTH#1", "before": {"speed": 1}, "after": {"speed": 2}}],
    }


WHOLE: dict[str, Any] = {"colour": "red", "gears": {"first": 1, "second": 2}, "speed": 1, "tools": ["a", "b"]}


@pytest.mark.parametrize(
    ("write", "before", "after"),
    [
        (put(LATHE, {"speed": 5}), WHOLE, {"speed": 5}),
        (delete(LATHE), WHOLE, {}),
        (update(LATHE, "SET speed = speed + :n", {":n": 4}), {"speed": 1}, {"speed": 5}),
        (update(LATHE, "SET speed = speed - :n", {":n": 4}), {"speed": 1}, {"speed": -3}),
        (update(LATHE, "ADD speed :n", {":n": 4}), {"speed": 1}, {"speed": 5}),
        (update(LATHE, "ADD tools :n", {":n": {"c"}}), {"tools": ["a", "b"]}, {"tools": ["a", "b", "c"]}),
        (update(LATHE, "DELETE tools :n", {":n": {"a"}}), {"tools": ["a", "b"]}, {"tools": ["b"]}),
        (update(LATHE, "REMOVE colour"), {"colour": "red"}, {}),
        (update(LATHE, "SET speed = :s, word = :t REMOVE colour ADD turns :n", {":s": 9, ":t": "SET", ":n": 1}),
         {"colour": "red", "speed": 1}, {"speed": 9, "turns": 1, "word": "SET"}),
        (update(LATHE, "SET turns = if_not_exists(turns, :zero) + :n", {":zero": 0, ":n": 1}),
         {}, {"turns": 1}),
        (update(LATHE, "SET speed = if_not_exists(speed, :zero) + :n", {":zero": 0, ":n": 1}),
         {"speed": 1}, {"speed": 2}),
        (update(LATHE, "SET speed = if_not_exists(speed, :n)", {":n": 7}), {}, {}),
        (update(LATHE, "SET parts = list_append(:a, :b)", {":a": [{"email": "ada@example.com"}], ":b": []}),
         {}, {"parts": "list_append(?, ?)"}),
        (update(LATHE, "SET gears.first = :n, sku = :s", {":n": 3, ":s": "LAMP"}),
         {"gears": {"first": 1, "second": 2}}, {"gears": {"first": 3, "second": 2}, "sku": "LAMP"}),
        (update(LATHE, "REMOVE gears.first ADD gears.second :n", {":n": 2}),
         {"gears": {"first": 1, "second": 2}}, {"gears": {"second": 4}}),
        (update(LATHE, "SET pkg = :n, cardinal = :n, skill = :n", {":n": 1}),
         {}, {"cardinal": "***", "pkg": 1, "skill": 1}),
        (update(LATHE, "SET tax_id = :t, digest = :t, about = :m", {":t": "DE-1", ":m": {"ip": "192.0.2.1", "on": 1}}),
         {}, {"about": {"ip": "***", "on": 1}, "digest": "***", "tax_id": "***"}),
        (update(LATHE, "SET password_hash = :p, email = :e", {":p": "hunter2", ":e": "ada@example.com"}),
         {}, {"password_hash": "***", "email": "***"}),
        (update(LATHE, "SET by1pk = :x, card = :y", {":x": "LTH#list", ":y": {"a": 1}}), {}, {}),
    ],
)  # fmt: skip
def test_a_record_tells_every_attribute_before_and_after(
    write: Write, before: dict[str, Any], after: dict[str, Any]
) -> None:
    table.write(put(LATHE, WHOLE | {"tools": set(WHOLE["tools"])}))

    assert by_vendor(write).status == 200

    (change,) = records()[0]["changes"]
    assert (change["before"], change["after"]) == (before, after)


def test_what_is_refused_leaves_no_record() -> None:
    assert by_vendor(put(LATHE, {"speed": 1}), put(Key("LTH#2"), {}, when=EXISTS, otherwise=Broken())).status == 409

    assert records() == []
    assert table.get(LATHE) is None


def test_reading_and_shopping_are_not_recorded() -> None:
    assert by_staff("GET", put(LATHE, {"speed": 1})).status == 200
    writes[:] = [put(Key("LTH#2"), {"speed": 1})]
    assert call(api.handler, "POST", "/v1/lathes", {}, caller="ada").status == 200

    assert records() == []


def test_a_write_of_its_own_and_a_batch_are_recorded_too() -> None:
    answer = by_staff("PATCH", update(LATHE, "SET speed = :s", {":s": 3}))
    assert answer.json["kept"]["speed"] == 3
    assert by_staff("PUT", *(put(Key(f"LTH#{number}"), {"speed": number}) for number in range(30))).status == 200

    assert sorted(len(record["changes"]) for record in records()) == [1, 30]


def test_a_transaction_of_the_greatest_size_has_room_for_its_record() -> None:
    assert by_vendor(*(put(Key(f"LTH#{number}"), {"words": "x" * 400}, when=NEW) for number in range(99))).status == 200

    (record,) = records()
    assert len(orjson.dumps(record)) <= audit.MAX_ENTRY
    assert record["changes"][0] == {"item": "LTH#0", "attributes": ["words"]}


def test_nothing_of_a_request_is_recorded_in_the_next() -> None:
    by_vendor(put(LATHE, {"speed": 1}))
    table.transact(put(LATHE, {"speed": 2}))

    assert len(records()) == 1


def test_who_changes_their_own_access_makes_the_record_themselves_and_it_is_made_once() -> None:
    entry = audit.entry(MANIFEST, action="password.changed", subject={"user_id": "ada"})
    with log.acting(log.Scope("r1", "c1", "user", "ada")):
        table.transact(put(LATHE, {}), audit.entry(MANIFEST, action="password.changed", subject={"user_id": "ada"}))
    by_vendor(put(LATHE, {"speed": 4}), entry)

    told = sorted(records(), key=lambda record: str(record["actor"]["id"]) + record["action"])
    assert [(record["action"], record["actor"]["id"]) for record in told] == [
        ("password.changed", "ada"),
        ("password.changed", "system"),
    ]


def test_a_record_of_ones_own_keeps_its_subject_beside_that_of_the_path() -> None:
    with audit.off():
        audit.on(audit.Trail(action="a", permission="", actor_type="user", actor_id="ada", scope="", address="",
                             agent="", subject={"scope": "ven_1"}))  # fmt: skip
        table.transact(put(LATHE, {}), audit.entry(MANIFEST, action="left", subject={"user_id": "ada"}))

    (record,) = records()
    assert record["subject"] == {"scope": "ven_1", "user_id": "ada"}


def test_a_record_of_ones_own_is_masked_as_well() -> None:
    table.transact(
        put(LATHE, {}),
        audit.entry(MANIFEST, action="moved", subject={}, before={"email": "a@b.example"}, after={"ip": 1}),
    )

    assert records()[0]["changes"] == [{"item": "", "before": {"email": "***"}, "after": {"ip": "***"}}]


def test_what_is_too_large_to_tell_names_what_went_as_well_as_what_came() -> None:
    table.write(put(LATHE, {f"tool_{number:03}": "x" * 300 for number in range(60)}))

    assert by_vendor(delete(LATHE)).status == 200

    (change,) = records()[0]["changes"]
    assert change == {"item": "LTH#1", "attributes": [f"tool_{number:03}" for number in range(60)]}


@pytest.mark.parametrize("answer", [200, 409])
def test_what_is_done_elsewhere_than_in_the_table_is_on_record_too(answer: int) -> None:
    done = by_vendor(*([] if answer == 200 else [put(LATHE, {}, when="attribute_exists(pk)", otherwise=Broken())]))

    assert done.status == (answer if answer == 409 else 200)
    told = [(record["action"], record["actor"]["id"], record["changes"]) for record in records()]
    assert told == ([("lathes.turn", "ada", [])] if answer == 200 else [])


def test_a_batch_that_stops_half_way_has_its_record(environment: pytest.MonkeyPatch) -> None:
    many = [put(Key(f"LTH#{number}"), {"speed": number}) for number in range(40)]
    batch, calls = config.client("dynamodb").batch_write_item, []

    def stops(**request: Any) -> Any:
        calls.append(request)
        if len(calls) == 2:
            raise EndpointConnectionError(endpoint_url="nowhere")
        return batch(**request)

    environment.setattr(config.client("dynamodb"), "batch_write_item", stops)
    assert by_staff("PUT", *many).status == 503
    assert len(records()) == 1


def test_what_people_are_called_is_in_no_record() -> None:
    people = Table(Manifest(service="people", prefixes=("USR#",), functions=()))
    with audit.off():
        audit.on(audit.Trail(action="a", permission="", actor_type="user", actor_id="ada", scope="", address="",
                             agent="", subject={}))  # fmt: skip
        people.transact(put(Key("USR#ada"), {"name": "Ada Lovelace", "factors": 1}))

    (record,) = records()
    assert record["changes"][0]["after"] == {"name": "***", "factors": 1}
