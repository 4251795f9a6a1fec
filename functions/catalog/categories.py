"""The category tree as it is stored, kept in memory for some seconds."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from catalog.manifest import MANIFEST
from catalog.tree import Category, Tree
from inventory.contract import MANIFEST as INVENTORY
from market import clock, config
from market.errors import Conflict
from market.table import NEW, Item, Key, Table, put
from vendors.contract import MANIFEST as VENDORS

FRESH_FOR = timedelta(seconds=5)
_KEY = Key("CAT#tree")

_table = Table(MANIFEST, INVENTORY, VENDORS)
_reading = threading.Lock()
_remembered: dict[str, "_Remembered"] = {}


class TreeChanged(Conflict):
    """Someone else changed the categories at the same time."""

    code, title = "categories_changed", "The categories have changed"


@dataclass(frozen=True, slots=True)
class _Remembered:
    tree: Tree
    until: datetime


def tree() -> Tree:
    """The categories, at most `FRESH_FOR` old."""
    known = _remembered.get(config.setting("TABLE_NAME"))
    if known and clock.now() < known.until:
        return known.tree
    return present()


def present() -> Tree:
    """The categories as last written."""
    read = _read(_table.get(_KEY, consistent=True))
    _remember(read)
    return read


def require(path: str) -> None:
    """Pass for a category in use, be it a moment old. Raises UnknownCategory."""
    if not tree().has(path):
        present().require(path)


def this_month() -> str:
    return clock.timestamp()[:7]


def save(tree: Tree) -> Tree:
    """Save as the next version of the tree that was read. Raises TreeChanged."""
    item = {
        "version": tree.version + 1,
        "since": tree.since or this_month(),
        "categories": orjson.dumps([[c.id, c.path, c.name, c.sort_order, c.active] for c in tree.categories]).decode(),
    }
    seen = {"when": "version = :seen", "values": {":seen": tree.version}} if tree.version else {"when": NEW}
    _table.write(put(_KEY, item, **seen, otherwise=TreeChanged("Please try again.")))
    saved = _read(item)
    _remember(saved)
    return saved


def _read(item: Item | None) -> Tree:
    if item is None:
        return Tree(since=this_month())
    categories = [
        Category(id=id_, path=path, name=name, sort_order=order, active=active)
        for id_, path, name, order, active in orjson.loads(item["categories"])
    ]
    return Tree(item["version"], item["since"], tuple(categories))


def _remember(read: Tree) -> None:
    with _reading:
        _remembered[config.setting("TABLE_NAME")] = _Remembered(read, clock.now() + FRESH_FOR)
