"""The journal: one SQLite file that holds everything the event runtime must not forget.

Queue messages, executions, task tokens, schedules and the outbox ids already handed over live here. A commit survives
kill -9 (write-ahead log, synchronous=NORMAL: only a power cut can lose the last moments). Several threads and several
processes may use one file: each process opens one connection guarded by one lock, and `foreign_change` tells cheaply
whether another process has written.
"""

import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, message_id TEXT NOT NULL, body TEXT NOT NULL,
    attributes TEXT, sent_at REAL NOT NULL, visible_at REAL NOT NULL, receives INTEGER NOT NULL DEFAULT 0,
    first_at REAL, receipt TEXT);
CREATE INDEX IF NOT EXISTS messages_due ON messages (queue, visible_at);
CREATE TABLE IF NOT EXISTS executions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, machine TEXT NOT NULL, name TEXT NOT NULL, input TEXT NOT NULL,
    status TEXT NOT NULL, started REAL NOT NULL, stopped REAL, output TEXT, error TEXT, cause TEXT,
    deadline REAL, due_at REAL, branch TEXT, history TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX IF NOT EXISTS executions_name ON executions (name, machine);
CREATE INDEX IF NOT EXISTS executions_due ON executions (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS executions_running ON executions (id) WHERE status = 'RUNNING';
CREATE TABLE IF NOT EXISTS tokens (
    token TEXT PRIMARY KEY, execution INTEGER NOT NULL, path TEXT NOT NULL, outcome TEXT,
    closed INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tokens_open ON tokens (execution) WHERE closed = 0;
CREATE INDEX IF NOT EXISTS tokens_answered ON tokens (execution) WHERE outcome IS NOT NULL AND closed = 0;
CREATE TABLE IF NOT EXISTS schedules (name TEXT PRIMARY KEY, expression TEXT NOT NULL, next_at REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS handed_over (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class _Transaction:
    """One write transaction; entered again by the same thread it joins the transaction already open."""

    __slots__ = ("_journal",)

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal

    def __enter__(self) -> sqlite3.Connection:
        journal = self._journal
        journal.lock.acquire()
        if journal.depth == 0:
            try:
                journal.connection.execute("BEGIN IMMEDIATE")
            except BaseException:
                journal.lock.release()
                raise
        journal.depth += 1
        return journal.connection

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        journal = self._journal
        try:
            journal.depth -= 1
            if journal.depth == 0:
                try:
                    journal.connection.execute("COMMIT" if kind is None else "ROLLBACK")
                except BaseException:
                    if journal.connection.in_transaction:
                        journal.connection.execute("ROLLBACK")
                    raise
        finally:
            journal.lock.release()


class Journal:
    """One connection to the journal, shared by the threads of this process."""

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.lock = threading.RLock()
        self.depth = 0
        self.connection = sqlite3.connect(
            self.path, timeout=30, isolation_level=None, check_same_thread=False, cached_statements=256
        )
        execute = self.connection.execute
        execute("PRAGMA journal_mode=WAL")
        execute("PRAGMA synchronous=NORMAL")
        execute("PRAGMA wal_autocheckpoint=4000")
        execute("PRAGMA temp_store=MEMORY")
        self.connection.executescript(_SCHEMA)
        self._version = self._data_version()
        self._transaction = _Transaction(self)

    def transaction(self) -> _Transaction:
        """A write transaction: all or nothing, committed when the outermost block ends."""
        return self._transaction

    def rows(self, sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
        """All rows of a read."""
        with self.lock:
            return self.connection.execute(sql, tuple(parameters)).fetchall()

    def one(self, sql: str, parameters: Iterable[Any] = ()) -> Any:
        """The first row of a read, or None."""
        with self.lock:
            return self.connection.execute(sql, tuple(parameters)).fetchone()

    def fact(self, name: str) -> str | None:
        """A small remembered value, such as a watermark."""
        row = self.one("SELECT value FROM facts WHERE name = ?", (name,))
        return None if row is None else str(row[0])

    def remember(self, name: str, value: str) -> None:
        """Remember a small value under a name; the last one wins."""
        with self.transaction() as db:
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def foreign_change(self) -> bool:
        """Whether another process has committed since the last call; costs a few microseconds."""
        with self.lock:
            if self.depth:
                return False
            version = self._data_version()
        changed = version != self._version
        self._version = version
        return changed

    def _data_version(self) -> int:
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])

    def __del__(self) -> None:
        if hasattr(self, "connection"):
            self.connection.close()

    def close(self) -> None:
        """Close this process's connection; everything committed stays."""
        with self.lock:
            self.connection.close()
