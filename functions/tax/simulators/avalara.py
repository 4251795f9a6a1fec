"""AvaTax REST v2 as a server: `POST /api/v2/transactions/create` for estimates, invoices and returns.

Every jurisdiction's tax is rounded by itself, as AvaTax does. An estimate (`SalesOrder`) is forgotten at once; an
invoice is kept under its code, and a second one of that code refused, whatever it says.
"""

from base64 import b64encode
from decimal import Decimal
from typing import Any, ClassVar

import orjson

from tax.categories import DIGITAL, EXEMPT, STANDARD
from tax.simulators.company import Answer, Company, Refusal, cents, number, rates_at

_CATEGORIES = {"NT": EXEMPT, "D0000000": DIGITAL}
_KINDS = ("SalesOrder", "SalesInvoice", "ReturnInvoice")
_REQUIRED = ("type", "companyCode", "date", "customerCode", "lines", "addresses")


class AvalaraSimulator(Company):
    paths: ClassVar = {"/api/v2/transactions/create": "create"}

    def __init__(self, *, account: str, license_key: str, company: str = "DEFAULT", limit: int = 1_000) -> None:
        pair = b64encode(f"{account}:{license_key}".encode()).decode()
        super().__init__(authorization=f"Basic {pair}", limit=limit)
        self._company = company

    def create(self, asked: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self._require_sound(asked)
        lasting = asked["type"] != "SalesOrder"
        if lasting and asked["code"] in self.records:
            raise Refusal(400, "DuplicateEntry", "A document of this code exists.")
        lines = [self._line(line, asked) for line in asked["lines"]]
        made = {
            "id": len(self.records) + 1,
            "code": asked["code"],
            "type": asked["type"],
            "status": "Committed" if lasting and asked["commit"] else "Saved" if lasting else "Temporary",
            "totalTax": float(sum(number(line["tax"]) for line in lines)),
            "lines": lines,
        }
        if lasting:
            self.records[asked["code"]] = made | {"asked": asked}
        return 201, made

    def _require_sound(self, asked: dict[str, Any]) -> None:
        missing = [name for name in _REQUIRED if not asked.get(name)]
        if missing:
            raise Refusal(400, "ValueRequiredError", f"{missing[0]} is required.")
        if asked["companyCode"] != self._company:
            raise Refusal(404, "CompanyNotFoundError", "No such company.")
        numbers = [line["number"] for line in asked["lines"]]
        if asked["type"] not in _KINDS or len(set(numbers)) < len(numbers):
            raise Refusal(400, "InvalidDocument", "The document is not well-formed.")

    def _line(self, line: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
        to = asked["addresses"]["shipTo"]
        category = _CATEGORIES.get(line["taxCode"], STANDARD)
        try:
            shares = rates_at(to["country"], to.get("region", ""), to.get("postalCode", ""), category)
        except LookupError as wrong:
            raise Refusal(400, "InvalidAddress", str(wrong)) from None
        if asked.get("exemptionNo"):
            shares = Decimal(0), Decimal(0)
        amount = number(line["amount"])
        net = amount / (1 + sum(shares)) if line.get("taxIncluded") else amount
        taxes = [cents(net * share) for share in shares]
        override = line.get("taxOverride")
        tax = number(override["taxAmount"]) if override else sum(taxes, start=Decimal(0))
        details = [
            {"jurisType": kind, "rate": float(share), "tax": float(part)}
            for kind, share, part in zip(("State", "Special"), shares, taxes, strict=True)
            if share
        ]
        return {"lineNumber": line["number"], "lineAmount": line["amount"], "tax": float(tax), "details": details}

    def _error(self, refused: Refusal) -> Answer:
        detail = {"code": refused.code, "message": refused.message, "faultCode": "Client"}
        body = {"error": {"code": refused.code, "message": refused.message, "details": [detail]}}
        return refused.status, {"content-type": "application/json"}, orjson.dumps(body)
