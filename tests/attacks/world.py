"""The world of foreign resources: two camps and the platform, who is in it, and what each of them owns."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from local.harness import InProcess, marketplace
from market.guard import callers
from tests.attacks.camps import SKUS, Camp
from tests.journeys.fair import Fair
from tests.journeys.scenery import ABSENT, Scene, operations

JSON = dict[str, Any]
PLATFORM = "platform"
OTHER = {"lights": "wood", "wood": "lights"}


@dataclass(frozen=True)
class Actor:
    """Somebody who tries. proof: their header. owns: whose things are theirs, such as `lights customer`."""

    name: str
    camp: str
    proof: dict[str, str] = field(hash=False)
    owns: frozenset[str] = frozenset()
    is_staff: bool = False

    @property
    def kind(self) -> str:
        """What they prove themselves with: `authorization`, `guest-token`, `api-key`, or nothing."""
        return next(iter(self.proof), "")


@dataclass
class World:
    """holdings: of each kind of thing, whose it is and its id. mixed: an order of both vendors' goods.

    places: what is there for parts of a path that have no owner. sent: requests so far.
    """

    scene: Scene
    camps: dict[str, Camp]
    actors: dict[str, Actor]
    holdings: dict[str, dict[str, str]]
    mixed: JSON
    places: dict[str, str]
    sent: int = 0

    @property
    def fair(self) -> Fair:
        return self.scene.fair

    def by(self, *kinds: str) -> list[Actor]:
        return [actor for actor in self.actors.values() if actor.kind in kinds]


@contextmanager
def made() -> Iterator[World]:
    """A marketplace with both camps in it. No limits of rate, standings read each time, sign-ins that stay recent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callers, "RECENT", timedelta(days=1))
        patch.setenv("ACCESS_CACHE_SECONDS", "0")
        patch.setenv("RATE_LIMIT", "0")
        with marketplace() as inside:
            yield _built(inside)


def _built(inside: InProcess) -> World:
    fair = Fair(inside, inside.person("staff@example.com", roles=("customer", "staff")))
    fair.tokens["staff"] = fair.staff
    fair.open(inside)
    on = {"enabled": True, "value": True, "rules": []}
    fair.ask("PUT", "/v1/admin/flags/bulk-upload", on, token=fair.staff)
    inside.drain()
    camps = {name: _settled(Camp(name, inside, fair)) for name in OTHER}
    holdings: dict[str, dict[str, str]] = {}
    for camp in camps.values():
        for owner, kind, thing in _owned(camp):
            holdings.setdefault(kind, {})[owner] = thing
    for kind, thing in _platforms(fair, inside, camps).items():
        holdings.setdefault(kind, {})[PLATFORM] = thing
    mixed = _mixed_order(camps)
    actors = {actor.name: actor for actor in _actors(fair, camps)}
    scene = Scene(inside, fair, dict(ABSENT), operations(inside.inside.templates))
    return World(scene, camps, actors, holdings, mixed, _places(fair, camps["lights"]))


def _places(fair: Fair, camp: Camp) -> dict[str, str]:
    """For staff, who look after everybody's."""
    staff = fair.staff
    entry = fair.ask("GET", "/v1/admin/audit?limit=1", token=staff)["items"][0]
    block = {"network": "203.0.113.9", "reason": "Attacks"}
    mark = {"kind": "email", "value": "evil@example.com", "note": "Evil"}
    listed = fair.ask("POST", "/v1/admin/fraud/lists/blocked/entries", mark, token=staff, status=201)
    return {
        "order_no": camp.things["paid"],
        "order_id": camp.things["paid id"],
        "user_id": camp.ids["customer"],
        "customer_id": camp.ids["customer"],
        "vendor_id": camp.vendor_id,
        "category_id": fair.category["id"],
        "audit_id": entry["id"],
        "block_id": fair.ask("POST", "/v1/admin/abuse/blocks", block, token=staff, status=201)["id"],
        "entry_id": listed["id"],
        "media_id": camp.media("customer", "dispute"),
    }


def _settled(camp: Camp) -> Camp:
    """Its people have accounts and tokens, its vendor sells."""
    fair, name = camp.fair, camp.name
    fair.tokens[f"{name} owner"] = fair.tokens[name]
    fair.sell(name, SKUS[name][0], 2_000, 100_000)
    camp.things["draft"] = camp.product(camp.draft_sku)["slug"]
    camp.product()
    token = camp.inside.person(camp.mail("customer"))
    me = fair.ask("GET", "/v1/me", token=token)
    camp.ids |= {"customer": me["id"], "owner": fair.ask("GET", "/v1/me", token=fair.tokens[name])["id"]}
    fair.tokens[f"{name} customer"] = camp.fair.ask(
        "POST", "/v1/auth/login", {"email": camp.mail("customer"), "password": "Correct-horse-9"}
    )["accessToken"]
    fair.tokens[f"{name} guest"] = fair.ask("POST", "/v1/guests", status=201)["guestToken"]
    camp.ids["guest"] = fair.tokens[f"{name} guest"].partition(".")[0]
    profile = {"displayName": camp.word("display"), "bio": camp.word("bio")}
    camp.ask("customer", "PATCH", "/v1/me/profile", profile)
    return camp


def _owned(camp: Camp) -> Iterator[tuple[str, str, str]]:
    """Owner, kind and id of everything that the camp has."""
    shopper, guest, vendor = (f"{camp.name} {who}" for who in ("customer", "guest", "vendor"))
    yield from _of_customer(camp, shopper)
    order = camp.order("guest")["orderNo"]
    camp.order("guest", paid=False)
    camp.ask("guest", "POST", "/v1/guest/cart/items", {"sku": camp.sku, "quantity": 3}, status=201)
    yield guest, "order", order
    yield guest, "invoice", camp.invoice("guest", order)
    yield guest, "account", camp.ids["guest"]
    for owner in (shopper, guest, vendor):
        yield owner, "vendor", camp.vendor_id
    for member in ("owner", "clerk"):
        yield f"{camp.name} {member}", "team", camp.vendor_id
    yield from _of_vendor(camp, vendor)


def _of_customer(camp: Camp, owner: str) -> Iterator[tuple[str, str, str]]:
    paid, waiting = camp.order(), camp.order(paid=False)
    camp.things |= {"paid": paid["orderNo"], "paid id": paid["id"], "waiting": waiting["orderNo"]}
    intent = camp.ask("customer", "POST", "/v1/payments/intent", {"orderNo": waiting["orderNo"]}, status=201)
    camp.things["intent secret"] = intent["clientSecret"]
    camp.address(), camp.session(), camp.ask("customer", "POST", "/v1/me/export", status=202)
    setup = camp.setup()
    camp.things["setup secret"] = setup["clientSecret"]
    yield owner, "order", paid["orderNo"]
    yield owner, "invoice", camp.invoice("customer", paid["orderNo"])
    yield owner, "account", camp.ids["customer"]
    yield owner, "address", camp.address()["id"]
    yield owner, "session", camp.session_id()
    yield owner, "passkey", camp.passkey()
    yield owner, "saved method", camp.saved()
    yield owner, "certificate", camp.certificate()
    yield owner, "avatar", camp.avatar()
    yield owner, "media", camp.media("customer")
    yield owner, "intent", intent["intentId"]
    yield owner, "setup", setup["setupId"]
    camp.ask("customer", "POST", "/v1/cart/items", {"sku": camp.sku, "quantity": 2}, status=201)


def _of_vendor(camp: Camp, owner: str) -> Iterator[tuple[str, str, str]]:
    key, webhook, invitation = camp.key(), camp.webhook(), camp.invitation()
    camp.key(), camp.webhook(), camp.invitation(), camp.delivery(webhook)
    camp.things |= {"key secret": key["secret"], "invitation token": invitation["token"]}
    order = camp.things["paid"]
    camp.ask("owner", "POST", camp.at(f"orders/{order}/notes"), {"text": camp.word("note")}, status=201)
    wish = {"lines": [{"sku": camp.sku, "amount": {"amount": 7, "currency": "EUR"}}], "reason": "goodwill",
            "note": camp.word("refund-note")}  # fmt: skip
    for _ in range(2):
        path = camp.at(f"orders/{order}/refunds")
        camp.ask("owner", "POST", path, wish, status=201, idempotency_key=uuid4().hex)
    camp.inside.drain()
    yield owner, "order", order
    yield owner, "invoice", camp.invoice("customer", order)
    yield owner, "product", camp.product()["id"]
    yield owner, "promotion", camp.promotion()
    yield owner, "transfer", camp.transfer()
    yield owner, "import", camp.import_()
    yield owner, "media", camp.media()
    yield owner, "sku", camp.draft_sku
    yield owner, "offer", camp.offer(camp.fair.products[SKUS[OTHER[camp.name]][0]]["id"])
    yield owner, "draft", camp.things["draft"]
    yield owner, "key", key["id"]
    yield owner, "webhook", webhook
    yield owner, "delivery", camp.delivery(webhook)
    yield owner, "invitation", invitation["id"]
    role = camp.role()
    yield owner, "role", role
    everything = camp.ask("owner", "GET", camp.at("roles"))["permissions"]
    camp.ids["clerk"] = camp.member((role,), everything)
    yield owner, "member", camp.ids["clerk"]


def _platforms(fair: Fair, inside: InProcess, camps: dict[str, Camp]) -> dict[str, str]:
    """What is the platform's own."""
    staff = fair.staff
    all_keys_may = fair.ask("GET", camps["lights"].at("api-key-permissions"), token=staff)["items"]
    granted = {"name": "canary-platform-key", "permissions": all_keys_may}
    key = fair.ask("POST", "/v1/admin/api-keys", granted, token=staff, status=201, idempotency_key=uuid4().hex)
    fair.tokens["platform key"] = key["secret"]
    wish = {"email": "canary-platform-invited@example.com", "roles": ["support"]}
    invitation = fair.ask("POST", "/v1/admin/staff/invitations", wish, token=staff, status=201)
    body = {"permissions": ["orders.read"], "description": "canary-platform-role"}
    fair.ask("PUT", "/v1/admin/roles/role_platform", body, token=staff)
    email = "desk@example.com"
    desk = fair.ask("GET", "/v1/me", token=inside.person(email))["id"]
    fair.ask("PUT", f"/v1/admin/staff/{desk}", {"roles": ["support"]}, token=staff)
    fair.tokens["desk"] = inside.token(email)
    inside.drain()
    return {"key": key["id"], "invitation": invitation["id"], "role": "role_platform", "member": desk}


def _mixed_order(camps: dict[str, Camp]) -> JSON:
    """An order of somebody who bought of both vendors; with each one's note and refund on it."""
    lights, wood = camps["lights"], camps["wood"]
    fair = lights.fair
    fair.tokens["lights mia"] = lights.inside.person("mia@example.com")
    lights.ask("mia", "POST", "/v1/cart/items", {"sku": wood.sku, "quantity": 2}, status=201)
    order = lights.order("mia")
    for camp in camps.values():
        number = order["orderNo"]
        camp.ask("owner", "POST", camp.at(f"orders/{number}/notes"), {"text": camp.word("mixed-note")}, status=201)
        wish = {"lines": [{"sku": camp.sku, "amount": {"amount": 5, "currency": "EUR"}}], "reason": "late",
                "note": camp.word("mixed-refund")}  # fmt: skip
        path = camp.at(f"orders/{number}/refunds")
        camp.ask("owner", "POST", path, wish, status=201, idempotency_key=uuid4().hex)
    lights.inside.drain()
    return order


def _actors(fair: Fair, camps: dict[str, Camp]) -> Iterator[Actor]:
    yield Actor("nobody", "", {})
    for camp in camps.values():
        name = camp.name
        for who, owns in (("customer", "customer"), ("owner", "vendor"), (camp.ids["clerk"], "vendor")):
            shown = "clerk" if who == camp.ids["clerk"] else who
            yield _person(f"{name} {shown}", name, camp.token(who), f"{name} {owns}")
        yield Actor(f"{name} guest", name, {"guest-token": camp.token("guest")}, frozenset({f"{name} guest"}))
        secret = camp.things["key secret"]
        yield Actor(f"{name} program", name, {"api-key": secret}, frozenset({f"{name} vendor"}))
    both = frozenset({PLATFORM, *(f"{name} vendor" for name in camps)})
    for who in ("staff", "desk"):
        yield Actor(who, "", {"authorization": f"Bearer {fair.tokens[who]}"}, both, is_staff=True)
    yield Actor("the platform's program", "", {"api-key": fair.tokens["platform key"]}, both, is_staff=True)


def _person(name: str, camp: str, token: str, owner: str) -> Actor:
    return Actor(name, camp, {"authorization": f"Bearer {token}"}, frozenset({owner}))
