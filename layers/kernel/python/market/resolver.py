"""Powertools' resolver made safe for us, and guards that it lacks: size, encoding, type and depth of bodies.

Each refusal is a 4xx problem; nothing that a caller sends crashes a handler.
"""

import base64
import binascii
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares.openapi_validation import OpenAPIResponseValidationMiddleware
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2

from market.errors import Invalid, NotFound, TooLarge, Unprocessable, UnsupportedMediaType

MAX_BODY = 256 * 1024
MAX_DEPTH = 24


class NotJson(Invalid):
    code, title = "invalid_json", "The body is not JSON"


def raw_body(event: Mapping[str, Any], limit: int) -> bytes:
    text = event.get("body") or ""
    if len(text) > limit * 4 // 3 + 4:
        raise TooLarge(f"A request body may have {limit} bytes.")
    try:
        body = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except (binascii.Error, ValueError):
        raise NotJson("The body is neither text nor valid base64.") from None
    if len(body) > limit:
        raise TooLarge(f"A request body may have {limit} bytes.")
    return body


def parsed(body: bytes, content_type: str) -> dict[str, Any]:
    """The JSON object of a body. Raises UnsupportedMediaType, NotJson or Unprocessable."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Send the body as application/json.")
    try:
        value = orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        raise NotJson(f"JSON expected: {error.msg[:80]} at character {error.pos}.") from None
    if _too_deep(value, MAX_DEPTH):
        raise NotJson(f"The body nests deeper than {MAX_DEPTH} levels.")
    if not isinstance(value, dict):  # of a list Powertools would take the first entry
        errors = [{"field": "body", "code": "object_expected", "message": "A JSON object is expected."}]
        raise Unprocessable("Some fields are missing or wrong.", errors=errors)
    return value


def _too_deep(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_too_deep(entry, levels - 1) for entry in inner)


class Answers(OpenAPIResponseValidationMiddleware):
    """Checks answers against their model, but takes ready JSON text (see `reply_json`) as it is."""

    def _handle_response(self, *, route: Any, response: Response[Any]) -> Response[Any]:
        ready = isinstance(response.body, str)
        return response if ready else super()._handle_response(route=route, response=response)


class Resolver(APIGatewayHttpResolver):
    """Powertools' resolver, but with the request kept per thread (it keeps it on a class) and errors left to us."""

    def __init__(self, before: Callable[[Any, APIGatewayProxyEventV2, dict[str, str]], None]) -> None:
        self._local, self._building, self._before = threading.local(), threading.Lock(), before
        super().__init__(enable_validation=True, serializer=lambda body: orjson.dumps(body).decode())
        self._response_validation_middleware = Answers(validation_serializer=self._serializer)

    @property
    def current_event(self) -> APIGatewayProxyEventV2:  # type: ignore[override]
        return cast(APIGatewayProxyEventV2, self._local.event)

    @property
    def context(self) -> dict[str, Any]:
        return cast(dict[str, Any], self._local.__dict__.setdefault("context", {}))

    @context.setter
    def context(self, value: dict[str, Any]) -> None:
        self._local.context = value

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        self._local.event, self._local.context = APIGatewayProxyEventV2(dict(event)), {}
        return self._build_response(self._resolve())

    def _call_route(self, route: Any, route_arguments: dict[str, str]) -> Any:
        self._before(route, self.current_event, route_arguments)
        with self._building:  # by one thread: two would wrap each other's middleware, and every request would crash
            if not route._middleware_stack_built:
                route._build_middleware_stack([], self)
        response = cast(Response[Any], self._to_response(route([], self, route_arguments)))
        return self._response_builder_class(response, self._serializer, route)

    def _push_processed_stack_frame(self, frame: str) -> None:
        """Powertools would keep the names of every middleware it ever called."""

    def _handle_not_found(self, method: str, path: str) -> Any:
        raise NotFound("There is nothing at this address.")
