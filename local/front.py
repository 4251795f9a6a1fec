"""The front process: database, HTTP, accounts; it starts the background and watches over both.

Whatever ends one of them ends all, with a message: a marketplace of which half runs would lie to its users.
"""

import fcntl
import gc
import importlib.util
import json
import os
import secrets
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

from local import background, logs
from local.background import Background, Wiring
from local.database import Database
from local.marketplace import Marketplace
from local.server import Server
from local.synth import synthesized

__all__ = ["DataInUse", "Options", "serve"]

_WATCH_SECONDS = 0.2
_STAFF = "staff@marketplace.example"


class DataInUse(RuntimeError):
    """Another marketplace runs over this data directory."""


@dataclass(frozen=True, slots=True)
class Options:
    port: int
    data: Path
    one_process: bool
    json_logs: bool
    log_level: str
    seeded: bool


def serve(options: Options) -> int:
    """Run until told to stop; the exit code."""
    front = Front(options)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, front.asked_to_stop)
    try:
        front.start()
        return front.watch()
    finally:
        front.stop()


class Front:
    """One run. `start`, then `watch` until it ends, then `stop`."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._stopping = threading.Event()
        self._lock: IO[str] | None = None
        self._database: Database | None = None
        self._server: Server | None = None
        self._background: Background | None = None
        self._marketplace: Marketplace | None = None

    def asked_to_stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()

    def start(self) -> None:
        """Everything up to the ready line."""
        options, data = self._options, self._options.data.resolve()
        self._lock = _claim(data)
        self._server = Server(options.port)
        base_url = f"http://127.0.0.1:{self._server.port}"
        assembly = synthesized()
        self._database = Database(data / "table.db")
        said = logs.redirect(raw=options.json_logs, level=options.log_level)
        wiring = Wiring(assembly, data, base_url, self._database.url, options.log_level, options.json_logs)
        made = self._marketplace = Marketplace(
            assembly, data, base_url=base_url, database_url=self._database.url, log_level=options.log_level
        )
        for table in made.templates.tables.values():
            self._database.create(table.name, table.properties)
        if not options.one_process:
            self._background = Background(wiring)
        made.functions.warm(made.api_functions())
        self._server.start(made)
        if options.one_process:
            background.start(made)
        elif self._background is not None and not self._background.wait_ready():
            return
        _note(data / "run.json", {"url": base_url, "database": self._database.url, "pid": os.getpid()})
        if options.seeded:
            _seed(made, data)
        _settle()
        said.write(f"Marketplace ready at {base_url} (docs /docs, mailbox /mailbox, data {options.data})\n")
        said.flush()

    def watch(self) -> int:
        """Wait for a reason to end."""
        assert self._server
        assert self._database
        while not self._stopping.wait(_WATCH_SECONDS):
            if self._background is not None and self._background.process.poll() is not None:
                return _lost("The background process", self._background.process.returncode)
            if self._database.process.poll() is not None:
                return _lost("The database", self._database.process.returncode)
            if not self._server.running:
                return _lost("The HTTP server", 1)
        return 0

    def stop(self) -> None:
        """In the reverse order: no new requests, then no new work, then the data."""
        for part in (self._server, self._background):
            if part is not None:
                part.stop()
        if self._marketplace is not None:
            self._marketplace.close()
        if self._database is not None:
            self._database.stop()
        if self._lock is not None:
            (self._options.data / "run.json").unlink(missing_ok=True)
            self._lock.close()


def _lost(what: str, code: int) -> int:
    sys.stderr.write(f"{what} has ended (exit code {code}); the marketplace stops. Its data is kept.\n")
    return 1


def _claim(data: Path) -> IO[str]:
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise DataInUse(f"Another marketplace runs over {data}. Stop it, or choose another --data.") from None
    return lock


def _note(file: Path, content: dict[str, object]) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(content))
    draft.chmod(0o600)
    draft.replace(file)


def _seed(marketplace: Marketplace, data: Path) -> None:
    """Fill an empty store once, as a person of staff whose login is kept in the data directory."""
    done = data / "seeded"
    if done.exists() or not importlib.util.find_spec("store.seed"):
        return
    sys.stderr.write("Filling the store (first start) ...\n")
    level, os.environ["LOG_LEVEL"] = os.environ["LOG_LEVEL"], "WARNING"  # nobody wants to read of each picture
    importlib.import_module("store.seed").seed(marketplace.base_url, staff_login(marketplace, data))
    os.environ["LOG_LEVEL"] = level
    done.touch()


def staff_login(marketplace: Marketplace, data: Path) -> dict[str, str]:
    """The first person of staff: made once, with a random password that only this directory knows."""
    kept = data / "staff-login.json"
    if not kept.exists():
        _note(kept, {"email": _STAFF, "password": f"{secrets.token_urlsafe(15)}-aA1!"})
    login: dict[str, str] = json.loads(kept.read_text())
    from identity import service

    service.bootstrap(login["email"], login["password"], "Sam Staff", roles=("customer", "staff"))
    return login


def _settle() -> None:
    """What is loaded by now stays: the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
