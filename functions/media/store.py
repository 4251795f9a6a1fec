"""Media in the table: one item each, written only as the version that was seen, and one for each claim beside it.

A picture by hash is an item of the same kind, `MED#pic_…`, which belongs to nobody and is in nobody's list.

`MED#<id>` stands in two indexes: by its owner (`MDO#<owner>`, in the order of time) and, while the sweep is to look at
it, by the day when that is due (`MDS#<day>`, of pictures by hash `MDS#pictures-<day>`). The first such day that may
have something left is kept at `MDS#first` and `MDS#pictures-first`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal, Protocol

from catalog.contract import MANIFEST as CATALOG
from catalog.contract import copy_key, product_key, shown_before, shows, was_on_sale
from market import clock
from market.errors import Conflict, NotFound
from market.events import Event, announce
from market.guard import audit
from market.guard.callers import Caller
from market.table import EXISTS, NEW, Key, Page, Table, delete, put, update
from media.contract import CLAIMS, claim_key, due_place, media_key
from media.manifest import MANIFEST
from media.model import LOOK_AGAIN, Media, StoredPicture, from_item, read_picture, to_item
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import pictured, require_known, vendor_key

_table = Table(MANIFEST, CATALOG, VENDORS)
BY_OWNER, BY_DUE = "by1", "by2"
_DAYS_BACK = timedelta(days=14)
"""Looked back the first time of all."""
_DAY = timedelta(days=1)
_PAGE = 50
_LOOKED_AT = 90
"""Claims on one medium that are looked at in one go: their end fits into one transaction."""

How = Literal["kept", "held", ""]


@dataclass(frozen=True, slots=True)
class Uses:
    """How the claims on a medium are met: `kept` by what was on sale once; `held` by what may change, or where there
    are more claims than were looked at. unmet: references of claims by which nothing shows it any more.
    """

    how: How
    unmet: tuple[str, ...] = ()


class Claimable(Protocol):
    """A medium, or a picture by hash: what stands at `MED#<id>`, with its claims beside it."""

    @property
    def id(self) -> str: ...
    @property
    def claimed_at(self) -> str: ...
    @property
    def version(self) -> int: ...


class Changed(Conflict):
    """Somebody else wrote it meanwhile; read it again."""

    code, title = "media_changed", "Changed meanwhile"


def require_vendor(vendor_id: str, caller: Caller) -> None:
    """Raises NotFound."""
    require_known(vendor_id, caller, _table.get)


def find(media_id: str) -> Media | None:
    """As last written; None where there is none, also of one that was deleted before the sweep forgot it."""
    item = _table.get(media_key(media_id), consistent=True)
    return from_item(item) if item and "owner" in item else None


def picture(name: str) -> StoredPicture | None:
    """A picture by hash, as last written."""
    item = _table.get(media_key(name), consistent=True)
    return read_picture(item) if item else None


def get(owner: str, media_id: str) -> Media:
    """The owner's. Raises NotFound, also for somebody else's and for one that was deleted."""
    found = find(media_id)
    if found is None or found.owner != owner or found.status == "deleted":
        raise no_such_medium()
    return found


def no_such_medium() -> NotFound:
    return NotFound("There is no such medium.")


def record_look(media: Media, user_id: str) -> None:
    """Tell the audit that whoever acts looks at this person's file: reading alone leaves no record by itself."""
    _table.transact(
        audit.entry(MANIFEST, action="media.show_evidence", subject={"media_id": media.id, "user_id": user_id})
    )


def add(media: Media) -> None:
    _table.write(put(media_key(media.id), to_item(media), when=NEW, otherwise=Changed("It is there already.")))


def save(before: Media, after: Media, *events: Event, unmet: Sequence[str] = ()) -> Media:
    """The medium in its next version, as stored, without those claims. Raises Changed if it is not as it was seen."""
    stored = replace(after, version=before.version + 1)
    write = put(
        media_key(before.id),
        to_item(stored),
        when="version = :seen",
        values={":seen": before.version},
        otherwise=Changed("It was changed meanwhile."),
    )
    ended = [delete(claim_key(before.id, reference)) for reference in unmet]
    _table.transact(write, *(announce(event, by=MANIFEST) for event in events), *ended)
    return stored


def save_picture(before: StoredPicture, after: StoredPicture, *, unmet: Sequence[str] = ()) -> StoredPicture:
    """A picture by hash in its next version, as stored, without those claims. Raises Changed."""
    stored = replace(after, version=before.version + 1)
    seen = {":seen": before.version}
    changed = Changed("It was stored again or claimed meanwhile.")
    ended = [delete(claim_key(before.id, reference)) for reference in unmet]
    _table.transact(
        put(media_key(before.id), stored.item(), when="version = :seen", values=seen, otherwise=changed), *ended
    )
    return stored


def forget(media: Claimable) -> None:
    """Take what was deleted and its claims away for good. Raises Changed if it is not the version that was seen."""
    while claims := _table.query(media_key(media.id).pk, begins=CLAIMS, limit=_LOOKED_AT, consistent=True).items:
        _table.batch_put([delete(Key(claim["pk"], claim["sk"])) for claim in claims])
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


def due(days: str = "") -> Iterator[str]:
    """Ids that the sweep is to look at now, those first that are due for the longest time; days: `PICTURES`, or of
    media.
    """
    now = clock.now()
    day = _first_day(now.date(), days)
    while day <= now.date():
        yield from _due_on(f"{days}{day.isoformat()}", clock.iso(now))
        day += _DAY


def _first_day(today: date, days: str) -> date:
    """Before it nothing is left. It is remembered: a sweep that stood still for months misses nothing."""
    bookmark = Key(f"MDS#{days}first")
    mark = _table.get(bookmark, consistent=True)
    first = seen = date.fromisoformat(mark["day"]) if mark else today - _DAYS_BACK
    while first < today - _DAY and not _table.query(f"MDS#{days}{first.isoformat()}", index=BY_DUE, limit=1).items:
        first += _DAY
    if mark is None or first != seen:
        _table.write(put(bookmark, {"day": first.isoformat()}))
    return first


def postpone(media_id: str) -> None:
    """Have it looked at an hour later, whatever is wrong with it. Raises Changed where it is gone."""
    place = due_place(media_id, LOOK_AGAIN)
    values = {":duepk": place["by2pk"], ":duesk": place["by2sk"]}
    later = update(
        media_key(media_id), "SET by2pk = :duepk, by2sk = :duesk", values, when=EXISTS, otherwise=Changed("Gone.")
    )
    _table.write(later)


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


def uses(media: Claimable) -> Uses:
    """Who shows it, as its claims say: the first that keeps it tells enough."""
    if not media.claimed_at:
        return Uses("")
    page = _table.query(media_key(media.id).pk, begins=CLAIMS, limit=_LOOKED_AT, consistent=True)
    held, unmet = page.next is not None, list[str]()
    for item in page.items:
        reference = item["sk"].removeprefix(CLAIMS)
        how = _used_by(media.id, reference)
        if how == "kept":
            return Uses("kept")
        held = held or how == "held"
        if not how:
            unmet.append(reference)
    return Uses("held" if held else "", tuple(unmet))


def _used_by(media_id: str, reference: str) -> How:
    """Claims of which nothing can be found out from here keep what they are on."""
    kind, _, name = reference.partition(":")
    match kind:
        case "product":
            return _shown_by_product(media_id, name)
        case "vendor":
            vendor = _table.get(vendor_key(name), consistent=True)
            return "held" if vendor and pictured(vendor, media_id) else ""
    return "kept"


def _shown_by_product(media_id: str, product_id: str) -> How:
    """The working copy first, then the product, then its versions: what moves on meanwhile is met there."""
    copy = _table.get(copy_key(product_id), consistent=True)
    if copy and shows(copy, media_id):
        return "held"
    product = _table.get(product_key(product_id), consistent=True)
    if product and shows(product, media_id):
        return "kept" if was_on_sale(product) else "held"
    return "kept" if _in_a_version(product_id, media_id) else ""


def _in_a_version(product_id: str, media_id: str) -> bool:
    partition, begins = shown_before(product_id)
    cursor: str | None = None
    while True:
        page = _table.query(partition, begins=begins, limit=_PAGE, cursor=cursor, consistent=True)
        if any(shows(version, media_id) for version in page.items):
            return True
        cursor = page.next
        if cursor is None:
            return False
