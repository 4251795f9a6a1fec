"""Queues, patterns, the bus and its consumers."""

import json
from collections import Counter
from typing import Any

import pytest
from moto.events.models import EventPattern

from local.bus import MalformedDetail
from local.patterns import BadPattern, compile_pattern
from local.queues import UnknownQueue
from local.runtime import Runtime
from tests.local.runtime_parts import JSON, paid, shop


class Consumer:
    """Remembers what it was given; refuses the events named."""

    def __init__(self, *refused: str, crashes: int = 0) -> None:
        self.batches: list[list[JSON]] = []
        self.refused = refused
        self.crashes = crashes

    def __call__(self, _: str, event: JSON) -> JSON:
        self.batches.append(event["Records"])
        if self.crashes:
            self.crashes -= 1
            raise RuntimeError("the whole batch")
        failed = [r["messageId"] for r in event["Records"] if _id(r) in self.refused]
        return {"batchItemFailures": [{"itemIdentifier": id_} for id_ in failed]}

    @property
    def heard(self) -> Counter[str]:
        return Counter(_id(record) for batch in self.batches for record in batch)


def _id(record: JSON) -> str:
    return json.loads(record["body"])["detail"]["eventId"]


@pytest.fixture
def run(tmp_path):
    def build(invoke: Any, **options: Any) -> Runtime:
        return Runtime(shop(), tmp_path / "journal", invoke, **{"retry_scale": 0, **options})

    return build


def test_an_event_reaches_the_consumer_as_a_lambda_event_of_its_queue(run):
    consumer = Consumer()
    runtime = run(consumer)

    runtime.bus.put([paid(1)])
    runtime.drain()

    ((record,),) = consumer.batches
    envelope = json.loads(record["body"])
    assert envelope["detail-type"] == "order.paid"
    assert envelope["source"] == "market.orders"
    assert envelope["detail"] == {"eventId": "e1"}
    assert {"version", "id", "account", "time", "region", "resources"} <= set(envelope)
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == "arn:aws:sqs:us-east-1:000000000000:orders-events"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert runtime.depths()["orders-events"].total == 0


def test_an_event_nobody_listens_to_goes_nowhere(run):
    runtime = run(Consumer())
    runtime.bus.put([{**paid(1), "DetailType": "order.dreamt"}, {**paid(2), "EventBusName": "other"}])
    assert runtime.depths()["orders-events"].total == 0


def test_a_detail_that_is_not_an_object_is_refused(run):
    with pytest.raises(MalformedDetail):
        run(Consumer()).bus.put([{**paid(1), "Detail": "[]"}])


def test_only_the_failed_messages_of_a_batch_come_again_and_are_parked_after_five_receives(run):
    consumer = Consumer("e2")
    runtime = run(consumer)

    runtime.bus.put([paid(1), paid(2), paid(3)])
    runtime.drain()

    assert consumer.heard == {"e1": 1, "e2": 5, "e3": 1}
    (body,) = runtime.dead_letters()["orders-events-dlq"]
    assert json.loads(body)["detail"] == {"eventId": "e2"}


def test_a_crashing_consumer_gets_the_whole_batch_again(run):
    consumer = Consumer(crashes=2)
    runtime = run(consumer)
    runtime.bus.put([paid(1), paid(2)])
    runtime.drain()
    assert consumer.heard == {"e1": 3, "e2": 3}
    assert runtime.dead_letters() == {}


def test_a_report_that_names_unknown_messages_fails_the_batch(run):
    answers = [{"batchItemFailures": [{"itemIdentifier": "nobody"}]}, None]
    runtime = run(lambda *_: answers.pop(0))
    runtime.bus.put([paid(1)])
    runtime.drain()
    assert answers == []


def test_a_failed_message_stays_away_for_the_visibility_timeout(run):
    consumer = Consumer(crashes=1)
    runtime = run(consumer, retry_scale=1.0)
    runtime.bus.put([paid(1)])

    runtime.advance(29)
    assert consumer.heard == {"e1": 1}
    runtime.advance(2)
    assert consumer.heard == {"e1": 2}


def test_a_received_message_is_hidden_deleted_by_its_receipt_and_delayed_on_request(run):
    queues = run(Consumer()).queues
    queues.send("relay-dlq", "now", attributes={"kind": {"DataType": "String", "StringValue": "x"}})
    queues.send("relay-dlq", "later", delay=60)

    (message,) = queues.receive("relay-dlq")
    assert (message.body, message.attributes["kind"]["StringValue"]) == ("now", "x")
    assert queues.receive("relay-dlq") == []
    depth = queues.depth("relay-dlq")
    assert (depth.visible, depth.in_flight, depth.delayed) == (0, 1, 1)
    queues.delete("relay-dlq", ["1.WRONG"])
    assert queues.depth("relay-dlq").in_flight == 1
    queues.delete("relay-dlq", [message.receipt])
    assert queues.depth("relay-dlq").total == 1


def test_an_unknown_queue_is_refused(run):
    with pytest.raises(UnknownQueue):
        run(Consumer()).queues.send("https://sqs.us-east-1.amazonaws.com/000000000000/nope", "x")


EVENT: JSON = {
    "source": "market.orders",
    "detail-type": "order.paid",
    "detail": {
        "total": 120,
        "tags": ["gift", "new"],
        "note": None,
        "vip": True,
        "buyer": {"country": "DE"},
        "sku": "LAMP-7",
    },
}
PATTERNS: list[JSON] = [
    {"source": ["market.orders"]},
    {"source": ["market.other", "market.orders"], "detail-type": ["order.paid"]},
    {"source": [{"prefix": "market."}]},
    {"source": [{"suffix": ".stock"}]},
    {"detail": {"total": [{"numeric": [">", 100, "<=", 120]}]}},
    {"detail": {"total": [{"numeric": ["<", 100]}]}},
    {"detail": {"total": [120]}},
    {"detail": {"tags": ["gift"]}},
    {"detail": {"tags": ["old"]}},
    {"detail": {"note": [None]}},
    {"detail": {"vip": [True]}},
    {"detail": {"nothing": [{"exists": False}]}},
    {"detail": {"vip": [{"exists": True}]}},
    {"detail": {"vip": [{"exists": False}]}},
    {"detail": {"buyer": {"country": [{"anything-but": ["US", "FR"]}]}}},
    {"detail": {"buyer": {"country": [{"anything-but": "DE"}]}}},
    {"detail": {"sku": [{"anything-but": {"prefix": "LAMP"}}]}},
    {"detail": {"buyer": {"city": ["Berlin"]}}},
]


@pytest.mark.parametrize("pattern", PATTERNS, ids=json.dumps)
def test_a_pattern_matches_what_motos_matches(pattern):
    expected = EventPattern.load(json.dumps(pattern)).matches_event(EVENT)
    assert compile_pattern(pattern)(EVENT) == expected


@pytest.mark.parametrize(
    ("pattern", "matches"),
    [
        ({"detail": {"sku": [{"wildcard": "LAMP-*"}]}}, True),
        ({"detail": {"sku": [{"equals-ignore-case": "lamp-7"}]}}, True),
        ({"$or": [{"source": ["x"]}, {"detail": {"total": [120]}}]}, True),
        ({"$or": [{"source": ["x"]}, {"detail": {"total": [1]}}]}, False),
        ({"detail": {"vip": [1]}}, False),
        ({"detail": {"tags": [{"anything-but": "gift"}]}}, True),
    ],
)
def test_a_pattern_knows_more_than_motos(pattern, matches):
    assert compile_pattern(pattern)(EVENT) is matches


@pytest.mark.parametrize(
    "pattern", [{"source": "x"}, {"a": [{"cidr": "10.0.0.0/8"}]}, {"a": [{"numeric": [">", "x"]}]}]
)
def test_a_pattern_that_cannot_be_played_is_refused(pattern):
    with pytest.raises(BadPattern):
        compile_pattern(pattern)
