"""Calls API handlers with the events of an HTTP API (payload 2.0)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from market import clock
from tests.journeys import promises

JSON = Any


@dataclass(frozen=True)
class Response:
    """An answer: `json` is its parsed body (None without one), header names are lower case."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def json(self) -> JSON:
        return json.loads(self.body) if self.body else None

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:600]}>"


def call(
    handler: Callable[[dict[str, Any], Any], dict[str, Any]],
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: str | None = None,
    roles: str = "customer",
    vendor_id: str = "",
    permissions: str = "*",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
    claims: Mapping[str, str] | None = None,
) -> Response:
    """Call as `caller` (a user id; nobody if None). A body that is no str is sent as JSON; `query` may hold lists.

    permissions: what staff and vendors may do, as their token says it; claims: others that it has, beside those of
    somebody who has signed in just now.
    """
    event = request(method, path, body, caller=caller, roles=roles, vendor_id=vendor_id, headers=headers, query=query)
    if caller is not None:
        told = {"permissions": permissions, "vendorPermissions": permissions, "auth_time": str(clock.epoch())}
        event["requestContext"]["authorizer"]["jwt"]["claims"] |= told | dict(claims or {})
    answer = handler(event, None)
    answered = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    if label := promises.label_of(method, event["rawPath"]):
        assert not list(promises.undeclared_headers(label, answer["statusCode"], answered))
    return Response(answer["statusCode"], answered, answer.get("body") or "")


def request(
    method: str,
    path: str,
    body: Any = None,
    *,
    caller: str | None = None,
    roles: str = "customer",
    vendor_id: str = "",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The event of one request, as API Gateway makes it."""
    path, _, inline = path.partition("?")
    pairs = [
        (name, value)
        for name, given in (query or {}).items()
        for value in (given if isinstance(given, list) else [given])
    ]
    raw_query = "&".join(part for part in (inline, urlencode(pairs)) if part)
    text = None if body is None else body if isinstance(body, str) else json.dumps(body)
    sent = {"host": "localhost", "user-agent": "tests"}
    sent |= {"content-type": "application/json"} if text is not None else {}
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": quote(path, safe="/%:@!$&'()*+,;=~"),
        "rawQueryString": raw_query,
        "headers": sent | {name.lower(): value for name, value in (headers or {}).items()},
        "requestContext": _context(method, path, caller, roles, vendor_id),
        "isBase64Encoded": False,
    }
    if raw_query:
        event["queryStringParameters"] = _joined(raw_query)
    if text is not None:
        event["body"] = text
    return event


def _context(method: str, path: str, caller: str | None, roles: str, vendor_id: str) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "local",
        "domainName": "localhost",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "tests"},
        "requestId": "",
        "routeKey": f"{method} {path}",
        "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000",
        "timeEpoch": 1767225600000,
    }
    if caller is not None:
        claims = {"sub": caller, "roles": roles, "token_use": "access", "username": caller}
        claims |= {"permissions": "*", "vendorPermissions": "*"}
        claims |= {"vendorId": vendor_id} if vendor_id else {}
        context["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    return context


def _joined(raw_query: str) -> dict[str, str]:
    from urllib.parse import parse_qsl

    joined: dict[str, str] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined
