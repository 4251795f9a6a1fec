"""MiniStack as a process group of its own, on 127.0.0.1 only, with nothing kept."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

from infra.config import REGION
from infra.services import ROOT

RUNTIME = ("awslambdaric", "simplejson", "snapshot-restore-py")
"""What Lambda's own image brings along, and a provided runtime has to bring itself."""

ACCOUNT = "000000000000"
PATIENCE = 30.0


@contextmanager
def running(folder: Path, *, port: int = 0) -> Iterator[str]:
    """A fresh MiniStack; gives its endpoint, kills the whole group at the end, logs to `folder`/ministack.log."""
    endpoint = f"http://127.0.0.1:{port or _free_port()}"
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.rehearse.launcher"],
            cwd=ROOT,
            env=_environment(folder, endpoint),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _await_health(endpoint, process)
            yield endpoint
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def credentials(endpoint: str) -> dict[str, str]:
    """The environment of a client of the server that may do anything."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
    }


def _environment(folder: Path, endpoint: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    return (
        kept
        | credentials(endpoint)
        | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GATEWAY_PORT": endpoint.rpartition(":")[2],
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "AUTH": "true",
            "IOT_MTLS_ENABLED": "0",
            "LOG_LEVEL": "INFO",
            "TMPDIR": str(_made(folder / "tmp")),
            "REHEARSAL_FOLDER": str(folder),
            "REHEARSAL_RUNTIME": str(_runtime(folder / "runtime")),
        }
    )


def _runtime(folder: Path) -> Path:
    """The runtime interface client, linked from this environment: all that functions see but their packages."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in RUNTIME:
        distribution = metadata.distribution(package)
        for name in {path.parts[0] for path in distribution.files or () if ".." not in path.parts}:
            target = folder / name
            if not target.exists():
                target.symlink_to(Path(str(distribution.locate_file(name))))
    return folder


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _await_health(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"MiniStack ended with {process.returncode}; see its log")
        try:
            with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=1):  # noqa: S310 - our own address
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError("MiniStack did not answer in time; see its log")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
