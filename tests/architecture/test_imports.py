"""Importing is quiet, and whole chains of imports respect the walls (import-linter)."""

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.architecture.code import ROOT, Project
from tests.architecture.sample import broken, sound

KERNEL, FUNCTIONS = ROOT / "layers/kernel/python", ROOT / "functions"


def run(*command: str, cwd: Path = ROOT, path: list[Path] | None = None) -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, [ROOT, *(path or [FUNCTIONS, KERNEL])]))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def touched_by(*roots: Path) -> list[str]:
    """What importing everything below these folders looks at, in a fresh process."""
    done = run("-m", "tests.architecture.quiet_import", *map(str, roots), path=[KERNEL])
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1] if done.stdout.strip() else []


def test_importing_any_module_reads_no_environment_and_opens_no_socket() -> None:
    found = touched_by(KERNEL, FUNCTIONS)

    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("line", "reported"),
    [
        ("import os; HOME = os.environ.get('STAGE')", "reads the environment variable STAGE"),
        ("import os; HOME = os.getenv('STAGE', 'x')", "reads the environment variable STAGE"),
        ("from market import config; TABLE = config.setting('STAGE')", "reads the environment variable STAGE"),
        ("from market import config; S3 = config.client('s3')", "reads the environment variable AWS_REGION"),
        ("import os; ALL = dict(os.environ)", "reads the whole environment"),
        ("import socket; S = socket.socket()", "uses socket.__new__"),
        ("import socket; S = socket.gethostname()", "uses socket.gethostname"),
        ("import subprocess; subprocess.run(['true'])", "uses subprocess.Popen"),
        ("import lamps.nothing", "cannot be imported"),
    ],
)
def test_a_module_that_does_so_is_reported(line: str, reported: str, tmp_path: Path) -> None:
    broken(tmp_path, "functions/lamps/model.py", "", line + "\n")

    assert any(reported in found for found in touched_by(tmp_path / "functions"))


def test_a_sound_sample_is_imported_quietly(tmp_path: Path) -> None:
    sound(tmp_path)

    assert touched_by(tmp_path / "functions") == []


def lint(file: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(sys.argv[1], no_cache=True))"
    return run("-c", code, str(file), cwd=file.parent, path=list(paths))


def test_whole_chains_of_imports_respect_the_walls() -> None:
    done = lint(ROOT / ".importlinter", FUNCTIONS, KERNEL)

    assert done.returncode == 0, done.stdout + done.stderr


def test_import_linter_watches_every_service() -> None:
    names = [service.name for service in Project(ROOT).services]
    lists = _lists(ROOT / ".importlinter")

    assert lists == {
        ("importlinter", "root_packages"): ["market", *names],
        ("importlinter:contract:kernel", "forbidden_modules"): names,
        ("importlinter:contract:services", "modules"): names,
        ("importlinter:contract:layers", "containers"): names,
    }


def _lists(file: Path) -> dict[tuple[str, str], list[str]]:
    parser = ConfigParser()
    parser.read(file)
    wanted = {"root_packages", "forbidden_modules", "modules", "containers"}
    return {
        (section, option): parser[section][option].split()
        for section in parser.sections()
        for option in parser[section]
        if option in wanted and section != "importlinter:contract:kernel-layers"
    }


@pytest.mark.parametrize(
    ("file", "line", "reported"),
    [
        ("rooms/store.py", "from lamps import store", "Services know each other through contract.py only BROKEN"),
        ("lamps/model.py", "from lamps import store", "Inside a service: entry points"),
        ("lamps/store.py", "from lamps import service", "Inside a service: entry points"),
    ],
)
def test_import_linter_reports_a_breach(file: str, line: str, reported: str, tmp_path: Path) -> None:
    broken(tmp_path, f"functions/{file}", "", line + "\n")
    configuration = tmp_path / ".importlinter"
    configuration.write_text(_for_the_sample())
    done = lint(configuration, tmp_path / "functions", tmp_path / "layers/kernel/python")

    assert done.returncode == 1
    assert reported in done.stdout
    assert "BROKEN" in done.stdout


def _for_the_sample() -> str:
    """The project's own rules, for the services of the sample."""
    parser = ConfigParser()
    parser.read(ROOT / ".importlinter")
    parser.remove_section("importlinter:contract:kernel-layers")
    for section, option in _lists(ROOT / ".importlinter"):
        market = ["market"] if option == "root_packages" else []
        parser[section][option] = "\n" + "\n".join([*market, "lamps", "rooms"])
    lines = []
    for section in parser.sections():
        lines += [
            f"[{section}]",
            *(f"{option} = {value.replace(chr(10), chr(10) + '    ')}" for option, value in parser[section].items()),
        ]
    return "\n".join(lines)
