"""What the hosted pages remember: browsers that are on their way to a provider, signed-in browsers, and codes.

Only hashes are kept of what a browser holds.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Any

import orjson

from local.storage import Storage

__all__ = ["HostedCodes"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS hosted_notes (
    kind TEXT NOT NULL, digest TEXT NOT NULL, note TEXT NOT NULL, expires REAL NOT NULL,
    PRIMARY KEY (kind, digest)) WITHOUT ROWID;
"""
_SECONDS = {"journey": 300, "code": 300, "browser": 3600}


class HostedCodes:
    """Notes by a secret that only its bearer knows. Kinds: journey, code (each good once), browser."""

    def __init__(self, storage: Storage, clock: Callable[[], float] = time.time) -> None:
        self._storage, self._clock = storage, clock
        storage.declare(_SCHEMA)

    def now(self) -> float:
        return self._clock()

    def keep(self, kind: str, note: JSON) -> str:
        """The secret under which the note is found again."""
        secret, now = secrets.token_urlsafe(32), self._clock()
        row = (kind, _digest(secret), orjson.dumps(note).decode(), now + _SECONDS[kind])
        with self._storage.transaction() as db:
            db.execute("DELETE FROM hosted_notes WHERE expires < ?", (now,))
            db.execute("INSERT INTO hosted_notes VALUES (?,?,?,?)", row)
        return secret

    def spend(self, kind: str, secret: str) -> JSON | None:
        """The note, which is gone with that; None for a wrong, old or used secret."""
        with self._storage.transaction() as db:
            sql = "DELETE FROM hosted_notes WHERE kind = ? AND digest = ? RETURNING note, expires"
            return self._note(db.execute(sql, (kind, _digest(secret))).fetchone())

    def read(self, kind: str, secret: str) -> JSON | None:
        sql = "SELECT note, expires FROM hosted_notes WHERE kind = ? AND digest = ?"
        return self._note(self._storage.one(sql, (kind, _digest(secret))))

    def _note(self, row: Any) -> JSON | None:
        if row is None or row["expires"] < self._clock():
            return None
        note: JSON = orjson.loads(row["note"])
        return note


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
