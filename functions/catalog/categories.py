"""The category tree as it is stored, kept in memory for some seconds, and what is stored beside it.

Every change of categories is a new version of the tree: attributes and translated names are written in the same
transaction, so that the tree's version fences them too.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import orjson

from catalog import attributes as attributes_of_categories
from catalog.attributes import Attribute
from catalog.manifest import MANIFEST
from catalog.tree import Category, Tree
from inventory.contract import MANIFEST as INVENTORY
from market import clock, config
from market.errors import Conflict
from market.table import NEW, Item, Key, Table, Write, put
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS

FRESH_FOR = timedelta(seconds=5)
_KEY = Key("CAT#tree")

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)
_reading = threading.Lock()
_remembered: dict[str, "_Remembered"] = {}


class TreeChanged(Conflict):
    """Someone else changed the categories at the same time."""

    code, title = "categories_changed", "The categories have changed"


@dataclass(frozen=True, slots=True)
class _Remembered:
    tree: Tree
    until: datetime
    translated: dict[str, str] = field(default_factory=dict)
    """The public tree as JSON, by language."""


def tree() -> Tree:
    """The categories, at most `FRESH_FOR` old."""
    return _fresh().tree


def present() -> Tree:
    """The categories as last written."""
    return _read_now().tree


def require(path: str) -> None:
    """Pass for a category in use, be it a moment old. Raises UnknownCategory."""
    if not tree().has(path):
        present().require(path)


def this_month() -> str:
    return clock.timestamp()[:7]


def attributes(path: str) -> tuple[Attribute, ...]:
    """What the category wants to know of its products, with all that it inherits: no read where that is nothing."""
    steps = tree().attributed(path)
    keys = [_attributes_key(step) for step in steps]
    found = _table.batch_get(keys) if keys else {}
    branches = [attributes_of_categories.unpacked(found[key]["attributes"]) for key in keys if key in found]
    return attributes_of_categories.inherited(branches)


def own_attributes(path: str, wanted: tuple[Attribute, ...]) -> Write:
    """The category's own attributes, to be saved with the tree."""
    return put(_attributes_key(path), {"attributes": attributes_of_categories.packed(wanted)})


def names(language: str) -> dict[str, str]:
    """Names in a language by category, as last written."""
    item = _table.get(_names_key(language), consistent=True)
    return dict(orjson.loads(item["names"])) if item else {}


def named(language: str, category_id: str, name: str) -> Write:
    """A category's name in a language, to be saved with the tree; an empty one takes it away."""
    others = {known: other for known, other in names(language).items() if known != category_id}
    return _names(language, others | ({category_id: name} if name else {}))


def public_json(language: str = "") -> str:
    """The branches in use, with names in the language where there are any."""
    held = _fresh()
    if not language:
        return held.tree.public_json
    if language not in held.translated:
        held.translated[language] = held.tree.named_json(names(language))
    return held.translated[language]


def save(tree: Tree, *more: Write) -> Tree:
    """Save as the next version of the tree that was read, with what belongs to it. Raises TreeChanged."""
    rows = [[c.id, c.path, c.name, c.sort_order, c.active, c.attributed] for c in tree.categories]
    item = {
        "version": tree.version + 1,
        "since": tree.since or this_month(),
        "categories": orjson.dumps(rows).decode(),
        "languages": list(tree.languages),
        "rules": tree.rules,
    }
    seen = {"when": "version = :seen", "values": {":seen": tree.version}} if tree.version else {"when": NEW}
    _table.transact(put(_KEY, item, **seen, otherwise=TreeChanged("Please try again.")), *more)
    saved = _read(item)
    _remember(saved)
    return saved


def _fresh() -> _Remembered:
    known = _remembered.get(config.setting("TABLE_NAME"))
    return known if known and clock.now() < known.until else _read_now()


def _read_now() -> _Remembered:
    return _remember(_read(_table.get(_KEY, consistent=True)))


def _read(item: Item | None) -> Tree:
    if item is None:
        return Tree(since=this_month())
    categories = [
        Category(id=id_, path=path, name=name, sort_order=order, active=active, attributed=any(more))
        for id_, path, name, order, active, *more in orjson.loads(item["categories"])
    ]
    languages = tuple(item.get("languages", ()))
    return Tree(item["version"], item["since"], tuple(categories), languages, item.get("rules", "[]"))


def _remember(read: Tree) -> _Remembered:
    held = _Remembered(read, clock.now() + FRESH_FOR)
    with _reading:
        _remembered[config.setting("TABLE_NAME")] = held
    return held


def _names(language: str, by_id: Mapping[str, str]) -> Write:
    return put(_names_key(language), {"names": orjson.dumps(dict(by_id)).decode()})


def _names_key(language: str) -> Key:
    return Key("CAT#names", language)


def _attributes_key(path: str) -> Key:
    return Key("CAT#attributes", path)
