"""Media in the table: one item each, written only as the version that was seen.

`MED#<id>` stands in two indexes: by its owner (`MDO#<owner>`, in the order of time) and, while the sweep is to look at
it, by the day when that is due (`MDS#<day>`).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from catalog.contract import MANIFEST as CATALOG
from catalog.contract import copy_key, product_key, shown_before, shows, was_on_sale
from market import clock
from market.errors import Conflict, NotFound
from market.events import Event, announce
from market.guard.callers import Caller
from market.table import NEW, Page, Table, delete, put
from media.contract import media_key
from media.manifest import MANIFEST
from media.model import Media, from_item, to_item
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import require_known

_table = Table(MANIFEST, CATALOG, VENDORS)
BY_OWNER, BY_DUE = "by1", "by2"
_DAYS_BACK = 14
_PAGE = 50


class Changed(Conflict):
    """Somebody else wrote it meanwhile; read it again."""

    code, title = "media_changed", "Changed meanwhile"


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def find(media_id: str) -> Media | None:
    """As last written; None where there is none, also of one that was deleted before the sweep forgot it."""
    item = _table.get(media_key(media_id), consistent=True)
    return from_item(item) if item else None


def get(owner: str, media_id: str) -> Media:
    """The owner's. Raises NotFound, also for somebody else's and for one that was deleted."""
    found = find(media_id)
    if found is None or found.owner != owner or found.status == "deleted":
        raise NotFound("There is no such medium.")
    return found


def add(media: Media) -> None:
    _table.write(put(media_key(media.id), to_item(media), when=NEW, otherwise=Changed("It is there already.")))


def save(before: Media, after: Media, *events: Event) -> Media:
    """The medium in its next version, as stored. Raises Changed if it is not the version that was seen."""
    stored = replace(after, version=before.version + 1)
    write = put(
        media_key(before.id),
        to_item(stored),
        when="version = :seen",
        values={":seen": before.version},
        otherwise=Changed("It was changed meanwhile."),
    )
    _table.transact(write, *(announce(event, by=MANIFEST) for event in events))
    return stored


def forget(media: Media) -> None:
    """Take the item away for good, if it is the version that was seen; else leave it to the next sweep."""
    seen = {":seen": media.version}
    _table.transact(delete(media_key(media.id), when="version = :seen", values=seen, otherwise=Changed("Changed.")))


def of_owner(owner: str, *, limit: int, cursor: str | None) -> Page:
    """Cards, newest first."""
    return _table.query(f"MDO#{owner}", index=BY_OWNER, newest_first=True, limit=limit, cursor=cursor, only="card")


def ids_of(owner: str) -> Iterator[str]:
    """Of everything that the owner has."""
    cursor: str | None = None
    while True:
        page = _table.query(f"MDO#{owner}", index=BY_OWNER, limit=_PAGE, cursor=cursor)
        yield from (item["pk"].removeprefix("MED#") for item in page.items)
        cursor = page.next
        if cursor is None:
            return


def due() -> Iterator[str]:
    """Ids that the sweep is to look at now: the days before first, as far back as a sweep may have failed."""
    now = clock.now()
    for days in range(_DAYS_BACK, -1, -1):
        yield from _due_on((now - timedelta(days=days)).date().isoformat(), clock.iso(now))


def _due_on(day: str, until: str) -> Iterator[str]:
    cursor: str | None = None
    while True:
        page = _table.query(f"MDS#{day}", index=BY_DUE, limit=_PAGE, cursor=cursor)
        for item in page.items:
            if item["by2sk"] > until:
                return
            yield item["pk"].removeprefix("MED#")
        cursor = page.next
        if cursor is None:
            return


def uses(media: Media) -> str:
    """How the claims on it are met: `kept` by what was on sale once, `drafted` by what may yet be, or empty.

    Claims of others than products cannot be looked at from here and count as kept.
    """
    products = {claim.removeprefix("product:") for claim in media.claims if claim.startswith("product:")}
    if len(products) < len(media.claims):
        return "kept"
    drafted = ""
    for product_id in sorted(products):  # there may be thousands, of which the first often tells enough
        use = _used_by(media.id, product_id)
        if use == "kept":
            return use
        drafted = drafted or use
    return drafted


def _used_by(media_id: str, product_id: str) -> str:
    product = _table.get(product_key(product_id), consistent=True)
    if product and shows(product, media_id):
        return "kept" if was_on_sale(product) else "drafted"
    copy = _table.get(copy_key(product_id), consistent=True)
    if copy and shows(copy, media_id):
        return "drafted"
    return "kept" if _in_a_version(product_id, media_id) else ""


def _in_a_version(product_id: str, media_id: str) -> bool:
    partition, begins = shown_before(product_id)
    cursor: str | None = None
    while True:
        page = _table.query(partition, begins=begins, limit=_PAGE, cursor=cursor)
        if any(shows(version, media_id) for version in page.items):
            return True
        cursor = page.next
        if cursor is None:
            return False
