"""What staff and vendors can do, each thing once and in an order in which it succeeds; what is not tried, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.journeys.scenery import Scene

JSON = dict[str, Any]
_PICTURE = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + b"\0" * 20


@dataclass(frozen=True)
class Doing:
    """A request that succeeds. places: for its path; learns: for later ones, from its answer."""

    route: str
    body: Any = None
    places: Mapping[str, str] = field(default_factory=dict)
    learns: Mapping[str, str] = field(default_factory=dict)


def doings(scene: Scene, paid: list[JSON], open_order: JSON, clerk: str) -> list[Doing]:
    """paid: three orders of a lamp each; clerk: somebody of the vendor's team, by their id."""
    return [
        *_catalogue(scene.fair.products["CHAIR"]["id"]),
        *_orders(paid, open_order),
        *_keys("/v1/admin", "orders.read"),
        *_keys("/v1/vendors/{vendor_id}", "orders.read"),
        *_people(clerk),
        *_webhooks(),
        *_shipping(),
        *_prices(clerk),
        *_promotions(),
        *_platform(scene),
    ]


def _catalogue(chair: str) -> list[Doing]:
    variant = {"sku": "SHADE", "price": {"amount": 900, "currency": "EUR"}, "stock": 3}
    product = {"title": "A shade", "category": "home", "status": "active", "variants": [variant]}
    row = {"externalId": "x-1", "title": "A bulb", "category": "home", "variants": [variant | {"sku": "BULB"}]}
    products = "/v1/vendors/{vendor_id}/products"
    return [
        Doing("POST /v1/admin/categories", {"name": "Garden"}),
        Doing("PATCH /v1/admin/categories/{category_id}", {"name": "House"}),
        Doing(f"POST {products}", product, learns={"product_id": "id"}),
        Doing(f"PATCH {products}/{{product_id}}", {"title": "Another shade"}),
        Doing(f"POST {products}/import", {"rows": [row]}),
        Doing("POST /v1/vendors/{vendor_id}/imports", {"format": "jsonl", "size": 9}),
        Doing("POST /v1/vendors/{vendor_id}/media", _PICTURE),
        *_media("/v1/vendors/{vendor_id}/media"),
        Doing("PATCH /v1/vendors/{vendor_id}/inventory/{sku}", {"adjust": 5}),
        Doing("POST /v1/vendors/{vendor_id}/inventory", {"rows": [{"sku": chair, "adjust": 5}]}),
        Doing("POST /v1/vendors/{vendor_id}/inventory/table", f"sku,adjust\n{chair},5\n".encode()),
        Doing("PUT /v1/vendors/{vendor_id}/warehouses", {"warehouses": [{"name": "Hall", "country": "DE"}]}),
        Doing(f"PUT {products}/{{product_id}}/draft", {"changes": {"description": "Of linen"}}),
        Doing(f"DELETE {products}/{{product_id}}"),
        *_review(products),
        *_offers(chair),
    ]


def _media(base: str) -> list[Doing]:
    file = {"name": "lamp.png", "size": 9, "type": "image/png"}
    return [
        Doing(f"POST {base}/uploads", {"files": [file]}, learns={"media_id": "items.0.id"}),
        Doing(f"PATCH {base}/{{media_id}}", {"alts": {"": "A lamp"}}),
        Doing(f"DELETE {base}/{{media_id}}"),
    ]


def _review(products: str) -> list[Doing]:
    """A product that waits for review is sent back, put forward again and let pass."""
    rules, decide = "PUT /v1/admin/products/review-rules", "PATCH /v1/admin/products/{product_id}"
    wick = {"sku": "WICK", "price": {"amount": 300, "currency": "EUR"}}
    product = {"title": "A wick", "category": "home", "status": "active", "variants": [wick]}
    return [
        Doing(rules, {"rules": [{"needs": ["listing"]}]}),
        Doing(f"POST {products}", product, learns={"product_id": "id"}),
        Doing(f"{decide}/reject", {"version": 1, "reasons": ["incomplete"]}),
        Doing(f"POST {products}/{{product_id}}/submission", {}),
        Doing(f"{decide}/approve", {"version": 3}),
        Doing(rules, {"rules": []}),
        Doing(f"DELETE {products}/{{product_id}}"),
    ]


def _offers(product_id: str) -> list[Doing]:
    offers, price = "/v1/vendors/{vendor_id}/offers", {"amount": 7_900, "currency": "EUR"}
    offer = {"productId": product_id, "sku": "OUR-CHAIR", "price": price}
    return [
        Doing(f"POST {offers}", offer, learns={"offer_sku": "sku"}),
        Doing(f"PATCH {offers}/{{offer_sku}}", {"isActive": False}),
        Doing("PUT /v1/admin/brands/{slug}", {"name": "Brightly"}, {"slug": "brightly"}),
    ]


def _orders(paid: list[JSON], open_order: JSON) -> list[Doing]:
    first, second, third = ({"order_no": order["orderNo"]} for order in paid)
    refund = {"lines": [{"sku": "LAMP", "quantity": 1}], "reason": "returned"}
    vendors, staff = "/v1/vendors/{vendor_id}/orders/{order_no}", "/v1/admin/orders/{order_no}"
    return [
        Doing(f"POST {vendors}/notes", {"text": "Packed", "visible": "vendor"}, first),
        Doing(f"POST {vendors}/refunds", refund, first),
        Doing(f"POST {vendors}/cancellation", {"reason": "out_of_stock"}, second),
        Doing(f"POST {staff}/notes", {"text": "Called the customer", "visible": "staff"}, third),
        Doing(f"POST {staff}/refunds", refund, third),
        Doing(f"POST {staff}/cancellation", {"reason": "asked to"}, {"order_no": open_order["orderNo"]}),
    ]


def _keys(base: str, permission: str) -> list[Doing]:
    return [
        Doing(f"POST {base}/api-keys", {"name": "feed", "permissions": [permission]}, learns={"key_id": "id"}),
        Doing(f"PATCH {base}/api-keys/{{key_id}}", {"name": "another feed"}),
        Doing(f"POST {base}/api-keys/{{key_id}}/rotation", {"graceHours": 1}),
        Doing(f"DELETE {base}/api-keys/{{key_id}}"),
    ]


def _people(clerk: str) -> list[Doing]:
    return [
        *_team("/v1/admin", "/v1/admin/staff", "support", {}),
        *_team("/v1/vendors/{vendor_id}", "/v1/vendors/{vendor_id}/team", "vendor_orders", {"user_id": clerk}),
        Doing("PUT /v1/admin/users/{user_id}/second-factors", {"required": True}),
        Doing("DELETE /v1/admin/users/{user_id}/second-factors"),
        Doing("POST /v1/admin/users/search", {"email": "bob@example.com"}),
        Doing("DELETE /v1/admin/abuse/scores/{user_id}"),
        Doing("PUT /v1/admin/users/{user_id}/status", {"status": "blocked"}),
    ]


def _team(base: str, team: str, role: str, member: Mapping[str, str]) -> list[Doing]:
    night = {"name": "night_shift"}
    return [
        Doing(f"PUT {base}/roles/{{name}}", {"permissions": ["orders.read"]}, night),
        Doing(f"DELETE {base}/roles/{{name}}", None, night),
        Doing(
            f"POST {team}/invitations", {"email": "new@example.com", "roles": [role]}, learns={"invitation_id": "id"}
        ),
        Doing(f"POST {team}/invitations/{{invitation_id}}/resend"),
        Doing(f"DELETE {team}/invitations/{{invitation_id}}"),
        Doing(f"PUT {team}/{{user_id}}", {"roles": [role]}, member),
        Doing(f"DELETE {team}/{{user_id}}", None, member),
    ]


def _webhooks() -> list[Doing]:
    base = "/v1/vendors/{vendor_id}/webhooks"
    made = {"url": "https://hooks.example.com/market", "events": ["order.paid"], "active": False}
    return [
        Doing(f"POST {base}", made, learns={"webhook_id": "id"}),
        Doing(f"PATCH {base}/{{webhook_id}}", {"description": "ours"}),
        Doing(f"POST {base}/{{webhook_id}}/secret-rotation", {"graceHours": 1}),
        Doing(f"DELETE {base}/{{webhook_id}}"),
    ]


def _prices(customer: str) -> list[Doing]:
    base, place = "/v1/vendors/{vendor_id}", {"customer_id": customer}
    price = {"amount": 4_000, "currency": "EUR"}
    entry = {"sku": "LAMP", "listId": "club", "price": price, "groups": ["club"]}
    rule = {"id": "scarce", "trigger": {"kind": "stock", "units": 1}, "changeBasisPoints": 500, "skus": ["LAMP"]}
    return [
        Doing(f"PUT {base}/prices", {"entries": [entry]}),
        Doing(f"PUT {base}/price-rules", {"rules": [rule | {"floor": price, "ceiling": price}]}),
        Doing(f"PUT {base}/price-groups/{{customer_id}}", {"groups": ["friends"]}, place),
        Doing("PUT /v1/admin/price-groups/{customer_id}", {"groups": ["club"]}, place),
        Doing("PUT /v1/admin/rates", {"rates": {"CHF": "0.95"}}),
    ]


def _promotions() -> list[Doing]:
    base, whole = "/v1/vendors/{vendor_id}/promotions", {"title": "Sale", "needsCode": True}
    promotion = whole | {"benefit": {"kind": "percent", "basisPoints": 1000}}
    return [
        Doing(f"POST {base}", promotion, learns={"promotion_id": "id"}),
        Doing(f"PUT {base}/{{promotion_id}}", promotion | {"title": "A sale", "status": "draft"}),
        Doing(f"POST {base}/{{promotion_id}}/codes", {"code": "AUTUMN-20", "limit": 0}),
    ]


def _platform(scene: Scene) -> list[Doing]:
    rules = scene.fair.ask("GET", "/v1/admin/fraud/rules", token=scene.fair.staff)
    kept = {name: rules[name] for name in ("rules", "reviewFrom", "blockFrom", "enforced")}
    lists = "/v1/admin/fraud/lists/{list_name}/entries"
    day = {"from": "2026-11-01", "to": "2026-11-02"}
    return [
        Doing(
            "POST /v1/admin/abuse/blocks",
            {"network": "198.51.100.0/24", "reason": "tries cards"},
            learns={"block_id": "id"},
        ),
        Doing("DELETE /v1/admin/abuse/blocks/{block_id}"),
        Doing("PUT /v1/admin/commission-rules", {"rules": [{"basisPoints": 800}]}),
        Doing("DELETE /v1/admin/commission-rules"),
        Doing("PUT /v1/admin/flags/{flag_name}", {"enabled": True}, {"flag_name": "bulk-upload"}),
        Doing("POST /v1/admin/flags/{flag_name}/kill", None, {"flag_name": "bulk-upload"}),
        Doing(f"POST {lists}", {"kind": "account", "value": "somebody", "note": ""}, learns={"entry_id": "id"}),
        Doing(f"DELETE {lists}/{{entry_id}}"),
        Doing("PUT /v1/admin/fraud/rules", kept),
        Doing("POST /v1/admin/ledger/vendors/{vendor_id}/rebuild", day),
        Doing("PUT /v1/admin/shipping", SHIPPING),
        Doing("PUT /v1/admin/tax/countries/{country}", {"registrations": [{"since": "2026-01-01"}]}, {"country": "GB"}),
        Doing("PATCH /v1/admin/vendors/{vendor_id}/status", {"status": "suspended", "reason": "looks odd"}),
    ]


SHIPPING = {
    "currency": "EUR",
    "zones": [{"id": "world", "name": "Worldwide", "areas": [{"country": "*"}]}],
    "methods": [
        {
            "id": "standard",
            "name": "Standard",
            "rates": [{"zone": "world", "basis": "flat", "bands": [{"price": 490}]}],
        }
    ],
}


def _shipping() -> list[Doing]:
    base = "/v1/vendors/{vendor_id}/shipping"
    return [Doing(f"PUT {base}", SHIPPING), Doing(f"DELETE {base}")]


UNTRIED = {
    "POST /v1/vendors/{vendor_id}/transfers": "needs the id of a warehouse; writes with the same table",
    "PATCH /v1/vendors/{vendor_id}/transfers/{transfer_id}": "no transfer is made here; writes with the same table",
    "POST /v1/vendors/{vendor_id}/media/{media_id}/completion": "nothing was sent here; writes with the same table",
    "POST /v1/vendors/{vendor_id}/imports/{import_id}/start": "no file was sent here; writes with the same table",
    "PUT /v1/vendors/{vendor_id}/promotions/{promotion_id}/participation": "no campaign runs here",
    "POST /v1/vendors/{vendor_id}/shipping/preview": "it keeps nothing",
    "POST /v1/admin/fraud/reviews/{order_no}/decision": "nothing is in review here; writes with the same table",
    "POST /v1/admin/orders/{order_no}/compensation": "no checkout is stuck here; writes with the same table",
    "POST /v1/admin/payments/{order_no}/settlement": "no payment is by hand here; writes with the same table",
    "POST /v1/admin/tax/certificates/{certificate_id}/decision": "nobody handed one in; writes with the same table",
    "POST /v1/admin/tax/preview": "it keeps nothing",
    "POST /v1/vendors/{vendor_id}/webhooks/{webhook_id}/deliveries/{delivery_id}/replay": "nothing was delivered",
    "POST /v1/vendors/{vendor_id}/webhooks/{webhook_id}/replay": "it would call somebody's server",
    "POST /v1/vendors/{vendor_id}/webhooks/{webhook_id}/test": "it would call somebody's server",
}
"""Routes that cannot succeed in the scene. The kernel's own tests show that the table records whatever it writes."""
