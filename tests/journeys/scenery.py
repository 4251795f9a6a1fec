"""The scene of an attack: a stocked market, its routes, and everything that is stored there."""

import importlib
import json
from dataclasses import dataclass
from typing import Any

from local.harness import InProcess, Reply
from local.templates import Templates
from market import config
from tests.journeys.fair import ADDRESS, Fair
from tests.journeys.hostile import Operation

JSON = dict[str, Any]
PEOPLE = {"customer": "ada", "vendor": "lights", "staff": "staff"}
"""Who there is of each kind of caller with an account."""

KINDS = ("anonymous", "guest", "key", *PEOPLE)
TALLIES = ("PAY#incidents", "LIM#", "TRY#")
"""Where refused requests are counted: the only traces that they may leave."""

ABSENT = {
    "name": "sandbox",
    "setup_id": "seti_absent",
    "method_id": "pm_absent",
    "saved_id": "sandbox.pm_absent",
    "flag_name": "bulk-upload",
    "list_name": "blocked",
    "entry_id": "0" * 32,
    "audit_id": "aud_absent",
    "block_id": "blk_absent",
    "month": "2026-11",
    "number": "INV-absent",
    "invitation_id": "inv_absent",
    "delivery_id": "absent",
    "factor": "totp",
    "scope": "ven_absent",
    "session_id": "absent",
    "passkey_id": "absent",
    "certificate_id": "txc_absent",
    "country": "DE",
    "offer_sku": "OFFER-absent",
    "token": "absent",
    "promotion_id": "prm_absent",
    "transfer_id": "trf_absent",
    "import_id": "imp_absent",
    "media_id": "med_absent",
}
"""Values for path parameters that lead nowhere, or are the same in every scene."""


@dataclass
class Scene:
    """A stocked market, and for every path parameter a value that is there."""

    inside: InProcess
    fair: Fair
    places: dict[str, str]
    operations: list[Operation]

    def kind(self, operation: Operation) -> str:
        """Of a caller who may call it."""
        wanted = ("vendor", "customer", "staff", "guest", "key")
        return next((kind for kind in wanted if kind in operation.callers), "anonymous")

    def proof(self, kind: str) -> dict[str, str]:
        """The headers that somebody of this kind shows."""
        if kind == "anonymous":
            return {}
        if kind in PEOPLE:
            return {"authorization": f"Bearer {self.fair.tokens[PEOPLE[kind]]}"}
        return {"guest-token" if kind == "guest" else "api-key": self.fair.tokens[kind]}

    def proof_for(self, operation: Operation, kind: str) -> dict[str, str]:
        """The same; but at another company's API, which the sandbox plays, everybody has its key."""
        if operation.path.startswith("/sandbox/v1/carriers"):
            from shipping import easypost, gateway

            return {"authorization": easypost.headers(gateway.sandbox_key())["authorization"]}
        if operation.path.startswith("/sandbox") and not operation.path.endswith("confirm"):
            from payments.providers.sandbox import api_key

            return {"authorization": f"Bearer {api_key()}"}
        return self.proof(kind)

    def path(self, operation: Operation, **places: str) -> str:
        filled = operation.path
        for name in operation.names:
            filled = filled.replace(f"{{{name}}}", places.get(name, self.places[name]))
        return filled

    def send(
        self,
        operation: Operation,
        body: Any = None,
        *,
        query: str = "",
        headers: JSON | None = None,
        kind: str = "",
        **places: str,
    ) -> Reply:
        """As somebody of this kind; as somebody who may, if none is named."""
        path = self.path(operation, **places) + (f"?{query}" if query else "")
        sent = {"content-type": "application/json"} if isinstance(body, bytes) else {}
        sent |= self.proof_for(operation, kind or self.kind(operation))
        return self.inside.call(operation.method, path, body, headers=sent | (headers or {}))

    def body(self, operation: Operation) -> Any:
        """A right one."""
        return operation.sample() if operation.body else b"" if operation.raw else None

    def state(self) -> str:
        """Everything that is stored: the table, accounts and mails; but for the tallies of refused requests."""
        items: list[JSON] = []
        asked: JSON = {"TableName": config.setting("TABLE_NAME")}
        while True:
            page = config.client("dynamodb").scan(**asked)
            items += page["Items"]
            if "LastEvaluatedKey" not in page:
                break
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        items = [item for item in items if not item["pk"]["S"].startswith(TALLIES)]
        items.sort(key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
        depths = {name: depth.total for name, depth in self.inside.runtime.depths().items()}
        return json.dumps([items, len(self.inside.mails()), depths], sort_keys=True, indent=1)


def on(inside: InProcess) -> Scene:
    """Stock a fresh market."""
    staff = inside.person("staff@example.com", roles=("customer", "staff"))
    fair = Fair(inside, staff)
    fair.tokens["staff"] = staff
    fair.open(inside)
    fair.sell("lights", "LAMP", 2_000, 1_000)
    fair.sell("wood", "CHAIR", 8_000, 1_000)
    fair.sell("wood", "FUTON", 8_000, 1_000, "JPY")
    fair.tokens |= {name: inside.person(f"{name}@example.com") for name in ("ada", "bob")}
    orders = {name: fair.buy(fair.tokens[name], ("LAMP", 1)) for name in ("ada", "bob")}
    intent = fair.ask(
        "POST", "/v1/payments/intent", {"orderNo": orders["ada"]["orderNo"]}, token=fair.tokens["ada"], status=201
    )
    fair.fill(fair.tokens["ada"], ("LAMP", 2), ("CHAIR", 1))
    guest = fair.tokens["guest"] = fair.ask("POST", "/v1/guests", status=201)["guestToken"]
    fair.ask("POST", "/v1/guest/cart/items", {"sku": "LAMP", "quantity": 1}, status=201, guest_token=guest)
    inside.drain()
    bob = fair.ask("GET", "/v1/me", token=fair.tokens["bob"])["id"]
    home = fair.ask("POST", "/v1/me/addresses", ADDRESS, token=fair.tokens["ada"], status=201)
    key, webhook = _program(fair)
    places = ABSENT | {
        "sku": "LAMP",
        "vendor_id": fair.vendors["lights"],
        "product_id": fair.products["LAMP"]["id"],
        "slug": fair.products["LAMP"]["slug"],
        "category_id": fair.category["id"],
        "order_no": orders["ada"]["orderNo"],
        "order_id": orders["ada"]["id"],
        "user_id": bob,
        "intent_id": intent["intentId"],
        "customer": bob,
        "customer_id": bob,
        "address_id": home["id"],
        "key_id": key["id"],
        "webhook_id": webhook["id"],
    }
    return Scene(inside, fair, places, operations(inside.inside.templates))


def _program(fair: Fair) -> tuple[JSON, JSON]:
    """A program of the vendor of lights: its key, and a webhook that nothing here sets off."""
    owner, place = fair.tokens["lights"], f"/v1/vendors/{fair.vendors['lights']}"
    granted = fair.ask("GET", f"{place}/api-key-permissions", token=owner)["items"]
    wish = {"name": "Robot", "permissions": granted, "quota": {"perMinute": 600, "perDay": 100_000}}
    key = fair.ask("POST", f"{place}/api-keys", wish, token=owner, status=201, idempotency_key="the-one-key")
    fair.tokens["key"] = key["secret"]
    hook = {"url": "http://127.0.0.1:9999/", "events": ["vendor.suspended"]}
    return key, fair.ask("POST", f"{place}/webhooks", hook, token=owner, status=201)


def operations(templates: Templates) -> list[Operation]:
    """Every route of the templates, with the schemas of the function that serves it."""
    found: list[Operation] = []
    for handler in sorted({templates.functions[route.function].handler for route in templates.routes}):
        api = importlib.import_module(handler.rpartition(".")[0]).api
        document = api.openapi()
        for route in api.routes:
            path = route.path.replace("<", "{").replace(">", "}")
            entry = document["paths"][path][route.method.lower()]
            body = entry.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            query = tuple(p for p in entry.get("parameters", ()) if p["in"] == "query")
            found.append(
                Operation(
                    route.method,
                    path,
                    "anyone" in route.callers,
                    route.raw,
                    route.callers,
                    body,
                    query,
                    document["components"]["schemas"],
                )
            )
    keys = {route.key for route in templates.routes}
    assert {str(operation) for operation in found} == keys
    return found
