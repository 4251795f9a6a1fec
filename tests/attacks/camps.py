"""Two camps in one market, each a vendor with a clerk and a program, a customer and a guest: what is one's is foreign
to the other. Everything that they own carries unmistakable words of their camp, and can be made anew.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from local.harness import PASSWORD, InProcess
from tests.journeys.fair import GOOD, Fair
from tests.local.authenticator import Authenticator
from tests.shop import ADDRESS, order_body

JSON = dict[str, Any]
SKUS = {"lights": ("LAMP", "LAMP-DRAFT"), "wood": ("CHAIR", "CHAIR-DRAFT")}
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
_TOKEN = re.compile(r"invitation#(\S+)")


@dataclass
class Camp:
    """`name` is its vendor's in the fair; `ids` has what people and the vendor are known by."""

    name: str
    inside: InProcess
    fair: Fair
    ids: dict[str, str] = field(default_factory=dict)
    things: dict[str, str] = field(default_factory=dict)

    @property
    def vendor_id(self) -> str:
        return self.fair.vendors[self.name]

    @property
    def sku(self) -> str:
        return SKUS[self.name][0]

    @property
    def draft_sku(self) -> str:
        return SKUS[self.name][1]

    def word(self, what: str) -> str:
        """A canary: it is nowhere but in what this camp owns."""
        return f"canary-{self.name}-{what}"

    def mail(self, who: str) -> str:
        return f"{who}.{self.word('mail')}@example.com"

    def token(self, who: str) -> str:
        return self.fair.tokens[f"{self.name} {who}"]

    def ask(self, who: str, method: str, path: str, body: Any = None, *, status: int = 200, **headers: str) -> Any:
        proof = {"guest_token": self.token("guest")} if who == "guest" else {}
        token = "" if proof else self.fair.staff if who == "staff" else self.token(who)
        return self.fair.ask(method, path, body, token=token, status=status, **proof, **headers)

    def at(self, path: str) -> str:
        """Below the vendor's own address."""
        return f"/v1/vendors/{self.vendor_id}/{path}"

    # --- what can be made anew

    def address(self) -> JSON:
        label = f"{self.word('address')}-{uuid4().hex[:6]}"
        wish = ADDRESS | {"label": label, "line1": f"{label} 1"}
        return dict(self.ask("customer", "POST", "/v1/me/addresses", wish, status=201))

    def session(self) -> JSON:
        """One more sign-in of the customer; its tokens."""
        wish = {"email": self.mail("customer"), "password": PASSWORD}
        return dict(self.fair.ask("POST", "/v1/auth/login", wish, user_agent=AGENT))

    def session_id(self) -> str:
        before = self._sessions()
        self.session()
        (new,) = self._sessions() - before
        return new

    def _sessions(self) -> set[str]:
        listed = self.ask("customer", "GET", "/v1/me/sessions?limit=100")["items"]
        return {entry["id"] for entry in listed}

    def passkey(self) -> str:
        known = self._passkeys()
        options = self.ask("customer", "POST", "/v1/me/passkeys/options")["options"]
        party = options["rp"]["id"]
        device = Authenticator(origin=f"https://{party}", party=party)
        wish = {"password": PASSWORD, "credential": device.create(options)}
        self.ask("customer", "POST", "/v1/me/passkeys", wish, status=201)
        (new,) = self._passkeys() - known
        return new

    def certificate(self) -> str:
        wish = {"kind": "exemption", "number": self.word("certificate"), "jurisdiction": "US-CA",
                "validFrom": "2026-01-01", "validUntil": "2030-12-31"}  # fmt: skip
        return str(self.ask("customer", "POST", "/v1/me/tax-certificates", wish, status=201)["certificateId"])

    def _passkeys(self) -> set[str]:
        return {entry["id"] for entry in self.ask("customer", "GET", "/v1/me/passkeys")["items"]}

    def setup(self) -> JSON:
        return dict(self.ask("customer", "POST", "/v1/me/payment-methods", {}, status=201))

    def saved(self) -> str:
        """A card that the customer keeps with the provider."""
        setup = self.setup()
        wish = {"clientSecret": setup["clientSecret"], "card": {"number": GOOD}}
        self.fair.ask("POST", f"/sandbox/v1/setup_intents/{setup['setupId']}/confirm", wish)
        return str(self.ask("customer", "GET", "/v1/me/payment-methods")["items"][0]["id"])

    def order(self, who: str = "customer", *, paid: bool = True, sku: str = "") -> JSON:
        """One unit of the vendor's. A paid one is through its checkout, with an invoice."""
        place = "/v1/guest" if who == "guest" else "/v1"
        self.ask(who, "POST", f"{place}/cart/items", {"sku": sku or self.sku, "quantity": 1}, status=201)
        seen = self.ask(who, "POST", f"{place}/checkout/summary", {})
        known = {"name": self.word(f"{who}-name"), "line1": self.word(f"{who}-street")}
        goes_to = ADDRESS | (known if who in ("customer", "guest") else {})  # somebody of both camps has no such words
        wish = order_body(seen, shippingAddress=goes_to)
        wish |= {"email": self.mail("guest")} if who == "guest" else {}
        order = self.ask(who, "POST", f"{place}/orders", wish, status=201, idempotency_key=uuid4().hex)
        if paid:
            self.pay(who, order["orderNo"])
            self.inside.drain()
        return dict(order)

    def pay(self, who: str, number: str) -> JSON:
        place = "/v1/guest" if who == "guest" else "/v1"
        intent = self.ask(who, "POST", f"{place}/payments/intent", {"orderNo": number}, status=201)
        wish = {"clientSecret": intent["clientSecret"], "card": {"number": GOOD}}
        self.fair.ask("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", wish)
        return dict(intent)

    def invoice(self, who: str, number: str) -> str:
        place = "/v1/guest/orders" if who == "guest" else "/v1/orders"
        return str(self.ask(who, "GET", f"{place}/{number}/invoices")["items"][0]["number"])

    def product(self, sku: str = "", *, status: str = "draft") -> JSON:
        sku = sku or f"{self.name.upper()}-{uuid4().hex[:10].upper()}"
        title = self.word(f"{status}-{sku.lower()}")
        variant = {"sku": sku, "price": {"amount": 2_000, "currency": "EUR"}, "stock": 7}
        wish = {"title": title, "category": "home", "status": status, "variants": [variant]}
        return dict(self.ask("owner", "POST", self.at("products"), wish, status=201))

    def offer(self, product_id: str) -> str:
        """The vendor's own offer of what another sells."""
        sku = f"{self.name.upper()}-OFFER"
        wish = {"productId": product_id, "sku": sku, "price": {"amount": 2_100, "currency": "EUR"}, "stock": 7}
        return str(self.ask("owner", "POST", self.at("offers"), wish, status=201)["sku"])

    def key(self) -> JSON:
        granted = self.ask("owner", "GET", self.at("api-key-permissions"))["items"]
        wish = {"name": self.word("key"), "permissions": granted}
        return dict(self.ask("owner", "POST", self.at("api-keys"), wish, status=201, idempotency_key=uuid4().hex))

    def webhook(self) -> str:
        wish = {
            "url": "http://127.0.0.1:9999/",
            "events": ["vendor.suspended"],
            "description": self.word("webhook"),
        }
        return str(self.ask("owner", "POST", self.at("webhooks"), wish, status=201)["id"])

    def delivery(self, webhook: str) -> str:
        """One that came to nothing, and is not under way any more."""
        from developers import store

        made = str(self.ask("owner", "POST", self.at(f"webhooks/{webhook}/test"), status=202)["id"])
        self.inside.drain()
        seen = store.delivery(webhook, made)
        if seen.status == "pending":
            store.settle(store.claim(seen), None, "failed")
        return made

    def invitation(self) -> JSON:
        """To somebody new; with the `token` of its mail."""
        to = self.mail(f"invited-{uuid4().hex[:6]}")
        wish = {"email": to, "roles": ["vendor_viewer"]}
        made = self.ask("owner", "POST", self.at("team/invitations"), wish, status=201)
        self.inside.drain()
        found = _TOKEN.search(self.inside.mails(to)[0].text)
        assert found
        return dict(made) | {"token": found[1]}

    def member(self, roles: tuple[str, ...] = ("vendor_viewer",), allow: Iterable[str] = ()) -> str:
        """A new clerk, whom staff put there; their id."""
        email = self.mail(f"clerk-{uuid4().hex[:6]}")
        token = self.inside.person(email)
        user_id = str(self.fair.ask("GET", "/v1/me", token=token)["id"])
        self.ask("staff", "PUT", self.at(f"team/{user_id}"), {"roles": list(roles), "allow": list(allow)})
        self.fair.tokens[f"{self.name} {user_id}"] = self.inside.token(email)
        return user_id

    def promotion(self) -> str:
        """A draft that needs a code."""
        benefit = {"kind": "percent", "basisPoints": 1_000}
        wish = {"title": self.word("promotion"), "benefit": benefit, "needsCode": True}
        return str(self.ask("owner", "POST", self.at("promotions"), wish, status=201)["id"])

    def transfer(self) -> str:
        """One unit on its way to a warehouse of the camp's own, which is made if there is none."""
        found = self.ask("owner", "GET", self.at("warehouses"))["items"]
        if not found:
            wish = {"warehouses": [{"name": self.word("warehouse"), "country": "DE", "pickup": True}]}
            found = self.ask("owner", "PUT", self.at("warehouses"), wish)["items"]
        self.things["warehouse"] = found[0]["id"]
        wish = {"to": found[0]["id"], "lines": [{"sku": self.sku, "units": 1}]}
        made = self.ask("owner", "POST", self.at("transfers"), wish, status=201, idempotency_key=uuid4().hex)
        return str(made["id"])

    def import_(self) -> str:
        """An import that waits for its file."""
        return str(self.ask("owner", "POST", self.at("imports"), {"format": "csv", "size": 9}, status=201)["id"])

    def media(self, who: str = "owner", purpose: str = "review") -> str:
        """An upload that waits for its part."""
        path, purpose = (self.at("media/uploads"), "product") if who == "owner" else ("/v1/media/uploads", purpose)
        file = {"name": self.word("media"), "size": 9, "type": "image/png", "purpose": purpose}
        return str(self.ask(who, "POST", path, {"files": [file]}, status=201)["items"][0]["id"])

    def role(self) -> str:
        name = f"role_{self.name}_{uuid4().hex[:8]}"
        wish = {"permissions": ["orders.read"], "description": self.word("role")}
        self.ask("owner", "PUT", self.at(f"roles/{name}"), wish)
        return name

    def avatar(self) -> str:
        return str(self.ask("customer", "POST", "/v1/me/avatar", {"contentType": "image/png"}, status=201)["key"])
