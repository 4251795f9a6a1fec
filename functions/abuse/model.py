"""Networks that are blocked, and the score of an account: what counts, how much, and how fast it is forgotten."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from ipaddress import IPv6Network, ip_network
from math import log2
from typing import Final, Literal

from market.errors import Conflict, NotFound, Unavailable, Unprocessable

MOST_BLOCKS = 500
"""Of one item, which every container reads: more belong into the firewall."""

BROADEST = {4: 16, 6: 32}
"""Shortest prefix that may be blocked, by IP version: a slip must not turn away a country."""

Level = Literal["ok", "watch", "limited"]
OK: Final = "ok"
WATCH: Final = "watch"
LIMITED: Final = "limited"

POINT = 100
"""Scores are stored in hundredths of a point, so that forgetting needs no fractions."""

SIGNALS: Mapping[str, int] = {
    "payment_failed": 8,  # the last allowed attempt was declined
    "payment_declined": 8,  # an order came to nothing by it, or by the fraud screen
    "payment_timeout": 4,  # goods were held, and never paid
    "review_needed": 15,  # the fraud screen held a payment back
    "refunded": 2,
}
"""Points of each thing that is heard of an account."""

LEVELS: tuple[tuple[Level, int], ...] = (("limited", 100), ("watch", 40))
"""From how many points on an account is what, the highest first."""

HALF_LIFE = timedelta(days=7)
"""After this long, half of a score is forgotten."""


class AlreadyBlocked(Conflict):
    """The network is on the list; remove its entry first."""

    code, title = "already_blocked", "Already blocked"


class OwnAddress(Conflict):
    """The caller would lock themselves out."""

    code, title = "own_address", "Your own address"


class ListFull(Conflict):
    code, title = "block_list_full", "The list is full"


class NoSuchBlock(NotFound):
    code, title = "no_such_block", "No such block"


class ListBusy(Unavailable):
    """Others kept changing the list; nothing was changed."""

    code, title = "block_list_busy", "Too many changes at once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A network that is turned away. until: epoch seconds when it ends, None if it does not."""

    id: str
    network: str
    reason: str
    added_by: str
    added_at: str
    until: int | None = None

    def lasts(self, now: int) -> bool:
        return self.until is None or self.until > now


def network_of(text: str) -> str:
    """An address or a network in its one spelling. Raises Unprocessable for neither, or for one that is too broad."""
    try:
        found = ip_network(text, strict=False)
    except ValueError:
        raise _refused("invalid_network", "is neither an IP address nor a network such as 203.0.113.0/24") from None
    if isinstance(found, IPv6Network) and found.network_address.ipv4_mapped and found.prefixlen >= 96:
        found = ip_network((int(found.network_address.ipv4_mapped), found.prefixlen - 96))
    if found.prefixlen < BROADEST[found.version]:
        raise _refused("too_broad", f"may not be broader than /{BROADEST[found.version]}")
    return str(found)


def _refused(code: str, message: str) -> Unprocessable:
    errors = [{"field": "body.network", "code": code, "message": message}]
    return Unprocessable("This network cannot be blocked.", errors=errors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """An account's score as it was at `at` (epoch seconds). counts: how often each signal was heard, in all.

    erased: nothing more is to be counted.
    """

    user_id: str
    hundredths: int = 0
    at: int = 0
    level: Level = "ok"
    counts: Mapping[str, int] = field(default_factory=dict)
    version: int = 0
    erased: bool = False

    def faded(self, now: int) -> int:
        """What is left of it now, in hundredths of a point; a clock that runs behind forgets nothing."""
        passed = max(0, now - self.at)
        return int(self.hundredths * 0.5 ** (passed / HALF_LIFE.total_seconds()))

    def level_at(self, now: int) -> Level:
        return level_of(self.faded(now))

    @property
    def limited_until(self) -> int:
        """When, in epoch seconds, it will have faded enough if nothing more is heard; 0 if it is no such score."""
        beyond = self.hundredths / (dict(LEVELS)[LIMITED] * POINT)
        return self.at + int(HALF_LIFE.total_seconds() * log2(beyond)) + 1 if beyond >= 1 else 0

    def with_signal(self, signal: str, now: int) -> "Score":
        hundredths = self.faded(now) + SIGNALS[signal] * POINT
        return replace(
            self,
            hundredths=hundredths,
            at=max(now, self.at),
            level=level_of(hundredths),
            counts={**self.counts, signal: self.counts.get(signal, 0) + 1},
            version=self.version + 1,
        )


def level_of(hundredths: int) -> Level:
    return next((level for level, points in LEVELS if hundredths >= points * POINT), "ok")
