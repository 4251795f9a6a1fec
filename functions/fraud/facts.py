"""Makes facts of what callers and providers sent. Whatever is not what it should be counts as not known."""

import re
from ipaddress import IPv6Address, ip_address, ip_network

from fraud.known import TEST_BINS
from fraud.model import Facts
from market.money import Money

_BIN = re.compile(r"[0-9]{6,8}", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)
_LONGEST, _LONGEST_MAIL = 200, 320


def clean(
    *,
    order_id: str,
    order_no: str = "",
    account: str = "",
    guest: bool = False,
    amount: Money | None = None,
    card: str = "",
    bin: str = "",
    card_country: str = "",
    address_country: str = "",
    ip_country: str = "",
    ip: str = "",
    email: str = "",
) -> Facts:
    """Facts of anything at all; never raises for a text, whatever is in it."""
    address, number = mail(email), issuer(bin)
    return Facts(
        order_id=order_id,
        order_no=order_no,
        account=_short(account),
        guest=guest,
        amount=amount,
        card="" if number in TEST_BINS else _short(card),
        bin=number,
        card_country=country(card_country),
        address_country=country(address_country),
        ip_country=country(ip_country),
        ip=network(ip),
        email=address,
        domain=address.rpartition("@")[2],
    )


def country(text: str) -> str:
    """A country's code in upper case, or nothing."""
    code = text.strip().upper()[:3]
    return code if _COUNTRY.fullmatch(code) else ""


def issuer(text: str) -> str:
    """The first 8 digits of a BIN at most, or nothing if it has not even 6."""
    digits = text.strip()[:8]
    return digits if _BIN.fullmatch(digits) else ""


def network(text: str) -> str:
    """A public address, an IPv6 one by its /64: a household has all of those. Nothing for private or reserved ones."""
    try:
        address = ip_address(text.strip()[:64])
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return network(str(address.ipv4_mapped))
        address = IPv6Address(int(address) >> 64 << 64)
        return str(ip_network((address, 64))) if address.is_global else ""
    return str(address) if address.is_global else ""


def mail(text: str) -> str:
    """An address in lower case, without what follows a plus sign, or nothing if it is none."""
    if len(text) > _LONGEST_MAIL:
        return ""
    local, at, host = text.strip().lower().rpartition("@")
    known = domain(host)
    local = local.partition("+")[0]
    return f"{local}@{known}" if at and local and known and local.isprintable() else ""


def domain(text: str) -> str:
    """A domain in lower case, international ones as they are sent over the wire, or nothing if it is none."""
    host = text.strip().rstrip(".")[:253]
    try:
        plain = host.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return ""
    return plain if _DOMAIN.fullmatch(plain) else ""


def parents(host: str) -> tuple[str, ...]:
    """The domain itself and what it may belong to, at most three: `a.b.example.org` gives its last 3 and 2 labels."""
    labels = host.split(".")
    names = [host, ".".join(labels[-3:]), ".".join(labels[-2:])]
    return tuple(dict.fromkeys(name for name in names if "." in name))


def _short(text: str) -> str:
    return text.strip()[:_LONGEST]
