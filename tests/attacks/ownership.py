"""What each part of a path names, and whose it can be: of every route there is, by who calls it.

A new route with a part that is not here makes the tests red, until somebody has said what it names.
"""

from collections.abc import Iterator, Mapping
from itertools import chain, combinations

from tests.attacks.world import OTHER, PLATFORM, Actor, World
from tests.journeys.hostile import Operation

OPEN = ""
"""Names nothing that has an owner."""

KINDS: Mapping[str, Mapping[str, str]] = {
    "person": {
        "order_no": "order",
        "number": "invoice",
        "vendor_id": "vendor",
        "address_id": "address",
        "session_id": "session",
        "passkey_id": "passkey",
        "certificate_id": "certificate",
        "saved_id": "saved method",
        "media_id": "media",
        "scope": "team",
        "sku": OPEN,  # of goods on sale
        "factor": OPEN,
    },
    "guest": {"order_no": "order", "number": "invoice", "vendor_id": "vendor", "sku": OPEN},
    "vendor": {
        "vendor_id": "vendor",
        "product_id": "product",
        "promotion_id": "promotion",
        "transfer_id": "transfer",
        "import_id": "import",
        "media_id": "media",
        "sku": "sku",
        "offer_sku": "offer",
        "order_no": "order",
        "number": "invoice",
        "key_id": "key",
        "webhook_id": "webhook",
        "delivery_id": "delivery",
        "invitation_id": "invitation",
        "user_id": "member",
        "name": "role",
        "month": OPEN,
        "customer_id": OPEN,  # into groups of one's own
    },
    "staff": {
        "key_id": "key",
        "invitation_id": "invitation",
        "user_id": "member",
        "name": "role",
    }
    | dict.fromkeys(
        ("order_no", "order_id", "vendor_id", "category_id", "audit_id", "flag_name", "list_name", "entry_id",
         "block_id", "account_id", "product_id", "slug", "certificate_id", "country", "month",
         "customer_id", "media_id"),
        OPEN,
    ),  # staff look after everybody's
    "anyone": {
        "promotion_id": "promotion",
        "token": OPEN,
        "slug": "draft",
        "sku": "sku",
        "vendor_id": OPEN,
        "name": OPEN,
    },
    "provider": {"intent_id": "intent", "setup_id": "setup", "customer": "account", "method_id": "saved method"},
}  # fmt: skip
"""The kind of thing, as in a world's holdings, by who calls and the name of the part."""

ACCOUNTS = ("/v1/admin/users/", "/v1/admin/abuse/")
"""There `user_id` is anybody's account, which is staff's business."""

LEGITIMATE: Mapping[tuple[str, str], str] = {
    ("PUT /v1/vendors/{vendor_id}/team/{user_id}", "staff"): "staff of the platform add anybody to a team",
    ("PUT /v1/admin/staff/{user_id}", "staff"): "an administrator makes anybody staff",
    ("PUT /v1/vendors/{vendor_id}/roles/{name}", ""): "roles are named in each scope by itself",
    ("PUT /v1/admin/roles/{name}", ""): "roles are named in each scope by itself",
}
"""Requests with somebody else's id that are right: by route and actor, for all actors where none is named."""


def audience(operation: Operation) -> str:
    """Who calls the route, and so what the parts of its path name."""
    callers = operation.callers
    if operation.path.startswith("/sandbox/"):
        return "provider"
    if "anyone" in callers:
        return "anyone"
    if "guest" in callers:
        return "guest"
    if "key" in callers or ("{vendor_id}" in operation.path and "vendor" in callers):
        return "vendor"
    return "person" if "customer" in callers else "staff"


def kind_of(operation: Operation, name: str) -> str:
    """What a part of the path names. Raises KeyError for one that nobody has told."""
    if name == "user_id" and operation.path.startswith(ACCOUNTS):
        name = "account_id"
    return KINDS[audience(operation)][name]


def owned_names(operation: Operation) -> list[str]:
    return [name for name in operation.names if kind_of(operation, name) != OPEN]


def actors(world: World, operation: Operation) -> list[Actor]:
    """Who gets past the guard of the route."""
    match audience(operation):
        case "anyone" | "provider":
            return list(world.actors.values())
        case "guest":
            return world.by("guest-token")
        case "person":
            return world.by("authorization")
        case "staff":
            return [actor for actor in world.by("authorization") if actor.is_staff]
    if "key" in operation.callers:
        return world.by("api-key")
    return [one for one in world.by("authorization") if one.is_staff or any("vendor" in label for label in one.owns)]


def acts_as(operation: Operation, actor: Actor) -> str:
    """Whose things are the actor's own on this route: as a person only what they have themselves.

    Staff look after the vendor of lights here.
    """
    if audience(operation) == "person" and not actor.name.endswith("customer"):
        return actor.name
    if not actor.is_staff:
        return next(iter(actor.owns), "")
    return {"vendor": "lights vendor", "staff": PLATFORM}.get(audience(operation), "")


def own(world: World, operation: Operation, actor: Actor) -> dict[str, str]:
    """The values of a path that is all the actor's own; without those of which they have none."""
    label = acts_as(operation, actor)
    held = {name: world.holdings[kind_of(operation, name)].get(label, "") for name in owned_names(operation)}
    return {name: value for name, value in held.items() if value}


def foreign(world: World, operation: Operation, actor: Actor) -> Iterator[dict[str, str]]:
    """Every path with something of somebody else's in it: in one part, in several, in all."""
    names, mine = owned_names(operation), own(world, operation, actor)
    seen: list[dict[str, str]] = []
    for label in _strangers(world, operation, actor):
        theirs = {name: world.holdings[kind_of(operation, name)].get(label, "") for name in names}
        for swapped in chain.from_iterable(combinations(names, size) for size in range(1, len(names) + 1)):
            whole_swap = actor.is_staff and len(swapped) == len(names) and audience(operation) == "vendor"
            values = mine | {name: theirs[name] for name in swapped}
            differs = all(values.get(name) for name in names) and all(values[n] != mine.get(n) for n in swapped)
            if differs and not whole_swap and values not in seen:
                seen.append(values)
                yield values


def _strangers(world: World, operation: Operation, actor: Actor) -> list[str]:
    """Whose things are foreign. A vendor has to do with those who buy of it."""
    label = acts_as(operation, actor)
    labels = [f"{camp} {who}" for camp in OTHER for who in ("customer", "guest", "vendor", "owner")] + [PLATFORM]
    if label.endswith("vendor"):
        return [other for other in labels if not other.startswith(label.split()[0])]
    if actor.is_staff and label == PLATFORM:
        return [other for other in labels if other.endswith("vendor")]
    return [other for other in labels if other != label and not other.startswith(PLATFORM)]


def is_legitimate(operation: Operation, actor: Actor) -> bool:
    who = "staff" if actor.is_staff else actor.name
    return bool({(str(operation), who), (str(operation), "")} & set(LEGITIMATE))
