"""The way out to vendors' servers: the name is looked up once, checked, and exactly that address is connected to.

Nothing that the other side does costs us more than it should: one deadline for the whole exchange; of the answer its
status and never its body, so that nobody reads through us what we can reach; no redirects, no proxy; the host proves
its name.
"""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from threading import Timer
from time import monotonic

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError
from urllib3.util.ssl_match_hostname import CertificateError

from developers import urls
from developers.urls import Target, UrlRefused
from market import config

logging.getLogger("urllib3.connection").setLevel(logging.ERROR)  # it would log addresses, and what servers answered

CONNECT_SECONDS, WHOLE_SECONDS = 3.0, 8.0
AGENT = "Marketplace-Webhooks/1"
Resolver = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt. status: of the answer, 0 without one; error: why there was none, in a word."""

    status: int
    milliseconds: int
    error: str = ""


def _look_up(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


_resolver: Resolver = _look_up


@contextmanager
def resolving_with(resolver: Resolver) -> Iterator[None]:
    """Let `resolver` say within the block which addresses a name leads to, for every thread."""
    global _resolver
    previous, _resolver = _resolver, resolver
    try:
        yield
    finally:
        _resolver = previous


def checked(url: str) -> tuple[Target, str]:
    """The target of a URL and the one address to connect to. Raises UrlRefused."""
    target = urls.parse(url, loopback=config.setting("WEBHOOK_LOOPBACK") == "on")
    try:
        addresses = [] if target.host == urls.LOOPBACK else _resolver(target.host, target.port)
    except (OSError, UnicodeError):
        addresses = []
    return target, urls.require_public(target, addresses)[0]


def send(url: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Post a webhook. Whatever happens is an outcome; nothing is raised."""
    started = monotonic()
    try:
        target, address = checked(url)
    except UrlRefused as refused:
        return Outcome(0, _since(started), f"url_{refused.extra['reason']}")
    return post(target, address, headers, body)


def post(target: Target, address: str, headers: Mapping[str, str], body: bytes) -> Outcome:
    """Post to an address that was checked, as the target's host. Nothing is raised."""
    started = monotonic()
    connection = _connection(target, address)
    late = Timer(WHOLE_SECONDS, _hang_up, [connection])
    late.daemon = True
    try:
        late.start()
        connection.connect()
        connection.sock.settimeout(WHOLE_SECONDS)
        sent = {"host": target.authority, "user-agent": AGENT, "connection": "close"} | dict(headers)
        connection.request("POST", target.path, body=body, headers=sent, preload_content=False, decode_content=False)
        status, spent = connection.getresponse().status, _since(started)
        return Outcome(status, spent) if spent < WHOLE_SECONDS * 1000 else Outcome(0, spent, "timeout")
    except (OSError, HTTPError, HTTPException, ValueError) as trouble:
        return Outcome(0, _since(started), _word(trouble, _since(started)))
    finally:
        late.cancel()
        connection.close()


def _connection(target: Target, address: str) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=CONNECT_SECONDS)
    return HTTPSConnection(
        address, target.port, timeout=CONNECT_SECONDS, ssl_context=trust(), server_hostname=target.host
    )


@cache
def trust() -> ssl.SSLContext:
    """The certificates that this machine trusts, names checked, TLS 1.2 at least."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _hang_up(connection: HTTPConnection) -> None:
    """Time is over: whoever waits on the socket gets an end of the stream at once."""
    if connection.sock:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def _since(started: float) -> int:
    return int((monotonic() - started) * 1000)


def _word(trouble: Exception, milliseconds: int) -> str:
    """What went wrong in a word that is stable; the other side's own words are not kept."""
    if isinstance(trouble, NewConnectionError):
        return "unreachable"
    if isinstance(trouble, TimeoutError | ConnectTimeoutError) or milliseconds >= WHOLE_SECONDS * 1000:
        return "timeout"
    if isinstance(trouble, ssl.SSLCertVerificationError | CertificateError):
        return "certificate"
    if isinstance(trouble, ssl.SSLError):
        return "tls"
    return "broken"
