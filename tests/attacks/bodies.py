"""Bodies that name what belongs to others: for every field that names something, on every route whose callers own
things.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.attacks.ownership import audience
from tests.attacks.world import OTHER, World
from tests.journeys.fair import PASSWORD
from tests.journeys.hostile import Operation, resolved
from tests.shop import order_body

JSON = dict[str, Any]
REFUSED = frozenset({403, 404, 409, 422})
PRICE = {"amount": 2_000, "currency": "EUR"}

NAMING = {
    "allow", "deny", "email", "guestToken", "key", "lines", "orderNo", "permissions", "refreshToken", "roles",
    "rows", "savedMethod", "shipping", "shippingAddressId", "sku", "slug", "token", "vendorId",
}  # fmt: skip
"""Fields that name something which may be somebody else's."""

PLAIN = {
    "active", "adjust", "all", "alt", "amount", "attributes", "available", "barcode", "billingAddress", "bio",
    "brand", "cartVersion", "category", "city", "code", "codeVerifier", "compareAtPrice", "contentType", "country",
    "credential", "currency", "dateOfBirth", "description", "displayName", "endsAt", "events", "everywhere",
    "expected", "expectedTotal", "externalId", "graceHours", "image", "images", "isActive", "isDefault", "label",
    "language", "legalName", "limitDays", "line1", "line2", "links", "marketing", "maxPerCustomer", "method",
    "name", "newPassword", "note", "optIn", "options", "password", "perDay", "perMinute", "phone", "postalCode",
    "preferences", "price", "quantity", "quota", "reason", "redirectUri", "session", "shippingAddress",
    "shippingMethod", "since", "source", "state", "status", "stock", "supportEmail", "supportPhone", "tags",
    "taxId", "text", "theme", "title", "url", "variants", "visible", "weightGrams",
}  # fmt: skip
"""Fields that name nothing, or prove something, as passwords and codes do."""

EXCUSED: Mapping[tuple[str, str], str] = {
    ("POST /v1/vendors/{vendor_id}/team/invitations", "email"): "anybody may be invited",
    ("POST /v1/orders", "email"): "for the mails of guests",
    ("POST /v1/vendors/{vendor_id}/products/import", "rows"): "have a test of their own",
    ("POST /v1/cart/items", "sku"): "goods on sale are everybody's; drafts are tried",
}


@dataclass(frozen=True)
class Attack:
    """Fields of a body that name what is another camp's, sent by somebody of `camp`, and what may be answered."""

    camp: str
    who: str
    route: str
    fields: tuple[str, ...]
    body: JSON
    places: Mapping[str, str]
    told: frozenset[int] = REFUSED

    @property
    def is_refused(self) -> bool:
        """Whether nothing at all may come of it. A payment that is not to be had with a method may have been opened."""
        return self.told == REFUSED and "savedMethod" not in self.fields

    def __str__(self) -> str:
        return f"{self.camp} {self.who} {self.route} {self.body}"


def attacks(world: World) -> Iterator[Attack]:
    """All, in both directions; where guests or programs have the route too, theirs as well."""
    routes = {str(operation) for operation in world.scene.operations}
    for camp in OTHER:
        for made in (*_of_customer(world, camp), *_of_people(world, camp), *_of_vendor(world, camp),
                     *_of_staff(world, camp)):  # fmt: skip
            yield made
            for start, who in (("/v1/guest/", "guest"), ("/v1/api/", "program")):
                twin = made.route.replace("/v1/", start)
                if twin in routes:
                    yield replace(made, route=twin, who=who)


def _of_customer(world: World, name: str) -> Iterator[Attack]:
    camp, other = world.camps[name], world.camps[OTHER[name]]
    theirs = {kind: held.get(f"{other.name} customer", "") for kind, held in world.holdings.items()}

    def sent(route: str, fields: str, body: JSON) -> Attack:
        return Attack(name, "customer", route, tuple(fields.split()), body, {})

    for number in (other.things["paid"], other.things["waiting"], world.holdings["order"][f"{other.name} guest"]):
        yield sent("POST /v1/payments/intent", "orderNo", {"orderNo": number})
        for token in (camp.token("guest"), _forged(other.token("guest"), camp.token("guest"))):
            body = {"orderNo": number, "guestToken": token}
            yield sent("POST /v1/me/orders/claim", "orderNo guestToken", body)
    for saved in (theirs["saved method"], f"sandbox.{theirs['saved method']}"):
        body = {"orderNo": camp.things["waiting"], "savedMethod": saved}
        yield sent("POST /v1/payments/intent", "savedMethod", body)
    at = {"shippingAddressId": theirs["address"]}
    yield sent("POST /v1/checkout/summary", "shippingAddressId", at)
    seen = camp.ask("customer", "POST", "/v1/checkout/summary", {})
    order = order_body(seen) | at
    del order["shippingAddress"]
    yield sent("POST /v1/orders", "shippingAddressId", order)
    forged = _forged(other.token("guest"), camp.token("guest"))
    yield sent("POST /v1/cart/merge", "guestToken", {"guestToken": forged})
    yield sent("PUT /v1/me/avatar", "key", {"key": theirs["avatar"]})
    yield sent("POST /v1/cart/items", "sku", {"sku": other.draft_sku, "quantity": 1})


def _of_people(world: World, name: str) -> Iterator[Attack]:
    """What everybody with an account may send, and without."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    alike = frozenset({200, 202})

    def sent(route: str, fields: str, body: JSON, told: frozenset[int] = REFUSED) -> Attack:
        return Attack(name, "customer", route, tuple(fields.split()), body, {}, told)

    yield sent("POST /v1/me/invitations/accept", "token", {"token": other.things["invitation token"]})
    yield sent("POST /v1/me/invitations/accept", "token", {"token": camp.things["invitation token"]})
    token = {"refreshToken": other.session()["refreshToken"]}
    yield sent("POST /v1/auth/logout", "refreshToken", token, alike)
    taken = {"email": other.mail("customer"), "password": PASSWORD}
    yield sent("POST /v1/me/email", "email", taken, alike | REFUSED)
    public = world.fair.ask("GET", f"/v1/vendors/{other.vendor_id}")
    shop = {"name": "Another", "supportEmail": "x@example.com", "slug": public["slug"]}
    yield sent("POST /v1/vendors/apply", "slug", shop)
    known = other.things["key secret"]
    yield sent("POST /v1/api-keys/report-leak", "key", {"key": f"{known[:-8]}00000000"}, alike)


def _of_vendor(world: World, name: str) -> Iterator[Attack]:
    camp, other = world.camps[name], world.camps[OTHER[name]]
    held = {kind: things.get(f"{name} vendor", "") for kind, things in world.holdings.items()}
    role = world.holdings["role"][f"{other.name} vendor"]

    def sent(method: str, path: str, fields: str, body: JSON, told: frozenset[int] = REFUSED, **places: str) -> Attack:
        route = f"{method} /v1/vendors/{{vendor_id}}/{path}"
        return Attack(name, "owner", route, tuple(fields.split()), body, {"vendor_id": camp.vendor_id} | places, told)

    for sku in (other.sku, other.draft_sku):
        variants = [{"sku": f"NEW-{name.upper()}", "price": PRICE}, {"sku": sku, "price": PRICE, "stock": 0}]
        product = {"title": "Taken", "category": "home", "variants": variants}
        yield sent("POST", "products", "sku", product)
        changed = {"variants": variants[1:]}
        yield sent("PATCH", "products/{product_id}", "sku", changed, product_id=held["product"])
    slug = {"title": "Same", "category": "home", "slug": world.fair.products[other.sku]["slug"],
            "variants": [{"sku": f"SLUG-{name.upper()}", "price": PRICE}]}  # fmt: skip
    yield sent("POST", "products", "slug", slug, frozenset({201, 409}))  # under another slug; a program comes too late
    for lines, shipping in _shares(world, name):
        body = {"lines": lines, "shipping": shipping, "reason": "returned"}
        yield sent("POST", "orders/{order_no}/refunds", "lines shipping sku vendorId", body,
                   order_no=world.mixed["orderNo"])  # fmt: skip
    yield sent("POST", "api-keys", "permissions", {"name": "Robot", "permissions": ["users.read"]})
    for roles in (["super_admin"], [role], ["role_platform"]):
        yield sent("POST", "team/invitations", "roles", {"email": "x@example.com", "roles": roles})
        yield sent("PUT", "team/{user_id}", "roles", {"roles": roles}, user_id=held["member"])
    for field in ("allow", "deny"):
        body = {"roles": ["vendor_viewer"], field: ["users.read"]}
        yield sent("PUT", "team/{user_id}", field, body, user_id=held["member"])
    yield sent("PUT", "roles/{name}", "permissions", {"permissions": ["users.read"]}, name=held["role"])
    yield sent("PATCH", "api-keys/{key_id}", "permissions", {"permissions": ["users.read"]}, key_id=held["key"])


def _shares(world: World, name: str) -> Iterator[tuple[list[JSON], Any]]:
    """Lines and shipping of an order of both vendors' goods: the other's alone, and among one's own."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    mine, theirs = {"sku": camp.sku, "quantity": 1}, {"sku": other.sku, "quantity": 1}
    yield [theirs], []
    yield [mine, theirs], []
    yield [], [{"vendorId": other.vendor_id}]
    yield [mine], [{"vendorId": camp.vendor_id}, {"vendorId": other.vendor_id}]
    yield [{"sku": other.sku, "amount": {"amount": 1, "currency": "EUR"}}], []


def _of_staff(world: World, name: str) -> Iterator[Attack]:
    """Staff may name every vendor, but not one that has no part of the order."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    places = {"order_no": camp.things["paid"]}
    for path, body in (("notes", {"text": "Of whom?", "visible": "vendor"}), ("cancellation", {"reason": "Whose?"})):
        route = f"POST /v1/admin/orders/{{order_no}}/{path}"
        yield Attack(name, "staff", route, ("vendorId",), body | {"vendorId": other.vendor_id}, places)


def _forged(theirs: str, mine: str) -> str:
    """Their id in a guest token, with the signature of mine."""
    return f"{theirs.rpartition('.')[0]}.{mine.rpartition('.')[2]}"


def fields(operation: Operation) -> set[str]:
    """The names of all fields of the body, inner ones too."""
    found: set[str] = set()
    _collect(operation.body or {}, operation.schemas, found)
    return found


def _collect(schema: JSON, schemas: JSON, found: set[str]) -> None:
    inner = resolved(schema, schemas)
    for option in inner.get("anyOf", ()) or schema.get("anyOf", ()):
        if option.get("type") == "array":
            _collect(option, schemas, found)
    for name, value in inner.get("properties", {}).items():
        found.add(name)
        _collect(value, schemas, found)
    if inner.get("type") == "array":
        _collect(inner.get("items", {}), schemas, found)


def to_be_tried(world: World) -> set[tuple[str, str]]:
    """Every route and field that names something and is sent by somebody who owns things. Of sign-ins the tests of
    identity tell: whoever sends an address there proves that it is theirs.
    """
    return {
        (str(operation), name)
        for operation in world.scene.operations
        for name in fields(operation) & NAMING
        if audience(operation) not in ("staff", "provider")
        and not (audience(operation) == "anyone" and operation.path.startswith("/v1/auth/"))
        and (_plain(operation), name) not in EXCUSED
    }


def _plain(operation: Operation) -> str:
    return str(operation).replace("/v1/guest/", "/v1/").replace("/v1/api/", "/v1/")
