"""Pages of the sitemap as they are stored: a list of slugs each, and how many pages there are."""

import orjson

from catalog.manifest import MANIFEST
from inventory.contract import MANIFEST as INVENTORY
from market import clock
from market.table import Key, Table, put
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS

_INDEX = Key("SMP#index")

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


def count() -> int:
    """Of the pages that were written when all were written last."""
    item = _table.get(_INDEX)
    return int(item["pages"]) if item else 0


def page(number: int) -> list[str]:
    """The slugs of a page; none where there is no such page."""
    item = _table.get(_page_key(number))
    return list(orjson.loads(item["slugs"])) if item else []


def save(number: int, slugs: list[str]) -> int:
    """Write a page; its number."""
    _table.write(put(_page_key(number), {"slugs": orjson.dumps(slugs).decode()}))
    return number


def finish(pages: int) -> None:
    """All pages are written; those beyond are named no more."""
    _table.write(put(_INDEX, {"pages": pages, "at": clock.timestamp()}))


def _page_key(number: int) -> Key:
    return Key(f"SMP#{number}")
