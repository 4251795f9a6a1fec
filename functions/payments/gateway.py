"""The port to payment providers, and the sandbox's adapter.

Every write carries an idempotency key made from the order, so that a call repeated after a lost answer is the same
call. An outcome that is not known is `ProviderUnavailable`, never a decline.
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from market import clock, config
from market.errors import Invalid
from market.money import Money
from payments.model import AUTHORIZED, CAPTURED, CaptureRefused, Contradicted, ProviderUnavailable

TOLERANCE_SECONDS = 300
_TIMEOUT_SECONDS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A provider's record of a payment. status: pending, authorized, captured, voided, refunded or failed."""

    reference: str
    order_id: str
    status: str
    amount: Money
    client_secret: str = ""
    fee: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A verified webhook: what the provider says happened to an intent."""

    id: str
    type: str
    intent: Intent
    failure: str = ""


class BadSignature(Invalid):
    """The webhook is not from the provider, or too old or too new to believe."""

    code, title = "bad_signature", "Bad signature"


class Provider(Protocol):
    """What we need of a payment provider."""

    def create(self, order_id: str, amount: Money) -> Intent: ...
    def retrieve(self, reference: str) -> Intent: ...
    def capture(self, order_id: str, reference: str, amount: Money) -> Intent: ...
    def void(self, order_id: str, reference: str) -> Intent: ...
    def refund(self, order_id: str, reference: str, amount: Money) -> Intent: ...
    def verify(self, body: bytes, signature: str) -> Notice: ...
    def parse(self, body: bytes) -> Notice: ...


def provider(name: str = "sandbox") -> Provider:
    """The adapter of a provider by name. Raises KeyError for one that we do not have."""
    return {"sandbox": Sandbox}[name]()


class Sandbox:
    """The sandbox provider over HTTP, see `simulator.py` for its rules."""

    def create(self, order_id: str, amount: Money) -> Intent:
        body = {"orderId": order_id, "amount": amount.amount, "currency": amount.currency}
        return _intent(_call("POST", "/payment_intents", body, f"create-{order_id}"))

    def retrieve(self, reference: str) -> Intent:
        return _intent(_call("GET", f"/payment_intents/{reference}"))

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

    def void(self, order_id: str, reference: str) -> Intent:
        return _intent(_call("POST", f"/payment_intents/{reference}/void", {}, f"void-{order_id}"))

    def refund(self, order_id: str, reference: str, amount: Money) -> Intent:
        body = {"amount": amount.amount}
        return _intent(_call("POST", f"/payment_intents/{reference}/refund", body, f"refund-{order_id}"))

    def verify(self, body: bytes, signature: str) -> Notice:
        """The webhook, if the provider signed it just now. Raises BadSignature, or Invalid if it is unreadable."""
        verify(body, signature)
        return self.parse(body)

    def parse(self, body: bytes) -> Notice:
        """The webhook, verified before."""
        try:
            event = orjson.loads(body)
            failure = str(event.get("failure", ""))
            return Notice(id=event["id"], type=event["type"], intent=_intent(event["intent"]), failure=failure)
        except (ValueError, KeyError, TypeError, AttributeError):
            raise Invalid("The webhook is not in the sandbox's format.") from None


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
        raise BadSignature("The signature header is malformed.")
    if not hmac.compare_digest(sign(body, int(stamp)).encode(), signature.encode()):
        raise BadSignature("The signature does not match.")
    if abs(clock.epoch() - int(stamp)) > TOLERANCE_SECONDS:
        raise BadSignature("The signature is too old or from the future.")


def _call(method: str, path: str, body: dict[str, Any] | None = None, key: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {api_key()}", "content-type": "application/json", "idempotency-key": key}
    content = orjson.dumps(body) if body is not None else None
    status, answer = send(method, f"{config.setting('SANDBOX_URL')}/v1{path}", headers, content)
    if status == 402:
        raise CaptureRefused(str(answer.get("code", "")))
    if status == 409:
        raise Contradicted(str(answer.get("code", "")))
    if status >= 500 or status in (408, 425, 429):
        raise ProviderUnavailable("The sandbox did not answer.")
    if status >= 400:
        raise RuntimeError(f"the sandbox refused {method} {path}: {status} {answer.get('code')}")
    return answer


def send(method: str, url: str, headers: dict[str, str], content: bytes | None) -> tuple[int, dict[str, Any]]:
    """One HTTP exchange. Raises ProviderUnavailable when it is unknown whether the other side acted."""
    from urllib3.exceptions import HTTPError

    try:
        response = config.http().request(
            method, url, body=content, headers=headers, timeout=_TIMEOUT_SECONDS, retries=False, redirect=False
        )
        return response.status, orjson.loads(response.data or b"{}")
    except (HTTPError, orjson.JSONDecodeError):
        raise ProviderUnavailable("The sandbox did not answer.") from None


def _intent(body: dict[str, Any]) -> Intent:
    currency = body["currency"]
    return Intent(
        reference=body["id"],
        order_id=body["orderId"],
        status=body["status"],
        amount=Money(int(body["amount"]), currency),
        client_secret=body.get("clientSecret", ""),
        fee=Money(int(body["fee"]), currency) if body.get("fee") is not None else None,
    )
