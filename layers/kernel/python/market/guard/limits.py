"""How often somebody may come: a sliding window for each name and subject, counted by exactly one write.

    limits.take("login", address)                                          # an allowance of the table below
    limits.take("api-key", key_id, windows=((60, 120), (86_400, 20_000)))  # quotas of the caller's own

The item `LIM#<name>#<subject>` holds one counter for each window of time that matters: the present one and the last,
of which the part counts that a window ending now still covers. So nobody gets more out of it than a full token bucket
of the same size would give, and there is no moment at which all of an allowance is new. Each subject has its own item:
there is no hot one. Who was refused is not counted again before it makes sense to come again: hammering costs nothing.

botocore may send the write a second time after a lost answer, which counts one request twice: harmless. While DynamoDB
does not take the write, requests are let through, and logged: who buys must not wait for who counts, and the firewall
still limits every address.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from market import clock, config, log
from market.errors import TooManyRequests
from market.guard import settings
from market.manifest import Manifest
from market.table import Key, Table, Write, update

MINUTE, HOUR, DAY = 60, 3_600, 86_400
Windows = tuple[tuple[int, int], ...]
"""Pairs of a window's length in seconds and the requests allowed within it, whole numbers."""

ALLOWANCES: Mapping[str, Windows] = {
    "login": ((MINUTE, 10), (DAY, 100)),  # and what a person forgets; a password is also guarded by its account
    "register": ((MINUTE, 5), (DAY, 50)),  # a classroom behind one address
    "code": ((MINUTE, 5), (DAY, 50)),  # mailed and second-factor codes: a million of them, five tries a minute
    "password": ((MINUTE, 5), (DAY, 30)),  # each sends a mail
    "invitation": ((MINUTE, 10), (DAY, 100)),  # sends a mail, or tries a token
    "refresh": ((MINUTE, 30), (DAY, 5_000)),  # apps do it by themselves, many behind one address
    "guest": ((MINUTE, 20), (DAY, 500)),  # new guest tokens
    "checkout": ((MINUTE, 20), (DAY, 500)),
    "shipping": ((MINUTE, 30), (DAY, 500)),  # may ask carriers, who want money for it
    "coupon": ((MINUTE, 10), (DAY, 200)),  # codes could be guessed
    "search": ((MINUTE, 120),),  # as people type
    "review": ((MINUTE, 5), (DAY, 50)),
    "upload": ((MINUTE, 30), (DAY, 1_000)),
    "webhook-test": ((MINUTE, 5), (DAY, 100)),  # makes us call an address of the caller's choice
    "export": ((HOUR, 5), (DAY, 10)),  # the dearest request that there is
}
"""Normal allowances of one subject: a signed-in person, or else an address. RATE_LIMIT scales them, in percent."""

_COUNTER = Manifest(service="guard", prefixes=("LIM#",), functions=())
_PLAIN = re.compile(r"[\w-]{1,64}", re.ASCII)
_REMEMBERED = 10_000
_SWEPT = 50


class RateLimited(TooManyRequests):
    """`retryAfter` is in whole seconds: one more request will then be let through, if none comes before."""

    code = "rate_limited"


refused: dict[tuple[Key, Windows], float] = {}
"""When subjects that were refused may come again, by item and quota: a raised quota counts at once."""

_leftovers: dict[Key, list[str]] = {}
"""Counters that a pause left behind, to be removed with the next write of their item."""


def take(name: str, subject: str, windows: Windows | None = None, *, slowed: int = 1) -> None:
    """Count a request of `subject` and let it pass, or raise RateLimited.

    windows: instead of the normal allowance of `name`. RATE_LIMIT is the percentage of either; 0 counts nobody.
    slowed: what the allowance is divided by, for subjects that stand out; at least one request remains. An
    address stands for its network (IPv6: /64); what is no plain id is stored as a keyed hash only.
    """
    percent = settings.number("RATE_LIMIT")
    if not percent or not subject:
        return
    given = windows or ALLOWANCES[name]
    quota = tuple((length, max(1, allowed * percent // (100 * slowed))) for length, allowed in given)
    key, now = Key(f"LIM#{name}#{_known_as(subject)}"), clock.now().timestamp()
    again = refused.get((key, quota), 0)
    if again <= now:
        wait = _counted(key, quota, now)
        if not wait:
            return
        again = now + wait
        _remember(refused, (key, quota), again)
        log.info("request refused", limit=name, retry_after=wait)
    raise RateLimited("You come too often. Please wait.", retryAfter=ceil(again - now))


def waiting(length: int, allowed: int, last: int, present: int, into: float) -> int:
    """Whole seconds until one more request passes; 0 if this one does, which `present` counts already.

    last, present: requests in the window before and in this one, which began `into` seconds ago.
    """
    part = int(into * 1000)
    whole = length * 1000
    if last * (whole - part) + present * whole <= allowed * whole:
        return 0
    if present < allowed:
        begins = whole - (allowed - present - 1) * whole // last
    else:
        begins = whole + max(0, whole - (allowed - 1) * whole // present)
    return -(-(begins - part) // 1000)


def _counted(key: Key, quota: Windows, now: float) -> int:
    """Add one to every window. Returns the seconds to wait, 0 if the request passes."""
    numbers = {length: int(now // length) for length, _ in quota}
    kept = {_counter(length, number - back) for length, number in numbers.items() for back in (0, 1)}
    stale = {_counter(length, number - 2) for length, number in numbers.items()} | set(_leftovers.pop(key, []))
    try:
        item = _table().write(_count(key, numbers, sorted(stale - kept), until=int(now) + 3 * max(numbers)))
    except (ClientError, BotoCoreError) as hiccup:
        log.warning("request not counted", key=key.pk.split("#")[1], error=type(hiccup).__name__)
        return 0
    if leftovers := sorted(name for name in item if name.startswith("n") and name not in kept)[:_SWEPT]:
        _remember(_leftovers, key, leftovers)
    counts = (
        (length, allowed, item.get(_counter(length, numbers[length] - 1), 0), item[_counter(length, numbers[length])])
        for length, allowed in quota
    )
    return max(waiting(length, allowed, last, present, now % length) for length, allowed, last, present in counts)


def _count(key: Key, numbers: Mapping[int, int], stale: Iterable[str], *, until: int) -> Write:
    added = ", ".join(f"{_counter(length, number)} :one" for length, number in numbers.items())
    expression = f"SET expires_at = :until ADD {added} REMOVE {', '.join(stale)}"
    return update(key, expression, {":one": 1, ":until": until})


def _remember(memory: dict[Any, Any], key: Any, value: Any) -> None:
    """Forgetting costs a write or two; dictionaries need no lock for this."""
    if len(memory) >= _REMEMBERED:
        memory.clear()
    memory[key] = value


def _counter(length: int, number: int) -> str:
    return f"n{length}_{number}"


def _known_as(subject: str) -> str:
    if _PLAIN.fullmatch(subject):
        return subject
    return hmac.new(config.key("limits"), _network(subject).encode(), hashlib.sha256).hexdigest()[:32]


def _network(subject: str) -> str:
    """Whoever has an IPv6 address has 2**64 of them."""
    try:
        address = ip_address(subject)
    except ValueError:
        return subject
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address)


def _table() -> Table:
    return Table(_COUNTER)
