"""A checkout with what payments need to be looked at: their routes, the provider's book, events, incidents."""

from typing import Any
from uuid import uuid4

from ledger.api import handler as ledger
from market import clock, config
from market.money import Money
from payments.api import handler as payments
from payments.providers.sandbox import sign
from payments.sandbox import handler as sandbox
from payments.tasks import handler as tasks
from tests import shop
from tests.http import Response, call
from tests.sagas.checkout import GOOD, Checkout, order_id

JSON = dict[str, Any]
STAFF = {"caller": "sam", "roles": "staff"}
TOTAL = 2490
"""What an order of one lamp costs."""

REFUND_REFUSED, REFUND_SLOW, GERMAN = "4000000000005050", "4000000000007726", "4000002760000016"


class Till(Checkout):
    def order(self, customer: str = "ada") -> str:
        """An order of one lamp that awaits its payment; there are ten lamps."""
        if self._item("STK#LAMP") is None:
            shop.stock("LAMP", 10, price=shop.euros(2000))
        number = self.place(customer)
        self.run()
        return number

    def sold(self, card: str = GOOD) -> str:
        """A paid order of one lamp, its events heard."""
        number = self.order()
        self.pay("ada", number, card)
        self.run()
        assert shop.order_of("ada", number)["status"] == "paid"
        return number

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "", **who: str) -> Response:
        headers = {"idempotency-key": key} if key else {}
        return call(payments, method, path, body, headers=headers, **({"caller": "ada"} | who))

    def wish(self, number: str, **wish: str) -> Response:
        """Ask for the payment of an order, perhaps by a `method` or a `savedMethod`."""
        return self.ask("POST", "/v1/payments/intent", {"orderNo": number} | wish)

    def payment(self, number: str) -> JSON:
        """As the customer sees it."""
        answer = self.ask("GET", f"/v1/payments/{number}")
        assert answer.status == 200, answer
        return dict(answer.json)

    def record(self, number: str) -> JSON:
        """As staff sees it."""
        answer = self.ask("GET", f"/v1/admin/payments/{number}", **STAFF)
        assert answer.status == 200, answer
        return dict(answer.json)

    def kinds(self, number: str) -> list[str]:
        return [entry["kind"] for entry in self.record(number)["history"]]

    def incidents(self) -> list[JSON]:
        answer = self.ask("GET", "/v1/admin/payments/webhook-incidents", **STAFF)
        assert answer.status == 200, answer
        return list(answer.json["items"])

    def settle(self, number: str, amount: int = TOTAL, *, key: str = "", currency: str = "EUR") -> Response:
        body = {"amount": {"amount": amount, "currency": currency}, "reference": "statement 7, line 3"}
        path = f"/v1/admin/payments/{number}/settlement"
        return self.ask("POST", path, body, key=key or uuid4().hex, **STAFF)

    def refund(self, number: str, refund_id: str, amount: int) -> JSON:
        """The task of the refund's state machine; raises what it raises."""
        given = {"orderId": order_id(number), "refundId": refund_id, "amount": shop.euros(amount).plain()}
        return tasks({"task": "refund", "input": given}, None)

    def undo(self, number: str) -> None:
        """The undo of the checkout's payment step."""
        tasks({"task": "undo", "input": {"orderId": order_id(number)}}, None)

    def hear(
        self, body: bytes, *, at: int | None = None, signature: str | None = None, name: str = "sandbox"
    ) -> Response:
        """A webhook at the door, signed by the sandbox just now unless something else is said."""
        signed = sign(body, clock.epoch() if at is None else at) if signature is None else signature
        headers = {"sandbox-signature": signed, "content-type": "application/json"}
        return call(payments, "POST", f"/v1/payments/webhook/{name}", body.decode(), headers=headers)

    def provider(self, method: str, path: str, body: Any = None, *, key: str = "") -> Response:
        """The sandbox's API, as a merchant asks it."""
        headers = self._merchant() | ({"idempotency-key": key} if key else {})
        return call(sandbox, method, f"/sandbox/v1{path}", body, headers=headers)

    def intents(self, number: str) -> list[tuple[str, int]]:
        """(status, net charge) of every intent that the provider has for the order."""
        page = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"), ConsistentRead=True)
        found = []
        for item in page["Items"]:
            if item["pk"]["S"].startswith("SBX#") and item["order_id"]["S"] == order_id(number):
                status, refunded = item["status"]["S"], int(item["refunded"]["N"])
                taken = int(item["amount"]["N"]) if status in ("captured", "refunded") else 0
                found.append((status, taken - refunded))
        return sorted(found)

    def accounts(self, number: str) -> dict[str, int]:
        """Balances of the order's accounts in the ledger."""
        answer = call(ledger, "GET", f"/v1/admin/ledger/{order_id(number)}", **STAFF)
        balances: dict[str, int] = {}
        for journal in answer.json.get("journals", []):
            assert sum(posting["amount"]["amount"] for posting in journal["postings"]) == 0
            for posting in journal["postings"]:
                balances[posting["account"]] = balances.get(posting["account"], 0) + posting["amount"]["amount"]
        return {account: amount for account, amount in balances.items() if amount}


def euros(cents: int) -> Money:
    return Money(cents, "EUR")
