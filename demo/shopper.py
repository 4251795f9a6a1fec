"""A customer with an account, a cart and a card."""

import uuid
from dataclasses import dataclass, field
from typing import Any

from demo.client import Answer, Client, until
from demo.mail import Mailbox

PASSWORD = "Correct-Horse-Battery-9"
GOOD_CARD, DECLINED_CARD = "4242 4242 4242 4242", "4000 0000 0000 0002"
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
}


class Untrue(AssertionError):
    """The marketplace did not do what the story tells."""


def expect(answer: Answer, status: int, what: str) -> Any:
    """The body of an answer that must have `status`. Raises Untrue."""
    if answer.status != status:
        raise Untrue(f"{what}: expected {status}, got {answer}")
    return answer.json


@dataclass
class Shopper:
    """Drives the API as a browser would."""

    client: Client
    name: str
    email: str = ""
    token: str = ""
    order_no: str = field(default="", init=False)

    def sign_up(self, mailbox: Mailbox) -> None:
        """Register, read the mailed code, verify, log in."""
        self.email = f"{self.name.lower()}.{uuid.uuid4().hex[:10]}@example.com"
        account = {"email": self.email, "password": PASSWORD, "name": self.name}
        answer = self.client.call("POST", "/v1/auth/register", account)
        if answer.status not in (201, 202):
            raise Untrue(f"register: got {answer}")
        proof = {"email": self.email, "registration": str(answer.json["registration"])}
        code = until(lambda: mailbox.code(self.email), "the verification mail")
        wrong = "000000" if code != "000000" else "111111"
        refused = self.client.call("POST", "/v1/auth/verify", proof | {"code": wrong})
        expect(refused, 422, "a wrong code")
        verified = self.client.call("POST", "/v1/auth/verify", proof | {"code": code})
        if verified.status not in (200, 204):
            raise Untrue(f"verify: got {verified}")
        self.log_in(self.email, PASSWORD)

    def log_in(self, email: str, password: str) -> None:
        self.email = email
        answer = self.client.call("POST", "/v1/auth/login", {"email": email, "password": password})
        self.token = str(expect(answer, 200, f"{self.name} logs in")["accessToken"])

    def get(self, path: str) -> Any:
        return expect(self.client.call("GET", path, token=self.token), 200, f"GET {path}")

    def post(self, path: str, body: Any, status: int, **headers: str) -> Any:
        answer = self.client.call("POST", path, body, token=self.token, headers=headers)
        return expect(answer, status, f"POST {path}")

    def add(self, sku: str, quantity: int) -> Any:
        return self.post("/v1/cart/items", {"sku": sku, "quantity": quantity}, 201)

    def order(self, summary: Any) -> Answer:
        """Order what the summary showed."""
        body = {
            "cartVersion": summary["cartVersion"],
            "expectedTotal": summary["total"],
            "shippingAddress": ADDRESS,
            "shippingMethod": "standard",
        }
        key = {"idempotency-key": uuid.uuid4().hex}
        answer = self.client.call("POST", "/v1/orders", body, token=self.token, headers=key)
        if answer.status == 201:
            self.order_no = answer.json["orderNo"]
            repeated = self.client.call("POST", "/v1/orders", body, token=self.token, headers=key)
            if repeated.json != answer.json:
                raise Untrue(f"the same request again got another answer: {repeated}")
        return answer

    def checkout(self) -> Any:
        """See the summary and order it; the placed order."""
        summary = self.post("/v1/checkout/summary", {"shippingMethod": "standard"}, 200)
        return expect(self.order(summary), 201, "the order")

    def pay(self, card: str) -> Any:
        """Pay the last order with a card, at the sandbox provider; the provider's answer."""
        intent = self.post("/v1/payments/intent", {"orderNo": self.order_no}, 201)
        wish = {"clientSecret": intent["clientSecret"], "card": {"number": card}}
        answer = self.client.call("POST", f"/sandbox/v1/payment_intents/{intent['intentId']}/confirm", wish)
        return expect(answer, 200, "the card")

    def order_when(self, status: str, order_no: str = "") -> Any:
        """The order as soon as it has the status."""
        path = f"/v1/orders/{order_no or self.order_no}"

        def there() -> Any:
            order = self.get(path)
            return order if order["status"] == status else None

        return until(there, f"order {order_no or self.order_no} {status}")
