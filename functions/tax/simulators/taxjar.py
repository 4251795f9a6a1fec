"""TaxJar's API v2 as a server: `/v2/taxes`, `/v2/transactions/orders` and `/v2/transactions/refunds`.

Prices are without tax. Where the seller has no nexus nothing is to be collected, and no breakdown is given. An order or
a refund is kept under its id, and a second one of that id refused with 422.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from tax.categories import DIGITAL, EXEMPT, STANDARD
from tax.simulators.company import Answer, Company, Refusal, cents, number, rates_at

_CATEGORIES = {"99999": EXEMPT, "31000": DIGITAL}
_TITLES = {400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 422: "Unprocessable Entity", 429: "Too Many"}


class TaxJarSimulator(Company):
    paths: ClassVar = {
        "/v2/taxes": "taxes",
        "/v2/transactions/orders": "order",
        "/v2/transactions/refunds": "refund",
    }

    def __init__(self, *, token: str, nexus: Iterable[str] = ("CA", "NY", "WA"), limit: int = 1_000) -> None:
        super().__init__(authorization=f"Bearer {token}", limit=limit)
        self._nexus = frozenset(nexus)

    def taxes(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._rates(asked, STANDARD)  # refuses an address that is none
        if asked["to_country"] == "US" and asked.get("to_state") not in self._nexus:
            return 200, {"tax": {"amount_to_collect": 0, "has_nexus": False, "rate": 0}}
        items = [self._item(item, asked) for item in asked["line_items"]]
        rate = Decimal(0) if asked.get("exemption_type") else self._rates(asked, STANDARD)
        shipping = cents(number(asked["shipping"]) * rate)
        collected = sum((number(item["tax_collectable"]) for item in items), start=shipping)
        breakdown = {
            "line_items": items,
            "shipping": {"tax_collectable": float(shipping), "combined_tax_rate": float(rate)},
        }
        return 200, {"tax": {"amount_to_collect": float(collected), "has_nexus": True, "breakdown": breakdown}}

    def order(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        return self._keep(asked, "order")

    def refund(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if asked.get("transaction_reference_id") not in self.records:
            raise Refusal(404, "", "Resource can not be found")
        if number(asked["amount"]) > 0 or number(asked["sales_tax"]) > 0:
            raise Refusal(422, "", "Refund amounts must be negative")
        return self._keep(asked, "refund")

    def _keep(self, asked: dict[str, Any], kind: str) -> tuple[int, dict[str, Any]]:
        if asked["transaction_id"] in self.records:
            raise Refusal(422, "", "Provider tranx already imported for your user account")
        self._rates(asked, STANDARD)
        self.records[asked["transaction_id"]] = asked
        return 201, {kind: asked}

    def _item(self, item: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        rate = self._rates(asked, _CATEGORIES.get(item.get("product_tax_code", ""), STANDARD))
        rate = Decimal(0) if asked.get("exemption_type") else rate
        amount = number(item["unit_price"]) * item["quantity"] - number(item.get("discount", 0))
        return {
            "id": item["id"],
            "taxable_amount": float(amount if rate else 0),
            "tax_collectable": float(cents(amount * rate)),
            "combined_tax_rate": float(rate),
        }

    def _rates(self, asked: dict[str, Any], category: str) -> Decimal:
        state, code = asked.get("to_state", ""), asked.get("to_zip", "")
        try:
            return sum(rates_at(asked["to_country"], state, code, category), start=Decimal(0))
        except LookupError:
            raise Refusal(400, "", f"to_zip {code} is not used within to_state {state}") from None

    def _error(self, refused: Refusal) -> Answer:
        error = _TITLES.get(refused.status, "Error")
        body = {"status": str(refused.status), "error": error, "detail": refused.message}
        return refused.status, {"content-type": "application/json"}, orjson.dumps(body)
