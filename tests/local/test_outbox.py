"""From a committed write to the bus: at once, by sweeping, and not twice."""

import json
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local import hooks
from local.outbox import earlier
from local.runtime import Runtime
from tests.local.runtime_parts import JSON, shop

ULID = "01JD0000000000000000000"


def item(number: int, shard: int = 0) -> JSON:
    text = {"type": "order.paid", "source": "market.orders", "envelope": json.dumps({"eventId": f"e{number}"})}
    key = {"pk": {"S": f"OUTBOX#{shard}"}, "sk": {"S": f"{ULID}{number:03d}"}}
    return key | {name: {"S": value} for name, value in text.items()}


class Shop:
    """A relay that publishes what it is given, and a consumer that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.relayed: list[int] = []
        self.refused: set[str] = set()
        self.runtime: Runtime

    def __call__(self, name: str, event: JSON) -> Any:
        if name == "consumer":
            self.heard += [json.loads(r["body"])["detail"]["eventId"] for r in event["Records"]]
            return {"batchItemFailures": []}
        self.relayed.append(len(event["Records"]))
        for record in event["Records"]:
            image = record["dynamodb"]["NewImage"]
            entry = {"Source": image["source"]["S"], "DetailType": image["type"]["S"], "EventBusName": "market"}
            if image["sk"]["S"] in self.refused:
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            self.runtime.bus.put([{**entry, "Detail": image["envelope"]["S"]}])
        return {"batchItemFailures": []}


@pytest.fixture
def store(tmp_path):
    store = Shop()
    store.runtime = Runtime(shop(), tmp_path / "journal", store, retry_scale=0)
    return store


@pytest.fixture
def table(store):
    with mock_aws():
        session = boto3.Session("local", "local", region_name="us-east-1")
        hooks.install(session, store.runtime)
        client = session.client("dynamodb")
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
        types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        client.create_table(
            TableName="Market", KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
        )
        yield client


def test_a_committed_event_is_delivered_at_once_and_the_sweep_does_not_repeat_it(store, table):
    write = {"Put": {"TableName": "Market", "Item": item(1)}}
    other = {"Put": {"TableName": "Market", "Item": {"pk": {"S": "ORD#1"}, "sk": {"S": "A"}}}}
    table.transact_write_items(TransactItems=[other, write])
    store.runtime.drain()
    assert store.heard == ["e1"]

    store.runtime.watch_outbox(table, "Market")
    store.runtime.advance(60)
    assert store.heard == ["e1"]


def test_a_refused_write_announces_nothing(store, table):
    with pytest.raises(table.exceptions.ConditionalCheckFailedException):
        table.put_item(TableName="Market", Item=item(1), ConditionExpression="attribute_exists(pk)")
    store.runtime.drain()
    assert store.heard == []


def test_the_sweep_finds_what_a_crash_left_behind(store, table):
    for number in range(20):
        table.put_item(TableName="Market", Item=item(number, number % 8))
    with store.runtime.journal.transaction() as db:
        db.execute("DELETE FROM messages")
        db.execute("DELETE FROM handed_over WHERE id > ?", (f"{ULID}004",))

    store.runtime.watch_outbox(table, "Market")
    store.runtime.drain()
    assert sorted(store.heard) == sorted(f"e{number}" for number in range(5, 20))


def test_a_record_the_relay_refuses_is_tried_again_and_then_parked_while_others_go_on(store):
    store.refused = {f"{ULID}002"}
    store.runtime.outbox.hand_over([item(1), item(2), item(3)])
    store.runtime.drain()
    assert store.heard == ["e1", "e3"]
    assert len(store.runtime.dead_letters()["relay-dlq"]) == 1


def test_a_backlog_is_relayed_in_batches(store):
    store.runtime.outbox.hand_over([item(number) for number in range(250)])
    store.runtime.drain()
    assert store.relayed == [100, 100, 50]
    assert len(store.heard) == 250


def test_the_time_in_an_id_can_be_turned_back():
    assert earlier("evt_01JD0000100000000000000000", 32) == "evt_01JD000000"
    assert earlier("0000000000AAAAAAAAAAAAAAAA", 1) == "0000000000"
