"""A vendor's logo and banner: pictures of its library, claimed for the vendor and copied into its profile, so that
showing them needs no further read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from market import config
from market.table import Write
from media.contract import Usable, claim, not_ready, read_usable, vendor_owner
from vendors import store

NAMES = ("logo", "banner")


@dataclass(frozen=True, slots=True)
class Resolved:
    """Fields of a profile with pictures in place of the ids of media, and what claims those for it."""

    fields: dict[str, Any]
    claims: list[Write] = field(default_factory=list)


def resolved(fields: Mapping[str, Any], vendor_id: str) -> Resolved:
    """Raises MediaNotReady for what is no picture of the vendor's that was uploaded as a banner, or is not ready."""
    owner = vendor_owner(vendor_id)
    named = {name: fields[name] for name in NAMES if fields.get(name)}
    found = {media_id: _usable(media_id, owner) for media_id in dict.fromkeys(named.values())}
    claims = [write for media_id in found for write in claim(media_id, owner, f"vendor:{vendor_id}")]
    return Resolved(dict(fields) | {name: _kept(found[media_id]) for name, media_id in named.items()}, claims)


def read(kept: str) -> dict[str, Any] | None:
    """`mediaId`, `base` and `sizes` of a picture as a profile keeps it; None where it has none."""
    return dict(orjson.loads(kept)) if kept else None


def _usable(media_id: str, owner: str) -> Usable:
    return read_usable(store.medium(media_id), owner, asked=media_id, purpose="banner")


def _kept(found: Usable) -> str:
    picture = found.pictures.get(found.crop)
    if picture is None:  # no picture at all, or just cut anew
        raise not_ready(found.id)
    base = f"{config.setting('MEDIA_URL')}/{found.path(picture.name)}"
    return orjson.dumps({"mediaId": found.id, "base": base, "sizes": picture.sizes}).decode()
