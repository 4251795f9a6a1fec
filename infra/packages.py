"""Stages packages: what goes into the uploaded folders, and what must not."""

import ast
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from infra.services import KERNEL, ROOT

CACHE = ROOT / ".cache" / "assets"
LAYERS = ROOT / "layers"
AWS_SERVICES = (
    "appconfig",
    "appconfigdata",
    "cognito-idp",
    "dynamodb",
    "events",
    "s3",
    "secretsmanager",
    "ses",
    "sqs",
    "ssm",
    "stepfunctions",
    "sts",
    "wafv2",
)
"""Services whose botocore data is shipped: those that functions call, and STS for credentials."""

UNWANTED = ("awscrt", "httpx", "aws_xray_sdk")
"""Packages that cost start time merely by being installed."""

KEPT = 8
"""Staged folders of one name: versions before and after, for Lambda and for this machine."""

RECIPE = "8"
"""Raise it when the staging rules change, so that what was staged by older ones is not used again."""


@dataclass(frozen=True, slots=True)
class Target:
    """The interpreter and platform that packages are for, in uv's words."""

    python: str
    platform: str

    @classmethod
    def here(cls) -> "Target":
        machine = platform.machine()
        return cls(f"{sys.version_info.major}.{sys.version_info.minor}", f"{machine}-manylinux_2_28")

    def interpreter(self) -> str | None:
        """A Python of the same version on this machine, which can compile for the target; None where there is none."""
        if self == Target.here():
            return sys.executable
        return _working(f"python{self.python}")


@cache
def _working(program: str) -> str | None:
    """The program's path if it really is a Python; version managers leave shims that are not."""
    found = shutil.which(program)
    if found and subprocess.run([found, "-c", ""], capture_output=True).returncode == 0:  # noqa: S603 - from PATH
        return found
    return None


def stage_stub() -> Path:
    """An all but empty folder in place of any package."""
    return _staged(
        "stub", ["stub"], lambda folder: _write(folder / "README", "Not a package: synthesized for its shape only.\n")
    )


def stage_kernel(*, target: Target) -> Path:
    """The kernel as a layer: python/market."""
    files = _python_files(ROOT / KERNEL)

    def fill(folder: Path) -> None:
        _copy(files, ROOT / KERNEL, folder / "python")
        _compile(folder, target)

    return _staged("kernel", [_contents(files, ROOT / KERNEL), _compiler(target)], fill)


def stage_function(root: Path, service: str, *, target: Target, bootstrap: bool) -> Path:
    """A service's own folder and the modules of other services that it imports, which are their contracts."""
    base = root / "functions"
    files = sorted({*_service_files(base / service), *_imported(base, service)})

    def fill(folder: Path) -> None:
        _copy(files, base, folder)
        _compile(folder, target)
        if bootstrap:
            _write(folder / "bootstrap", BOOTSTRAP)
            (folder / "bootstrap").chmod(0o755)

    return _staged(service, [_contents(files, base), _compiler(target), str(bootstrap)], fill)


BOOTSTRAP = '#!/bin/sh\nexec python -S -m awslambdaric "$_HANDLER"\n'


def stage_dependencies(name: str, *, target: Target) -> Path:
    """The locked requirements of `layers/<name>` as a layer: installed by uv for the target, trimmed, compiled."""
    requirements = LAYERS / name / "requirements.txt"
    inputs = [requirements.read_text(encoding="utf-8"), str(AWS_SERVICES), str(target), _compiler(target)]

    def fill(folder: Path) -> None:
        site = folder / "python"
        _install(requirements, site, target)
        _trim(site)
        _compile(folder, target)

    return _staged(name, inputs, fill)


def _install(requirements: Path, site: Path, target: Target) -> None:
    command = [
        *(_uv()),
        *("pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
        *("--python-platform", target.platform, "--python-version", target.python),
        *("--target", str(site), "-r", str(requirements)),
    ]
    done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own arguments
    if done.returncode:
        raise RuntimeError(f"the layer of {requirements.parent.name} could not be built:\n{done.stderr}")


def _uv() -> list[str]:
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise RuntimeError("uv is needed to build the dependencies layer; it is among the development requirements")
    return [found]


def _trim(site: Path) -> None:
    """Drop what no function uses: other services' botocore data, boto3's resources, metadata, scripts, tests, types."""
    data = site / "botocore" / "data"
    for path in list(data.iterdir()) if data.exists() else ():
        if path.is_dir() and path.name not in AWS_SERVICES:
            shutil.rmtree(path)
    for path in data.glob("*/*/examples-*"):
        path.unlink()
    for pattern in (
        "*.dist-info",
        "bin",
        "boto3/data",
        "boto3/examples",
        "**/tests",
        "**/py.typed",
        "**/*.pyi",
        "stripe/params",
        ".lock",
    ):
        for path in list(site.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    found = [name for name in UNWANTED if (site / name).exists()]
    if found:
        raise RuntimeError(f"the dependencies layer must not hold {', '.join(found)}")


def _compile(folder: Path, target: Target) -> None:
    """Ship bytecode that is never checked against its source; without an interpreter of that version, ship none."""
    interpreter = target.interpreter()
    if interpreter:
        command = [
            interpreter,
            "-m",
            "compileall",
            "-q",
            "-j",
            "0",
            "--invalidation-mode",
            "unchecked-hash",
            "-s",
            str(folder),
            str(folder),
        ]
        subprocess.run(command, check=True)  # noqa: S603 - our own arguments


def _compiler(target: Target) -> str:
    return f"{target.python} {'compiled' if target.interpreter() else 'sources'}"


def _service_files(folder: Path) -> list[Path]:
    """Code and data of a service; its README and mail templates are for people and for SES."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix not in (".md", ".pyc")
        and "templates" not in path.parts
        and not path.name.startswith(".")
    ]


def _python_files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def _imported(base: Path, service: str) -> set[Path]:
    """Modules of other services that `service` imports, and those that these import in turn."""
    found: set[Path] = set()
    waiting = [path for path in _service_files(base / service) if path.suffix == ".py"]
    while waiting:
        for module in _imports(waiting.pop()):
            path = base / f"{module.replace('.', '/')}.py"
            for wanted in (path, path.parent / "__init__.py"):
                if wanted.exists() and wanted not in found and wanted.parent != base and wanted.parent.name != service:
                    found.add(wanted)
                    waiting.append(wanted)
    return found


def _imports(path: Path) -> Iterable[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _staged(name: str, inputs: Iterable[str], fill: Callable[[Path], None]) -> Path:
    """The folder for these inputs, filled once: half-filled ones are never seen under their final name."""
    digest = hashlib.sha256(json.dumps([RECIPE, name, *inputs]).encode()).hexdigest()[:16]
    final = CACHE / f"{name}-{digest}"
    if not final.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=CACHE))
        fill(making)
        making.chmod(0o755)
        try:
            making.rename(final)
        except OSError:  # another process was faster
            shutil.rmtree(making)
        _prune(name)
    os.utime(final)
    return final


def _prune(name: str) -> None:
    """Keep the packages that were used last, of each name."""
    by_use = sorted(CACHE.glob(f"{name}-????????????????"), key=lambda folder: folder.stat().st_mtime)
    for old in by_use[:-KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def _contents(files: Iterable[Path], base: Path) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(f"{path.relative_to(base)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _copy(files: Iterable[Path], base: Path, folder: Path) -> None:
    for path in files:
        destination = folder / path.relative_to(base)
        destination.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, destination)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
