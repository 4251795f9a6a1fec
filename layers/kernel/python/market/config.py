"""Settings and AWS clients: read on first use, never at import.

`Settings` are the environment variables that the CDK app sets, typed; a missing one is named when it is first needed.
`client` is the only maker of AWS clients: one session, each client made once, endpoints overridable through
`AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>` (botocore's own variables).
"""

import hashlib
import hmac
import os
from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

_DEFAULTS = {
    "STAGE": "dev",
    "ORDER_NO_PREFIX": "MK",
    "HOLD_MINUTES": "15",
    "CART_TTL_DAYS": "30",
    "LOG_LEVEL": "INFO",
    "SENDER": "orders@marketplace.example",
    "MEDIA_URL": "/media",
    "PAYMENT_METHODS": "sandbox,cod,manual",
    "PAYMENT_SECRETS": "market/payments",
    "STORE_URL": "http://localhost:5173",
}


class MissingSetting(RuntimeError):
    """The function runs without an environment variable that it needs."""


def setting(name: str) -> str:
    """The environment variable `name`, its default, or MissingSetting."""
    value = os.environ.get(name) or _DEFAULTS.get(name)
    if value is None:
        raise MissingSetting(name)
    return value


def number(name: str) -> int:
    return int(setting(name))


@cache
def session() -> boto3.session.Session:
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION", "us-east-1"))


_clients: dict[str, Any] = {}
_making = Lock()
_http: Any = None


def client(service: str) -> Any:
    """The AWS client of `service`, such as `dynamodb` or `stepfunctions`; safe to share between threads."""
    if service not in _clients:
        with _making:  # a session is not thread-safe, the clients that it makes are
            if service not in _clients:
                _clients[service] = _make(service)
    return _clients[service]


def _make(service: str) -> Any:
    return session().client(
        service,
        config=Config(
            retries={"mode": "standard", "max_attempts": 3},
            connect_timeout=1,
            read_timeout=4,
            max_pool_connections=64,
            parameter_validation=False,
            tcp_keepalive=True,
            user_agent="marketplace/1",  # botocore composes its own anew for every request: a sixth of a call's CPU
        ),
    )


@cache
def _root() -> bytes:
    answer = client("secretsmanager").get_secret_value(SecretId=setting("ROOT_SECRET"))
    return str(answer["SecretString"]).encode()


def http() -> Any:
    """The way to other companies' servers: a urllib3 pool, or what `use_http` put in its place."""
    global _http
    if _http is None:
        import urllib3

        _http = urllib3.PoolManager(maxsize=16)
    return _http


def use_http(pool: Any) -> None:
    """Let outgoing HTTP go through `pool`, an object with urllib3's `request`; None for the network."""
    global _http
    _http = pool


@cache
def origin_secret() -> str:
    """What the edge sends along to prove that a request came through it; empty in stages without an edge."""
    name = os.environ.get("ORIGIN_SECRET", "")
    return str(client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]) if name else ""


@cache
def key(purpose: str) -> bytes:
    """A 32-byte key for one purpose, derived from the stage's root secret (HKDF-style, one HMAC-SHA256).

    One stored secret serves every purpose; a key for one tells nothing of another.
    """
    return hmac.new(_root(), purpose.encode(), hashlib.sha256).digest()


def forget() -> None:
    """Drop cached clients and keys, after the environment has changed."""
    _clients.clear()
    use_http(None)
    for cached in (session, _root, key, origin_secret):
        cached.cache_clear()
