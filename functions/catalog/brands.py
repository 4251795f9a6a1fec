"""Brands that staff look after: a name, a slug, a logo. A product names its brand by the name, however it is written.

A brand is one item, found by its name and by how that begins (`BRD#l` / `lego`); its slug leads to the name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from catalog.manifest import MANIFEST
from catalog.words import TAGS, folded, word_key
from inventory.contract import MANIFEST as INVENTORY
from market.errors import Conflict, PreconditionFailed
from market.table import NEW, Item, Key, Table, Write, delete, put
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS

BRANDS = "BRD#"
MAX_SUGGESTED = 50

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


class BrandExists(Conflict):
    """Another brand has this name; `slug` is what it has."""

    code, title = "brand_exists", "Brand exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    slug: str
    name: str
    logo: str = ""
    active: bool = True
    version: int = 1


def brand_key(name: str) -> Key:
    return word_key(BRANDS, name)


def read_brand(item: Item) -> Brand:
    names = ("slug", "name", "logo", "active", "version")
    return Brand(**{name: item[name] for name in names})


def find(slug: str) -> Brand | None:
    lead = _table.get(_slug_key(slug), consistent=True)
    item = _table.get(brand_key(lead["name"]), consistent=True) if lead else None
    return read_brand(item) if item else None


def save(before: Brand | None, after: Brand, *, claims: Sequence[Write] = ()) -> None:
    """A new brand, or the next version of one. Raises BrandExists, PreconditionFailed or what the claims raise."""
    changed = PreconditionFailed("The brand was changed meanwhile.")
    writes: list[Write] = []
    if before is None:
        taken = PreconditionFailed("Somebody made a brand with this slug meanwhile.")
        writes.append(put(_slug_key(after.slug), {"name": after.name}, when=NEW, otherwise=taken))
    same = before is not None and folded(before.name) == folded(after.name)
    if before is not None and not same:
        writes.append(put(_slug_key(after.slug), {"name": after.name}))
        writes.append(
            delete(brand_key(before.name), when="version = :seen", values={":seen": before.version}, otherwise=changed)
        )
    item: dict[str, Any] = {name: getattr(after, name) for name in Brand.__slots__}
    if before is not None and same:
        seen = {":seen": before.version}
        writes.append(put(brand_key(after.name), item, when="version = :seen", values=seen, otherwise=changed))
    else:
        writes.append(put(brand_key(after.name), item, when=NEW, otherwise=_exists))
    _table.transact(*writes, *claims)


def suggested(prefix: str) -> list[Brand]:
    """Brands in use whose name begins so, in the order of names: one query."""
    items = _beginning(BRANDS, prefix)
    return [brand for brand in map(read_brand, items) if brand.active]


def tags(prefix: str) -> list[str]:
    """Tags of products that begin so: one query."""
    return [item["name"] for item in _beginning(TAGS, prefix)]


def _beginning(kind: str, prefix: str) -> list[Item]:
    begins = folded(prefix)
    return _table.query(f"{kind}{begins[0]}", begins=begins, limit=MAX_SUGGESTED).items if begins else []


def _exists(found: Item | None) -> Conflict:
    return BrandExists("Another brand has this name.", slug=found["slug"] if found else "")


def _slug_key(slug: str) -> Key:
    return Key(f"BRS#{slug}")
