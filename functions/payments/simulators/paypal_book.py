"""PayPal's rules, and its memory of orders, authorizations, captures and refunds.

What a buyer pays with decides what happens:

    BALANCE    pays
    DECLINED   is declined when the order is authorized; the buyer may approve again with something else
    EMPTY      is authorized, but has nothing left at the capture
    SHAKY      is honoured for three days only: a later capture needs a renewed authorization
    REVIEWED   is captured, but PayPal looks into it first: `settle_review` ends that
    CARD       pays with a card instead of a PayPal account

PayPal authorizes an order once, never captures more than was authorized nor refunds more than was captured, voids what
was not captured in 29 days, forgets an order that nobody approved, and takes 2.99 % plus 49 minor units (or 40 where
there are none), which it keeps when a payment is refunded. One invoice number is paid once.
"""

from datetime import datetime, timedelta
from typing import Any

from market import clock
from market.errors import Problem
from market.money import CURRENCIES, Money, exponent, parse

Record = dict[str, Any]

BALANCE, DECLINED, EMPTY, SHAKY, REVIEWED, CARD = (
    "BALANCE", "DECLINED", "EMPTY", "SHAKY", "REVIEWED", "CARD",
)  # fmt: skip
HONOR, LIFE, APPROVAL = timedelta(days=3), timedelta(days=29), timedelta(hours=3)
FEE_BASIS_POINTS = 299

_WHOLE = frozenset({"HUF", "JPY", "TWD"})


class Refusal(Problem):
    """PayPal understands, and will not. `issue`: the word that PayPal has for it."""

    def __init__(self, issue: str, status: int = 422) -> None:
        super().__init__(issue)
        self.issue, self.http = issue, status


class Book:
    """Everything that PayPal knows of one merchant's payments, as its API shows it."""

    def __init__(self) -> None:
        self.orders: dict[str, Record] = {}
        self.authorizations: dict[str, Record] = {}
        self.captures: dict[str, Record] = {}
        self.refunds: dict[str, Record] = {}
        self.instruments: dict[str, str] = {}
        self.restricted = False
        """Whether the merchant's account may neither take nor give money at present."""
        self.home: dict[str, str] = {}
        """The order of each authorization, capture and refund."""
        self.log: list[Record] = []
        """Money movements for the report, oldest first."""
        self._serial = 0

    def create(self, asked: Record) -> Record:
        """Raises Refusal."""
        unit = dict(asked["purchase_units"][0])
        _amount(unit["amount"])
        if self._paid(unit.get("invoice_id")):
            raise Refusal("DUPLICATE_INVOICE_ID")
        order_id = self._id("O")
        with_source = "payment_source" in asked
        order = {
            "id": order_id,
            "intent": asked["intent"],
            "status": "PAYER_ACTION_REQUIRED" if with_source else "CREATED",
            "purchase_units": [unit | {"reference_id": unit.get("reference_id", "default")}],
            "create_time": _now(),
            "links": [
                _link(f"/v2/checkout/orders/{order_id}", "self"),
                {
                    "href": f"https://www.paypal.com/checkoutnow?token={order_id}",
                    "rel": "payer-action" if with_source else "approve",
                    "method": "GET",
                },
            ],
        }
        if with_source:
            order["payment_source"] = {"paypal": {}}
        self.orders[order_id] = order
        return order

    def order(self, order_id: str) -> Record:
        """The order with its payments as they stand now. Raises Refusal for one that PayPal does not know any more."""
        order = self.orders.get(order_id)
        if order is None or (not self._of(self.authorizations, order_id) and self._age(order) > APPROVAL):
            raise Refusal("INVALID_RESOURCE_ID", 404)
        for authorization in self._of(self.authorizations, order_id):
            if authorization["status"] == "CREATED" and authorization["expiration_time"] <= _now():
                authorization["status"] = "VOIDED"
        kinds = {"authorizations": self.authorizations, "captures": self.captures, "refunds": self.refunds}
        payments = {kind: self._of(shelf, order_id) for kind, shelf in kinds.items()}
        unit = order["purchase_units"][0]
        return order | {"purchase_units": [unit | {"payments": {k: v for k, v in payments.items() if v}}]}

    def approve(self, order_id: str, instrument: str) -> Record:
        """The buyer logs in and agrees."""
        order = self.order(order_id)
        if order["status"] not in ("CREATED", "PAYER_ACTION_REQUIRED", "APPROVED"):
            raise Refusal("ORDER_COMPLETED_OR_VOIDED")
        self.instruments[order_id] = instrument
        stored = self.orders[order_id]
        stored["status"] = "APPROVED"
        wallet = {"account_id": "BUYERACCT2345", "account_status": "VERIFIED", "address": {"country_code": "DE"}}
        card = {"last_digits": "4326", "brand": "VISA", "bin_details": {"bin": "455445", "bin_country_code": "DE"}}
        stored["payment_source"] = {"card": card} if instrument == CARD else {"paypal": wallet}
        return self.order(order_id)

    def authorize(self, order_id: str) -> Record:
        """Raises Refusal."""
        order = self.order(order_id)
        if order["intent"] != "AUTHORIZE":
            raise Refusal("ACTION_DOES_NOT_MATCH_INTENT")
        if self._of(self.authorizations, order_id):
            raise Refusal("ORDER_ALREADY_AUTHORIZED")
        if order["status"] != "APPROVED":
            raise Refusal("ORDER_NOT_APPROVED")
        unit = order["purchase_units"][0]
        if self._paid(unit.get("invoice_id")):
            raise Refusal("DUPLICATE_INVOICE_ID")
        if self.instruments[order_id] == DECLINED:
            self.orders[order_id]["status"] = "PAYER_ACTION_REQUIRED"
            raise Refusal("INSTRUMENT_DECLINED")
        self._hold(order_id, unit, unit["amount"], clock.now() + LIFE)
        self.orders[order_id]["status"] = "COMPLETED"
        return self.order(order_id)

    def reauthorize(self, authorization_id: str, asked: Record) -> Record:
        """A new authorization with a new honor period and the old end. Raises Refusal."""
        old = self._find(self.authorizations, authorization_id)
        if old["status"] != "CREATED":
            raise Refusal("AUTHORIZATION_VOIDED" if old["status"] == "VOIDED" else "AUTHORIZATION_ALREADY_CAPTURED")
        if self._age(old) <= HONOR:
            raise Refusal("REAUTHORIZATION_NOT_SUPPORTED")
        amount = asked.get("amount") or old["amount"]
        if _amount(amount) != _amount(old["amount"]):
            raise Refusal("AUTH_CURRENCY_MISMATCH")
        unit = self.orders[self.home[authorization_id]]["purchase_units"][0]
        end = datetime.fromisoformat(old["expiration_time"])
        old["status"] = "VOIDED"
        return self._hold(self.home[authorization_id], unit, amount, end)

    def authorization(self, authorization_id: str) -> Record:
        return self._related(self._find(self.authorizations, authorization_id))

    def capture(self, authorization_id: str, asked: Record) -> Record:
        """Raises Refusal."""
        held = self._find(self.authorizations, authorization_id)
        order_id, instrument = self.home[authorization_id], self.instruments[self.home[authorization_id]]
        amount = _amount(asked.get("amount") or held["amount"])
        if self.restricted:
            raise Refusal("PAYEE_ACCOUNT_RESTRICTED")
        if held["status"] == "VOIDED":
            raise Refusal("AUTHORIZATION_EXPIRED" if held["expiration_time"] <= _now() else "AUTHORIZATION_VOIDED")
        if held["status"] == "CAPTURED":
            raise Refusal("AUTHORIZATION_ALREADY_CAPTURED")
        if amount.currency != _amount(held["amount"]).currency:
            raise Refusal("AUTH_CAPTURE_CURRENCY_MISMATCH")
        if amount.amount > _amount(held["amount"]).amount:
            raise Refusal("MAX_CAPTURE_AMOUNT_EXCEEDED")
        if instrument == EMPTY or (instrument == SHAKY and self._age(held) > HONOR):
            raise Refusal("PAYER_CANNOT_PAY")
        held["status"] = "CAPTURED" if asked.get("final_capture") else "PARTIALLY_CAPTURED"
        capture_id, fee = self._id("C"), _fee(amount)
        self.captures[capture_id] = {
            "id": capture_id,
            "status": "PENDING" if instrument == REVIEWED else "COMPLETED",
            "amount": _shown(amount),
            "final_capture": bool(asked.get("final_capture")),
            "seller_receivable_breakdown": {
                "gross_amount": _shown(amount),
                "paypal_fee": _shown(fee),
                "net_amount": _shown(amount - fee),
            },
            "custom_id": held["custom_id"],
            "invoice_id": held["invoice_id"],
            "create_time": _now(),
            "links": [_link(f"/v2/payments/captures/{capture_id}", "self")],
        }
        self.home[capture_id] = order_id
        self._note("T0006", self.captures[capture_id], amount, -fee)
        return self.captured(capture_id)

    def captured(self, capture_id: str) -> Record:
        return self._related(self._find(self.captures, capture_id))

    def settle_review(self, order_id: str, outcome: str = "COMPLETED") -> None:
        """PayPal has looked into the capture: COMPLETED or DECLINED."""
        for capture in self._of(self.captures, order_id):
            capture["status"] = outcome

    def void(self, authorization_id: str) -> Record:
        """Raises Refusal."""
        held = self._find(self.authorizations, authorization_id)
        if held["status"] != "CREATED":
            raise Refusal("PREVIOUSLY_VOIDED" if held["status"] == "VOIDED" else "PREVIOUSLY_CAPTURED")
        held["status"] = "VOIDED"
        return self.authorization(authorization_id)

    def refund(self, capture_id: str, asked: Record) -> Record:
        """Raises Refusal."""
        capture, order_id = self._find(self.captures, capture_id), self.home[capture_id]
        whole, given = _amount(capture["amount"]), self.given_back(order_id)
        amount = _amount(asked["amount"]) if asked.get("amount") else whole - given
        if self.restricted or capture["status"] == "PENDING":
            raise Refusal("PAYEE_ACCOUNT_RESTRICTED" if self.restricted else "PENDING_CAPTURE")
        if amount.currency != whole.currency:
            raise Refusal("REFUND_CAPTURE_CURRENCY_MISMATCH")
        if capture["status"] == "REFUNDED":
            raise Refusal("CAPTURE_FULLY_REFUNDED")
        if given.amount + amount.amount > whole.amount:
            raise Refusal("REFUND_AMOUNT_EXCEEDED")
        refund_id, total = self._id("R"), given + amount
        self.refunds[refund_id] = {
            "id": refund_id,
            "status": "COMPLETED",
            "amount": _shown(amount),
            "seller_payable_breakdown": {
                "gross_amount": _shown(amount),
                "paypal_fee": _shown(Money(0, amount.currency)),
                "net_amount": _shown(amount),
                "total_refunded_amount": _shown(total),
            },
            "invoice_id": capture["invoice_id"],
            "create_time": _now(),
            "links": [
                _link(f"/v2/payments/refunds/{refund_id}", "self"),
                _link(f"/v2/payments/captures/{capture_id}", "up"),
            ],
        }
        if asked.get("custom_id"):
            self.refunds[refund_id]["custom_id"] = asked["custom_id"]
        self.home[refund_id] = order_id
        capture["status"] = "REFUNDED" if total == whole else "PARTIALLY_REFUNDED"
        self._note("T1107", self.refunds[refund_id], -amount, Money(0, amount.currency))
        return self.refunds[refund_id]

    def taken(self, order_id: str) -> list[Money]:
        """What was taken from the buyer of an order, charge by charge."""
        return [_amount(c["amount"]) for c in self._of(self.captures, order_id) if c["status"] != "DECLINED"]

    def given_back(self, order_id: str) -> Money:
        unit = self.orders[order_id]["purchase_units"][0]
        nothing = Money(0, unit["amount"]["currency_code"])
        return sum((_amount(refund["amount"]) for refund in self._of(self.refunds, order_id)), nothing)

    def _hold(self, order_id: str, unit: Record, amount: Record, end: datetime) -> Record:
        authorization_id = self._id("A")
        self.authorizations[authorization_id] = {
            "id": authorization_id,
            "status": "CREATED",
            "amount": {"currency_code": amount["currency_code"], "value": amount["value"]},
            "custom_id": unit.get("custom_id", ""),
            "invoice_id": unit.get("invoice_id", ""),
            "expiration_time": clock.iso(end),
            "create_time": _now(),
            "links": [_link(f"/v2/payments/authorizations/{authorization_id}", "self")],
        }
        self.home[authorization_id] = order_id
        held = self.authorizations[authorization_id]
        self._note("T1300", held, _amount(held["amount"]), Money(0, amount["currency_code"]))
        return self.authorization(authorization_id)

    def _find(self, shelf: dict[str, Record], payment_id: str) -> Record:
        if payment_id not in shelf:
            raise Refusal("INVALID_RESOURCE_ID", 404)
        self.order(self.home[payment_id])  # what has expired by now is voided
        return shelf[payment_id]

    def _related(self, payment: Record) -> Record:
        """A payment as it is shown alone."""
        return payment | {"supplementary_data": {"related_ids": {"order_id": self.home[payment["id"]]}}}

    def _of(self, shelf: dict[str, Record], order_id: str) -> list[Record]:
        return [payment for payment_id, payment in shelf.items() if self.home[payment_id] == order_id]

    def _paid(self, invoice_id: str | None) -> bool:
        return bool(invoice_id) and any(c["invoice_id"] == invoice_id for c in self.captures.values())

    def _note(self, code: str, payment: Record, amount: Money, fee: Money) -> None:
        line = {
            "transaction_id": payment["id"],
            "transaction_event_code": code,
            "transaction_initiation_date": payment["create_time"],
            "transaction_updated_date": payment["create_time"],
            "transaction_amount": _shown(amount),
            "transaction_status": "S",
        }
        if fee.amount:
            line["fee_amount"] = _shown(fee)
        if payment.get("custom_id"):
            line["custom_field"] = payment["custom_id"]
        self.log.append(line)

    def _age(self, record: Record) -> timedelta:
        return clock.now() - datetime.fromisoformat(record["create_time"])

    def _id(self, letter: str) -> str:
        self._serial += 1
        return f"{letter}{self._serial:016d}"


def _amount(shown: Record) -> Money:
    """Raises Refusal, as PayPal does for amounts that it cannot take."""
    currency, value = shown["currency_code"], shown["value"]
    if currency not in CURRENCIES:
        raise Refusal("INVALID_CURRENCY_CODE")
    if currency in _WHOLE and "." in value:
        raise Refusal("DECIMALS_NOT_SUPPORTED")
    try:
        amount = parse(value, currency)
    except ValueError:
        raise Refusal("DECIMAL_PRECISION") from None
    if amount.amount <= 0:
        raise Refusal("CANNOT_BE_ZERO_OR_NEGATIVE")
    return amount


def _shown(amount: Money) -> Record:
    whole = amount.currency in _WHOLE
    value = str(amount.amount // 10 ** exponent(amount.currency)) if whole else amount.decimal()
    return {"currency_code": amount.currency, "value": value}


def _fee(amount: Money) -> Money:
    unit = 10 ** exponent(amount.currency) if amount.currency in _WHOLE else 1
    fixed = 40 if amount.currency in _WHOLE else 49
    share = (amount.amount // unit * FEE_BASIS_POINTS + 5_000) // 10_000
    return Money(min((share + fixed) * unit, amount.amount), amount.currency)


def _link(path: str, rel: str) -> Record:
    return {"href": f"https://api-m.paypal.com{path}", "rel": rel, "method": "GET"}


def _now() -> str:
    return clock.timestamp()
