"""Wrong passwords and codes, counted for each address that is tried, whether or not it has an account.

Five in a row are free; the fifth locks for half a minute and each further one twice as long, up to an hour. A right one
forgets them, as does a day without any. Written only on failure. The key is a keyed hash: the item tells no address.
Only one of several guesses at the same moment sees a counter that the others have not moved yet; how many come at once
is the rate limit's business.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from identity.model import TooManyAttempts
from identity.table import TABLE
from market import clock, config, log
from market.errors import Conflict, Problem
from market.table import NEW, Key, delete, update

PASSWORD, CODE, FACTOR = "password", "code", "factor"
FREE, SUSPICIOUS = 5, 3
_SHORTEST, _LONGEST = 30, 3600
_KEPT = timedelta(days=1)
_TRIES = 8


class _Moved(Conflict):
    """Another failure was counted meanwhile."""


@contextmanager
def counted(
    kind: str, whose: str, *wrong: type[Problem], suspicious: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Let the block try once. Raises TooManyAttempts, with the seconds to wait, while `whose` is locked.

    The block raising one of `wrong` counts as a failure, its success forgets them; other errors say nothing.
    suspicious: called first after SUSPICIOUS failures in a row, and may raise.
    """
    key = _key(kind, whose)
    found = _read(key)
    wait = found.get("locked_until", 0) - clock.epoch()
    if wait > 0:
        raise TooManyAttempts("Please wait before you try again.", retryAfter=wait)
    if found.get("failures", 0) >= SUSPICIOUS:
        suspicious()
    try:
        yield
    except wrong:
        _count(key, kind)
        raise
    if found:
        TABLE.write(delete(key))


def forget(kind: str, whose: str) -> None:
    """Whoever has proven otherwise who they are need not wait."""
    TABLE.write(delete(_key(kind, whose)))


def _count(key: Key, kind: str) -> None:
    for _ in range(_TRIES):
        seen = _read(key).get("failures", 0)
        failures = seen + 1
        values: dict[str, Any] = {":failures": failures, ":until": clock.epoch() + _lock(failures)}
        values |= {":kept": clock.epoch(_KEPT)} | ({":seen": seen} if seen else {":now": clock.epoch()})
        write = update(
            key,
            "SET failures = :failures, locked_until = :until, expires_at = :kept",
            values,
            when="failures = :seen" if seen else f"{NEW} OR expires_at <= :now",
            otherwise=_Moved(),
        )
        try:
            TABLE.transact(write)
        except _Moved:
            continue
        if failures >= FREE:
            log.info("guessing slowed down", kind=kind, failures=failures)
        return


def _lock(failures: int) -> int:
    """Seconds to wait after so many failures in a row."""
    return 0 if failures < FREE else min(_SHORTEST << min(failures - FREE, 20), _LONGEST)


def _read(key: Key) -> dict[str, Any]:
    found = TABLE.get(key, consistent=True) or {}
    return found if found.get("expires_at", 0) > clock.epoch() else {}


def _key(kind: str, whose: str) -> Key:
    said = f"{kind}|{whose.lower()}".encode()
    return Key(f"TRY#{hmac.new(config.key('identity-attempts'), said, hashlib.sha256).hexdigest()[:40]}")
