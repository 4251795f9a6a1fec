"""What other services may know of media, and a fragment by which they take one into use; both are pure.

Whoever shows a medium copies its addresses, which never change: a page needs no second read. Before that it claims it
(`claim`, in a transaction of its own or in that which writes the page): what is claimed is neither swept away nor
deleted while somebody may still show it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from market import clock
from market.errors import Conflict
from market.table import Item, Key, Write, put, update
from media.manifest import MANIFEST as MANIFEST
from media.sniffing import HEAD as HEAD
from media.sniffing import JPEG as JPEG
from media.sniffing import PNG as PNG
from media.sniffing import WEBP as WEBP
from media.sniffing import Format as Format
from media.sniffing import sniff as sniff

READY = "ready"
UNMET_AFTER = timedelta(hours=48)
"""When it is looked at whether a claim is met."""
CLAIMS = "claim#"
"""What the sort keys of claims on a medium begin with; they stand in its partition."""
WHOLE = ""
"""The crop that cuts nothing away."""
ENCODINGS = (("avif", "image/avif"), ("webp", "image/webp"))
"""What each size of a picture is made in: suffix and content type, the smaller files first."""
_FILE = re.compile(r"/(med_[0-9a-z]{26})/")
_PICTURE = re.compile(r"/(pic_[0-9a-f]{32}\.[a-z]+)")
PICTURE, PICTURES = "pic_", "pictures-"
"""How names of pictures by hash begin, and the days on which they are due."""

KEPT, DELETED = "kept", "deleted"
"""States of a picture that is stored by a hash of its content."""


class MediaNotReady(Conflict):
    """There is no such medium of the caller's, it is not ready, or not cut like this; `mediaId` says which."""

    code, title = "media_not_ready", "Medium not ready"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture cut in one way. name: what its files' names begin with; sizes: (width, height), the smallest first."""

    name: str
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usable:
    """A medium that may be shown. owner: as `vendor_owner` gives it; alts: texts by language, `` for any.

    pictures: by crop; crop: the one that its owner wishes at present. file: of a model or a video.
    """

    id: str
    owner: str
    kind: str
    content_type: str
    crop: str
    alts: Mapping[str, str]
    pictures: Mapping[str, Picture]
    file: str

    def path(self, name: str) -> str:
        """Of a file of it, below MEDIA_URL."""
        return f"{self.id}/{name}"


def media_key(media_id: str) -> Key:
    return Key(f"MED#{media_id}")


def claim_key(media_id: str, reference: str) -> Key:
    return Key(f"MED#{media_id}", f"{CLAIMS}{reference}")


def vendor_owner(vendor_id: str) -> str:
    return f"vendor#{vendor_id}"


def read_usable(item: Mapping[str, Any] | None, owner: str, *, asked: str, purpose: str = "product") -> Usable:
    """The medium in an item of the table. Raises MediaNotReady for anything that this owner may not show so."""
    if item is None or item["owner"] != owner or item["status"] != READY or item["purpose"] != purpose:
        raise not_ready(asked)
    return Usable(
        id=asked,
        owner=owner,
        kind=item["kind"],
        content_type=item["content_type"],
        crop=item["crop"],
        alts=orjson.loads(item["alts"]),
        pictures=read_pictures(item["pictures"]),
        file=item["file"],
    )


def claim(media_id: str, owner: str, reference: str) -> tuple[Write, Write]:
    """Take a medium into use by `reference`: `product:prd_…` or `vendor:ven_…`. Repeated, it only counts from anew.

    Raises MediaNotReady where it is not this owner's, not ready, or gone. Whether it is really used is looked at
    when it would be swept: a claim by a write that failed afterwards costs nothing but time. Each claim is an item of
    its own, as thousands may use one medium.
    """
    place = due_place(media_id, UNMET_AFTER)
    medium = update(
        media_key(media_id),
        "ADD version :one SET claimed_at = :now, by2pk = :duepk, by2sk = :duesk",
        {
            ":one": 1,
            ":now": clock.timestamp(),
            ":duepk": place["by2pk"],
            ":duesk": place["by2sk"],
            ":owner": owner,
            ":ready": READY,
        },
        when="owner = :owner AND status = :ready",
        otherwise=not_ready(media_id),
    )
    return medium, put(claim_key(media_id, reference), {})


def file_of(address: str) -> str:
    """The medium whose file has this address; empty for any other address."""
    found = _FILE.search(address)
    return found[1] if found else ""


def picture_of(address: str) -> str:
    """The picture by hash that has this address; empty for any other address."""
    found = _PICTURE.search(address)
    return found[1] if found else ""


def picture_name(content: bytes, suffix: str, *, salt: str = "") -> str:
    """What a picture is called that is stored by a hash of its content, so that the same picture is one file.

    salt: for another name; it stands before the content, since no picture begins like it.
    """
    return f"{PICTURE}{hashlib.sha256(salt.encode() + content).hexdigest()[:32]}.{suffix}"


def keep_picture(name: str) -> Write:
    """Count a picture by hash as there, before its file is stored; repeated, its time begins anew.

    It belongs to nobody, as whoever sends the same content shares it. Raises MediaNotReady while one of this name is
    being deleted: its file may go at any moment, so store it by another name.
    """
    place = due_place(name, UNMET_AFTER)
    values = {":one": 1, ":kept": KEPT, ":now": clock.timestamp(), ":duepk": place["by2pk"], ":duesk": place["by2sk"]}
    return update(
        media_key(name),
        "ADD version :one SET status = :kept, kept_at = :now, by2pk = :duepk, by2sk = :duesk",
        values,
        when="attribute_not_exists(status) OR status = :kept",
        otherwise=_picture_gone(name),
    )


def claim_picture(name: str, reference: str) -> tuple[Write, Write]:
    """Take a picture by hash into use, as `claim` does; also `brand:…`. Raises MediaNotReady for one that is gone."""
    place = due_place(name, UNMET_AFTER)
    values = {":one": 1, ":kept": KEPT, ":now": clock.timestamp(), ":duepk": place["by2pk"], ":duesk": place["by2sk"]}
    picture = update(
        media_key(name),
        "ADD version :one SET claimed_at = :now, by2pk = :duepk, by2sk = :duesk",
        values,
        when="status = :kept",
        otherwise=_picture_gone(name),
    )
    return picture, put(claim_key(name, reference), {})


def due_place(media_id: str, after: timedelta) -> dict[str, str]:
    """Where a medium stands among those that the sweep looks at when this time has passed."""
    return due_at(clock.iso(clock.now() + after), media_id)


def due_at(due: str, media_id: str) -> dict[str, str]:
    """Its place by the day and moment when it is due; pictures by hash have days of their own."""
    named = PICTURES if media_id.startswith(PICTURE) else ""
    return {"by2pk": f"MDS#{named}{due[:10]}", "by2sk": f"{due}#{media_id}"}


def packed_pictures(pictures: Mapping[str, Picture]) -> str:
    """As stored: a map in the table has no empty name, which the whole picture has."""
    return orjson.dumps({crop: [cut.name, cut.sizes] for crop, cut in pictures.items()}).decode()


def read_pictures(stored: str) -> dict[str, Picture]:
    return {
        crop: Picture(name, tuple((width, height) for width, height in sizes))
        for crop, (name, sizes) in orjson.loads(stored).items()
    }


def sources(base: str, sizes: Iterable[tuple[int, int]]) -> list[Item]:
    """Every file of a picture: `url`, `type`, `width`, `height`. base: the address up to its `name`."""
    made = list(sizes)
    return [
        {"url": f"{base}-{width}.{suffix}", "type": content_type, "width": width, "height": height}
        for suffix, content_type in ENCODINGS
        for width, height in made
    ]


def not_ready(media_id: str) -> MediaNotReady:
    return MediaNotReady("There is no such medium of yours that is ready.", mediaId=media_id)


def _picture_gone(name: str) -> MediaNotReady:
    return MediaNotReady("There is no such picture any more. Send it again.", mediaId=name)
