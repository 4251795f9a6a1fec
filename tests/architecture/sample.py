"""A tiny sound project, and ways to break it: the proof that each wall reports what it is for."""

from pathlib import Path

from tests.architecture.code import Project

_LAMPS = {
    "__init__.py": "",
    "manifest.py": '''
from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="lamps",
    prefixes=("LMP#",),
    publishes=("lamp.lit",),
    functions=(Function(name="api", handler="lamps.api.handler", kind="api"),),
)
''',
    "contract.py": '''
from lamps.manifest import MANIFEST as MANIFEST
from market.table import Key


def lamp_key(lamp: str) -> Key:
    return Key(f"LMP#{lamp}")
''',
    "events.py": '''
from typing import ClassVar

from market.events import Event


class LampLit(Event):
    type: ClassVar[str] = "lamp.lit"
''',
    "model.py": "BRIGHT = 7\n",
    "store.py": '''
from lamps.contract import lamp_key
from lamps.events import LampLit
from lamps.manifest import MANIFEST
from market.events import announce
from market.table import Table, put

_table = Table(MANIFEST)


def light(lamp: str) -> None:
    _table.transact(put(lamp_key(lamp), {}), announce(LampLit(), by=MANIFEST))
''',
    "service.py": '''
from lamps import store


def light(lamp: str) -> None:
    store.light(lamp)
''',
    "views.py": "from lamps.model import BRIGHT as BRIGHT\n",
    "api.py": '''
from lamps import service, views
from lamps.manifest import MANIFEST
from market.http import CUSTOMER, ServiceApi

api = ServiceApi(MANIFEST)
handler = api.handler


@api.post("/v1/lamps/<lamp>", callers=[CUSTOMER])
def light(lamp: str) -> dict[str, int]:
    once = api.idempotency()
    service.light(lamp + once.key)
    return {"brightness": views.BRIGHT}
''',
    "README.md": '''# Lamps

## Routes

## Access patterns

<!-- access-patterns:start -->
<!-- access-patterns:end -->

## Events

Says `lamp.lit`.
''',
}  # fmt: skip
_ROOMS = {
    "__init__.py": "",
    "manifest.py": '''
from market.manifest import Function, Manifest

MANIFEST = Manifest(
    service="rooms",
    prefixes=("ROM#",),
    uses=("lamps",),
    consumes=("lamp.lit",),
    functions=(Function(name="consumer", handler="rooms.consumer.handler", kind="consumer"),),
)
''',
    "store.py": '''
from lamps.contract import MANIFEST as LAMPS
from lamps.contract import lamp_key
from market.table import Key, Table, put
from rooms.manifest import MANIFEST

_table = Table(MANIFEST, LAMPS)


def note(room: str) -> None:
    _table.get(lamp_key(room))
    _table.write(put(Key(f"ROM#{room}"), {}))
''',
    "consumer.py": '''
from market.events import Consumer, Envelope
from rooms import store
from rooms.manifest import MANIFEST

consumer = Consumer(MANIFEST)
handler = consumer.handler


@consumer.on("lamp.lit")
def note(envelope: Envelope) -> None:
    store.note(envelope.data["room"])
''',
    "README.md": '''# Rooms

## Access patterns

<!-- access-patterns:start -->
<!-- access-patterns:end -->

## Events

Hears `lamp.lit`.
''',
}  # fmt: skip
_KERNEL = {"__init__.py": "", "clock.py": "import datetime\n\nnow = lambda: datetime.datetime.now(datetime.UTC)\n"}


def write(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def sound(root: Path) -> Project:
    """Write the sound project into an empty folder."""
    for folder, files in (
        ("functions/lamps", _LAMPS),
        ("functions/rooms", _ROOMS),
        ("layers/kernel/python/market", _KERNEL),
    ):
        for name, text in files.items():
            write(root, f"{folder}/{name}", text)
    return Project(root)


def broken(root: Path, path: str, old: str, new: str) -> Project:
    """The same with one passage of a file replaced; where `old` is empty, `new` is added to the file."""
    sound(root)
    text = (root / path).read_text() if (root / path).exists() else ""
    assert old in text, f"{path} has no {old}"
    write(root, path, text.replace(old, new) if old else text + new)
    return Project(root)
