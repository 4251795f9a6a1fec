"""The sandbox provider over HTTP, see `simulator.py` for its rules."""

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from market import clock, config
from market.errors import Invalid, NotFound
from market.money import Money
from payments.gateway import (
    TOLERANCE_SECONDS,
    BadSignature,
    Card,
    Intent,
    Notice,
    Payable,
    Refund,
    SavedMethod,
    Setup,
    send,
)
from payments.model import (
    AUTHORIZED,
    CAPTURED,
    CaptureRefused,
    Contradicted,
    MethodGone,
    ProviderUnavailable,
    RefundRefused,
)

_TYPES = {
    "payment_intent.authorized": "authorized",
    "payment_intent.declined": "declined",
    "payment_intent.requires_action": "attempted",
}


class Refused(RuntimeError):
    """The sandbox finds our request wrong: a mistake of ours."""

    def __init__(self, what: str, status: int, code: str) -> None:
        super().__init__(f"the sandbox refused {what}: {status} {code}")
        self.status, self.code = status, code


class Sandbox:
    """Payments with test cards; also keeps cards for customers."""

    name = "sandbox"

    def create(self, payable: Payable) -> Intent:
        """Raises MethodGone for a saved method that is not there any more."""
        body: dict[str, Any] = {
            "orderId": payable.order_id,
            "amount": payable.amount.amount,
            "currency": payable.amount.currency,
        }
        if payable.saved_method:
            body |= {"customer": payable.customer_ref, "savedMethod": payable.saved_method}
        try:
            return _intent(_call("POST", "/payment_intents", body, f"create-{payable.key}"))
        except Refused as refused:
            if payable.saved_method and refused.status == 404:
                raise MethodGone("This method is not saved any more.") from None
            raise

    def retrieve(self, reference: str) -> Intent:
        """Raises NotFound."""
        try:
            return _intent(_call("GET", f"/payment_intents/{reference}"))
        except Refused as refused:
            if refused.status == 404:
                raise NotFound("The sandbox knows of no such payment.") from None
            raise

    def capture(self, order_id: str, reference: str, amount: Money) -> Intent:
        """Raises CaptureRefused. A contradiction is looked into: perhaps an earlier call was carried out unheard."""
        body = {"amount": amount.amount}
        try:
            return _intent(_call("POST", f"/payment_intents/{reference}/capture", body, f"capture-{order_id}"))
        except Contradicted:
            intent = self.retrieve(reference)
            if intent.status == CAPTURED:
                return intent
            if intent.status == AUTHORIZED:
                raise
            raise CaptureRefused(intent.status) from None
        except Refused as refused:
            if refused.status != 402:
                raise
            raise CaptureRefused(refused.code) from None

    def void(self, order_id: str, reference: str) -> Intent:
        return _intent(_call("POST", f"/payment_intents/{reference}/void", {}, f"void-{order_id}"))

    def refund(self, refund_id: str, reference: str, amount: Money) -> Refund:
        """Raises RefundRefused; the sandbox keeps its fee."""
        try:
            answer = _call("POST", f"/payment_intents/{reference}/refund", {"amount": amount.amount}, refund_id)
        except Refused as refused:
            if refused.status != 402:
                raise
            raise RefundRefused(refused.code) from None
        return Refund(
            reference=answer["id"],
            status=answer["status"],
            amount=Money(answer["amount"], answer["currency"]),
            fee=Money(answer["feeReturned"], answer["currency"]),
        )

    def recent(self, since: datetime, until: datetime) -> Iterator[Intent]:
        day = since.date()
        while day <= until.date():
            path: str | None = f"/payment_intents?day={day.isoformat()}"
            while path:
                page = _call("GET", path)
                yield from (_intent(item) for item in page["items"] if since <= _moment(item["created"]) <= until)
                cursor = page.get("nextCursor")
                path = f"/payment_intents?day={day.isoformat()}&cursor={cursor}" if cursor else None
            day += timedelta(days=1)

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """The webhook, if the provider signed it just now. Raises BadSignature, or Invalid if it is unreadable."""
        verify(body, headers.get("sandbox-signature", ""))
        return self.parse(body)

    def parse(self, body: bytes) -> Notice:
        try:
            event = orjson.loads(body)
            return Notice(
                id=event["id"],
                type=_TYPES.get(event["type"], "other"),
                intent=_intent(event["intent"]),
                failure=str(event.get("failure", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Invalid("The webhook is not in the sandbox's format.") from None

    def setup(self, customer_id: str, customer_ref: str) -> Setup:
        """The sandbox knows customers by our id for them."""
        answer = _call("POST", "/setup_intents", {"customer": customer_ref or customer_id})
        return Setup(reference=answer["id"], client_secret=answer["clientSecret"], customer_ref=answer["customer"])

    def saved(self, customer_ref: str) -> Iterator[SavedMethod]:
        for method in _call("GET", f"/customers/{customer_ref}/methods")["items"]:
            yield SavedMethod(id=method["id"], card=Card(**method["card"]))

    def detach(self, customer_ref: str, method_id: str) -> None:
        """A method that is gone already is no error: the answer to an earlier call may have been lost."""
        try:
            _call("DELETE", f"/customers/{customer_ref}/methods/{method_id}")
        except Refused as refused:
            if refused.status != 404:
                raise

    def forget(self, customer_ref: str) -> None:
        for method in list(self.saved(customer_ref)):
            self.detach(customer_ref, method.id)


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def api_key() -> str:
    """The key with which we call the sandbox."""
    return "sk_sandbox_" + config.key("sandbox-api").hex()[:32]


def sign(body: bytes, at: int) -> str:
    """The sandbox's signature header: `t=<seconds>,v1=<HMAC-SHA256 of "t.body">`."""
    digest = hmac.new(config.key("sandbox-webhook"), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def verify(body: bytes, signature: str) -> None:
    """Raises BadSignature unless `signature` is ours over `body` and at most five minutes off, either way."""
    stamp = dict(part.partition("=")[::2] for part in signature.split(",")).get("t", "")
    if not (stamp.isascii() and stamp.isdigit()) or len(stamp) > 12:
        raise BadSignature("The signature header is malformed.", reason="malformed")
    if not hmac.compare_digest(sign(body, int(stamp)).encode(), signature.encode()):
        raise BadSignature("The signature does not match.", reason="forged")
    if abs(clock.epoch() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old or from the future.", reason="stale")


def _call(method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {api_key()}", "content-type": "application/json", "idempotency-key": key}
    content = orjson.dumps(body) if body is not None else None
    status, answer = send(method, f"{config.setting('SANDBOX_URL')}/v1{path}", headers, content)
    if status == 409:
        raise Contradicted(str(answer.get("code", "")))
    if status >= 500 or status in (408, 425, 429):
        raise ProviderUnavailable("The sandbox did not answer.")
    if status >= 400:
        raise Refused(f"{method} {path.partition('?')[0]}", status, str(answer.get("code", "")))
    return answer


def _intent(body: dict[str, Any]) -> Intent:
    currency = body["currency"]
    return Intent(
        reference=body["id"],
        order_id=body["orderId"],
        status=body["status"],
        amount=Money(int(body["amount"]), currency),
        client_secret=body.get("clientSecret", ""),
        fee=Money(int(body["fee"]), currency) if body.get("fee") is not None else None,
        refunded=Money(int(body["refunded"]), currency) if body.get("refunded") else None,
        card=Card(**body["card"]) if body.get("card") else None,
    )
