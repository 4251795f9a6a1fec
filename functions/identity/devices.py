"""Where a sign-in comes from, as little of it as a person needs to know it again: browser, system, network."""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
UNKNOWN = "Unknown device"


@dataclass(frozen=True, slots=True)
class Visit:
    """device: such as `Firefox on Windows`; address: the network (IPv4 /24, IPv6 /48), or empty."""

    device: str = UNKNOWN
    address: str = ""


def visit(agent: str, address: str) -> Visit:
    """What is kept of a request's `User-Agent` and address."""
    return Visit(_family(agent), _network(address))


def _family(agent: str) -> str:
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    return " on ".join(part for part in (browser, system) if part) or UNKNOWN


def _network(address: str) -> str:
    try:
        length = 24 if ip_address(address).version == 4 else 48
    except ValueError:
        return ""
    return str(ip_network((address, length), strict=False).network_address)
