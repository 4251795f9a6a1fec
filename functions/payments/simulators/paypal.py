"""PayPal as a server for tests and for laptops: its HTTP, its tokens, its idempotency, its webhooks and its bad days.

`handle` is pure HTTP; the buyer acts through `approve`. Whatever happens is told by webhook, `tell` being called with
headers and body when `send` is; `manner` says how. The rules of money are in `paypal_book.py`.
"""

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zlib import crc32

import orjson

from market import clock
from payments.simulators.network import Lost, TimedOut
from payments.simulators.paypal_book import BALANCE, Book, Record, Refusal

Answer = tuple[int, dict[str, str], bytes]
Tell = Callable[[dict[str, str], bytes], object]

ONCE, TWICE, REVERSED, NEVER = "once", "twice", "reversed", "never"
TOKEN_SECONDS = 32_400

_ROUTES: tuple[tuple[str, str, str], ...] = (
    ("POST", r"/v2/checkout/orders", "create"),
    ("GET", r"/v2/checkout/orders/(\w+)", "order"),
    ("POST", r"/v2/checkout/orders/(\w+)/authorize", "authorize"),
    ("GET", r"/v2/payments/authorizations/(\w+)", "authorization"),
    ("POST", r"/v2/payments/authorizations/(\w+)/capture", "capture"),
    ("POST", r"/v2/payments/authorizations/(\w+)/reauthorize", "reauthorize"),
    ("POST", r"/v2/payments/authorizations/(\w+)/void", "void"),
    ("GET", r"/v2/payments/captures/(\w+)", "captured"),
    ("POST", r"/v2/payments/captures/(\w+)/refund", "refund"),
    ("POST", r"/v1/notifications/verify-webhook-signature", "verify"),
    ("GET", r"/v1/reporting/transactions", "report"),
)
_EVENTS = {
    "authorize": ("PAYMENT.AUTHORIZATION.CREATED", "authorization"),
    "reauthorize": ("PAYMENT.AUTHORIZATION.CREATED", "authorization"),
    "void": ("PAYMENT.AUTHORIZATION.VOIDED", "authorization"),
    "capture": ("PAYMENT.CAPTURE.COMPLETED", "capture"),
    "refund": ("PAYMENT.CAPTURE.REFUNDED", "refund"),
}
_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}


class PayPalSimulator:
    def __init__(self, *, client_id: str, client_secret: str, webhook_id: str, tell: Tell | None = None) -> None:
        self.book = Book()
        self.manner = ONCE
        self._basic = b64encode(f"{client_id}:{client_secret}".encode()).decode()
        self._signing, self._webhook_id, self._tell = f"cert-of-{client_id}".encode(), webhook_id, tell
        self._tokens: dict[str, int] = {}
        self._answers: dict[tuple[str, str], tuple[bytes, Answer]] = {}
        self._faults: list[tuple[str, str]] = []
        self._untold: list[bytes] = []
        self._serial = 0
        self._lock = RLock()
        self.requests: list[tuple[str, str, int]] = []
        """Method, path and answered status of every request, in order; 0 for an answer that was lost."""

    def fail(self, fault: str, verb: str, times: int = 1) -> None:
        """The next requests of a verb (`create`, `capture`, `token`, …) go wrong.

        lost: PayPal acts, and the answer does not arrive. timeout: nothing happens, nor is anything answered. 500, 429,
        in_progress: PayPal says so and does nothing.
        """
        self._faults += [(fault, verb)] * times

    def approve(self, order_id: str, instrument: str = BALANCE) -> None:
        """The buyer agrees at PayPal's page. Raises Refusal."""
        with self._lock:
            self._note("CHECKOUT.ORDER.APPROVED", "checkout-order", self.book.approve(order_id, instrument))

    def dispute(self, order_id: str) -> None:
        """The buyer complains about what was captured."""
        capture = next(one for one in self.book.captures.values() if self.book.home[one["id"]] == order_id)
        disputed = {"seller_transaction_id": capture["id"], "invoice_number": capture["invoice_id"]}
        self._note("CUSTOMER.DISPUTE.CREATED", "dispute", {"disputed_transactions": [disputed], "status": "OPEN"})

    def forget_keys(self) -> None:
        """The PayPal-Request-Ids have run out."""
        self._answers.clear()

    def revoke_tokens(self) -> None:
        self._tokens.clear()

    def send(self) -> int:
        """Deliver the webhooks that wait, in the present manner; how many went out."""
        waiting, self._untold = self._untold, []
        if self.manner == REVERSED:
            waiting.reverse()
        times = {TWICE: 2, NEVER: 0}.get(self.manner, 1)
        for body in waiting:
            for _ in range(times):
                if self._tell:
                    self._tell(self.signed(body), body)
        return len(waiting) * times

    def signed(self, body: bytes, *, at: str = "", webhook_id: str = "") -> dict[str, str]:
        """The headers under which PayPal would send a body now, or at another time, or to another webhook."""
        self._serial += 1
        sent, transmission = at or clock.timestamp(), f"tr-{self._serial:08d}"
        signature = self._signature(transmission, sent, webhook_id or self._webhook_id, body)
        return {
            "paypal-transmission-id": transmission,
            "paypal-transmission-time": sent,
            "paypal-transmission-sig": signature,
            "paypal-cert-url": "https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-7e8b1f0e",
            "paypal-auth-algo": "SHA256withRSA",
        }

    def handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        with self._lock:
            try:
                answer = self._handle(method, path, headers, body)
            except Lost:
                self.requests.append((method, path, 0))
                raise
            self.requests.append((method, path, answer[0]))
            return answer

    def _handle(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        target = urlsplit(path)
        if (method, target.path) == ("POST", "/v1/oauth2/token"):
            return self._faulty("token", lambda: self._token(headers, body))
        if self._tokens.get(headers.get("authorization", "").removeprefix("Bearer "), 0) <= clock.epoch():
            return _problem(401)
        verb, ids = _route(method, target.path)
        if not verb:
            return _problem(404)
        query = {name: values[-1] for name, values in parse_qs(target.query).items()}
        asked = body if verb == "verify" else query if method == "GET" else orjson.loads(body or b"{}")
        key = headers.get("paypal-request-id", "")
        return self._faulty(verb, lambda: self._once(verb, ids, asked, key, path))

    def _faulty(self, verb: str, act: Callable[[], Answer]) -> Answer:
        fault = next((fault for fault, which in self._faults if which == verb), "")
        if fault:
            self._faults.remove((fault, verb))
        if fault == "timeout":
            raise TimedOut
        if fault == "in_progress":
            return _problem(409, "PREVIOUS_REQUEST_IN_PROGRESS")
        if fault in ("500", "503", "429"):
            return _problem(int(fault))
        answer = act()
        if fault == "lost":
            raise Lost
        return answer

    def _once(self, verb: str, ids: tuple[str, ...], asked: Any, key: str, path: str) -> Answer:
        """Carry out a request, or repeat the answer to what was carried out under its key."""
        content = orjson.dumps(asked) if isinstance(asked, dict) else asked
        before = self._answers.get((key, path)) if key else None
        if before:
            if before[0] != content:
                return _problem(422, "PAYPAL_REQUEST_ID_REUSED")
            status = 200 if "/checkout/" in path else before[1][0]
            return status, before[1][1], before[1][2]
        try:
            answer = self._act(verb, ids, asked)
        except Refusal as refusal:
            return _problem(refusal.http, refusal.issue)
        if key:
            self._answers[key, path] = content, answer
        return answer

    def _act(self, verb: str, ids: tuple[str, ...], asked: Any) -> Answer:
        if verb == "verify":
            return self._verify(asked)
        if verb == "report":
            return self._report(asked)
        act = getattr(self.book, verb)
        found = act(*ids, asked) if verb in ("create", "capture", "reauthorize", "refund") else act(*ids)
        if verb in _EVENTS:
            self._told(verb, found)
        made = verb in ("create", "authorize", "capture", "reauthorize", "refund")
        return _json(201 if made else 200, found)

    def _told(self, verb: str, found: Record) -> None:
        event_type, kind = _EVENTS[verb]
        resource = found
        if verb == "authorize":
            resource = self.book.authorization(found["purchase_units"][0]["payments"]["authorizations"][0]["id"])
        if found["status"] != "PENDING":
            self._note(event_type, kind, resource)

    def _note(self, event_type: str, kind: str, resource: Record) -> None:
        self._serial += 1
        event = {
            "id": f"WH-{self._serial:08d}",
            "create_time": clock.timestamp(),
            "resource_type": kind,
            "event_type": event_type,
            "event_version": "1.0",
            "resource_version": "2.0",
            "resource": resource,
        }
        self._untold.append(orjson.dumps(event))

    def _token(self, headers: Mapping[str, str], body: bytes) -> Answer:
        granted = headers.get("authorization") == f"Basic {self._basic}" and body == b"grant_type=client_credentials"
        if not granted:
            return _json(401, {"error": "invalid_client", "error_description": "Client Authentication failed"})
        self._serial += 1
        token = f"A21AA-{self._serial:08d}"
        self._tokens[token] = clock.epoch() + TOKEN_SECONDS
        return _json(200, {"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def _verify(self, body: bytes) -> Answer:
        """Over the bytes of the event as they came: written anew they would have another sum."""
        text = body.decode()
        start = text.index('"webhook_event":') + len('"webhook_event":')
        _, end = json.JSONDecoder().raw_decode(text, start)
        said = orjson.loads(body)
        event = text[start:end].encode()
        expected = self._signature(said["transmission_id"], said["transmission_time"], said["webhook_id"], event)
        good = hmac.compare_digest(expected, said["transmission_sig"]) and said["webhook_id"] == self._webhook_id
        return _json(200, {"verification_status": "SUCCESS" if good else "FAILURE"})

    def _signature(self, transmission: str, at: str, webhook_id: str, body: bytes) -> str:
        signed = f"{transmission}|{at}|{webhook_id}|{crc32(body)}".encode()
        return "sig" + b64encode(hmac.new(self._signing, signed, hashlib.sha256).digest()).decode()

    def _report(self, query: Mapping[str, str]) -> Answer:
        since, until = query["start_date"], query["end_date"]
        lines = [line for line in self.book.log if since <= line["transaction_initiation_date"] < until]
        size, page = int(query.get("page_size", 100)), int(query.get("page", 1))
        shown = lines[(page - 1) * size : page * size]
        answer: Record = {
            "start_date": since,
            "end_date": until,
            "page": page,
            "total_items": len(lines),
            "total_pages": max(1, -(-len(lines) // size)),
        }
        if shown:
            answer["transaction_details"] = [{"transaction_info": line} for line in shown]
        return _json(200, answer)


def _route(method: str, path: str) -> tuple[str, tuple[str, ...]]:
    for known, pattern, verb in _ROUTES:
        if known == method and (match := re.fullmatch(pattern, path)):
            return verb, match.groups()
    return "", ()


def _problem(status: int, issue: str = "") -> Answer:
    name, message = _NAMES[status]
    body: Record = {"name": name, "message": message, "debug_id": "b1d1f06c7246c"}
    if issue:
        body["details"] = [{"issue": issue}]
    return _json(status, body)


def _json(status: int, body: Record) -> Answer:
    return status, {"content-type": "application/json"}, orjson.dumps(body)
