"""HTTP entry points: routes with declared callers, validation, OpenAPI, problem documents.

    api = ServiceApi(MANIFEST)

    @api.post("/v1/orders/<order_no>/cancellation", callers=[CUSTOMER])
    def cancel(order_no: str) -> OrderView: ...

    handler = api.handler

`callers=[CUSTOMER, GUEST]` declares two routes: beside the customers' `/v1/cart` the guests' `/v1/guest/cart`, where
the gateway has no authorizer and a `Guest-Token` header is asked for; KEY likewise declares `/v1/api/…`, for programs
with an `Api-Key`. Routes of vendors, staff and programs say which permission they need: where the path names a vendor,
in that vendor's team or on the platform, else on the platform. A route's `limit` names how often one caller may come.

Powertools' resolver does the routing, the pydantic validation and the OpenAPI document. Around it stands what it lacks:
callers, guards on the body, problem+json for every error. A route without callers cannot be written.
"""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import orjson
from aws_lambda_powertools.event_handler import Response as Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import BaseModel

from market import config, ids, log
from market.errors import (
    Forbidden,
    Idempotency,
    Invalid,
    MissingIdempotencyKey,
    NotFound,
    PreconditionFailed,
    Problem,
    TooLarge,
    Unavailable,
    Unprocessable,
    UnsupportedMediaType,
)
from market.guard import admission, audit
from market.guard.callers import Caller as Caller
from market.guard.callers import guest_of as guest_of
from market.guard.callers import new_guest as new_guest
from market.manifest import ANYONE as ANYONE
from market.manifest import CUSTOMER as CUSTOMER
from market.manifest import GUEST as GUEST
from market.manifest import KEY as KEY
from market.manifest import STAFF as STAFF
from market.manifest import VENDOR as VENDOR
from market.manifest import Manifest
from market.resolver import MAX_BODY, NotJson, Resolver, parsed, raw_body
from market.shapes import Body as Body
from market.shapes import Cursor as Cursor
from market.shapes import FieldError as FieldError
from market.shapes import Limit as Limit
from market.shapes import OneLine as OneLine
from market.shapes import ProblemView as ProblemView
from market.shapes import View as View
from market.table import BadCursor

CALLERS = frozenset({ANYONE, GUEST, CUSTOMER, VENDOR, STAFF, KEY})
_DOORS = {GUEST: "guest", KEY: "api"}
"""Callers without a token of the user pool: they have routes of their own, below these words."""

_MAX_SEGMENT = 200
_CORRELATION = re.compile(r"[\w.:-]{8,64}\Z", re.ASCII)
_IDEMPOTENCY_KEY = re.compile(r"[\x21-\x7e]{8,128}\Z", re.ASCII)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}
_PROBLEM_TYPE = "application/problem+json"
_JSON = "application/json"

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Route:
    """One route and who may call it."""

    method: str
    path: str
    callers: frozenset[str]
    name: str
    raw: bool
    max_body: int
    needs: str = ""
    limit: str = ""
    captcha: str = ""


class ServiceApi:
    """The HTTP API of one service."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._resolver = Resolver(self._admit)
        self._local = threading.local()
        self._routes: dict[tuple[str, str], Route] = {}

    @property
    def routes(self) -> list[Route]:
        """Every route with its callers: what the CDK app builds the gateway from."""
        return list(self._routes.values())

    def get(self, path: str, *, callers: Iterable[str], **options: Any) -> Callable[[F], F]:
        return self._route("GET", path, callers, **options)

    def post(self, path: str, *, callers: Iterable[str], **options: Any) -> Callable[[F], F]:
        return self._route("POST", path, callers, **options)

    def put(self, path: str, *, callers: Iterable[str], **options: Any) -> Callable[[F], F]:
        return self._route("PUT", path, callers, **options)

    def patch(self, path: str, *, callers: Iterable[str], **options: Any) -> Callable[[F], F]:
        return self._route("PATCH", path, callers, **options)

    def delete(self, path: str, *, callers: Iterable[str], **options: Any) -> Callable[[F], F]:
        return self._route("DELETE", path, callers, **options)

    def _route(
        self,
        method: str,
        path: str,
        callers: Iterable[str],
        *,
        status: int = 200,
        problems: Iterable[type[Problem]] = (),
        raw: bool = False,
        max_body: int = MAX_BODY,
        needs: str = "",
        limit: str = "",
        captcha: str = "",
    ) -> Callable[[F], F]:
        """raw: the handler reads `api.body` itself (files, signed webhooks) instead of declaring a model.

        needs: the permission that vendors, staff and programs must hold; limit, captcha: which of `market.guard` count.
        """
        allowed = frozenset(callers)
        self._require_rule(f"{method} {path}", allowed, needs)

        def register(function: F) -> F:
            theirs = allowed - set(_DOORS)
            route = Route(method, path, theirs, function.__name__, raw, max_body, needs, limit, captcha)
            if theirs:
                self._declare(route, function, status, problems)
            for caller in sorted(allowed & set(_DOORS)):
                path_, name = f"/v1/{_DOORS[caller]}/{path.removeprefix('/v1/')}", f"{_DOORS[caller]}_{route.name}"
                own = replace(route, path=path_, callers=frozenset({caller}), name=name)
                self._declare(own, function, status, problems)
            return function

        return register

    def _require_rule(self, place: str, allowed: frozenset[str], needs: str) -> None:
        assert allowed, f"{place} must declare who may call it"
        assert allowed <= CALLERS, f"{place} names an unknown caller"
        assert allowed == {ANYONE} or ANYONE not in allowed, f"{place} is for anyone, so for all others too"
        own = CUSTOMER in allowed or allowed == {KEY}
        assert needs or own or not allowed & {VENDOR, STAFF, KEY}, f"{place} must say what it needs"
        assert not needs or needs in self._manifest.permissions, f"{place} needs an undeclared permission: {needs}"

    def _declare(self, route: Route, function: F, status: int, problems: Iterable[type[Problem]]) -> None:
        place = route.method, route.path
        assert place not in self._routes, f"{route.method} {route.path} is another route already"
        self._routes[place] = route
        self._resolver.route(
            route.path,
            route.method,
            status_code=status,
            responses=_responses(status, route, [*problems, *_lists(function)]),
            tags=[self._manifest.service],
            operation_id=f"{self._manifest.service}_{route.name}",
            summary=_summary(function),
            description=(function.__doc__ or "").strip(),
            security=_security(route.callers),
        )(function)

    @property
    def caller(self) -> Caller:
        return cast(Caller, self._local.caller)

    @property
    def address(self) -> str:
        """The viewer's IP address; empty if it is not known."""
        return cast(str, self._local.address)

    @property
    def body(self) -> bytes:
        """The raw body of the current request."""
        return cast(bytes, self._local.body)

    def header(self, name: str) -> str:
        return str(self._local.headers.get(name.lower(), ""))

    def idempotency(self) -> Idempotency:
        """The request's idempotency key, scoped to caller and route. Raises MissingIdempotencyKey."""
        key = self.header("idempotency-key")
        if not _IDEMPOTENCY_KEY.match(key):
            raise MissingIdempotencyKey("Send an Idempotency-Key header of 8 to 128 printable characters.")
        scoped = f"{self.caller.id}|{self._local.route}|{key}"
        return Idempotency(_digest(scoped.encode()), _digest(self._local.path.encode() + b"\0" + self.body))

    def require_match(self, version: int) -> None:
        """Compare `If-Match`, where it was sent, with the resource's version. Raises PreconditionFailed.

        A weak tag is taken as well: CloudFront makes ours weak when it compresses an answer.
        """
        wanted = self.header("if-match")
        tags = {tag.strip().removeprefix("W/") for tag in wanted.split(",")}
        if wanted and not {"*", etag(version)} & tags:
            raise PreconditionFailed("The resource has changed since you read it.")

    def openapi(self) -> dict[str, Any]:
        """This service's part of the OpenAPI 3.1 document."""
        from aws_lambda_powertools.event_handler.openapi.models import APIKey, APIKeyIn, HTTPBearer

        guest = APIKey(name="Guest-Token", in_=APIKeyIn.header, description="The token of `POST /v1/guests`.")
        program = APIKey(name="Api-Key", in_=APIKeyIn.header, description="A key made by a vendor or by staff.")
        text = self._resolver.get_openapi_json_schema(
            title="Marketplace",
            version="1.0.0",
            security_schemes={"bearer": HTTPBearer(bearerFormat="JWT"), "guest": guest, "key": program},
        )
        return cast(dict[str, Any], orjson.loads(text))

    def handler(self, event: dict[str, Any], _context: object = None) -> dict[str, Any]:
        """Lambda entry point (HTTP API, payload 2.0)."""
        request = event["requestContext"]
        headers = event.get("headers") or {}
        correlation = headers.get("x-correlation-id", "")
        request_id = request.get("requestId") or ids.ulid()
        self._local.caller = Caller()
        correlation = correlation if _CORRELATION.match(correlation) else request_id
        with log.acting(log.Scope(request_id, correlation, "anonymous", "anonymous")), audit.off():
            answer = self._answer(event, headers)
            if answer["statusCode"] < 400:
                audit.complete(self._manifest.service)
            log.info(
                "request",
                service=self._manifest.service,
                method=request["http"]["method"],
                route=self._local.route,
                status=answer["statusCode"],
                caller=self.caller.id or None,
            )
        answer["headers"] = _HEADERS | {"x-request-id": request_id, "x-correlation-id": correlation} | _single(answer)
        return answer

    def _answer(self, event: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
        self._local.headers, self._local.route, self._local.body = headers, "", b""
        self._local.path, self._local.address = event["rawPath"], ""
        try:
            secret = config.origin_secret()
            if secret and not hmac.compare_digest(self.header("x-origin-verify").encode(), secret.encode()):
                raise Forbidden("Requests come through the edge.")
            if any(len(segment) > _MAX_SEGMENT for segment in event["rawPath"].split("/")):
                raise NotFound("There is nothing at this address.")
            self._local.address = admission.address_of(event, headers, behind_edge=bool(secret))
            return self._resolver.answer(event)
        except Problem as problem:
            return _problem(problem)
        except RequestValidationError as refused:
            if not any(error["loc"][:1] == ("response",) for error in refused.errors()):
                return _problem(_unprocessable(refused))
            log.error("answer does not fit its model", refused, route=self._local.route)
            return _problem(Problem())
        except (ClientError, BotoCoreError) as hiccup:
            log.error("AWS did not answer as it should", hiccup, route=self._local.route, code=_aws_code(hiccup))
            return _problem(Unavailable("Please try again; it is not known whether this request was carried out."))
        except Exception as error:  # the last line of defence: nothing internal reaches the caller
            log.error("request crashed", error, route=self._local.route)
            return _problem(Problem())

    def _admit(self, matched: Any, event: APIGatewayProxyEventV2, arguments: Mapping[str, str]) -> None:
        """Let the request through to its route, or raise: first by its caller, then by whether its body can be read."""
        route, request = self._routes[matched.method, matched.path], event.raw_event
        self._local.route = f"{route.method} {route.path}"
        asked = admission.Asked(route, arguments, self._local.headers, request["requestContext"], self.address)
        self._local.caller = admission.admit(asked, self._manifest)
        self._local.body = raw_body(event, route.max_body)
        if not route.raw and matched.dependant.body_params:
            event._json_data = parsed(  # type: ignore[attr-defined]  # its cache of json_body, which would crash
                self._local.body, self.header("content-type")
            )
            request["headers"] = self._local.headers | {"content-type": _JSON}  # it knows one spelling only


def _security(callers: frozenset[str]) -> list[dict[str, list[str]]] | None:
    if ANYONE in callers:
        return None
    return [{"guest" if GUEST in callers else "key" if KEY in callers else "bearer": []}]


def etag(version: int) -> str:
    return f'"{version}"'


def reply(view: BaseModel, *, status: int = 200, version: int | None = None, cache_seconds: int = 0) -> Response[Any]:
    """An answer with an `ETag` (of `version`) or a `Cache-Control`; the view is not validated a second time."""
    text = view.model_dump_json(by_alias=True, exclude_none=True)
    return reply_json(text, status=status, version=version, cache_seconds=cache_seconds)


def reply_json(text: str, *, status: int = 200, version: int | None = None, cache_seconds: int = 0) -> Response[Any]:
    """The same from ready JSON, such as stored product cards joined to a page."""
    headers: dict[str, str | list[str]] = {}
    if version is not None:
        headers["etag"] = etag(version)
    if cache_seconds:
        headers["cache-control"] = f"public, max-age={cache_seconds}"
    return Response(status_code=status, content_type=_JSON, body=text, headers=headers)


def _unprocessable(refused: RequestValidationError) -> Unprocessable:
    errors = [
        {"field": ".".join(map(str, error["loc"])), "code": error["type"], "message": str(error.get("msg", ""))[:200]}
        for error in list(refused.errors())[:50]
    ]
    return Unprocessable("Some fields are missing or wrong.", errors=errors)


def _problem(problem: Problem) -> dict[str, Any]:
    headers = {"content-type": _PROBLEM_TYPE}
    if problem.status in (429, 503):
        headers["retry-after"] = str(problem.extra.get("retryAfter", 1))
    body = orjson.dumps(problem.document(log.scope().request_id), default=_plain).decode()
    return {"statusCode": problem.status, "body": body, "headers": headers, "isBase64Encoded": False}


def _aws_code(hiccup: Exception) -> str:
    return str(hiccup.response["Error"]["Code"]) if isinstance(hiccup, ClientError) else type(hiccup).__name__


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", by_alias=True) if isinstance(value, BaseModel) else str(value)


def _responses(status: int, route: Route, problems: Iterable[type[Problem]]) -> dict[int, Any]:
    """The error answers of a route for its OpenAPI entry: those that every route has, and its own."""
    always: list[type[Problem]] = [Invalid, NotFound, TooLarge, Unprocessable, Problem, Unavailable]
    always += [] if route.method == "GET" else [NotJson, UnsupportedMediaType]
    always += admission.refusals(route)
    codes: dict[int, list[str]] = {}
    for problem in [*always, *problems]:
        codes.setdefault(problem.status, []).append(problem.code)
    shown = {
        code: {"description": ", ".join(dict.fromkeys(names)), "content": {_PROBLEM_TYPE: {"model": ProblemView}}}
        for code, names in sorted(codes.items())
    }
    return {status: {"description": "Success"}} | shown


def _lists(function: Callable[..., Any]) -> list[type[Problem]]:
    return [BadCursor] if "cursor" in function.__annotations__ else []


def _summary(function: Callable[..., Any]) -> str:
    return (function.__doc__ or function.__name__.replace("_", " ")).strip().splitlines()[0].rstrip(".")


def _single(answer: Mapping[str, Any]) -> dict[str, str]:
    """Headers as single values, names in lower case, whichever way Powertools built them."""
    headers = {name.lower(): value for name, value in (answer.get("headers") or {}).items()}
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers[name.lower()] = ",".join(values)
    return headers


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]
