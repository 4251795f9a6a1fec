"""Packages: a function carries its own service and the contracts it uses; layers carry what starts fast."""

import struct
import sys
from pathlib import Path

import pytest

from infra.packages import AWS_SERVICES, UNWANTED, Target, stage_dependencies, stage_function, stage_kernel
from infra.services import ROOT, Source, discover

HERE = Target.here()
FOREIGN = {"__init__.py", "catalogue.py", "contract.py", "manifest.py", "model.py"}
"""What a package may hold of another service: its contract, and the models and permissions that it speaks in."""

BEHIND = {
    "fraud": "events facts known rules signals",
    "media": "sniffing",
    "inventory": "heat holds journal offers purchases shards shifts sources tickets warehouses",
    "orders": "rows sold",
    "prices": "lists rates",
    "promotions": "badges basket benefits codec codes conditions counters evaluation events room rules",
    "shipping": "estimate offering quotes rating stored zones",
    "tax": "answers categories inquiry rates_eu rates_us rates_world tables",
}
"""Pure modules behind a contract, without a call in between: by them others judge, hold, price, send and tax."""

SHARED = {f"{service}/{name}.py" for service, names in BEHIND.items() for name in names.split()}

UNCHECKED = 1


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture(scope="module")
def dependencies() -> Path:
    return stage_dependencies("dependencies", target=HERE) / "python"


@pytest.mark.parametrize("service", sorted(discover()))
def test_a_function_carries_its_service_and_only_contracts_of_others(service: str, services: dict[str, Source]) -> None:
    files = _files(stage_function(ROOT, service, target=HERE, bootstrap=False))
    own = {f"{service}/{path.name}" for path in (ROOT / "functions" / service).glob("*.py")}
    assert own <= files
    foreign = {path for path in files if not path.startswith(f"{service}/")}
    assert {path.split("/")[1] for path in foreign - SHARED} <= FOREIGN
    assert {path.split("/")[0] for path in foreign} <= _reachable(service, services)


def _reachable(service: str, services: dict[str, Source]) -> set[str]:
    found: set[str] = set()
    waiting = _known(service, services)
    while waiting:
        used = waiting.pop()
        if used not in found:
            found.add(used)
            waiting += _known(used, services)
    return found


def _known(service: str, services: dict[str, Source]) -> list[str]:
    return [*services[service].manifest.uses, *services[service].manifest.reads]


@pytest.mark.parametrize("service", sorted(discover()))
def test_handlers_are_in_the_package(service: str, services: dict[str, Source]) -> None:
    files = _files(stage_function(ROOT, service, target=HERE, bootstrap=False))
    for function in services[service].manifest.functions:
        assert f"{function.handler.rpartition('.')[0].replace('.', '/')}.py" in files


def test_the_kernel_layer_is_the_kernel() -> None:
    files = _files(stage_kernel(target=HERE))
    kernel = ROOT / "layers/kernel/python"
    assert files == {f"python/{path.relative_to(kernel)}" for path in kernel.rglob("*.py")}


def test_the_dependencies_are_trimmed(dependencies: Path) -> None:
    data = {path.name for path in (dependencies / "botocore/data").iterdir() if path.is_dir()}
    assert data == set(AWS_SERVICES)
    assert (dependencies / "botocore/data/endpoints.json").exists()
    assert not [name for name in UNWANTED if (dependencies / name).exists()]
    assert not list(dependencies.rglob("tests"))
    assert not list(dependencies.glob("*.dist-info"))


def test_bytecode_is_shipped_and_never_checked(dependencies: Path) -> None:
    for module in ("pydantic/main", "botocore/client", "aws_lambda_powertools/event_handler/api_gateway"):
        path = dependencies / module
        compiled = (
            path.parent / "__pycache__" / f"{path.name}.cpython-{sys.version_info.major}{sys.version_info.minor}.pyc"
        )
        _, flags = struct.unpack("<II", compiled.read_bytes()[:8])
        assert flags == UNCHECKED, "a hash-based pyc whose source is not read"


def test_the_layers_fit_the_size_that_starts_fast(dependencies: Path) -> None:
    size = sum(path.stat().st_size for path in dependencies.rglob("*") if path.is_file())
    assert size < 45_000_000


def test_every_requirement_is_pinned_by_hash() -> None:
    text = (ROOT / "layers/dependencies/requirements.txt").read_text()
    packages = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
    assert packages
    assert text.count("--hash=sha256:") >= len(packages)
    assert "://" not in text, "no index is named"


def test_staging_twice_gives_the_same_folder() -> None:
    assert stage_function(ROOT, "orders", target=HERE, bootstrap=False) == stage_function(
        ROOT, "orders", target=HERE, bootstrap=False
    )
