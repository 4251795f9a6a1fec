"""Finds the services: their manifests, and the routes that their API modules declare."""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
KERNEL = "layers/kernel/python"

if TYPE_CHECKING:
    from market.http import Route
    from market.manifest import Function, Manifest


@dataclass(frozen=True, slots=True)
class Source:
    """A service as its folder tells it. `routes` are by the name of the function that serves them."""

    manifest: "Manifest"
    routes: dict[str, tuple["Route", ...]]

    @property
    def name(self) -> str:
        return self.manifest.service

    def functions(self, stage: str) -> tuple["Function", ...]:
        return tuple(function for function in self.manifest.functions if stage in function.stages)


def discover(root: Path = ROOT) -> dict[str, Source]:
    """Every service under `root`/functions by name, in alphabetical order."""
    import_from(root)
    found = sorted(path.parent.name for path in (root / "functions").glob("*/manifest.py"))
    return {name: _source(name) for name in found}


def import_from(root: Path = ROOT) -> None:
    """Let services and kernel be imported as they are on Lambda."""
    for folder in (root / "functions", ROOT / KERNEL):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))


def _source(name: str) -> Source:
    manifest: Manifest = importlib.import_module(f"{name}.manifest").MANIFEST
    if manifest.service != name:
        raise ValueError(f"functions/{name} holds the manifest of {manifest.service}")
    return Source(
        manifest, {function.name: _routes(function) for function in manifest.functions if function.kind == "api"}
    )


def _routes(function: "Function") -> tuple["Route", ...]:
    module = function.handler.rpartition(".")[0]
    return tuple(sorted(importlib.import_module(module).api.routes, key=lambda route: (route.path, route.method)))
