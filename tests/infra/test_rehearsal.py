"""What the rehearsal adds to the emulator."""

import json
from typing import Any

import pytest

from infra.rehearse.leading_keys import leading_keys
from infra.rehearse.permissions import parameter_names

ITEM = {"pk": {"S": "ORD#1"}, "sk": {"S": "-"}}
OTHER = {"pk": {"S": "PAY#1"}, "sk": {"S": "-"}}


@pytest.mark.parametrize(
    ("request_body", "keys"),
    [
        ({"Key": ITEM}, ["ORD#1"]),
        ({"Item": ITEM}, ["ORD#1"]),
        ({"RequestItems": {"t": {"Keys": [ITEM, OTHER]}}}, ["ORD#1", "PAY#1"]),
        (
            {"RequestItems": {"t": [{"PutRequest": {"Item": ITEM}}, {"DeleteRequest": {"Key": OTHER}}]}},
            ["ORD#1", "PAY#1"],
        ),
        ({"TransactItems": [{"Put": {"Item": ITEM}}, {"ConditionCheck": {"Key": OTHER}}]}, ["ORD#1", "PAY#1"]),
        (
            {
                "KeyConditionExpression": "#p = :p AND begins_with(#s, :s)",
                "ExpressionAttributeNames": {"#p": "by1pk", "#s": "by1sk"},
                "ExpressionAttributeValues": {":p": {"S": "ORD#all"}, ":s": {"S": "x"}},
            },
            ["ORD#all"],
        ),
        ({"TableName": "t"}, []),
    ],
)
def test_a_request_is_known_by_its_partition_keys(request_body: dict[str, Any], keys: list[str]) -> None:
    assert leading_keys(json.dumps(request_body).encode()) == keys


@pytest.mark.parametrize(
    ("request_body", "names"), [({"Names": ["/s/A", "/s/B"]}, ["/s/A", "/s/B"]), ({"Name": "/s/A"}, []), (None, [])]
)
def test_a_request_for_parameters_is_judged_for_each_of_them(request_body: Any, names: list[str]) -> None:
    assert parameter_names(json.dumps(request_body).encode()) == names
