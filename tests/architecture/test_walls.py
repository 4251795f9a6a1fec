"""Each wall stands in this project, lets a sound sample pass, and reports a sample that was broken on purpose."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import boundaries, habits, promises
from tests.architecture.code import ROOT, Project
from tests.architecture.sample import broken, sound

Wall = Callable[[Project], Iterator[str]]
LAMPS, ROOMS, KERNEL = "functions/lamps", "functions/rooms", "layers/kernel/python/market"
HOST = "https://registry." + "npm" + "js.org/x"

WALLS: dict[Wall, list[tuple[str, str, str, str]]] = {
    # wall: (file, what is replaced there (nothing: added), by what, what is reported)
    boundaries.services_meet_in_contracts_only: [
        (f"{ROOMS}/store.py", "", "from lamps import store\n", "lamps.store"),
        (f"{ROOMS}/store.py", "", "from lamps.service import light\n", "lamps.service"),
        (f"{ROOMS}/store.py", "", "import lamps.model\n", "lamps.model"),
        (f"{ROOMS}/store.py", "", "def f():\n    from lamps.manifest import MANIFEST\n", "lamps.manifest"),
        (f"{ROOMS}/manifest.py", '    uses=("lamps",),\n', "", "the manifest does not say so"),
    ],
    boundaries.what_a_manifest_uses_is_used: [
        (f"{LAMPS}/manifest.py", "prefixes", 'uses=("rooms",), prefixes', "uses rooms"),
        (f"{LAMPS}/manifest.py", "prefixes", 'reads=("rooms",), prefixes', "uses rooms"),
    ],
    boundaries.the_kernel_knows_no_service: [
        (f"{KERNEL}/clock.py", "", "from lamps.contract import lamp_key\n", "clock.py:4 imports lamps.contract")
    ],
    boundaries.layers_point_downwards: [
        (f"{LAMPS}/model.py", "", "from lamps import store\n", "is pure and imports store"),
        (f"{LAMPS}/store.py", "", "from lamps import service\n", "is the store and imports service"),
        (f"{LAMPS}/service.py", "", "from lamps.api import api\n", "is the service and imports api"),
        (f"{LAMPS}/service.py", "", "from lamps import views\n", "imports views"),
        (f"{LAMPS}/views.py", "", "from lamps import api\n", "nothing imports an entry point"),
        (f"{LAMPS}/contract.py", "", "from .service import light\n", "is pure and imports service"),
        (
            f"{LAMPS}/lists.py",
            "",
            "from lamps import service\nfrom market.table import Table\nTable()\n",
            "is the store",
        ),
        (f"{LAMPS}/store.py", "", "from lamps import service\n", "imports service, which is the service"),
    ],
    boundaries.contracts_do_no_io: [
        (f"{LAMPS}/contract.py", "", "from market.table import Table\n", "market.table Table"),
        (f"{LAMPS}/model.py", "", "from market import config\n", "market config"),
        (f"{LAMPS}/events.py", "", "import boto3\n", "boto3"),
    ],
    boundaries.prefixes_are_disjoint: [
        (f"{ROOMS}/manifest.py", '"ROM#"', '"LMP#"', "within LMP# of lamps"),
        (f"{ROOMS}/manifest.py", '"ROM#"', '"OUTBOX#X#"', "within OUTBOX# of the kernel"),
        (f"{ROOMS}/manifest.py", '"ROM#"', '"ROM"', "does not end with #"),
        (f"{ROOMS}/manifest.py", '"ROM#"', '"ROM#", "ROM#"', "named twice"),
    ],
    boundaries.tables_get_the_manifests_that_are_used: [
        (f"{ROOMS}/store.py", "Table(MANIFEST, LAMPS)", "Table(MANIFEST)", "the manifest says ['rooms', 'lamps']"),
        (f"{LAMPS}/store.py", "Table(MANIFEST)", "Table(MANIFEST, MANIFEST)", "Table of ['lamps', 'lamps']"),
        (
            f"{ROOMS}/store.py",
            "Table(MANIFEST, LAMPS)",
            "Table(LAMPS, MANIFEST)",
            "the manifest says ['rooms', 'lamps']",
        ),
    ],
    boundaries.keys_start_with_owned_prefixes: [
        (f"{ROOMS}/store.py", 'Key(f"ROM#{room}")', 'Key(f"LMP#{room}")', "spells a key of lamps"),
        (f"{ROOMS}/store.py", "", 'KEY = "LMP#1"\n', "spells a key of lamps"),
    ],
    habits.files_and_functions_are_short: [
        (f"{LAMPS}/model.py", "", "\n" * 400, "has 401 lines"),
        (f"{LAMPS}/model.py", "", "def f():\n" + "    x = 1\n" * 40, "f has 41 lines"),
        ("tools/x.py", "", "class C:\n  async def f():\n" + "    x = 1\n" * 40, "f has 41 lines"),
    ],
    habits.the_kernel_is_small: [
        (f"{KERNEL}/clock.py", "", "# line\n" * 1_775, "lines"),
    ],
    habits.nothing_scans: [
        (f"{LAMPS}/store.py", "", "client.scan(TableName='x')\n", "scans"),
        (f"{KERNEL}/clock.py", "", "client.get_paginator('scan')\n", "names the operation scan"),
    ],
    habits.the_clock_is_asked: [
        (f"{LAMPS}/model.py", "", "import datetime\nT = datetime.datetime.now()\n", "datetime.datetime.now"),
        (f"{LAMPS}/model.py", "", "from datetime import datetime\nT = datetime.utcnow\n", "datetime.utcnow"),
        (f"{LAMPS}/model.py", "", "import time\nT = time.time()\n", "time.time"),
        (f"{LAMPS}/model.py", "", "from time import time\n", "imports time"),
    ],
    habits.chance_comes_from_ids: [
        (f"{LAMPS}/model.py", "", "import uuid\n", "imports uuid"),
        (f"{LAMPS}/model.py", "", "from secrets import token_hex\n", "imports secrets"),
    ],
    habits.clients_come_from_config: [
        (f"{LAMPS}/store.py", "", "def f():\n    import boto3\n", "imports boto3"),
        (f"{LAMPS}/store.py", "", "from boto3.session import Session\n", "imports boto3.session"),
    ],
    habits.settings_come_from_config: [
        (f"{LAMPS}/store.py", "", "import os\nX = os.environ['X']\n", "reads the environment"),
        (f"{LAMPS}/store.py", "", "from os import getenv\n", "imports getenv"),
    ],
    habits.files_name_no_registry_and_no_machine: [
        ("README.md", "", f"See {HOST}\n", "README.md:1 names npm" + "js.org"),
        ("Makefile", "", "X = /" + "work/main\n", "names /" + "work/main"),
        ("package-lock.json", "", '{\n"resolved": "x"}\n', "package-lock.json:2 is locked to an address"),
        ("requirements/dev.txt", "", "--index-url x\n", "requirements/dev.txt:1 is locked to an address"),
    ],
    promises.handlers_exist: [
        (f"{LAMPS}/manifest.py", "lamps.api.handler", "lamps.api.handle", "lamps.api.handle does not exist"),
        (f"{LAMPS}/manifest.py", "lamps.api.handler", "lamps.tasks.handler", "lamps.tasks.handler does not exist"),
        (f"{LAMPS}/manifest.py", "lamps.api.handler", "rooms.consumer.handler", "another service's"),
        (f"{LAMPS}/manifest.py", 'service="lamps"', 'service="lights"', "is of lights"),
        (f"{LAMPS}/manifest.py", 'kind="api"', 'kind="queue", queue="q"', "not declared"),
    ],
    promises.published_events_have_a_class: [
        (f"{LAMPS}/manifest.py", '"lamp.lit",', '"lamp.lit", "lamp.broke"', "no class for it"),
        (f"{LAMPS}/manifest.py", '    publishes=("lamp.lit",),\n', "", "not among what the manifest publishes"),
        (f"{LAMPS}/store.py", "LampLit", "object", "never announced"),
    ],
    promises.consumed_events_are_published_and_heard: [
        (f"{ROOMS}/manifest.py", '"lamp.lit"', '"lamp.lit", "lamp.broke"', "which nobody publishes"),
        (f"{ROOMS}/consumer.py", '@consumer.on("lamp.lit")\n', "", "which no listener hears"),
    ],
    promises.readmes_are_complete: [
        (f"{LAMPS}/README.md", "## Routes", "", "no section ## Routes"),
        (f"{LAMPS}/README.md", promises.END, "", "no place for the recorded access patterns"),
        (f"{LAMPS}/README.md", "lamp.lit", "", "does not mention lamp.lit"),
        (f"{ROOMS}/README.md", "# Rooms", "", "has no title"),
    ],
}
BREACHES = [(wall, *breach) for wall, breaches in WALLS.items() for breach in breaches]


def name(value: object) -> str:
    return getattr(value, "__name__", "")


@pytest.fixture(scope="module")
def project() -> Project:
    """This one, read once for all walls."""
    return Project(ROOT)


@pytest.mark.parametrize("wall", WALLS, ids=name)
def test_the_wall_stands(wall: Wall, project: Project) -> None:
    found = list(wall(project))

    assert not found, "\n" + "\n".join(found)


def test_a_sound_sample_passes_every_wall(tmp_path: Path) -> None:
    project = sound(tmp_path)

    assert [found for wall in WALLS for found in wall(project)] == []


@pytest.mark.parametrize(("wall", "file", "old", "new", "reported"), BREACHES, ids=name)
def test_a_breach_is_reported(wall: Wall, file: str, old: str, new: str, reported: str, tmp_path: Path) -> None:
    found = list(wall(broken(tmp_path, file, old, new)))

    assert found
    assert reported in "\n".join(found)


def test_a_missing_readme_is_reported(tmp_path: Path) -> None:
    project = sound(tmp_path)
    (tmp_path / LAMPS / "README.md").unlink()

    assert list(promises.readmes_are_complete(project)) == [f"{LAMPS}/README.md:1 is missing"]


def test_a_kernel_of_many_modules_is_reported(tmp_path: Path) -> None:
    sound(tmp_path)
    for number in range(14):
        (tmp_path / KERNEL / f"more{number}.py").write_text("")

    assert "are 15 modules" in next(habits.the_kernel_is_small(Project(tmp_path)))
