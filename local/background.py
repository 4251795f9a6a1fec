"""The background process: outbox, bus, queues, consumers, state machines, schedules.

It has a process, so a CPU core, of its own, and the journal in common with the front. It says "ready" on
standard output and then works until it is told to stop, or until the front is gone.
"""

import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.database import dies_with_parent

if TYPE_CHECKING:
    from local.marketplace import Marketplace

__all__ = ["Background", "Wiring", "run"]

ROOT = Path(__file__).resolve().parent.parent
_THREADS = 4
_STOP_SECONDS = 15


@dataclass(frozen=True, slots=True)
class Wiring:
    """What both processes must agree on."""

    assembly: Path
    data: Path
    base_url: str
    database_url: str
    log_level: str
    json_logs: bool


class Background:
    """The child, seen from the front."""

    def __init__(self, wiring: Wiring) -> None:
        """Start it; `wait_ready` tells when it works."""
        command = [sys.executable, "-m", "local", "background", "--data", str(wiring.data)]
        command += ["--assembly", str(wiring.assembly), "--base-url", wiring.base_url]
        command += ["--database-url", wiring.database_url, "--log-level", wiring.log_level]
        command += ["--json-logs"] if wiring.json_logs else []
        self.process = subprocess.Popen(  # noqa: S603 - ourselves
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, preexec_fn=dies_with_parent()
        )

    def wait_ready(self) -> bool:
        """False if it ended instead."""
        assert self.process.stdout
        return self.process.stdout.readline().strip() == b"ready"

    def stop(self) -> None:
        """Let it finish what it is doing."""
        self.process.terminate()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def run(wiring: Wiring) -> None:
    """The child's main: work until SIGTERM."""
    from local import logs
    from local.marketplace import Marketplace

    said = logs.redirect(raw=wiring.json_logs, level=wiring.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    marketplace = Marketplace(
        wiring.assembly,
        wiring.data,
        base_url=wiring.base_url,
        database_url=wiring.database_url,
        log_level=wiring.log_level,
    )
    start(marketplace)
    said.write("ready\n")
    said.flush()
    stop.wait()
    marketplace.close()


def start(marketplace: "Marketplace") -> None:
    """Begin the background work of a marketplace in this process."""
    serving = set(marketplace.api_functions())
    marketplace.functions.warm([name for name in marketplace.templates.functions if name not in serving])
    marketplace.watch_outbox()
    marketplace.runtime.start(_THREADS)
