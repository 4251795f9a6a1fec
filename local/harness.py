"""The marketplace for tests: all of it in one process, its background driven by the test; or a real one to kill.

with marketplace() as m:
    token = m.person("ada@example.com")
    m.call("POST", "/v1/cart/items", {"sku": "lamp", "quantity": 1}, token=token)
    m.drain()
    assert m.mails("ada@example.com")
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from local.database import Database, dies_with_parent
from local.http_gateway import Request
from local.mailbox import Mail
from local.marketplace import Marketplace
from local.server import Server
from local.synth import synthesized

__all__ = ["InProcess", "Reply", "Running", "marketplace", "running"]

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "Correct-horse-9"  # noqa: S105 - of made-up people


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def text(self) -> str:
        return self.body.decode()

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:600]!r}>"


class InProcess:
    """A marketplace whose background does something only when `drain` or `advance` is called."""

    def __init__(self, made: Marketplace) -> None:
        self.inside = made
        self.base_url = made.base_url
        self.runtime = made.runtime

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> Reply:
        """One request through routing, authorizer and function. bytes are sent as they are, anything else as JSON."""
        path, _, inline = path.partition("?")
        raw_query = "&".join(part for part in (inline, urlencode(query or {}, doseq=True)) if part)
        sent = {"host": "127.0.0.1", "user-agent": "tests"}
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        if body is not None and not isinstance(body, bytes):
            sent["content-type"] = "application/json"
        if token:
            sent["authorization"] = f"Bearer {token}"
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        request = Request(method, quote(path, safe="/%:@!$&'()*+,;=~"), raw_query, list(sent.items()), content)
        answer = self.inside.gateway.answer(request)
        return Reply(answer.status, dict(answer.headers), answer.body)

    def drain(self, timeout: float = 20.0) -> None:
        """Do all background work that is due, on this thread: outbox, bus, queues, state machines."""
        self.inside.watch_outbox()
        self.runtime.drain(timeout)

    def advance(self, seconds: float, timeout: float = 20.0) -> None:
        """Let time pass for timers, delays and timeouts of the background."""
        self.runtime.advance(seconds, timeout)

    def mails(self, to: str = "") -> list[Mail]:
        """Newest first."""
        mails: list[Mail] = self.inside.mailbox.mails(to)
        return mails

    def person(self, email: str, *, roles: tuple[str, ...] = ("customer",), vendor_id: str = "") -> str:
        """Somebody with these roles, and an access token of theirs."""
        from identity import service

        service.bootstrap(email, PASSWORD, email.partition("@")[0].title(), roles, vendor_id)
        return self.token(email)

    def token(self, email: str, password: str = PASSWORD) -> str:
        from identity import service
        from identity.gateway import Session

        found = service.sign_in(email, password)
        assert isinstance(found, Session), "nobody here has a second factor"
        return found.access_token


@contextmanager
def marketplace(*, data: Path | None = None, retry_scale: float = 0.0, sockets: bool = True) -> Iterator[InProcess]:
    """A whole marketplace, empty, its table in memory.

    sockets: whether it also serves HTTP at `base_url`, which it needs to call the sandbox provider.
    """
    assembly = synthesized()
    with tempfile.TemporaryDirectory(prefix="market-") as made_up:
        database = Database()
        server = Server(0)
        made = Marketplace(
            assembly,
            data or Path(made_up),
            base_url=f"http://127.0.0.1:{server.port}",
            database_url=database.url,
            log_level=os.environ.get("LOG_LEVEL", "WARNING"),
            retry_scale=retry_scale,
        )
        try:
            for table in made.templates.tables.values():
                database.create(table.name, table.properties)
            if sockets:
                server.start(made)
            yield InProcess(made)
        finally:
            server.stop()
            made.close()
            database.stop()


class Running:
    """A marketplace in processes of its own."""

    def __init__(self, data: Path, *, port: int = 0, arguments: tuple[str, ...] = ("--no-seed",)) -> None:
        """Start it and wait until it is ready. Raises RuntimeError with its last words."""
        self.data = data
        data.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "local", "--port", str(port), "--data", str(data), *arguments]
        with (data / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 - ourselves
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                preexec_fn=dies_with_parent(),
            )
        assert self.process.stdout
        started = time.monotonic()
        self.said = self.process.stdout.readline().decode()
        self.started_in = time.monotonic() - started
        if not self.said:
            self._reap()
            raise RuntimeError(self.log()[-3000:])
        self.base_url = self.said.split(" at ")[1].split()[0]

    def log(self) -> str:
        return (self.data / "log.txt").read_text(errors="replace")

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Reply:
        """One request over a connection of its own."""
        import http.client

        host, _, port = self.base_url.removeprefix("http://").partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        sent = dict(headers or {}) | ({"authorization": f"Bearer {token}"} if token else {})
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("content-type", "application/json")
        try:
            connection.request(method, path, content, sent)
            answer = connection.getresponse()
            shown = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, shown, answer.read())
        finally:
            connection.close()

    def kill(self) -> None:
        """SIGKILL, as a power cut would be for this process; its children die with it."""
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(30)
        assert self.process.stdout
        self.process.stdout.close()
        return code


@contextmanager
def running(data: Path, *, port: int = 0, arguments: tuple[str, ...] = ("--no-seed",)) -> Iterator[Running]:
    """A real marketplace, stopped at the end."""
    made = Running(data, port=port, arguments=arguments)
    try:
        yield made
    finally:
        made.stop()
