"""What identity puts into the copy of one's data."""

import json

import orjson
import pytest

from identity import consumer, store
from identity.model import User
from market import config
from profiles.events import ProfileExportRequested
from tests.services.profiles.conftest import ADA, BOB, DOCUMENTS, Desk, files

pytestmark = pytest.mark.contract("3.1")


def tell(user_id: str) -> None:
    """Let identity hear of a request."""
    event = ProfileExportRequested(request_id="exp_1", user_id=user_id, folder="exports/exp_1/")
    envelope = {
        "eventId": "1",
        "type": event.type,
        "version": 1,
        "occurredAt": "2026-01-01T00:00:00.000Z",
        "actor": {},
        "data": event.model_dump(),
        "trace": {},
    }
    record = {"messageId": "1", "eventSourceARN": "arn:identity", "body": orjson.dumps({"detail": envelope}).decode()}
    assert consumer.handler({"Records": [record]})["batchItemFailures"] == []


def test_an_account_is_told_to_its_owner(desk: Desk) -> None:
    store.add(User(id=ADA, email="ada@example.com", name="Ada"))

    tell(ADA)
    tell(ADA)

    assert files(DOCUMENTS) == ["exports/exp_1/identity.json"]
    body = config.client("s3").get_object(Bucket=DOCUMENTS, Key="exports/exp_1/identity.json")["Body"].read()
    held = json.loads(body)
    assert (held["account"]["email"], held["account"]["name"]) == ("ada@example.com", "Ada")
    assert held["devices"] == []


def test_of_nobody_there_is_nothing(desk: Desk) -> None:
    tell(BOB)

    assert files(DOCUMENTS) == []
