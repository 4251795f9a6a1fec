"""Assemblies are synthesized once per run, whatever the number of workers, and without building packages."""

import fcntl
import os
from pathlib import Path

import pytest

from infra.app import synthesize
from infra.services import Source, discover
from tests.infra.assembly import Assembly


@pytest.fixture(scope="session")
def services() -> dict[str, Source]:
    return discover()


@pytest.fixture(scope="session")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return _assembly(tmp_path_factory, "dev")


@pytest.fixture(scope="session")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return _assembly(tmp_path_factory, "staging")


@pytest.fixture(scope="session")
def prod(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return _assembly(tmp_path_factory, "prod")


def _assembly(factory: pytest.TempPathFactory, stage: str) -> Assembly:
    """The first worker makes it while the others wait."""
    mine = factory.getbasetemp()
    shared: Path = (mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine) / f"assembly-{stage}"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "cdk.out" / "manifest.json").exists():
            synthesize(shared / "cdk.out", stage=stage, assets="stub")
    return Assembly(shared / "cdk.out")
