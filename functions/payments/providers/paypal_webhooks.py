"""PayPal's webhooks: who sent them, and what they are about.

PayPal signs the CRC-32 of a body, which is no proof of its content: another body with the same sum is easy to find. So
nothing in a body counts but the ids in it; what happened is asked of PayPal.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import orjson

from market import clock
from market.errors import Invalid
from market.money import Money
from payments import credentials
from payments.gateway import TOLERANCE_SECONDS, BadSignature, Intent, Notice
from payments.providers import paypal_api
from payments.providers.paypal_records import moment, order_of

APPROVED = "CHECKOUT.ORDER.APPROVED"
TYPES = {
    "PAYMENT.AUTHORIZATION.CREATED": "authorized",
    "PAYMENT.AUTHORIZATION.VOIDED": "voided",
    "PAYMENT.CAPTURE.COMPLETED": "captured",
    "PAYMENT.CAPTURE.DECLINED": "declined",
    "PAYMENT.CAPTURE.DENIED": "declined",
    "PAYMENT.CAPTURE.REFUNDED": "refunded",
    "PAYMENT.CAPTURE.REVERSED": "refunded",
    "CUSTOMER.DISPUTE.CREATED": "disputed",
}

_FIELDS = {
    "transmission_id": "paypal-transmission-id",
    "transmission_time": "paypal-transmission-time",
    "transmission_sig": "paypal-transmission-sig",
    "cert_url": "paypal-cert-url",
    "auth_algo": "paypal-auth-algo",
}
_ID = re.compile(r"[A-Z0-9-]{1,40}")


def verify(headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """The event, if PayPal says that it sent it to our webhook, just now.

    Raises BadSignature, Invalid for what is not an event, or ProviderUnavailable: PayPal sends it again.
    """
    event = read_event(body)
    claims = {field: headers.get(header, "") for field, header in _FIELDS.items()}
    if not all(claims.values()):
        raise BadSignature("A signature header is missing.", reason="missing")
    if not _from_paypal(claims["cert_url"]):
        raise BadSignature("The certificate is not PayPal's.", reason="certificate")
    try:
        age = clock.epoch() - moment(claims["transmission_time"]).timestamp()
    except ValueError:
        raise BadSignature("The time of transmission is malformed.", reason="malformed") from None
    if abs(age) > TOLERANCE_SECONDS:
        raise BadSignature("The webhook is too old or from the future.", reason="stale")
    # The event goes back byte by byte, since its sum is signed; it is known to be one JSON object, so it stays put.
    claims["webhook_id"] = credentials.of("paypal")["webhook_id"]
    content = orjson.dumps(claims)[:-1] + b',"webhook_event":' + body.strip() + b"}"
    try:
        answer = paypal_api.call("POST", "/v1/notifications/verify-webhook-signature", content)
    except (paypal_api.Refused, paypal_api.Malformed):
        raise BadSignature("PayPal cannot make sense of the signature.", reason="malformed") from None
    if answer.get("verification_status") != "SUCCESS":
        raise BadSignature("PayPal did not sign this for us.", reason="signature")
    return event


def read_event(body: bytes) -> dict[str, Any]:
    """Raises Invalid unless the body is an event with an id, a type and a resource."""
    try:
        event = orjson.loads(body)
        if (
            isinstance(event["id"], str)
            and isinstance(event["event_type"], str)
            and isinstance(event["resource"], dict)
        ):
            return dict(event)
    except (ValueError, KeyError, TypeError):
        pass
    raise Invalid("The webhook is not in PayPal's format.")


def claimed(event: dict[str, Any]) -> Notice:
    """The notice before PayPal was asked: good for a log line, not for a decision."""
    resource = event["resource"]
    units = resource.get("purchase_units") or [{}]
    intent = Intent(
        reference=order_id_of(event),
        order_id=str(resource.get("custom_id") or units[0].get("custom_id") or ""),
        status="",
        amount=Money(0, "USD"),
    )
    return Notice(id=event["id"], type=TYPES.get(event["event_type"], "other"), intent=intent)


def order_id_of(event: dict[str, Any]) -> str:
    """PayPal's id of the order that the event is about, empty if it does not tell."""
    resource = event["resource"]
    if event["event_type"].startswith("CHECKOUT.ORDER."):
        return _id(resource.get("id"))
    return _id(order_of(resource))


def capture_id_of(event: dict[str, Any]) -> str:
    """PayPal's id of the capture behind a refund or a dispute, empty if it does not tell."""
    resource = event["resource"]
    if disputed := resource.get("disputed_transactions"):
        return _id(disputed[0].get("seller_transaction_id"))
    up = next((link.get("href", "") for link in resource.get("links", ()) if link.get("rel") == "up"), "")
    return _id(urlsplit(str(up)).path.rpartition("/")[2]) if "/captures/" in str(up) else ""


def _id(found: object) -> str:
    """An id is put into a path, so it must look like one."""
    return found if isinstance(found, str) and _ID.fullmatch(found) else ""


def _from_paypal(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and (parts.hostname or "").endswith(".paypal.com") and parts.username is None
