"""Routing, authorization, events and answers of the HTTP API, without sockets."""

import base64
import gzip
import json
import time
from pathlib import Path
from typing import Any

import moto.cognitoidp
import orjson
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from joserfc import jwk, jwt

from local.authorizer import Authorizer
from local.http_gateway import MAX_BODY, Answer, Gateway, Request
from local.routing import Router
from local.templates import Route
from local.tokens import SigningKey

ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Test"
KEY = SigningKey(None)
CORS = {
    "AllowOrigins": ["http://shop.example"],
    "AllowMethods": ["GET", "POST"],
    "ExposeHeaders": ["ETag"],
    "MaxAge": 60,
}


def _route(key: str, *, public: bool = True, function: str = "") -> Route:
    return Route(
        key=key,
        function=function or key,
        authorizer="none" if public else "jwt",
        api="api",
        protocol="HTTP",
        issuer=None if public else ISSUER,
        audience=() if public else ("web",),
    )


class Echo:
    """A function that answers with its event."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def __call__(self, _function: str, event: dict[str, Any]) -> Any:
        self.events.append(event)
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": "{}"}


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def gateway(echo: Echo) -> Gateway:
    routes = [_route("POST /things"), _route("GET /things/{id}"), _route("GET /mine", public=False)]
    return Gateway(routes, Authorizer(KEY), echo, CORS)


def _claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"sub": "u1", "iss": ISSUER, "client_id": "web", "token_use": "access", "iat": now, "exp": now + 60}
    return claims | {"roles": "customer", "level": 3, "beta": True, "tags": ["a", "b"]} | changes


def _mine(gateway: Gateway, token: str, scheme: str = "Bearer ") -> Answer:
    return gateway.answer(Request("GET", "/mine", headers=[("authorization", f"{scheme}{token}")]))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _forged(header: dict[str, Any], sign: Any) -> str:
    text = f"{_b64(orjson.dumps(header))}.{_b64(orjson.dumps(_claims()))}"
    return f"{text}.{_b64(sign(text.encode()))}"


# -- routing


def test_exact_segments_win_over_parameters_and_those_over_the_rest() -> None:
    router = Router(
        map(_route, ["GET /a/{x}", "GET /a/b", "GET /a/{x}/c", "GET /{proxy+}", "ANY /a/{x}/{rest+}", "POST /a/b"])
    )

    def key(method: str, path: str) -> str | None:
        found = router.find(method, path)
        return found.route.key if found else None

    assert key("GET", "/a/b") == "GET /a/b"
    assert key("GET", "/a/z") == "GET /a/{x}"
    assert key("GET", "/a/b/c") == "GET /a/{x}/c"
    assert key("GET", "/a/b/d/e") == "ANY /a/{x}/{rest+}"
    assert key("GET", "/q/r/s") == "GET /{proxy+}"
    assert key("POST", "/a/z") is None
    assert router.methods("/a/b") == ["GET", "POST"]


def test_parameters_are_named_and_never_empty() -> None:
    router = Router(map(_route, ["GET /v/{a}/p/{b}", "GET /f/{path+}"]))

    found = router.find("GET", "/v/1/p/two%20words")
    assert found
    assert found.parameters == {"a": "1", "b": "two%20words"}
    greedy = router.find("GET", "/f/x/y/z")
    assert greedy
    assert greedy.parameters == {"path": "x/y/z"}
    assert router.find("GET", "/v//p/2") is None


def test_an_unknown_path_is_404_and_an_unknown_method_405(gateway: Gateway) -> None:
    missing = gateway.answer(Request("GET", "/nothing"))
    assert missing.status == 404
    assert ("content-type", "application/problem+json") in missing.headers
    wrong = gateway.answer(Request("HEAD", "/things"))
    assert wrong.status == 405
    assert ("allow", "POST") in wrong.headers


# -- events and answers


def test_a_request_becomes_the_event_that_api_gateway_sends(gateway: Gateway, echo: Echo) -> None:
    headers = [("host", "shop"), ("x-tag", "1"), ("x-tag", "2"), ("cookie", "a=1; b=2"), ("user-agent", "me")]
    gateway.answer(Request("GET", "/things/caf%C3%A9", "a=1&a=2&b=%20x&c=", headers))

    (event,) = echo.events
    assert event["version"] == "2.0"
    assert event["routeKey"] == "GET /things/{id}"
    assert event["rawPath"] == "/things/caf%C3%A9"
    assert event["rawQueryString"] == "a=1&a=2&b=%20x&c="
    assert event["queryStringParameters"] == {"a": "1,2", "b": " x", "c": ""}
    assert event["pathParameters"] == {"id": "café"}
    seen = {"x-forwarded-for": event["requestContext"]["http"]["sourceIp"]}
    assert event["headers"] == {"host": "shop", "x-tag": "1,2", "user-agent": "me"} | seen
    assert event["cookies"] == ["a=1", "b=2"]
    assert "body" not in event
    assert event["requestContext"]["http"]["method"] == "GET"
    assert event["requestContext"]["requestId"]
    assert json.loads(json.dumps(event)) == event


def test_text_bodies_go_as_text_and_others_as_base64(gateway: Gateway, echo: Echo) -> None:
    gateway.answer(Request("POST", "/things", body="grün".encode()))
    gateway.answer(Request("POST", "/things", body=b"\xff\xfe"))

    text, binary = echo.events
    assert (text["body"], text["isBase64Encoded"]) == ("grün", False)
    assert (base64.b64decode(binary["body"]), binary["isBase64Encoded"]) == (b"\xff\xfe", True)


def test_a_body_over_ten_megabytes_is_413(gateway: Gateway, echo: Echo) -> None:
    assert gateway.answer(Request("POST", "/things", body=b"x" * (MAX_BODY + 1))).status == 413
    assert gateway.answer(Request("POST", "/things", body=b"x" * MAX_BODY)).status == 200
    assert gateway.answer(Request("POST", "/things", headers=[("x-big", "y" * 11_000)])).status == 431
    assert gateway.answer(Request("GET", "/things/1", query="q=" + "y" * 11_000)).status == 431
    assert len(echo.events) == 1


def test_a_header_with_a_line_break_is_not_sent() -> None:
    answer = {"statusCode": 200, "headers": {"location": "/x\r\nset-cookie: evil=1"}, "body": ""}
    gateway = Gateway([_route("GET /x")], Authorizer(KEY), lambda _f, _e: answer, {})

    assert gateway.answer(Request("GET", "/x")).status == 500


def test_a_crash_is_a_500_that_tells_nothing() -> None:
    def crash(_function: str, _event: Any) -> Any:
        raise RuntimeError("a secret, such as swordfish")

    answer = Gateway([_route("GET /x")], Authorizer(KEY), crash, {}).answer(Request("GET", "/x"))

    assert answer.status == 500
    assert b"swordfish" not in answer.body
    assert json.loads(answer.body)["code"] == "internal_error"


def test_answers_may_be_binary_hold_cookies_or_be_any_json() -> None:
    answers: list[Any] = [
        {
            "statusCode": 201,
            "body": base64.b64encode(b"\x00\x01").decode(),
            "isBase64Encoded": True,
            "cookies": ["a=1"],
        },
        {"any": "thing"},
    ]
    gateway = Gateway([_route("GET /x")], Authorizer(KEY), lambda _f, _e: answers.pop(0), {})

    first, second = gateway.answer(Request("GET", "/x")), gateway.answer(Request("GET", "/x"))

    assert (first.status, first.body) == (201, b"\x00\x01")
    assert ("set-cookie", "a=1") in first.headers
    assert (second.status, json.loads(second.body)) == (200, {"any": "thing"})


# -- authorization


def test_claims_reach_the_function_as_strings(gateway: Gateway, echo: Echo) -> None:
    assert _mine(gateway, KEY.sign(_claims())).status == 200
    assert _mine(gateway, KEY.sign(_claims(sub="u2")), scheme="bearer  ").status == 200

    claims = echo.events[0]["requestContext"]["authorizer"]["jwt"]["claims"]
    assert claims["sub"] == "u1"
    assert (claims["level"], claims["beta"], claims["tags"]) == ("3", "true", "[a b]")
    assert echo.events[1]["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "u2"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"},
        {"client_id": "another"},
        {"token_use": "id", "aud": "web"},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_token_that_is_not_for_us_is_401(gateway: Gateway, echo: Echo, changes: dict[str, Any]) -> None:
    answer = _mine(gateway, KEY.sign(_claims(**changes)))

    assert answer.status == 401
    assert dict(answer.headers)["www-authenticate"].startswith('Bearer realm="marketplace", error="invalid_token"')
    assert json.loads(answer.body)["code"] == "unauthenticated"
    assert not echo.events


def _hmac_with_the_public_key(text: bytes) -> bytes:
    public = KEY._public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hmac.HMAC(public, hashes.SHA256())
    digest.update(text)
    return digest.finalize()


def test_forged_tokens_are_401(gateway: Gateway, echo: Echo) -> None:
    good = KEY.sign(_claims())
    head, body, signature = good.split(".")
    other = SigningKey(None)
    forged = [
        _forged({"alg": "none", "kid": KEY.id}, lambda text: b""),
        _forged({"alg": "HS256", "kid": KEY.id}, _hmac_with_the_public_key),
        _forged({"alg": "RS256", "kid": "another"}, lambda text: b"x"),
        other.sign(_claims()),
        f"{head}.{_b64(orjson.dumps(_claims(roles='staff')))}.{signature}",
        f"{other.sign(_claims()).split('.')[0]}.{body}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        f"{head}.{_b64(b'[]')}.{signature}",
        "ü.ü.ü",
        "x" * 9000,
        "",
    ]

    assert [_mine(gateway, token).status for token in forged] == [401] * len(forged)
    assert _mine(gateway, good, scheme="Basic ").status == 401
    assert gateway.answer(Request("GET", "/mine")).status == 401
    assert not echo.events
    assert _mine(gateway, good).status == 200


def test_a_remembered_token_still_expires(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    end = int(time.time()) + 60
    token = KEY.sign(_claims(exp=end))
    assert _mine(gateway, token).status == 200
    monkeypatch.setattr(time, "time", lambda: float(end))
    assert _mine(gateway, token).status == 401


def test_moto_s_published_key_signs_nothing_here(gateway: Gateway) -> None:
    """moto's Cognito signs with a key that anybody can download."""
    file = Path(moto.cognitoidp.__file__).parent / "resources" / "jwks-private.json.gz"
    private = jwk.RSAKey.import_key(json.loads(gzip.decompress(file.read_bytes())))
    for kid in (private.kid, KEY.id):
        token = jwt.encode({"alg": "RS256", "kid": kid}, _claims(), private)
        assert _mine(gateway, token).status == 401


# -- CORS


def test_preflights_are_answered_for_known_origins_only(gateway: Gateway, echo: Echo) -> None:
    asked = [("origin", "http://shop.example"), ("access-control-request-method", "POST")]
    allowed = gateway.answer(Request("OPTIONS", "/things", headers=asked))
    foreign = gateway.answer(Request("OPTIONS", "/things", headers=[("origin", "http://evil.example"), asked[1]]))

    assert allowed.status == 204
    assert dict(allowed.headers)["access-control-allow-origin"] == "http://shop.example"
    assert dict(allowed.headers)["access-control-allow-methods"] == "GET,POST"
    assert not any(name.startswith("access-control") for name, _ in foreign.headers)
    assert not echo.events


def test_answers_name_the_origin_that_may_read_them(gateway: Gateway) -> None:
    answer = gateway.answer(Request("GET", "/nothing", headers=[("origin", "http://shop.example")]))
    foreign = gateway.answer(Request("GET", "/things/1", headers=[("origin", "http://evil.example")]))

    assert dict(answer.headers)["access-control-allow-origin"] == "http://shop.example"
    assert dict(answer.headers)["access-control-expose-headers"] == "ETag"
    assert "access-control-allow-origin" not in dict(foreign.headers)
