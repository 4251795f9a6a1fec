"""Settings and AWS clients: read on first use, never at import.

Settings are environment variables, set by the CDK app and declared in `declared.settings`.
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

from declared.settings import SETTINGS


class MissingSetting(RuntimeError):
    """The function runs without an environment variable that it needs."""


class BadSettings(RuntimeError):
    """These environment variables have values that cannot be right."""


def setting(name: str) -> str:
    """The environment variable `name`, or its declared default. Raises MissingSetting.

    The first call looks at all that are set and raises BadSettings: at the start, not in the middle of an order.
    """
    _require_sound()
    declared = SETTINGS.get(name)
    value = os.environ.get(name) or (declared.default if declared else None)
    if value is None:
        raise MissingSetting(name)
    return value


def number(name: str) -> int:
    return int(setting(name))


@cache
def _require_sound() -> None:
    wrong = [name for name, declared in SETTINGS.items() if (v := os.environ.get(name)) and not declared.fits(v)]
    if wrong:
        raise BadSettings(", ".join(wrong))


@cache
def session() -> boto3.session.Session:
    return boto3.session.Session(region_name=os.environ.get("AWS_REGION", "us-east-1"))


_clients: dict[str, Any] = {}
_making = Lock()
_http: Any = None


def client(service: str, *, patience: int = 4, attempts: int = 3) -> Any:
    """The AWS client of `service`, such as `dynamodb` or `stepfunctions`; safe to share between threads.

    patience: seconds to wait for each answer. What the first call for a service says counts.
    """
    if service not in _clients:
        with _making:  # a session is not thread-safe, the clients that it makes are
            if service not in _clients:
                _clients[service] = _make(service, patience, attempts)
    return _clients[service]


def _make(service: str, patience: int, attempts: int) -> Any:
    return session().client(
        service,
        config=Config(
            retries={"mode": "standard", "max_attempts": attempts},
            connect_timeout=1,
            read_timeout=patience,
            max_pool_connections=64,
            parameter_validation=False,
            tcp_keepalive=True,
            signature_version="s3v4" if service == "s3" else None,  # botocore presigns with a dead version else
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
    for cached in (session, _root, key, origin_secret, _require_sound):
        cached.cache_clear()
