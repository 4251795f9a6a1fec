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
    "allow", "banner", "customerId", "customers", "decisionId", "deny", "email", "from", "groups", "guestToken", "key",
    "lines", "logo", "mediaId", "orderNo", "permissions", "pickupId", "place", "productId", "products", "promotionId",
    "quoteId", "refreshToken", "roles", "rows", "savedMethod", "shipping", "shippingAddressId", "sku", "skus", "slug",
    "to", "token", "vendorId", "vendors", "warehouses",
}  # fmt: skip
"""Fields that name something which may be somebody else's."""

PLAIN = {
    "accepted", "action", "active", "adjust", "all", "alt", "alts", "amount", "amounts", "answer", "areas",
    "attributes", "available", "badge", "bands", "barcode", "basis", "basisPoints", "benefit", "billingAddress", "bio",
    "brand", "brands", "budget", "budgetCurrency", "buy", "calendar", "carrier", "carriers", "cartVersion",
    "categories", "category", "ceiling", "changeBasisPoints", "changes", "city", "claimable", "claims", "close",
    "closed", "closes", "code", "codeVerifier", "compareAtPrice", "competitor", "competitors",
    "conditions", "contentType", "cooldownMinutes",
    "count", "countries", "country", "credential", "crop", "currencies", "currency", "cutOff", "dateOfBirth", "days",
    "defaultGrams", "delivers", "description", "destination", "deviations", "dimDivisor", "dimensions", "displayName",
    "document", "each", "endsAt", "entries", "events", "everywhere", "exclude", "exclusive", "expected",
    "expectedPeak", "expectedTotal", "externalId", "fee", "files", "firstOrder", "floor", "format", "free",
    "fromVersion", "get", "girthOver", "graceHours", "gramsOver", "group", "gtin", "height", "heightMm", "hidden",
    "hours", "id", "image", "images", "include", "isActive", "isDefault", "joined", "jurisdiction", "keywords", "kind",
    "label", "language", "later", "legalName", "lengthMm", "limit", "limitDays", "limits", "line", "line1", "line2",
    "links", "listId", "live", "marketing", "markup", "matrix", "maxDays", "maxGirth", "maxGrams", "maxHandlingDays",
    "maxPerCustomer", "maxSide", "maxStepBasisPoints", "maximum", "media", "method", "methods", "minDays",
    "minHandlingDays", "minQuantity", "minUnits", "minimum", "mode", "most", "name", "needsCode", "newDays",
    "newPassword", "note", "number", "offsetMinutes", "opening", "opens", "optIn", "options", "origin", "parcel",
    "password", "pattern", "perCustomer", "perDay", "perMinute", "perUnit", "phone", "pickup", "platformBasisPoints",
    "postal", "postalCode", "preferences", "price", "prices", "priority", "purpose", "quantity", "quota", "rates",
    "reason", "received", "redirectUri", "reference", "region", "regions", "registration", "remove", "reorderPoint",
    "rewards", "rules", "safetyStock", "seenAt", "seo", "service", "session", "shippingAddress", "shippingChoices",
    "shippingMethod",
    "ships", "sideOver", "since", "size", "sizeMm", "skip", "skuPattern", "source", "spend", "stacking", "startsAt",
    "state", "status", "step", "stock", "submit", "subtotal", "supportEmail", "supportPhone", "surcharges", "table",
    "tags", "taxCategory", "taxId", "terms", "text", "theme", "threshold", "tiers", "timeZone", "title",
    "translations", "trigger", "type", "units", "until", "upTo", "url", "uses", "validFrom", "validUntil", "variant",
    "variants", "version", "visible", "weekdays", "weightGrams", "width", "widthMm", "workdays", "x", "y", "zone",
    "zones",
}  # fmt: skip
"""Fields that name nothing, or prove something, as passwords and codes do."""

EXCUSED: Mapping[tuple[str, str], str] = {
    ("POST /v1/vendors/{vendor_id}/team/invitations", "email"): "anybody may be invited",
    ("POST /v1/orders", "email"): "for the mails of guests",
    ("PATCH /v1/vendors/{vendor_id}/inventory/{sku}", "from"): "a day; of transfers it is a warehouse",
    ("POST /v1/vendors/{vendor_id}/products/import", "rows"): "have a test of their own",
    ("POST /v1/checkout/summary", "vendorId"): "a vendor in one's own cart: how the parcel goes",
    ("POST /v1/orders", "vendorId"): "a vendor in one's own cart: how the parcel goes",
    ("POST /v1/checkout/summary", "quoteId"): "a price of a carrier's for one very parcel, whoever asked for it",
    ("POST /v1/orders", "quoteId"): "a price of a carrier's for one very parcel, whoever asked for it",
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
                     *_of_seller(world, camp), *_of_staff(world, camp)):  # fmt: skip
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
    fetched = {"vendorId": camp.vendor_id, "method": "standard", "pickupId": other.things["warehouse"]}
    body = order_body(seen) | {"shippingChoices": [fetched]}
    yield sent("POST /v1/orders", "pickupId", body)
    summary = "POST /v1/checkout/summary"
    yield Attack(name, "customer", summary, ("pickupId",), {"shippingChoices": [fetched]}, {}, frozenset({200}))
    forged = _forged(other.token("guest"), camp.token("guest"))
    yield sent("POST /v1/cart/merge", "guestToken", {"guestToken": forged})
    yield sent("PUT /v1/me/avatar", "key", {"key": theirs["avatar"]})
    yield sent("POST /v1/cart/items", "sku", {"sku": other.draft_sku, "quantity": 1})
    draft = world.holdings["promotion"][f"{other.name} vendor"]
    yield sent("POST /v1/me/coupons", "promotionId", {"promotionId": draft})


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
    yield from _stock(world, name)
    yield from _prices(world, name)
    yield from _promotions(world, name)
    slug = {"title": "Same", "category": "home", "slug": world.fair.products[other.sku]["slug"],
            "variants": [{"sku": f"SLUG-{name.upper()}", "price": PRICE}]}  # fmt: skip
    yield sent("POST", "products", "slug", slug, frozenset({201, 409}))  # under another slug; a program comes too late
    for lines, shipping in _shares(world, name):
        body = {"lines": lines, "shipping": shipping, "reason": "returned"}
        yield sent("POST", "orders/{order_no}/refunds", "lines shipping sku vendorId", body,
                   order_no=world.mixed["orderNo"])  # fmt: skip
    for picture in ("logo", "banner"):
        body = {picture: world.holdings["media"][f"{other.name} vendor"]}
        yield Attack(name, "owner", "PATCH /v1/vendors/{vendor_id}", (picture,), body, {"vendor_id": camp.vendor_id})
    yield sent("POST", "api-keys", "permissions", {"name": "Robot", "permissions": ["users.read"]})
    for roles in (["super_admin"], [role], ["role_platform"]):
        yield sent("POST", "team/invitations", "roles", {"email": "x@example.com", "roles": roles})
        yield sent("PUT", "team/{user_id}", "roles", {"roles": roles}, user_id=held["member"])
    for field in ("allow", "deny"):
        body = {"roles": ["vendor_viewer"], field: ["users.read"]}
        yield sent("PUT", "team/{user_id}", field, body, user_id=held["member"])
    yield sent("PUT", "roles/{name}", "permissions", {"permissions": ["users.read"]}, name=held["role"])
    yield sent("PATCH", "api-keys/{key_id}", "permissions", {"permissions": ["users.read"]}, key_id=held["key"])


def _stock(world: World, name: str) -> Iterator[Attack]:
    """A vendor counts, sends and keeps what is its own, in warehouses of its own."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    mine, base, hall = {"vendor_id": camp.vendor_id}, "/v1/vendors/{vendor_id}", other.things["warehouse"]
    yield Attack(name, "owner", f"PATCH {base}/inventory/{{sku}}", ("place",), {"adjust": 1, "place": hall},
                 mine | {"sku": camp.sku})  # fmt: skip
    yield Attack(name, "owner", f"POST {base}/inventory", ("rows", "place"),
                 {"rows": [{"sku": camp.sku, "adjust": 1, "place": hall}]}, mine)  # fmt: skip
    row = {"sku": other.sku, "adjust": 1}
    yield Attack(name, "owner", f"POST {base}/inventory", ("rows", "sku"), {"rows": [row]}, mine, frozenset({200}))
    yield Attack(name, "owner", f"PUT {base}/warehouses", ("warehouses", "id"),
                 {"warehouses": [{"id": hall, "name": "Mine", "country": "DE"}]}, mine)  # fmt: skip
    theirs = [{"sku": other.sku, "units": 1}]
    for body in ({"to": hall, "lines": [{"sku": camp.sku, "units": 1}]}, {"from": hall, "lines": theirs},
                 {"to": camp.things["warehouse"], "lines": theirs}):  # fmt: skip
        yield Attack(name, "owner", f"POST {base}/transfers", ("lines", "sku", "from", "to"), body, mine)
    places = mine | {"transfer_id": world.holdings["transfer"][f"{name} vendor"]}
    arrived = {"version": 1, "received": theirs}
    yield Attack(name, "owner", f"PATCH {base}/transfers/{{transfer_id}}", ("sku",), arrived, places)


def _prices(world: World, name: str) -> Iterator[Attack]:
    """A vendor's lists and rules are for its own SKUs, and for groups of its own."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    mine, base, friends = {"vendor_id": camp.vendor_id}, "PUT /v1/vendors/{vendor_id}", [f"{other.vendor_id}:friends"]
    listed = {"sku": other.sku, "listId": "theirs", "price": PRICE, "groups": friends}
    body = {"entries": [listed], "accepted": [{"sku": other.sku, "decisionId": f"dec_{'0' * 26}"}],
            "competitors": [{"sku": other.sku, "competitor": "rival.example", "price": PRICE}]}  # fmt: skip
    told = frozenset({200})  # refused SKU by SKU; rules move one's own SKUs only
    yield Attack(name, "owner", f"{base}/prices", ("sku", "groups", "decisionId"), body, mine, told)
    rule = {"id": "theirs", "trigger": {"kind": "stock", "units": 1_000}, "changeBasisPoints": -9_000,
            "skus": [other.sku], "floor": PRICE | {"amount": 1}, "ceiling": PRICE, "mode": "apply"}  # fmt: skip
    yield Attack(name, "owner", f"{base}/price-rules", ("skus",), {"rules": [rule]}, mine, told)
    place = mine | {"customer_id": camp.ids["customer"]}
    yield Attack(name, "owner", f"{base}/price-groups/{{customer_id}}", ("groups",), {"groups": friends}, place)


def _promotions(world: World, name: str) -> Iterator[Attack]:
    """A vendor's promotions are for its own goods, whatever they name; a code may be anybody's."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    theirs = {kind: things.get(f"{other.name} vendor", "") for kind, things in world.holdings.items()}
    mine = {"vendor_id": camp.vendor_id, "promotion_id": world.holdings["promotion"][f"{name} vendor"]}
    goods = {"skus": [other.sku], "products": [theirs["product"]], "vendors": [other.vendor_id]}
    who = {"customers": [other.ids["customer"]], "groups": [f"{other.vendor_id}:friends"]}
    promotion = {"title": "Theirs", "benefit": {"kind": "gift", "sku": other.sku}, "include": goods,
                 "conditions": who, "needsCode": True, "status": "draft"}  # fmt: skip
    named = ("skus", "products", "vendors", "customers", "groups", "sku")
    base = "/v1/vendors/{vendor_id}/promotions"
    new = {field: value for field, value in promotion.items() if field != "status"}
    yield Attack(name, "owner", f"POST {base}", named, new, mine)
    yield Attack(name, "owner", f"PUT {base}/{{promotion_id}}", named, promotion, mine)
    joined = {"products": [theirs["product"]]}
    yield Attack(name, "owner", f"PUT {base}/{{promotion_id}}/participation", ("products",), joined, mine)
    code = {"code": f"THEIRS-{name}", "customerId": other.ids["customer"]}
    yield Attack(name, "owner", f"POST {base}/{{promotion_id}}/codes", ("customerId",), code, mine, frozenset({201}))


def _of_seller(world: World, name: str) -> Iterator[Attack]:
    """Slugs, SKUs and drafts of others, in changes and offers."""
    camp, other = world.camps[name], world.camps[OTHER[name]]
    places = {"vendor_id": camp.vendor_id, "product_id": world.holdings["product"][f"{name} vendor"]}
    product = "/v1/vendors/{vendor_id}/products/{product_id}"
    taken, theirs = world.fair.products[other.sku]["slug"], world.holdings["product"][f"{other.name} vendor"]
    yield Attack(name, "owner", f"PATCH {product}", ("slug",), {"slug": taken}, places)
    changes = {"slug": taken, "variants": [{"sku": other.sku, "price": PRICE}]}
    pictured = {"media": [{"mediaId": world.holdings["media"][f"{other.name} vendor"]}]}
    yield Attack(name, "owner", f"PATCH {product}", ("mediaId",), pictured, places)
    yield Attack(name, "owner", f"PUT {product}/draft", ("mediaId",), {"changes": pictured}, places)
    variants = [{"sku": f"PICTURED-{name.upper()}", "price": PRICE}]
    new = {"title": "Pictured", "category": "home", "variants": variants} | pictured
    yield Attack(
        name, "owner", "POST /v1/vendors/{vendor_id}/products", ("mediaId",), new, {"vendor_id": camp.vendor_id}
    )
    yield Attack(name, "owner", f"PUT {product}/draft", ("sku", "slug"), {"changes": changes}, places)
    hidden = {"productId": theirs, "sku": other.sku, "price": PRICE}
    yield Attack(name, "owner", "POST /v1/vendors/{vendor_id}/offers", ("productId", "sku"), hidden, places)


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
