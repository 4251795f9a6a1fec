"""The relay: everything that was put into the outbox reaches the bus, whatever fails in between."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from backbone import relay
from market import config
from market.events import Event, announce
from market.manifest import Manifest

SIZE = 256 * 1024
NOTES = Manifest(service="notes", prefixes=(), functions=(), publishes=("note.written",))


class NoteWritten(Event):
    type = "note.written"
    text: str


class Bus:
    """Takes entries as EventBridge does; refuses those whose text is in `refused`, and whole calls while `down`."""

    def __init__(self) -> None:
        self.calls: list[list[dict[str, Any]]] = []
        self.refused: set[str] = set()
        self.down: Exception | None = None

    @property
    def texts(self) -> list[str]:
        return [json.loads(entry["Detail"])["data"]["text"] for call in self.calls for entry in call]

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        if self.down:
            raise self.down
        assert len(Entries) <= 10
        size = sum(len((e["Source"] + e["DetailType"] + e["Detail"]).encode()) for e in Entries)
        if size > SIZE:
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "too large"}}, "PutEvents")
        answers = []
        for entry in Entries:
            bad = json.loads(entry["Detail"])["data"]["text"] in self.refused
            answers.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"} if bad else {"EventId": "x"})
        self.calls.append([e for e, answer in zip(Entries, answers, strict=True) if "EventId" in answer])
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


@pytest.fixture
def bus(environment: pytest.MonkeyPatch) -> Bus:
    bus = Bus()
    environment.setitem(config._clients, "events", bus)
    return bus


def batch(*texts: str) -> dict[str, Any]:
    records = []
    for number, text in enumerate(texts):
        image = announce(NoteWritten(text=text), by=NOTES).request["Item"]
        stream = {"NewImage": image, "SequenceNumber": f"{number:05}", "StreamViewType": "NEW_AND_OLD_IMAGES"}
        records.append({"eventID": f"id-{number}", "eventName": "INSERT", "dynamodb": stream})
    return {"Records": records}


def failed(answer: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.mark.contract("1.6")
def test_an_event_reaches_the_bus_as_it_was_announced(bus):
    given = batch("hello")
    assert failed(relay.handler(given)) == []
    ((entry,),) = bus.calls
    image = given["Records"][0]["dynamodb"]["NewImage"]
    assert entry == {
        "Source": "market.notes",
        "DetailType": "note.written",
        "Detail": image["envelope"]["S"],
        "EventBusName": "market-dev",
    }


@pytest.mark.contract("1.6")
@pytest.mark.parametrize(("events", "calls"), [(0, 0), (1, 1), (10, 1), (11, 2), (100, 10)])
def test_a_batch_goes_in_as_few_calls_as_the_bus_allows_and_in_order(bus, events, calls):
    texts = [str(number) for number in range(events)]
    assert failed(relay.handler(batch(*texts))) == []
    assert len(bus.calls) == calls
    assert bus.texts == texts


@pytest.mark.contract("1.6")
def test_large_events_share_no_call_that_they_would_burst(bus):
    texts = [letter * 100_000 for letter in "abcd"] + ["ü" * 100_000]
    assert failed(relay.handler(batch(*texts))) == []
    assert bus.texts == texts
    assert [len(call) for call in bus.calls] == [2, 2, 1]


@pytest.mark.contract("1.6")
def test_lambda_is_told_to_go_on_from_the_first_event_that_was_refused(bus):
    bus.refused = {"3", "5"}
    texts = [str(number) for number in range(25)]
    assert failed(relay.handler(batch(*texts))) == ["00003"]
    assert len(bus.calls) == 1
    bus.refused = set()
    assert failed(relay.handler({"Records": batch(*texts)["Records"][3:]})) == []
    assert set(bus.texts) == set(texts)


@pytest.mark.contract("1.6")
@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "InternalException", "Message": "x"}}, "PutEvents"),
        EndpointConnectionError(endpoint_url="https://bus.example"),
    ],
)
def test_nothing_counts_as_sent_while_the_bus_is_down(bus, error):
    bus.down = error
    assert failed(relay.handler(batch("a", "b"))) == ["00000"]


@pytest.mark.contract("1.6")
def test_an_event_too_large_for_the_bus_holds_up_only_itself(bus):
    texts = ["a", "x" * SIZE, "b"]
    given = batch(*texts)
    assert failed(relay.handler(given)) == ["00001"]
    assert bus.texts == ["a"]
    assert failed(relay.handler({"Records": given["Records"][2:]})) == []
    assert bus.texts == ["a", "b"]


@pytest.mark.contract("25.1")
def test_what_events_say_is_not_logged(bus, capsys):
    bus.refused = {"a secret"}
    relay.handler(batch("a secret"))
    assert "a secret" not in capsys.readouterr().out
