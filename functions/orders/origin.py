"""What a request tells of where it comes from, for the fraud screen: pure."""

import re
from collections.abc import Callable
from ipaddress import ip_address

AGENT_SHOWN = 48
_COUNTRY = re.compile(r"[A-Z]{2}")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


def origin_of(header: Callable[[str], str], *, behind_edge: bool) -> dict[str, str]:
    """`ip`, `country` and `agent`, each where it is known. header: gives a request header, or an empty text.

    The gateway appends the address that it sees to `x-forwarded-for`; behind our edge that is the edge's, and the one
    before is what the edge saw. Whatever stands further left is the caller's own claim.
    """
    hops = header("x-forwarded-for").split(",")
    seen = hops[-2:][0] if behind_edge else hops[-1]
    country = header("cloudfront-viewer-country").upper()
    known = {
        "ip": _address(seen.strip()),
        "country": country if _COUNTRY.fullmatch(country) else "",
        "agent": _NOT_PRINTABLE.sub("", header("user-agent"))[:AGENT_SHOWN],
    }
    return {name: text for name, text in known.items() if text}


def _address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""
