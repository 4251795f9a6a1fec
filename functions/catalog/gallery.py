"""The media of a product: named by its vendor, looked up and claimed once, then shown from the product's own item.

Who gives the address of a medium's file instead, as a picture of the product or of a variant, has it claimed as well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from catalog import gateway, store
from catalog.forms import MediaForm
from catalog.model import Medium
from market import clock, config
from market.table import Write
from media.contract import (
    Format,
    MediaNotReady,
    Usable,
    claim,
    claim_picture,
    file_of,
    keep_picture,
    media_key,
    not_ready,
    picture_name,
    picture_of,
    read_usable,
    vendor_owner,
)

_AT_ONCE = 40
"""Claims in one transaction; each is independent of the others."""


def resolved(fields: dict[str, Any], vendor_id: str, product_id: str, present: Sequence[Medium] = ()) -> dict[str, Any]:
    """The fields with what a form says of media in place of their names; they are claimed for the product.

    What the product shows already, and in the same way, is not looked up again. Raises MediaNotReady.
    """
    forms: Sequence[MediaForm] = fields.get("media", ())
    shown = {medium.media_id: medium for medium in present}
    new = [form for form in forms if not _same(form, shown.get(form.media_id))]
    owner = vendor_owner(vendor_id)
    found = _usable([form.media_id for form in new], owner)
    _claim(fields, found, owner, f"product:{product_id}")
    if "media" not in fields:
        return fields
    media = tuple(
        _medium(form, found[form.media_id]) if form.media_id in found else shown[form.media_id] for form in forms
    )
    return fields | {"media": media}


def keep(content: bytes, kind: Format) -> str:
    """Store a picture by a hash of its content, so that the same picture is one object; its address.

    It is deleted two days later unless a product or a brand names it.
    """
    name = picture_name(content, kind.suffix)
    try:
        store.claim([keep_picture(name)])
    except MediaNotReady:  # one with this content is just being deleted; another name is free of that for two days
        name = picture_name(content, kind.suffix, salt=clock.timestamp()[:10])
        store.claim([keep_picture(name)])
    return gateway.keep(name, content, kind.content_type)


def _claim(fields: Mapping[str, Any], named: Iterable[str], owner: str, reference: str) -> None:
    addresses = list(_addresses(fields))
    files = sorted({*named, *filter(None, map(file_of, addresses))})
    pictures = sorted(set(filter(None, map(picture_of, addresses))))
    claims: list[tuple[Write, Write]] = [claim(media_id, owner, reference) for media_id in files]
    claims += [claim_picture(name, reference) for name in pictures]
    for start in range(0, len(claims), _AT_ONCE):
        store.claim([write for pair in claims[start : start + _AT_ONCE] for write in pair])


def _addresses(fields: Mapping[str, Any]) -> Iterator[str]:
    """Of pictures that are given by address."""
    yield from (image.url for image in fields.get("images", ()))
    yield from (variant.image or "" for variant in fields.get("variants", ()))


def _same(form: MediaForm, medium: Medium | None) -> bool:
    return medium is not None and form.crop == medium.crop and form.alt == medium.alt


def _usable(media_ids: Sequence[str], owner: str) -> Mapping[str, Usable]:
    items = store.media(map(media_key, media_ids)) if media_ids else {}
    return {media_id: read_usable(items.get(media_key(media_id)), owner, asked=media_id) for media_id in media_ids}


def _medium(form: MediaForm, found: Usable) -> Medium:
    """As the product keeps it. Raises MediaNotReady where there are no sizes of this crop yet."""
    told: dict[str, Any] = {
        "media_id": found.id,
        "kind": found.kind,
        "type": found.content_type,
        "alt": form.alt or found.alts.get("", ""),
        "alts": {language: text for language, text in found.alts.items() if language},
    }
    address = config.setting("MEDIA_URL")
    if found.kind != "image":
        return Medium(**told, base=f"{address}/{found.path(found.file)}")
    crop = found.crop if form.crop is None else form.crop
    picture = found.pictures.get(crop)
    if picture is None:
        raise not_ready(found.id)
    return Medium(**told, crop=crop, base=f"{address}/{found.path(picture.name)}", sizes=picture.sizes)
