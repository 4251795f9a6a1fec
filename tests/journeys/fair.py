"""A small market with somebody of every kind in it, set up over the API as people would."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from local.harness import PASSWORD
from tests.shop import ADDRESS, order_body

JSON = dict[str, Any]
GOOD, DECLINED = "4242424242424242", "4000000000000002"
VENDORS = {"lights": "Lamps & Sons", "wood": "Wooden Things"}


class Answer(Protocol):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any: ...


class Market(Protocol):
    """What can be called: a marketplace in this process, or one over HTTP."""

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Any: ...


class Accounts(Protocol):
    """Whoever may make accounts without mailed codes: the operator."""

    def person(self, email: str, *, roles: tuple[str, ...] = ("customer",), vendor_id: str = "") -> str: ...


@dataclass
class Fair:
    """Tokens by name, vendor ids and SKUs by vendor; product ids by SKU."""

    market: Market
    staff: str
    vendors: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    products: dict[str, JSON] = field(default_factory=dict)
    category: JSON = field(default_factory=dict)

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", status: int = 200, **headers: str
    ) -> Any:
        """The JSON of an answer that must have this status."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.market.call(method, path, body, token=token, headers=sent)
        assert answer.status == status, f"{method} {path}: {answer}"
        return answer.json

    def open(self, accounts: Accounts) -> None:
        """A category, and two vendors who sell."""
        self.category = self.ask("POST", "/v1/admin/categories", {"name": "Home"}, token=self.staff, status=201)
        for name, title in VENDORS.items():
            email = f"{name}@vendors.example"
            token = accounts.person(email)
            applied = {"name": title, "supportEmail": email, "slug": name}
            vendor = self.ask("POST", "/v1/vendors/apply", applied, token=token, status=201)
            path = f"/v1/admin/vendors/{vendor['id']}/status"
            self.ask("PATCH", path, {"status": "active"}, token=self.staff)
            self.vendors[name] = vendor["id"]
            self.tokens[name] = accounts.person(email, roles=("customer", "vendor"), vendor_id=vendor["id"])

    def sell(self, vendor: str, sku: str, cents: int, units: int, currency: str = "EUR") -> JSON:
        """Put a product on sale."""
        variant = {"sku": sku, "price": {"amount": cents, "currency": currency}, "stock": units}
        product = {"title": f"A {sku.lower()}", "category": "home", "status": "active", "variants": [variant]}
        path = f"/v1/vendors/{self.vendors[vendor]}/products"
        self.products[sku] = self.ask("POST", path, product, token=self.tokens[vendor], status=201)
        return self.products[sku]

    def shelf(self, vendor: str, sku: str) -> tuple[int, int]:
        """(available, held), as the vendor sees it."""
        stock = self.ask("GET", f"/v1/vendors/{self.vendors[vendor]}/inventory/{sku}", token=self.tokens[vendor])
        return stock["available"], stock["held"]

    def fill(self, token: str, *lines: tuple[str, int]) -> JSON:
        """Put lines into the cart; the summary."""
        for sku, quantity in lines:
            self.ask("POST", "/v1/cart/items", {"sku": sku, "quantity": quantity}, token=token, status=201)
        return dict(self.ask("POST", "/v1/checkout/summary", {"shippingMethod": "standard"}, token=token))

    def place(self, token: str, summary: JSON, key: str = "") -> Any:
        headers = {"idempotency-key": key or uuid4().hex}
        return self.market.call("POST", "/v1/orders", order_body(summary), token=token, headers=headers)

    def buy(self, token: str, *lines: tuple[str, int]) -> JSON:
        """Fill the cart and order it; the order."""
        answer = self.place(token, self.fill(token, *lines))
        assert answer.status == 201, answer
        return dict(answer.json)

    def pay(self, token: str, number: str, card: str = GOOD) -> JSON:
        intent = self.ask("POST", "/v1/payments/intent", {"orderNo": number}, token=token, status=201)
        wish = {"clientSecret": intent["clientSecret"], "card": {"number": card}}
        return dict(self.ask("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", wish))


__all__ = ["ADDRESS", "DECLINED", "GOOD", "PASSWORD", "Accounts", "Fair", "Market"]
