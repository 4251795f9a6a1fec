"""The embedded DynamoDB: dynoxide, a child process over one SQLite file (or memory, for tests).

The child dies with this process, whatever ends it. Every write that it acknowledged is in the file: kill -9
loses none. Tables are made without a stream: locally the outbox is collected when it is written, and dynoxide's
streams slow each write down.
"""

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

__all__ = ["Database", "DatabaseClient", "DatabaseMissing", "TableDiffers", "binary"]

ROOT = Path(__file__).resolve().parent.parent
_PACKAGES = {"linux": "linux", "darwin": "darwin", "win32": "win32"}
_MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
_INSTALLED = "linux-x64"
"""What package-lock.json has."""

_READY_SECONDS = 10.0
_TRIES = 5
_KEPT = ("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")


class DatabaseMissing(RuntimeError):
    """There is no dynoxide for this machine, or it does not start."""


def binary() -> Path:
    """The dynoxide program: $DYNOXIDE, else the one in node_modules, else on PATH. Raises DatabaseMissing."""
    if given := os.environ.get("DYNOXIDE"):
        if Path(given).is_file():
            return Path(given)
        raise DatabaseMissing(f"DYNOXIDE names {given}, which is no file.")
    package = (
        f"{_PACKAGES.get(sys.platform, sys.platform)}-{_MACHINES.get(os.uname().machine.lower(), os.uname().machine)}"
    )
    installed = ROOT / "node_modules" / "@dynoxide" / package / "dynoxide"
    if installed.is_file():
        return installed
    if found := shutil.which("dynoxide"):
        return Path(found)
    if package != _INSTALLED:
        raise DatabaseMissing(
            f"The embedded database (dynoxide) is installed for Linux on x86-64 only, and this machine is {package}. "
            "Build it from github.com/nubo-db/dynoxide, and let the environment variable DYNOXIDE name the program."
        )
    raise DatabaseMissing(
        f"The embedded database (npm package @dynoxide/{package}) is not installed. "
        "Run `npm ci`, or let the environment variable DYNOXIDE name the program."
    )


class TableDiffers(RuntimeError):
    """The data directory holds a table of another shape than the templates declare."""


class DatabaseClient:
    """Raw API calls to a dynoxide on this machine, without botocore."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def call(self, action: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """One call; an error comes back as its document."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            headers = {
                "content-type": "application/x-amz-json-1.0",
                "x-amz-target": f"DynamoDB_20120810.{action}",
                "authorization": SIGNATURE,
                "x-amz-date": "20260101T000000Z",
            }
            connection.request("POST", "/", json.dumps(request), headers)
            answer: dict[str, Any] = json.loads(connection.getresponse().read() or b"{}")
            return answer
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return "TableNames" in self.call("ListTables", {})
        except (OSError, ValueError):
            return False

    def create(self, name: str, definition: Mapping[str, Any]) -> None:
        """Make the table that the properties of a CloudFormation table describe, unless it exists."""
        wanted = table_request(name, definition)
        answer = self.call("CreateTable", wanted)
        if answer.get("__type", "").endswith("ResourceInUseException"):
            if _shape(self.call("DescribeTable", {"TableName": name})["Table"]) != _shape(wanted):
                raise TableDiffers(f"The table {name} was made with other keys or indexes. Start with a new --data.")
            return
        if "TableDescription" not in answer:
            raise DatabaseMissing(f"The table {name} was not made: {answer.get('message') or answer}")

    def drop(self, name: str) -> None:
        self.call("DeleteTable", {"TableName": name})


class Database(DatabaseClient):
    """A dynoxide of our own. Start it from a thread that lives as long as it should: Linux ties its life to that."""

    def __init__(self, file: Path | None = None) -> None:
        """Start and wait until it answers; without a file it keeps everything in memory. Raises DatabaseMissing."""
        self.file = file
        port, self.process = _start(binary(), file)
        super().__init__(port)

    def stop(self) -> None:
        """End the child; its file keeps everything."""
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _shape(table: Mapping[str, Any]) -> list[Any]:
    """Keys and indexes, to compare a table with its definition."""
    indexes = [(index["IndexName"], index["KeySchema"]) for index in table.get("GlobalSecondaryIndexes") or ()]
    return [table["KeySchema"], sorted(indexes)]


SIGNATURE = (
    "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0000000000000000000000000000000000000000000000000000000000000000"
)
"""dynoxide wants a signature to be there and does not check it."""


def table_request(name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
    """A CreateTable request from the properties of AWS::DynamoDB::Table or GlobalTable; no stream, no throughput."""
    kept = {part: definition[part] for part in _KEPT if definition.get(part)}
    for index in kept.get("GlobalSecondaryIndexes", ()):
        for setting in (
            "ProvisionedThroughput",
            "WriteProvisionedThroughputSettings",
            "ContributorInsightsSpecification",
        ):
            index.pop(setting, None)
    return {"TableName": name, "BillingMode": "PAY_PER_REQUEST"} | kept


def _start(program: Path, file: Path | None) -> tuple[int, subprocess.Popen[bytes]]:
    """Another process may take the free port before the child does; then another port is tried."""
    said = ""
    for _ in range(_TRIES):
        port = free_port()
        command = [str(program), "--host", "127.0.0.1", "--port", str(port)]
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
            command += ["--db-path", str(file)]
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=dies_with_parent()
            )
            if _listens(process, output):
                return port, process
            process.kill()
            process.wait()
            said = _said(output)
    raise DatabaseMissing(f"The embedded database does not start: {said.strip()[-300:]}")


def _listens(process: subprocess.Popen[bytes], output: IO[bytes]) -> bool:
    """Whether the child says that it listens before it ends or time is up; somebody else may listen on that port."""
    until = time.monotonic() + _READY_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if "listening" in _said(output):
            return True
        time.sleep(0.004)
    return False


def _said(output: IO[bytes]) -> str:
    size = os.fstat(output.fileno()).st_size
    return os.pread(output.fileno(), size, 0).decode(errors="replace")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dies_with_parent() -> Any:
    """What a child runs before its program: be killed when the thread that started it ends (Linux), own Ctrl-C group.

    Elsewhere a kill -9 of the parent leaves the child running; a proper stop still ends it.
    """
    if not sys.platform.startswith("linux"):
        return os.setpgrp
    import ctypes
    import signal

    libc, parent = ctypes.CDLL(None, use_errno=True), os.getpid()

    def tie() -> None:
        os.setpgrp()
        libc.prctl(1, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return tie
