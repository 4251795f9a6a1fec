"""The office where promotions are made and watched, and the events that reach it."""

from typing import Any

from market import config
from promotions import api, consumer
from promotions.manifest import MANIFEST
from tests.http import Response, call
from tests.services.outbox import announced, message

ADA, BOB, PLATFORM = "ven_ada", "ven_bob", "platform"
TEN_PERCENT = {"title": "Ten percent", "benefit": {"kind": "percent", "basisPoints": 1000}}


class Office:
    def __init__(self) -> None:
        self._heard: set[str] = set()
        for vendor_id in (ADA, BOB):
            self.vendor(vendor_id, "active")

    def vendor(self, vendor_id: str, status: str) -> None:
        texts = {
            "pk": f"VEN#{vendor_id}", "sk": "-", "name": vendor_id, "slug": vendor_id[4:], "status": status,
            "support_email": "help@example.com", "owner_id": "usr_1",
        }  # fmt: skip
        item = {name: {"S": value} for name, value in texts.items()}
        config.client("dynamodb").put_item(TableName=config.setting("TABLE_NAME"), Item=item)

    def send(self, method: str, path: str, body: Any = None, *, scope: str = ADA, **options: Any) -> Response:
        """As somebody who may: of the vendor's team, or for the platform as staff."""
        who = {"roles": "staff"} if scope == PLATFORM else {"roles": "vendor", "vendor_id": scope}
        options = {"caller": "usr_1"} | who | options
        return call(api.handler, method, f"/v1/vendors/{scope}/promotions{path}", body, **options)

    def draft(self, body: Any = None, *, scope: str = ADA, **changes: Any) -> dict[str, Any]:
        answer = self.send("POST", "", (body or TEN_PERCENT) | changes, scope=scope)
        assert answer.status == 201, answer
        made: dict[str, Any] = answer.json
        return made

    def launched(self, body: Any = None, *, scope: str = ADA, **changes: Any) -> dict[str, Any]:
        wished = (body or TEN_PERCENT) | changes
        made = self.draft(wished, scope=scope)
        answer = self.send("PUT", f"/{made['id']}", wished | {"status": "running"}, scope=scope)
        assert answer.status == 200, answer
        running: dict[str, Any] = answer.json
        return running

    def shopper(self, method: str, path: str, body: Any = None, *, caller: str = "usr_eve", **options: Any) -> Response:
        return call(api.handler, method, f"/v1/me/{path}", body, caller=caller, **options)

    def anyone(self, path: str, **options: Any) -> Response:
        return call(api.handler, "GET", f"/v1/promotions{path}", **options)

    def hear(self) -> list[str]:
        """Let the service hear what it told itself, until there is nothing more; the types of all that was told."""
        told = []
        while fresh := [event for event in announced() if event["eventId"] not in self._heard]:
            for event in fresh:
                self._heard.add(event["eventId"])
                told.append(event["type"])
                if event["type"] in MANIFEST.consumes:
                    self.tell(event["type"], event["data"], event["eventId"])
        return told

    def tell(self, kind: str, data: dict[str, Any], event_id: str = "") -> None:
        answer = consumer.handler({"Records": [message(kind, data, event_id)]})
        assert answer == {"batchItemFailures": []}
