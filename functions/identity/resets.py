"""New passwords by mail that may have stopped half-way: changed at Cognito, with every old session still good here.

A note is made before Cognito is asked, for addresses with and without an account alike, and goes with what ends the
sessions, or with a refusal. One that stays tells that nobody knows: the person's next sign-in or refresh, by whomever,
ends all sessions that were begun before it.
"""

import hashlib
import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from identity import store
from identity.table import TABLE
from market import clock, config, ids, log
from market.errors import Conflict, Problem, Unavailable
from market.table import EXISTS, Key, Write, delete, put

UNDER_WAY = timedelta(minutes=1)
"""Longer than any request takes: until then it may still be under way."""

_KEPT = timedelta(days=30)
"""As long as a session can last."""


class _Settled(Conflict):
    """Somebody else did it."""


@contextmanager
def noted(whose: str) -> Iterator[Key]:
    """The note of a reset that the block carries out; gone if the block is refused. whose: a person, or an address."""
    note = Key(_place(whose), ids.ulid())
    TABLE.write(put(note, {"at": store.now_ms(), "expires_at": clock.epoch(_KEPT)}))
    try:
        yield note
    except Unavailable:
        raise
    except Problem:
        TABLE.write(delete(note))
        raise


def gone(note: Key) -> Write:
    """Raises Conflict if it has gone already."""
    return delete(note, when=EXISTS, otherwise=_Settled())


def settle(user_id: str) -> None:
    """End what resets that stopped half-way have left. Repeated, it changes nothing."""
    lately = store.now_ms() - int(UNDER_WAY.total_seconds() * 1000)
    for item in TABLE.query(_place(user_id), limit=10).items:
        if item["at"] > lately:
            continue
        _, standing = store.whole(user_id)
        since = max(item["at"], standing.valid_from)
        try:
            store.password_changed(user_id, gone(Key(item["pk"], item["sk"])), forgotten=True, since=since)
        except _Settled:
            continue
        log.warning("password reset completed", user_id=user_id)


def _place(whose: str) -> str:
    digest = hmac.new(config.key("identity-resets"), whose.lower().encode(), hashlib.sha256).hexdigest()
    return f"TRY#reset#{digest[:40]}"
