"""Addresses and networks that staff turned away: one item, read once in a while by each container.

The abuse service keeps `BLK#edge`. Networks are found by prefix length, so that five hundred cost no more than the few
lengths that they have. If the list cannot be read, what was known before counts on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from market import clock, config, log
from market.errors import Forbidden
from market.manifest import Manifest
from market.table import Key, Table

LIST = Key("BLK#edge")
"""`entries`: by id, maps with `network` and, where the block ends, `until` (epoch seconds)."""

_READER = Manifest(service="guard", prefixes=("BLK#",), functions=())
_FOREVER = 1 << 62


class AddressBlocked(Forbidden):
    code, title = "address_blocked", "Address blocked"


@dataclass(frozen=True, slots=True)
class Blocks:
    """The list as it was read; `ends` is by IP version and prefix length, then by network, in epoch seconds."""

    read_at: float = 0
    ends: Mapping[tuple[int, int], Mapping[int, int]] = field(default_factory=dict)

    def hold(self, address: str, now: float) -> bool:
        found = ip_address(address)
        if isinstance(found, IPv6Address) and found.ipv4_mapped:
            found = found.ipv4_mapped
        bits, size = int(found), found.max_prefixlen
        return any(
            networks.get(bits >> (size - length), 0) > now
            for (version, length), networks in self.ends.items()
            if version == found.version
        )


_known = Blocks()


def refuse(address: str) -> None:
    """Raises AddressBlocked. An address that is unknown (an empty text) passes."""
    global _known
    now = clock.now().timestamp()
    if not now - config.number("ACCESS_CACHE_SECONDS") < _known.read_at <= now:
        _known = _read(now, _known)
    if address and _known.hold(address, now):
        raise AddressBlocked("Requests from your address are not accepted.")


def parsed(entries: Mapping[str, Mapping[str, Any]], read_at: float = 0) -> Blocks:
    ends: dict[tuple[int, int], dict[int, int]] = {}
    for entry in entries.values():
        network = ip_network(entry["network"])
        place = ends.setdefault((network.version, network.prefixlen), {})
        start = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
        place[start] = max(place.get(start, 0), entry.get("until", _FOREVER))
    return Blocks(read_at, ends)


def _read(now: float, known: Blocks) -> Blocks:
    try:
        item = Table(_READER).get(LIST)
    except (ClientError, BotoCoreError) as hiccup:
        log.warning("block list not read", error=type(hiccup).__name__)
        return Blocks(now, known.ends)
    return parsed((item or {}).get("entries", {}), now)
