"""One SQLite file for what AWS would keep beside the table: accounts, sessions, mails, files.

Each change is one commit, made before the caller gets its answer; it survives kill -9 (write-ahead log,
synchronous=NORMAL: only a power cut can lose the last moments). Several processes may use one file.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["Storage"]


class Storage:
    """One connection, shared by the threads of this process."""

    def __init__(self, path: str | Path) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(str(path), timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        for setting in ("journal_mode=WAL", "synchronous=NORMAL", "temp_store=MEMORY"):
            self._connection.execute(f"PRAGMA {setting}")

    def declare(self, schema: str) -> None:
        """Make the tables of one user of this file, if they are missing."""
        with self._lock:
            self._connection.executescript(schema)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, committed when the outermost block of this thread ends."""
        with self._lock:
            outermost = self._depth == 0
            if outermost:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self._connection
            except BaseException:
                if outermost:
                    self._connection.execute("ROLLBACK")
                raise
            else:
                if outermost:
                    self._connection.execute("COMMIT")
            finally:
                self._depth -= 1

    def rows(self, sql: str, values: Iterable[Any] = ()) -> list[Any]:
        with self._lock:
            return self._connection.execute(sql, tuple(values)).fetchall()

    def one(self, sql: str, values: Iterable[Any] = ()) -> Any:
        """The first row, or None."""
        with self._lock:
            return self._connection.execute(sql, tuple(values)).fetchone()

    def close(self) -> None:
        with self._lock:
            self._connection.close()
