"""Right bodies for every route with a path, and things made anew for those that use them up: so that nothing but the
owner is in the way of a request.
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from local.harness import PASSWORD
from tests.attacks.camps import Camp
from tests.attacks.ownership import acts_as, audience, kind_of, own
from tests.attacks.world import Actor, World
from tests.journeys.hostile import Operation
from tests.services.profiles.conftest import png

JSON = dict[str, Any]
REFUND = {"all": True, "reason": "returned"}
KEY = {"name": "Robot"}
PRICE = {"amount": 2_100, "currency": "EUR"}
GRACE = {"graceHours": 1}
ROLE = {"permissions": ["orders.read"], "description": "Reads"}
MEMBER = {"roles": ["vendor_viewer"]}
PROMOTION = {"title": "Sale", "benefit": {"kind": "free_shipping"}, "needsCode": True}
PARCEL = {"destination": {"country": "DE"}, "parcel": {"subtotal": PRICE}}
RULE = {"id": "scarce", "trigger": {"kind": "stock", "units": 5}, "changeBasisPoints": 1_000, "floor": PRICE,
        "ceiling": PRICE, "category": "home"}  # fmt: skip
FLAT = {"zone": "everywhere", "basis": "flat", "bands": [{"price": 490}]}
SHIPPING = {
    "currency": "EUR",
    "zones": [{"id": "everywhere", "name": "Everywhere", "areas": [{"country": "*"}]}],
    "methods": [{"id": "standard", "name": "Standard", "rates": [FLAT]}],
}
PROMOTIONS = "/v1/vendors/{vendor_id}/promotions"

_BODIES: Mapping[str, Any] = {
    "PATCH /v1/vendors/{vendor_id}": {"description": "Made by hand"},
    "PATCH /v1/vendors/{vendor_id}/inventory/{sku}": {"available": 50},
    "PATCH /v1/vendors/{vendor_id}/media/{media_id}": {"alts": {"en": "A lamp"}},
    "POST /v1/vendors/{vendor_id}/inventory": {"rows": [{"sku": "ABSENT", "adjust": 1}]},
    "PUT /v1/vendors/{vendor_id}/warehouses": {"warehouses": []},
    "POST /v1/vendors/{vendor_id}/transfers": {"to": f"wh_{'0' * 26}", "lines": [{"sku": "ABSENT", "units": 1}]},
    "PATCH /v1/vendors/{vendor_id}/transfers/{transfer_id}": {"version": 1, "close": "lost", "reason": "Fell off"},
    "PATCH /v1/vendors/{vendor_id}/products/{product_id}": {"description": "New"},
    "PATCH /v1/vendors/{vendor_id}/offers/{offer_sku}": {"isActive": True},
    "POST /v1/vendors/{vendor_id}/offers": {"productId": "prd_absent", "sku": "OFFERED", "price": PRICE},
    "PUT /v1/vendors/{vendor_id}/prices": {"entries": [{"sku": "ABSENT", "listId": "usual", "price": PRICE}]},
    "PUT /v1/vendors/{vendor_id}/price-rules": {"rules": [RULE]},
    "PUT /v1/vendors/{vendor_id}/shipping": SHIPPING,
    "POST /v1/vendors/{vendor_id}/shipping/preview": PARCEL,
    f"POST {PROMOTIONS}": PROMOTION,
    f"PUT {PROMOTIONS}/{{promotion_id}}": PROMOTION | {"status": "draft"},
    f"PUT {PROMOTIONS}/{{promotion_id}}/participation": {"joined": True},
    f"POST {PROMOTIONS}/{{promotion_id}}/codes": {"count": 1},
    "POST /v1/vendors/{vendor_id}/products/{product_id}/submission": {"action": "withdraw"},
    "PUT /v1/vendors/{vendor_id}/products/{product_id}/draft": {"changes": {"description": "New"}},
    "PATCH /v1/vendors/{vendor_id}/webhooks/{webhook_id}": {"description": "New"},
    "PATCH /v1/vendors/{vendor_id}/api-keys/{key_id}": KEY,
    "PATCH /v1/admin/api-keys/{key_id}": KEY,
    "POST /v1/vendors/{vendor_id}/api-keys/{key_id}/rotation": GRACE,
    "POST /v1/admin/api-keys/{key_id}/rotation": GRACE,
    "POST /v1/vendors/{vendor_id}/webhooks/{webhook_id}/secret-rotation": GRACE,
    "POST /v1/vendors/{vendor_id}/webhooks/{webhook_id}/replay": {"since": "2026-01-01T00:00:00Z"},
    "POST /v1/vendors/{vendor_id}/webhooks": {"url": "http://127.0.0.1:9999/", "events": ["vendor.suspended"]},
    "POST /v1/vendors/{vendor_id}/orders/{order_no}/refunds": REFUND,
    "POST /v1/admin/orders/{order_no}/refunds": REFUND,
    "POST /v1/vendors/{vendor_id}/orders/{order_no}/cancellation": {"reason": "Broken"},
    "POST /v1/vendors/{vendor_id}/orders/{order_no}/notes": {"text": "Tomorrow"},
    "PUT /v1/vendors/{vendor_id}/roles/{name}": ROLE,
    "PUT /v1/admin/roles/{name}": ROLE,
    "PUT /v1/vendors/{vendor_id}/team/{user_id}": MEMBER,
    "PUT /v1/admin/staff/{user_id}": {"roles": ["support"]},
    "PATCH /v1/me/addresses/{address_id}": {"label": "Home"},
    "POST /v1/me/second-factors/{factor}/removal": {"password": PASSWORD},
    "PATCH /v1/cart/items/{sku}": {"quantity": 1},
    "PATCH /v1/guest/cart/items/{sku}": {"quantity": 1},
}


def body_of(operation: Operation) -> Any:
    """A right body that names nothing of anybody's."""
    if operation.raw:
        return b"sku,adjust\nABSENT,1\n" if operation.path.endswith("/table") else png()
    known = _BODIES.get(str(operation).replace("/v1/api/", "/v1/"))
    if known is not None or operation.body is None:
        return known
    match operation.path.rsplit("/", 1)[-1]:
        case "import":
            return {"rows": [_row(f"row-{uuid4().hex[:8]}")]}
        case "products":
            return {name: value for name, value in _row(uuid4().hex[:8]).items() if name != "externalId"}
        case "api-keys":
            return {"name": "Robot", "permissions": ["orders.read"]}
        case "invitations":
            return {"email": f"new-{uuid4().hex[:8]}@example.com", "roles": ["vendor_viewer"]}
    return operation.sample()


def _row(name: str) -> JSON:
    variant = {"sku": f"ROW-{name.upper()}", "price": {"amount": 100, "currency": "EUR"}, "stock": 1}
    return {"externalId": name, "title": f"Row {name}", "category": "home", "status": "draft", "variants": [variant]}


_FRESH: Mapping[str, Callable[[Camp], str]] = {
    "address": lambda camp: str(camp.address()["id"]),
    "session": lambda camp: camp.session_id(),
    "passkey": lambda camp: camp.passkey(),
    "saved method": lambda camp: camp.saved(),
    "product": lambda camp: str(camp.product()["id"]),
    "key": lambda camp: str(camp.key()["id"]),
    "webhook": lambda camp: camp.webhook(),
    "invitation": lambda camp: str(camp.invitation()["id"]),
    "member": lambda camp: camp.member(),
    "role": lambda camp: camp.role(),
}

_SPENT = ("key", "member")
"""Kinds that are another's after they were changed: a key has a new secret, a member other permissions."""


def fresh(world: World, operation: Operation, actor: Actor) -> dict[str, str]:
    """The actor's own values of the path; where the request would use something up, made for it alone."""
    values = own(world, operation, actor)
    if operation.method == "GET" or audience(operation) == "staff" or "scope" in values:
        return values
    label = acts_as(operation, actor)
    camp = world.camps[label.split()[0]]
    for name in values:
        kind = kind_of(operation, name)
        if kind == "order":
            values[name] = camp.order("guest" if label.endswith("guest") else "customer")["orderNo"]
        elif kind == "media" and operation.method == "DELETE":
            values[name] = camp.media("customer" if label.endswith("customer") else "owner")
        elif kind in _FRESH and (operation.method == "DELETE" or (name == operation.names[-1] and kind in _SPENT)):
            values[name] = _FRESH[kind](camp)
    if "delivery_id" in values:
        values["delivery_id"] = camp.delivery(values["webhook_id"])
    return values
