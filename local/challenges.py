"""Sign-ins that are under way: which challenge a session asks, of whom, and for how long.

As on Cognito: a session ends after three minutes and with its answer; a wrong code leaves it open for a few more
tries. It is kept in the file, so that a sign-in may go on after a restart. Only hashes of sessions are kept.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from local.accounts import refused
from local.storage import Storage

__all__ = ["Challenge", "Challenges"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS challenges (
    digest TEXT PRIMARY KEY, sub TEXT NOT NULL, client TEXT NOT NULL, name TEXT NOT NULL, notes TEXT NOT NULL,
    expires REAL NOT NULL, tries INTEGER NOT NULL) WITHOUT ROWID;
"""
_SECONDS, _TRIES = 180, 5


@dataclass(frozen=True, slots=True)
class Challenge:
    """What was asked; `sub` is "" for somebody who has no account and must not learn it."""

    sub: str
    client: str
    name: str
    notes: JSON


class Challenges:
    """Open sessions of one pool."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._clock = storage, clock
        storage.declare(_SCHEMA)

    def ask(self, sub: str, client: str, name: str, notes: JSON | None = None) -> str:
        """Begin to wait for an answer; the Session."""
        session, now = secrets.token_urlsafe(60), self._clock()
        row = (_digest(session), sub, client, name, orjson.dumps(notes or {}).decode(), now + _SECONDS)
        with self._storage.transaction() as db:
            db.execute("DELETE FROM challenges WHERE expires < ?", (now,))
            db.execute("INSERT INTO challenges VALUES (?,?,?,?,?,?,0)", row)
        return session

    def attempt(self, session: str, client: str, name: str) -> Challenge:
        """The challenge that an answer is for; each call is one try. Raises NotAuthorizedException."""
        with self._storage.transaction() as db:
            row = db.execute("SELECT * FROM challenges WHERE digest = ?", (_digest(session),)).fetchone()
            good = row is not None and row["expires"] >= self._clock() and row["tries"] < _TRIES
            if good:
                db.execute("UPDATE challenges SET tries = tries + 1 WHERE digest = ?", (row["digest"],))
        if not good or row["client"] not in ("", client or row["client"]):
            raise refused("NotAuthorized", "Invalid session for the user.")
        if row["name"] != name:
            raise refused("InvalidParameter", f"The session is for another challenge than {name}.")
        return Challenge(row["sub"], row["client"], row["name"], orjson.loads(row["notes"]))

    def end(self, session: str) -> None:
        """It was answered. Raises NotAuthorizedException if somebody else was faster."""
        with self._storage.transaction() as db:
            if db.execute("DELETE FROM challenges WHERE digest = ?", (_digest(session),)).rowcount == 0:
                raise refused("NotAuthorized", "Invalid session for the user.")

    def forget(self, sub: str) -> None:
        with self._storage.transaction() as db:
            db.execute("DELETE FROM challenges WHERE sub = ?", (sub,))


def _digest(session: str) -> str:
    return hashlib.sha256(session.encode()).hexdigest()
