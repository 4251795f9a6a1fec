"""Which addresses webhooks may go to: what stands in the URL, and what its name leads to.

A vendor chooses the URL, we open the connection: whoever could make us call an address that only we can reach would
look through our eyes. So a URL has https, a public name and nothing else that programs read in different ways, and
each address that the name leads to must be one that everybody can reach.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from market.errors import Unprocessable

MAX_URL = 2_000
LOOPBACK = "127.0.0.1"
_HTTPS = 443
_FIRST_FREE_PORT = 1024
_TEXT = re.compile(r"[^\s\x00-\x20\x7f\\]+", re.ASCII)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PATH = re.compile(r"[\x21-\x7e]*", re.ASCII)
_INTERNAL = frozenset(
    (
        "alt", "arpa", "cluster", "consul", "corp", "example", "home", "internal", "intranet", "invalid", "lan",
        "local", "localdomain", "localhost", "onion", "private", "svc", "test",
    )
)  # fmt: skip
"""Last labels of names that are nobody's on the public internet."""

_CLOSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carriers' NAT, and services within clouds
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: the cloud's metadata and credentials
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the two below
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and the broadcast
    )
)
_OPEN_V6 = IPv6Network("2000::/3")
"""All that is given out to the public; loopback, private, link-local, mapped IPv4 and NAT64 lie outside."""

_CLOSED_V6 = tuple(
    IPv6Network(block)
    for block in (
        "2001::/23",  # Teredo, ORCHID and other protocols
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)


class UrlRefused(Unprocessable):
    """Webhooks are not sent to this address; `reason` says why."""

    code, title = "url_refused", "URL not allowed"


@dataclass(frozen=True, slots=True)
class Target:
    """Where a webhook goes: host is a name in lower case and ASCII, path begins with `/` and holds the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the `Host` header."""
        usual = _HTTPS if self.scheme == "https" else 80
        return self.host if self.port == usual else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def parse(url: str, *, loopback: bool = False) -> Target:
    """The target of a URL. loopback: whether http to 127.0.0.1 is allowed, as on one machine. Raises UrlRefused."""
    if len(url) > MAX_URL or not _TEXT.fullmatch(url):
        raise _refused("malformed")
    try:
        parts = urlsplit(url)
        port, name = parts.port, parts.hostname or ""
    except ValueError:
        raise _refused("malformed") from None
    if loopback and parts.scheme == "http" and parts.netloc == f"{LOOPBACK}:{port}" and (port or 0) >= _FIRST_FREE_PORT:
        return Target("http", LOOPBACK, port or 0, _path(parts))
    if parts.scheme != "https":
        raise _refused("scheme")
    if "@" in parts.netloc:
        raise _refused("credentials")
    if "#" in url:
        raise _refused("fragment")
    if parts.netloc.endswith(":") or not (port is None or port == _HTTPS or port >= _FIRST_FREE_PORT):
        raise _refused("port")
    return Target("https", _name(name), port or _HTTPS, _path(parts))


def is_public(address: str) -> bool:
    """Whether an IP address is one that everybody can reach."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv4Address):
        return not any(ip in block for block in _CLOSED_V4)
    return _is_public_v6(ip)


def require_public(target: Target, addresses: list[str]) -> list[str]:
    """The addresses, those of IPv4 first, if every one of them may be connected to. Raises UrlRefused.

    One that is not spoils all: who controls a name could otherwise mix an inner address in and wait for its turn.
    """
    if target.scheme == "http" and target.host == LOOPBACK:
        return [LOOPBACK]
    if not addresses:
        raise _refused("unresolved")
    if not all(map(is_public, addresses)):
        raise _refused("address")
    return sorted(dict.fromkeys(addresses), key=lambda address: ":" in address)


def _is_public_v6(ip: IPv6Address) -> bool:
    plain = ip.scope_id is None
    return plain and ip in _OPEN_V6 and not any(ip in block for block in _CLOSED_V6)


def _name(given: str) -> str:
    """A public name in the one spelling that resolvers and certificates know."""
    try:
        name = given.removesuffix(".").encode("idna").decode().lower()
    except UnicodeError:
        raise _refused("host") from None
    labels = name.split(".")
    if len(name) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise _refused("host")
    if _NUMBER.fullmatch(labels[-1]):
        raise _refused("number")  # also what only some programs take for an IP address: 2130706433, 0x7f.1
    if len(labels) < 2 or labels[-1] in _INTERNAL:
        raise _refused("internal")
    return name


def _path(parts: SplitResult) -> str:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not (path.startswith("/") and _PATH.fullmatch(path)):
        raise _refused("malformed")
    return path


_WORDS = {
    "malformed": "It is not a URL in plain characters.",
    "scheme": "It must begin with https://.",
    "credentials": "It must not hold a user name or password: deliveries are signed.",
    "fragment": "It must not have a fragment.",
    "port": "The port must be 443, or 1024 and above.",
    "host": "The host is not a valid name.",
    "number": "The host must be a name, not an IP address.",
    "internal": "The host must be a name on the public internet.",
    "unresolved": "The name leads to no address.",
    "address": "The name leads to an address that is not public.",
}


def _refused(reason: str) -> UrlRefused:
    errors = [{"field": "body.url", "code": reason, "message": _WORDS[reason]}]
    return UrlRefused(_WORDS[reason], errors=errors, reason=reason)
