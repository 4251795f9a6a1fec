"""Events are announced with the change or not at all; consumers and tasks fail one by one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import orjson
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from market import clock, log
from market.errors import Conflict, Unavailable
from market.events import KEPT, SHARDS, Consumer, Envelope, Event, announce, each_record
from market.money import Money
from market.table import EXISTS, OUTBOX, Key, Table, put
from market.tasks import Tasks, Transient
from tests.kernel.lamps import MANIFEST

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
table = Table(MANIFEST)


class LampLit(Event):
    type: ClassVar[str] = "lamp.lit"
    version: ClassVar[int] = 2
    lamp_id: str
    price: Money


class LampBroke(Event):
    type: ClassVar[str] = "lamp.broke"


LIT = LampLit(lamp_id="lmp_1", price=Money(100, "EUR"))


def record(number: int, detail: Any) -> dict[str, Any]:
    body = detail if isinstance(detail, str) else json.dumps({"detail": detail})
    return {"messageId": f"m{number}", "body": body, "eventSourceARN": "arn:aws:sqs:eu-west-1:1:lamps-events"}


def lit(lamp_id: str = "lmp_1") -> dict[str, Any]:
    return {
        "eventId": "evt_1", "type": "lamp.lit", "version": 2, "occurredAt": "2026-03-01T12:00:00.000Z",
        "actor": {"type": "user", "id": "usr_1"}, "data": {"lamp_id": lamp_id, "added_later": 1},
        "trace": {"requestId": "req-1", "correlationId": "cor-1"},
    }  # fmt: skip


def announced() -> list[dict[str, Any]]:
    return [item for shard in range(SHARDS) for item in table.query(f"{OUTBOX}{shard}").items]


@pytest.mark.usefixtures("database")
def test_an_event_is_written_with_the_change_that_it_tells_of() -> None:
    with clock.running_on(lambda: NOON), log.acting(log.Scope("req-1", "cor-1", "user", "usr_1")):
        table.transact(put(Key("LMP#1"), {}), announce(LIT, by=MANIFEST))

    (item,) = announced()
    envelope = json.loads(item["envelope"])
    assert (item["type"], item["source"], item["sk"]) == ("lamp.lit", "market.lamps", envelope["eventId"])
    assert item["expires_at"] == int((NOON + KEPT).timestamp())
    assert envelope == {
        "eventId": envelope["eventId"],
        "type": "lamp.lit",
        "version": 2,
        "occurredAt": "2026-03-01T12:00:00.000Z",
        "actor": {"type": "user", "id": "usr_1"},
        "data": {"lamp_id": "lmp_1", "price": {"amount": 100, "currency": "EUR"}},
        "trace": {"requestId": "req-1", "correlationId": "cor-1"},
    }
    assert Envelope.model_validate(envelope)


@pytest.mark.usefixtures("database")
def test_nothing_is_announced_of_a_change_that_failed() -> None:
    with pytest.raises(Conflict):
        table.transact(put(Key("LMP#1"), {}, when=EXISTS, otherwise=Conflict()), announce(LIT, by=MANIFEST))

    assert announced() == []


def test_only_declared_events_are_announced_and_consumed() -> None:
    with pytest.raises(AssertionError, match=r"lamps does not declare that it publishes lamp\.broke"):
        announce(LampBroke(), by=MANIFEST)
    with pytest.raises(AssertionError, match=r"lamps does not declare that it consumes lamp\.broke"):
        Consumer(MANIFEST).on("lamp.broke")


def test_events_are_spread_over_all_shards_and_sort_by_time() -> None:
    keys = []
    for second in range(200):
        with clock.running_on(lambda second=second: NOON + timedelta(seconds=second)):  # type: ignore[misc]
            keys.append(announce(LIT, by=MANIFEST).key)

    assert {key.pk for key in keys} == {f"{OUTBOX}{shard}" for shard in range(SHARDS)}
    assert [key.sk for key in keys] == sorted(key.sk for key in keys)


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def consumer(heard: list[str]) -> Consumer:
    consumer = Consumer(MANIFEST)

    @consumer.on("lamp.lit")
    def hear(envelope: Envelope) -> None:
        if envelope.data["lamp_id"] == "bad":
            raise RuntimeError("ada@example.com")
        heard.append(f"{envelope.data['lamp_id']} {log.scope().correlation_id} {log.scope().actor_id}")

    return consumer


def test_a_listener_hears_its_event_on_behalf_of_the_first_request(consumer: Consumer, heard: list[str]) -> None:
    assert consumer.handler({"Records": [record(1, lit())]}) == {"batchItemFailures": []}
    assert heard == ["lmp_1 cor-1 lamp.lit"]
    assert log.scope() == log.Scope()


@pytest.mark.parametrize(
    "bad", [lit("bad"), lit() | {"type": "lamp.stolen"}, {}, "not json", {"type": "lamp.lit"}, "[]", '{"detail": null}']
)
def test_a_bad_message_is_reported_and_the_others_are_done(
    consumer: Consumer, heard: list[str], bad: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = consumer.handler({"Records": [record(1, lit("first")), record(2, bad), record(3, lit("last"))]})

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert [line.split()[0] for line in heard] == ["first", "last"]
    logged = capsys.readouterr().out
    assert '"queue":"lamps-events"' in logged
    assert "ada@" not in logged


def test_younger_envelopes_with_more_in_them_are_still_understood(consumer: Consumer) -> None:
    assert consumer.handler({"Records": [record(1, lit() | {"schema": "v9"})]}) == {"batchItemFailures": []}


def test_each_record_of_any_queue_stands_alone() -> None:
    batch = {"Records": [record(number, str(number)) for number in range(4)]}

    def work(message: dict[str, Any]) -> None:
        if orjson.loads(message["body"]) % 2:
            raise ValueError

    assert [failure["itemIdentifier"] for failure in each_record(batch, work)["batchItemFailures"]] == ["m1", "m3"]


class Broken(Exception):
    """Final."""


@pytest.fixture
def tasks() -> Tasks:
    tasks = Tasks(MANIFEST)
    unreachable = EndpointConnectionError(endpoint_url="x")
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": "no"}}, "PutItem")
    errors = {"broken": Broken(), "away": Unavailable(), "throttled": throttled, "unreachable": unreachable}

    @tasks.task("light")
    def light(given: dict[str, Any]) -> dict[str, Any]:
        return {"lit": given["lamp"], "for": log.scope().correlation_id}

    @tasks.task("wait")
    def wait(given: dict[str, Any], token: str) -> None:
        assert token == "tok"

    @tasks.task("fail")
    def fail(given: dict[str, Any]) -> None:
        raise errors[given["how"]]

    return tasks


def test_a_task_is_called_by_name_with_its_input(tasks: Tasks) -> None:
    given = {"lamp": "brass", "correlationId": "cor-1"}

    assert tasks.handler({"task": "light", "input": given}) == {"lit": "brass", "for": "cor-1"}


def test_a_task_that_waits_is_given_the_token_and_answers_an_empty_object(tasks: Tasks) -> None:
    assert tasks.handler({"task": "wait", "input": {}, "token": "tok"}) == {}


def test_a_refusal_reaches_the_machine_under_its_own_name(tasks: Tasks) -> None:
    with pytest.raises(Broken):
        tasks.handler({"task": "fail", "input": {"how": "broken"}})


@pytest.mark.parametrize("how", ["away", "throttled", "unreachable"])
def test_whatever_may_pass_by_itself_is_transient(tasks: Tasks, how: str) -> None:
    with pytest.raises(Transient):
        tasks.handler({"task": "fail", "input": {"how": how}})


def test_an_unknown_task_is_an_error(tasks: Tasks) -> None:
    with pytest.raises(KeyError):
        tasks.handler({"task": "dance", "input": {}})
