"""Vendors in the table: the vendor, its slug, its owner's one place; lists by status in `by1`."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from market.errors import PreconditionFailed, Problem
from market.events import Event, announce
from market.table import NEW, Item, Key, Table, Write, delete, put
from media.contract import MANIFEST as MEDIA
from media.contract import media_key
from vendors.contract import vendor_key
from vendors.manifest import MANIFEST
from vendors.model import REJECTED, AlreadyApplied, NoSuchVendor, Profile, SlugTaken

_table = Table(MANIFEST, MEDIA)
_CARD = (
    *("name", "slug", "status", "owner_id", "support_email", "support_phone"),
    *("description", "logo", "banner", "applied_at"),
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of vendors with what a list shows of them: without tax id, legal name, country and reason."""

    vendors: list[Profile]
    next: str | None


def get(vendor_id: str, *, consistent: bool = False) -> Profile | None:
    item = _table.get(vendor_key(vendor_id), consistent=consistent)
    return _profile(item) if item else None


def of_owner(owner_id: str) -> Profile | None:
    """The vendor that takes this person's one place, if any."""
    place = _table.get(_owner_key(owner_id), consistent=True)
    return get(place["vendor_id"], consistent=True) if place else None


def with_status(status: str, *, limit: int, cursor: str | None) -> Listed:
    """Vendors of one status, the first to apply first."""
    page = _table.query(f"VES#{status}", index="by1", limit=limit, cursor=cursor)
    return Listed([Profile(id=_id(item), **item["card"]) for item in page.items], page.next)


def add(profile: Profile, event: Event) -> None:
    """Store an application. Raises AlreadyApplied or SlugTaken."""
    _table.transact(
        put(
            _owner_key(profile.owner_id),
            {"vendor_id": profile.id},
            when=NEW,
            otherwise=lambda found: AlreadyApplied(
                "You have applied already.", vendorId=found["vendor_id"] if found else ""
            ),
        ),
        put(
            _slug_key(profile.slug),
            {"vendor_id": profile.id},
            when=NEW,
            otherwise=SlugTaken(f"The slug {profile.slug} is taken.", slug=profile.slug),
        ),
        put(vendor_key(profile.id), _item(profile), when=NEW),
        announce(event, by=MANIFEST),
    )


def medium(media_id: str) -> Item | None:
    """The item of a medium, for its contract to read."""
    return _table.get(media_key(media_id), consistent=True)


def save(profile: Profile, claims: Sequence[Write] = ()) -> Profile:
    """Store a vendor that was read at `profile.version`, and claim its pictures with it.

    Raises PreconditionFailed if it changed since, MediaNotReady if a medium is gone.
    """
    saved = replace(profile, version=profile.version + 1)
    _table.transact(_changed(saved, profile.version), *claims)
    return saved


def save_status(profile: Profile, event: Event) -> Profile:
    """The same for a new status, with its event. A rejected vendor gives back slug and place."""
    saved = replace(profile, version=profile.version + 1)
    given_back = [delete(_owner_key(saved.owner_id)), delete(_slug_key(saved.slug))] if saved.status == REJECTED else []
    _table.transact(_changed(saved, profile.version), announce(event, by=MANIFEST), *given_back)
    return saved


def _changed(saved: Profile, seen: int) -> Write:
    return put(vendor_key(saved.id), _item(saved), when="version = :seen", values={":seen": seen}, otherwise=_stale)


def _stale(found: Item | None) -> Problem:
    if found is None:
        return NoSuchVendor("There is no such vendor.")
    return PreconditionFailed("The vendor has changed since you read it.")


def _slug_key(slug: str) -> Key:
    return Key(f"VSL#{slug}")


def _owner_key(owner_id: str) -> Key:
    """A person's one place: whoever holds it has a vendor that waits, sells or is suspended."""
    return Key(f"VEN#{owner_id}", "owner")


def _item(profile: Profile) -> dict[str, Any]:
    fields = asdict(profile)
    del fields["id"]
    card = {name: fields[name] for name in _CARD}
    return fields | {"card": card, "by1pk": f"VES#{profile.status}", "by1sk": profile.id}


def _profile(item: Item) -> Profile:
    kept = {name: value for name, value in item.items() if name not in ("pk", "sk", "by1pk", "by1sk", "card")}
    return Profile(id=_id(item), **kept)


def _id(item: Item) -> str:
    return str(item["pk"]).removeprefix("VEN#")
