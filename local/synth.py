"""The synthesized templates, made again only when what they are made from has changed.

The CDK app runs in a process of its own: this one never imports aws_cdk, and a second start does not run it at
all.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["SynthesisFailed", "synthesized"]

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
_SOURCES = (
    "infra/**/*.py",
    "functions/*/manifest.py",
    "functions/*/templates/*.json",
    "statemachines/**/*.json",
    "cdk.json",
    "layers/kernel/python/market/manifest.py",
    "layers/kernel/python/market/http.py",
)
_ROUTES = b"ServiceApi"
"""In every module that makes or extends an API; other modules of a service do not show in templates."""


class SynthesisFailed(RuntimeError):
    """The CDK app ends with an error; its last words are in the message."""


def synthesized(root: Path = ROOT, cache: Path = CACHE) -> Path:
    """The cloud assembly for the present sources. Raises SynthesisFailed."""
    cache.mkdir(parents=True, exist_ok=True)
    out, mark = cache / "cdk.out", cache / "cdk.out.sources"
    present = fingerprint(root)
    with (cache / "cdk.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.is_file() and mark.read_text() == present and (out / "manifest.json").is_file():
            return out
        sys.stderr.write("Making the templates (first start, or infra/ has changed) ...\n")
        mark.unlink(missing_ok=True)
        fresh = cache / "cdk.out.new"
        shutil.rmtree(fresh, ignore_errors=True)
        _run(root, fresh)
        shutil.rmtree(out, ignore_errors=True)
        fresh.rename(out)
        mark.write_text(present)
    return out


def fingerprint(root: Path) -> str:
    """A hash of the names and contents of everything that templates are made from."""
    digest = hashlib.sha256()
    for path, content in sorted(_sources(root)):
        digest.update(f"{path.relative_to(root)}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def _sources(root: Path) -> Iterator[tuple[Path, bytes]]:
    for path in {path for pattern in _SOURCES for path in root.glob(pattern) if path.is_file()}:
        yield path, path.read_bytes()
    for path in root.glob("functions/*/*.py"):
        content = path.read_bytes()
        if _ROUTES in content:
            yield path, content


def _run(root: Path, out: Path) -> None:
    command = [sys.executable, "-m", "infra.app", "--out", str(out), "-c", "assets=stub", "-c", "stage=dev"]
    command += ["-c", "edge=false"]  # the local gateway makes one address of the two APIs itself
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - our own app
    if done.returncode:
        raise SynthesisFailed(f"The CDK app failed:\n{(done.stderr or done.stdout).strip()[-4000:]}")
