"""The JWT authorizer of the HTTP API: lets a request through with a valid access token, and says whose it is.

As API Gateway it checks signature (RS256), expiry, `nbf`, `iat`, issuer and client, and knows nothing of sessions: a
revoked or blocked person's token is good here until it expires, and the functions refuse it. Stricter than API
Gateway: the scheme `Bearer` and exactly one token in one header (it also takes a bare token), an access token (it takes
an id token by its `aud`; the functions do not), times that are whole numbers, no clock skew for `exp`, five seconds for
`iat` and `nbf`. Softer in nothing that we know of. A verified token is remembered until it expires, by its hash.
"""

import hashlib
import re
import time
from collections import OrderedDict
from threading import Lock
from typing import Any

from local.templates import Route
from local.tokens import BadToken, SigningKey

__all__ = ["Authorizer", "Denied"]

JSON = dict[str, Any]
_REMEMBERED = 10_000
_LEEWAY = 5
_BEARER = re.compile(r"(?:[Bb]earer|BEARER) +([\w.-]+)", re.ASCII)


class Denied(Exception):
    """No token, or not a good one; the message is an OAuth error description."""


class Authorizer:
    """Checks tokens of the pool that signs with `key`."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key
        self._verified: OrderedDict[bytes, tuple[float, JSON]] = OrderedDict()
        self._lock = Lock()

    def claims(self, route: Route, authorization: str) -> JSON:
        """The claims for this route, all as strings, as functions get them. Raises Denied."""
        found = _BEARER.fullmatch(authorization)
        if not found:
            raise Denied("send an access token")
        claims = self._verify(found[1])
        if claims.get("iss") != route.issuer:
            raise Denied("wrong issuer")
        if claims.get("token_use") != "access" or claims.get("client_id") not in route.audience:
            raise Denied("wrong audience")
        if route.scopes and not set(route.scopes) & set(str(claims.get("scope", "")).split()):
            raise Denied("insufficient scope")
        return claims

    def _verify(self, token: str) -> JSON:
        digest, now = hashlib.sha256(token.encode()).digest(), time.time()
        with self._lock:
            known = self._verified.get(digest)
        if known is not None and known[0] > now:
            return known[1]
        try:
            claims = self._key.verify(token)
        except (BadToken, ValueError) as bad:
            raise Denied(str(bad)) from None
        if any(type(claims.get(name, 0)) is not int or claims.get(name, 0) > now + _LEEWAY for name in ("nbf", "iat")):
            raise Denied("not yet valid")
        shown = {name: _text(value) for name, value in claims.items()}
        with self._lock:
            self._verified[digest] = (float(claims["exp"]), shown)
            while len(self._verified) > _REMEMBERED:
                self._verified.popitem(last=False)
        return shown


def _text(value: Any) -> str:
    """A claim as API Gateway hands it on."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    return str(value)
