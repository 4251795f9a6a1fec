"""The HTTP API of the templates: finds a request's route, authorizes it, calls the function, answers.

It knows no sockets: the server hands it requests, tests do so directly. Routes, authorizers and CORS are those
of the templates, so a route without authorizer is as open here as it would be on AWS. Its own refusals are
problem documents; API Gateway's are `{"message": ...}`, and where it would answer 404 for a method that a path
lacks, this answers 405.
"""

import base64
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson

from local.authorizer import Authorizer, Denied
from local.routing import Found, Router
from local.templates import Route
from market.errors import NotFound, Problem, TooLarge, Unauthenticated

__all__ = ["MAX_BODY", "Answer", "Gateway", "Request", "problem"]

JSON = dict[str, Any]
Pairs = list[tuple[str, str]]
Invoke = Callable[[str, JSON], Any]
MAX_BODY = 10 * 1024 * 1024
MAX_HEADERS = 10_240
_LOCAL_ACCOUNT = "000000000000"


@dataclass(slots=True)
class Request:
    """One HTTP request; header names in lower case, `path` as on the wire (percent-encoded)."""

    method: str
    path: str
    query: str = ""
    headers: Pairs = field(default_factory=list)
    body: bytes = b""
    client: str = "127.0.0.1"

    def header(self, name: str) -> str:
        return next((value for given, value in self.headers if given == name), "")


@dataclass(slots=True)
class Answer:
    """What goes back; header names in lower case, repeated ones allowed."""

    status: int
    headers: Pairs
    body: bytes


class MethodNotAllowed(Problem):
    status, code, title = 405, "method_not_allowed", "Method not allowed"


class HeadersTooLarge(Problem):
    status, code, title = 431, "headers_too_large", "Headers too large"


class Gateway:
    """One HTTP API. `cors` is the CorsConfiguration of its template, {} for none."""

    def __init__(
        self, routes: Iterable[Route], authorizer: Authorizer, invoke: Invoke, cors: Mapping[str, Any]
    ) -> None:
        self._router = Router(route for route in routes if route.protocol == "HTTP")
        self._authorizer, self._invoke, self._cors = authorizer, invoke, _Cors(cors)

    def lane(self, method: str, path: str) -> str:
        """The function that will serve a request, or "": requests of one lane must not hold up those of another."""
        found = self._router.find(method, path)
        return found.route.function if found else ""

    def answer(self, request: Request) -> Answer:
        """Never raises: what goes wrong is an answer too."""
        origin = request.header("origin") if self._cors.on else ""
        if origin and request.method == "OPTIONS" and request.header("access-control-request-method"):
            return Answer(204, self._cors.preflight(origin), b"")
        request_id = str(uuid.uuid4())
        try:
            answered = self._route(request, request_id)
        except Problem as refused:
            answered = problem(refused, request_id)
        if origin:
            answered.headers = self._cors.on_answer(origin, answered.headers)
        return answered

    def _route(self, request: Request, request_id: str) -> Answer:
        if len(request.body) > MAX_BODY:
            raise TooLarge(f"A request body may have {MAX_BODY} bytes.")
        size = len(request.path) + len(request.query) + sum(len(name) + len(value) for name, value in request.headers)
        if size > MAX_HEADERS:
            raise HeadersTooLarge(f"The address and all headers together may have {MAX_HEADERS} bytes.")
        found = self._router.find(request.method, request.path)
        if found is None:
            allowed = self._router.methods(request.path)
            if allowed:
                raise MethodNotAllowed("This address knows other methods.", allowed=allowed)
            raise NotFound("There is nothing at this address.")
        claims = None
        if found.route.authorizer != "none":
            claims = self._authorize(found.route, request)
        event = event_of(request, found, claims, request_id)
        try:
            return response_of(self._invoke(found.route.function, event))
        except Exception as error:
            _report(error, found.route)
            raise Problem() from None

    def _authorize(self, route: Route, request: Request) -> JSON:
        if route.authorizer != "jwt":
            raise Unauthenticated(f"Authorizers of kind {route.authorizer} are not played on one machine.")
        try:
            given = ",".join(value for name, value in request.headers if name == "authorization")
            return self._authorizer.claims(route, given)
        except Denied as denied:
            raise Unauthenticated("Send a valid access token.", reason=str(denied)) from None


def problem(refused: Problem, request_id: str = "") -> Answer:
    """A problem document; `allowed` and `reason` among its extra members become headers."""
    extra = dict(refused.extra)
    headers = [("content-type", "application/problem+json"), ("cache-control", "no-store")]
    if allowed := extra.pop("allowed", None):
        headers.append(("allow", ", ".join(allowed)))
    if refused.status == 401:
        reason = extra.pop("reason", "")
        error = (
            ""
            if reason == "send an access token" or not reason
            else f', error="invalid_token", error_description="{reason}"'
        )
        headers.append(("www-authenticate", f'Bearer realm="marketplace"{error}'))
    if request_id:
        headers.append(("x-request-id", request_id))
    refused.extra = extra
    return Answer(refused.status, headers, orjson.dumps(refused.document(request_id)))


def event_of(request: Request, found: Found, claims: JSON | None, request_id: str) -> JSON:
    """The event of payload format 2.0."""
    headers, cookies = _joined_headers(request.headers)
    hops = [headers["x-forwarded-for"]] if "x-forwarded-for" in headers else []
    headers["x-forwarded-for"] = ", ".join([*hops, request.client])
    context = _context(request, found, headers, request_id)
    if claims is not None:
        context["authorizer"] = {"jwt": {"claims": claims, "scopes": list(found.route.scopes) or None}}
    event: JSON = {
        "version": "2.0",
        "routeKey": found.route.key,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if found.parameters:
        event["pathParameters"] = {name: unquote(value) for name, value in found.parameters.items()}
    if request.query:
        event["queryStringParameters"] = _joined(parse_qsl(request.query, keep_blank_values=True))
    if request.body:
        _put_body(event, request.body)
    return event


def _context(request: Request, found: Found, headers: Mapping[str, str], request_id: str) -> JSON:
    now = time.time()
    return {
        "accountId": _LOCAL_ACCOUNT,
        "apiId": found.route.api,
        "domainName": headers.get("host", ""),
        "domainPrefix": "local",
        "http": {
            "method": request.method,
            "path": request.path,
            "protocol": "HTTP/1.1",
            "sourceIp": request.client,
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": found.route.key,
        "stage": "$default",
        "time": _clf(int(now)),
        "timeEpoch": int(now * 1000),
    }


def _put_body(event: JSON, body: bytes) -> None:
    """Text as it is, anything that is not UTF-8 as base64."""
    try:
        event["body"] = body.decode()
    except UnicodeDecodeError:
        event["body"], event["isBase64Encoded"] = base64.b64encode(body).decode(), True


def _joined_headers(pairs: Pairs) -> tuple[dict[str, str], list[str]]:
    cookies = [part.strip() for name, value in pairs if name == "cookie" for part in value.split(";") if part.strip()]
    return _joined((name, value) for name, value in pairs if name != "cookie"), cookies


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


_clf_cache = (0, "")


def _clf(second: int) -> str:
    """The time in common log format; made once a second."""
    global _clf_cache
    if _clf_cache[0] != second:
        _clf_cache = (second, datetime.fromtimestamp(second, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"))
    return _clf_cache[1]


def response_of(answer: Any) -> Answer:
    """A function's answer as HTTP: payload 2.0, or any JSON value as the body of a 200."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        return Answer(200, [("content-type", "application/json")], orjson.dumps(answer))
    text = answer.get("body") or ""
    body = base64.b64decode(text) if answer.get("isBase64Encoded") else text.encode()
    headers = [(name.lower(), str(value)) for name, value in (answer.get("headers") or {}).items()]
    headers += [("set-cookie", cookie) for cookie in answer.get("cookies") or ()]
    if any("\n" in value or "\r" in value for _, value in headers):
        raise ValueError("a header holds a line break")
    if body and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=utf-8"))
    return Answer(int(answer["statusCode"]), headers, body)


def _report(error: Exception, route: Route) -> None:
    from market import log

    log.error("function crashed", error, route=route.key, function=route.function)


class _Cors:
    """CORS as API Gateway does it: it answers preflights itself and replaces what functions say."""

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        self.on = bool(configuration)
        self._origins = frozenset(configuration.get("AllowOrigins", ()))
        self._preflight = _present(
            ("access-control-allow-methods", ",".join(configuration.get("AllowMethods", ()))),
            ("access-control-allow-headers", ",".join(configuration.get("AllowHeaders", ()))),
            ("access-control-max-age", str(configuration.get("MaxAge", ""))),
        )
        self._always = _present(
            ("access-control-expose-headers", ",".join(configuration.get("ExposeHeaders", ()))),
            ("access-control-allow-credentials", "true" if configuration.get("AllowCredentials") else ""),
        )

    def preflight(self, origin: str) -> Pairs:
        return [*self._origin(origin), *self._preflight] if self._allows(origin) else []

    def on_answer(self, origin: str, headers: Pairs) -> Pairs:
        kept = [(name, value) for name, value in headers if not name.startswith("access-control-")]
        return [*kept, *self._origin(origin), *self._always] if self._allows(origin) else kept

    def _allows(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins

    def _origin(self, origin: str) -> Pairs:
        return [("access-control-allow-origin", "*" if "*" in self._origins else origin), ("vary", "origin")]


def _present(*pairs: tuple[str, str]) -> Pairs:
    return [(name, value) for name, value in pairs if value]
