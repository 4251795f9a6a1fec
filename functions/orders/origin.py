"""What a request tells of where it comes from, for the fraud screen: pure."""

import re
from collections.abc import Callable

AGENT_SHOWN = 48
_COUNTRY = re.compile(r"[A-Z]{2}")
_NOT_PRINTABLE = re.compile(r"[^\x20-\x7e]")


def origin_of(header: Callable[[str], str], address: str) -> dict[str, str]:
    """`ip`, `country` and `agent`, each where it is known. header: gives a request header, or an empty text."""
    country = header("cloudfront-viewer-country").upper()
    known = {
        "ip": address,
        "country": country if _COUNTRY.fullmatch(country) else "",
        "agent": _NOT_PRINTABLE.sub("", header("user-agent"))[:AGENT_SHOWN],
    }
    return {name: text for name, text in known.items() if text}
