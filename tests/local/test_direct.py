"""The short way to the database answers as botocore's own does."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from local import direct
from local.database import Database
from tests.conftest import TABLE

Call = tuple[str, dict[str, Any]]
KEY = {"pk": {"S": "a"}, "sk": {"S": "1"}}
ITEM = KEY | {"n": {"N": "7"}, "l": {"L": [{"NULL": True}, {"BOOL": False}]}, "m": {"M": {}}, "s": {"SS": ["x"]}}
NEW = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
QUERY = {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
ADD = {"UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}

CALLS: list[Call] = [
    ("get_item", {"Key": KEY, "ReturnConsumedCapacity": "TOTAL"}),
    ("get_item", {"Key": KEY | {"sk": {"S": "none"}}}),
    ("put_item", {"Item": ITEM | {"sk": {"S": "ü" * 300}}}),
    ("put_item", {"Item": ITEM} | NEW),
    ("update_item", {"Key": KEY, "ReturnValues": "ALL_NEW"} | ADD),
    ("update_item", {"Key": KEY, "UpdateExpression": "SET"}),
    ("query", QUERY | {"Limit": 1}),
    ("query", QUERY | {"ExpressionAttributeValues": {":p": {"S": "nobody"}}}),
    ("delete_item", {"Key": KEY, "ReturnValues": "ALL_OLD"}),
    ("put_item", {"Item": ITEM, "TableName": "no-such-table"}),
]


@pytest.fixture
def clients(dynoxide: Database) -> Iterator[tuple[Any, Any]]:
    """One by the long way, one by the short, each with a table of its own."""
    made = []
    for name, short in (("long-way", False), ("short-way", True)):
        session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        if short:
            direct.install(session.events, dynoxide.url)
        dynoxide.create(name, TABLE)
        client = session.client("dynamodb", endpoint_url=dynoxide.url)
        client.put_item(TableName=name, Item=ITEM)
        made.append((client, name))
    yield made[0], made[1]
    for _, name in made:
        dynoxide.drop(name)


def _answer(client: Any, table: str, call: Call) -> Any:
    operation, request = call
    try:
        answer = getattr(client, operation)(**{"TableName": table} | request)
    except ClientError as refused:
        answer = dict(refused.response) | {"raised": type(refused).__name__}
        answer.pop("message", None)
    answer["ResponseMetadata"] = answer["ResponseMetadata"]["HTTPStatusCode"]
    answer.pop("ConsumedCapacity", {}).pop("TableName", None)
    return answer


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_both_ways_answer_alike(clients: Any, call: Call) -> None:
    long, short = (_answer(client, table, call) for client, table in clients)

    assert short == long


def test_a_cancelled_transaction_names_its_reasons(clients: Any) -> None:
    answers = []
    for client, table in clients:
        put = {"Put": {"TableName": table, "Item": ITEM} | NEW}
        other = {"Put": {"TableName": table, "Item": ITEM | {"sk": {"S": "2"}}}}
        with pytest.raises(client.exceptions.TransactionCanceledException) as refused:
            client.transact_write_items(TransactItems=[other, put])
        answers.append(refused.value.response["CancellationReasons"])

    assert answers[0] == answers[1]
    assert answers[1][1]["Item"]["n"] == {"N": "7"}


def test_large_answers_arrive_whole(clients: Any) -> None:
    for client, table in clients:
        for number in range(20):
            item = {"pk": {"S": "big"}, "sk": {"S": f"{number:02}"}, "text": {"S": "x" * 40_000}}
            client.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}}]})
        asked = QUERY | {"ExpressionAttributeValues": {":p": {"S": "big"}}}
        assert sum(len(item["text"]["S"]) for item in client.query(TableName=table, **asked)["Items"]) == 800_000


def test_a_database_that_is_gone_is_an_error_of_botocore() -> None:
    database = Database()
    session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    direct.install(session.events, database.url)
    client = session.client("dynamodb", endpoint_url=database.url)
    database.create("things", TABLE)
    client.get_item(TableName="things", Key=KEY)
    database.stop()

    with pytest.raises(BotoCoreError):
        client.get_item(TableName="things", Key=KEY)


def test_many_threads_share_few_connections_and_lose_nothing(clients: Any) -> None:
    client, table = clients[1]

    def add(_: int) -> None:
        client.update_item(TableName=table, Key=KEY, **ADD)

    with ThreadPoolExecutor(20) as pool:
        list(pool.map(add, range(500)))

    assert client.get_item(TableName=table, Key=KEY)["Item"]["n"] == {"N": "507"}
