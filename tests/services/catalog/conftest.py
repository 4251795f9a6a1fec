"""A catalog with two vendors and a few categories, called over HTTP."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from catalog import api as catalog_api
from catalog import consumer, editing_api, import_api, offers_api
from market import config
from tests.http import Response, call

ADA, BOB = "ven_ada", "ven_bob"


class Market:
    """Calls routes as staff, as a vendor, or as nobody."""

    def __init__(self) -> None:
        for vendor_id in (ADA, BOB):
            self.add_vendor(vendor_id, "active")
        for name, parent in [("Home", None), ("Lamps", "home"), ("Desk lamps", "home>lamps"), ("Garden", None)]:
            self.staff("POST", "/v1/admin/categories", {"name": name, "parent": parent})

    def add_vendor(self, vendor_id: str, status: str) -> None:
        texts = {
            "pk": f"VEN#{vendor_id}", "sk": "-", "name": f"{vendor_id} & Co", "slug": vendor_id[4:], "status": status,
            "support_email": "help@example.com", "owner_id": "usr_1",
        }  # fmt: skip
        item = {name: {"S": value} for name, value in texts.items()}
        config.client("dynamodb").put_item(TableName=config.setting("TABLE_NAME"), Item=item)

    def anyone(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(_handler(path), method, path, body, **options)

    def staff(self, method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(_handler(path), method, path, body, caller="usr_staff", roles="staff", **options)

    def vendor(self, method: str, path: str, body: Any = None, *, vendor_id: str = ADA, **options: Any) -> Response:
        return call(_handler(path), method, path, body, caller="usr_v", roles="vendor", vendor_id=vendor_id, **options)

    def create(self, vendor_id: str = ADA, **changes: Any) -> Response:
        return self.vendor("POST", f"/v1/vendors/{vendor_id}/products", lamp(**changes), vendor_id=vendor_id)

    def import_rows(self, rows: list[Any], vendor_id: str = ADA) -> Any:
        answer = self.vendor("POST", f"/v1/vendors/{vendor_id}/products/import", {"rows": rows}, vendor_id=vendor_id)
        assert answer.status == 200, answer
        return answer.json

    def sold(self, sku: str, left: int) -> None:
        """So many are left of it now."""
        config.client("dynamodb").update_item(
            TableName=config.setting("TABLE_NAME"),
            Key={"pk": {"S": f"STK#{sku}"}, "sk": {"S": "-"}},
            UpdateExpression="SET available = :left",
            ExpressionAttributeValues={":left": {"N": str(left)}},
        )

    def titles(self, query: str = "") -> list[str]:
        """Titles of a whole list, through all its pages."""
        found, cursor = [], None
        while True:
            answer = self.anyone("GET", f"/v1/products?{query}", query={"cursor": cursor} if cursor else None)
            assert answer.status == 200, answer
            found += [card["title"] for card in answer.json["items"]]
            cursor = answer.json.get("nextCursor")
            if cursor is None:
                return found

    def path(self, product: Any, vendor_id: str = ADA) -> str:
        """Where the vendor finds a product."""
        return f"/v1/vendors/{vendor_id}/products/{product['id']}"

    def change(self, product: Any, changes: Any, **options: Any) -> Response:
        return self.vendor("PATCH", self.path(product), changes, **options)

    def review(self, *needs: str, vendor: str = "", category: str = "") -> None:
        """From now on these fields are reviewed."""
        rule = {"needs": needs, "vendorId": vendor, "category": category}
        assert self.staff("PUT", "/v1/admin/products/review-rules", {"rules": [rule]}).status == 200

    def queue(self) -> list[Any]:
        items: list[Any] = self.staff("GET", "/v1/admin/products/reviews").json["items"]
        return items

    def decide(self, waiting: Any, **body: Any) -> Response:
        """Reject with `reasons`, or approve, what a queue's card tells of."""
        verb = "reject" if "reasons" in body else "approve"
        body = {"version": waiting["review"]["version"]} | body
        return self.staff("PATCH", f"/v1/admin/products/{waiting['id']}/{verb}", body)

    def hear(self, event_type: str, data: Any, *, times: int = 1) -> None:
        """Let the catalog's consumer hear an event, maybe more than once."""
        envelope = {
            "eventId": "e1", "type": event_type, "version": 1, "occurredAt": "2026-01-01T00:00:00.000Z",
            "actor": {"type": "system", "id": "prices"}, "data": data, "trace": {},
        }  # fmt: skip
        record = {"messageId": "m", "eventSourceARN": "arn:aws:sqs:us-east-1:1:catalog-events"}
        batch = {"Records": [record | {"body": json.dumps({"detail": envelope})}]}
        for _ in range(times):
            assert consumer.handler(batch) == {"batchItemFailures": []}


_EDITING = ("/draft", "/submission", "/versions", "/reviews", "/review-rules", "/approve", "/reject")


def _handler(path: str) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    path = path.partition("?")[0]
    if path.endswith("/import"):
        return import_api.handler
    if path.endswith(_EDITING) or "/admin/brands/" in path:
        return editing_api.handler
    return offers_api.handler if "/offers" in path else catalog_api.handler


def lamp(**changes: Any) -> dict[str, Any]:
    """A body that is in order but for the changes."""
    body: dict[str, Any] = {
        "title": "Brass lamp",
        "category": "home>lamps",
        "status": "active",
        "variants": [{"sku": "LAMP-1", "price": {"amount": 4900, "currency": "EUR"}, "stock": 3}],
    }
    return body | changes


def variant(sku: str, amount: int = 100, **more: Any) -> dict[str, Any]:
    return {"sku": sku, "price": {"amount": amount, "currency": "EUR"}} | more


def row(number: int, **changes: Any) -> dict[str, Any]:
    """A row of an import."""
    variant = {"sku": f"ROW-{number}", "price": {"amount": 1000 + number, "currency": "EUR"}, "stock": 5}
    return {
        "externalId": f"ext-{number}",
        "title": f"Lamp no. {number}",
        "category": "home",
        "variants": [variant],
    } | changes


@pytest.fixture
def market(database: str) -> Market:
    return Market()
