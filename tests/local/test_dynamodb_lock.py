"""Both engines under threads: no oversell, no torn transaction, tokens count once."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from market import config

BUYERS, UNITS = 50, 20


def _key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "-"}}


def _number(table: str, pk: str, attribute: str) -> int:
    item = config.client("dynamodb").get_item(TableName=table, Key=_key(pk), ConsistentRead=True).get("Item", {})
    return int(item.get(attribute, {"N": "0"})["N"])


def _buy(table: str, buyer: int) -> bool:
    """Take one unit, note the sale and count it: one transaction."""
    try:
        config.client("dynamodb").transact_write_items(
            TransactItems=[
                {
                    "Update": {
                        "TableName": table,
                        "Key": _key("STK#lamp"),
                        "UpdateExpression": "ADD available :less",
                        "ConditionExpression": "available >= :one",
                        "ExpressionAttributeValues": {":less": {"N": "-1"}, ":one": {"N": "1"}},
                    }
                },
                {
                    "Put": {
                        "TableName": table,
                        "Item": _key(f"ORD#{buyer}"),
                        "ConditionExpression": "attribute_not_exists(pk)",
                    }
                },
                {
                    "Update": {
                        "TableName": table,
                        "Key": _key("STK#sold"),
                        "UpdateExpression": "ADD sold :one",
                        "ExpressionAttributeValues": {":one": {"N": "1"}},
                    }
                },
            ]
        )
    except ClientError:
        return False
    return True


def _at_once(count: int, act: Callable[[int], bool]) -> list[bool]:
    start, results = threading.Barrier(count), [False] * count

    def run(number: int) -> None:
        start.wait()
        results[number] = act(number)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_fifty_buyers_at_once_get_exactly_the_stock(database: str) -> None:
    config.client("dynamodb").put_item(TableName=database, Item=_key("STK#lamp") | {"available": {"N": str(UNITS)}})

    bought = _at_once(BUYERS, lambda buyer: _buy(database, buyer))

    assert sum(bought) == UNITS
    assert _number(database, "STK#lamp", "available") == 0
    assert _number(database, "STK#sold", "sold") == UNITS


def test_a_transaction_that_fails_leaves_no_part_of_itself(database: str) -> None:
    client = config.client("dynamodb")
    client.put_item(TableName=database, Item=_key("STK#lamp") | {"available": {"N": "5"}})
    client.put_item(TableName=database, Item=_key("ORD#7"))

    assert not _buy(database, 7)

    assert _number(database, "STK#lamp", "available") == 5
    assert _number(database, "STK#sold", "sold") == 0
    assert "Item" not in client.get_item(TableName=database, Key=_key("STK#sold"))


def test_the_same_token_writes_once_however_often_it_is_sent(database: str) -> None:
    client = config.client("dynamodb")
    add = {
        "TableName": database,
        "Key": _key("CNT#1"),
        "UpdateExpression": "ADD hits :one",
        "ExpressionAttributeValues": {":one": {"N": "1"}},
    }

    def send(_number: int) -> bool:
        client.transact_write_items(TransactItems=[{"Update": add}], ClientRequestToken="one-token")
        return True

    _at_once(8, send)

    assert _number(database, "CNT#1", "hits") == 1
    other = add | {"Key": _key("CNT#2")}
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        client.transact_write_items(TransactItems=[{"Update": other}], ClientRequestToken="one-token")


def test_conditions_see_the_item_as_the_refusal_reports_it(database: str) -> None:
    client = config.client("dynamodb")
    client.put_item(TableName=database, Item=_key("STK#lamp") | {"available": {"N": "1"}})

    with pytest.raises(ClientError) as refused:
        client.put_item(
            TableName=database,
            Item=_key("STK#lamp"),
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    assert refused.value.response["Item"]["available"] == {"N": "1"}
