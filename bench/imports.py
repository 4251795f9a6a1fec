"""What a cold start imports, per entry point: CPU of a fresh process (the least of several) and modules."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

ROOT = Path(__file__).resolve().parents[1]
RUNS = 5
_CODE = "import sys; sys.path[:0] = [{paths}]; {load}; print(len(sys.modules))"


def main() -> None:
    """Print a row per function of the manifests."""
    bare = _measure("pass")[0]
    print(f"import CPU per entry point, ms (bare Python: {bare:.0f}; boto3 DynamoDB client alone: {_client():.0f})\n")
    for handler in _handlers():
        module = handler.rpartition(".")[0]
        spent, modules = _measure(f"import {module}")
        print(f"  {module:<28} {spent:6.0f} ms   {spent / bare:5.1f} x bare   {modules:5} modules")


def _client() -> float:
    return _measure("import boto3; boto3.client('dynamodb', region_name='us-east-1')")[0]


def _handlers() -> list[str]:
    services = sorted(path.parent.name for path in (ROOT / "functions").glob("*/manifest.py"))
    return [function.handler for name in services for function in import_module(f"{name}.manifest").MANIFEST.functions]


def _measure(load: str) -> tuple[float, int]:
    """(CPU milliseconds, modules) of a fresh process that loads it, with compiled files in place."""
    paths = ", ".join(repr(str(ROOT / part)) for part in ("functions", "layers/kernel/python"))
    code = _CODE.format(paths=paths, load=load)
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0", "PYTHONPYCACHEPREFIX": str(ROOT / ".cache/pyc")}
    best, modules = float("inf"), 0
    for _ in range(RUNS):
        before = getrusage(RUSAGE_CHILDREN)
        command = [sys.executable, "-c", code]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        after = getrusage(RUSAGE_CHILDREN)
        spent = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1000
        best, modules = min(best, spent), int(process.stdout)
    return best, modules


if __name__ == "__main__":
    main()
