"""Wrong passwords and codes, counted for each address that is tried, whether or not it has an account.

Five in a row are free; the fifth locks for half a minute and each further one twice as long, up to an hour. They are
counted for the network that they come from, so that a stranger who guesses does not lock the owner out; of all networks
together fifty are free. A right one forgets them, as does a day without any. Written only on failure. The key is a
keyed hash: the item tells no address.
Only one of several guesses at the same moment sees a counter that the others have not moved yet; how many come at once
is the rate limit's business.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from identity.model import TooManyAttempts
from identity.table import TABLE
from market import clock, config, log
from market.errors import Conflict, Problem
from market.table import NEW, Key, delete, update

PASSWORD, CODE, FACTOR = "password", "code", "factor"
FREE, FREE_ANYWHERE, SUSPICIOUS = 5, 50, 3
_SHORTEST, _LONGEST = 30, 3600
_KEPT = timedelta(days=1)
_TRIES = 8


class _Moved(Conflict):
    """Another failure was counted meanwhile."""


@contextmanager
def counted(
    kind: str, whose: str, *wrong: type[Problem], where: str = "", suspicious: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Let the block try once. Raises TooManyAttempts, with the seconds to wait, while `whose` is locked.

    where: the network that asks, of somebody who has not proven anything yet.

    The block raising one of `wrong` counts as a failure, its success forgets them; other errors say nothing.
    suspicious: called first after SUSPICIOUS failures in a row, and may raise.
    """
    free = _free(kind, whose, where)
    found = {key: _lasting(item) for key, item in TABLE.batch_get(free, consistent=True).items()}
    wait = max((item.get("locked_until", 0) for item in found.values()), default=0) - clock.epoch()
    if wait > 0:
        raise TooManyAttempts("Please wait before you try again.", retryAfter=wait)
    if any(item.get("failures", 0) >= SUSPICIOUS for item in found.values()):
        suspicious()
    try:
        yield
    except wrong:
        for key, most in free.items():
            _count(key, kind, most)
        raise
    for key in found:
        TABLE.write(delete(key))


def forget(kind: str, whose: str, *, where: str = "") -> None:
    """Whoever has proven otherwise who they are need not wait."""
    for key in _free(kind, whose, where):
        TABLE.write(delete(key))


def _free(kind: str, whose: str, where: str) -> dict[Key, int]:
    """The counters of such a try, with the failures in a row that do not lock."""
    if not where:
        return {_key(kind, whose): FREE}
    return {_key(kind, f"{whose}|{where}"): FREE, _key(kind, whose): FREE_ANYWHERE}


def _count(key: Key, kind: str, free: int) -> None:
    for _ in range(_TRIES):
        seen = _lasting(TABLE.get(key, consistent=True) or {}).get("failures", 0)
        failures = seen + 1
        values: dict[str, Any] = {":failures": failures, ":until": clock.epoch() + _lock(failures - free)}
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
        if failures >= free:
            log.info("guessing slowed down", kind=kind, failures=failures)
        return


def _lock(beyond: int) -> int:
    """Seconds to wait after so many failures beyond the free ones."""
    return 0 if beyond < 0 else min(_SHORTEST << min(beyond, 20), _LONGEST)


def _lasting(found: Mapping[str, Any]) -> Mapping[str, Any]:
    return found if found.get("expires_at", 0) > clock.epoch() else {}


def _key(kind: str, whose: str) -> Key:
    said = f"{kind}|{whose.lower()}".encode()
    return Key(f"TRY#{hmac.new(config.key('identity-attempts'), said, hashlib.sha256).hexdigest()[:40]}")
