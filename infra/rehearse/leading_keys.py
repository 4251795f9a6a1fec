"""The partition keys of a DynamoDB request: IAM's `dynamodb:LeadingKeys`, which MiniStack does not work out."""

import json
import re
from collections.abc import Iterator
from typing import Any

_EQUALS = re.compile(r"(#?\w+)\s*=\s*(:\w+)")


def leading_keys(body: bytes) -> list[str]:
    """Sorted partition keys that the request names, of the table or of an index; empty for a request without any."""
    request = json.loads(body or b"{}")
    return sorted(set(_of(request))) if isinstance(request, dict) else []


def _of(request: dict[str, Any]) -> Iterator[str]:
    yield from _of_item(request.get("Key") or request.get("Item"))
    yield from _of_query(request)
    for wanted in request.get("RequestItems", {}).values():
        yield from _of_batch(wanted)
    for action in request.get("TransactItems", ()):
        for detail in action.values():
            yield from _of_item(detail.get("Key") or detail.get("Item"))


def _of_item(item: dict[str, Any] | None) -> Iterator[str]:
    if item and "pk" in item:
        yield item["pk"]["S"]


def _of_query(request: dict[str, Any]) -> Iterator[str]:
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    for name, value in _EQUALS.findall(request.get("KeyConditionExpression", "")):
        if names.get(name, name).endswith("pk"):
            yield values[value]["S"]


def _of_batch(wanted: Any) -> Iterator[str]:
    if isinstance(wanted, dict):
        for key in wanted["Keys"]:
            yield from _of_item(key)
        return
    for entry in wanted:
        for detail in entry.values():
            yield from _of_item(detail.get("Key") or detail.get("Item"))
