"""The media of a product: named by its vendor, looked up and claimed once, then shown from the product's own item.

Who gives the address of a medium's file instead, as a picture of the product or of a variant, has it claimed as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog import store
from catalog.forms import MediaForm
from catalog.model import Medium
from market import config
from media.contract import Usable, claim, file_of, media_key, not_ready, read_usable, vendor_owner

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
    _claim(sorted({*found, *filter(None, map(file_of, _addresses(fields)))}), owner, f"product:{product_id}")
    if "media" not in fields:
        return fields
    media = tuple(
        _medium(form, found[form.media_id]) if form.media_id in found else shown[form.media_id] for form in forms
    )
    return fields | {"media": media}


def _claim(media_ids: Sequence[str], owner: str, reference: str) -> None:
    for start in range(0, len(media_ids), _AT_ONCE):
        some = media_ids[start : start + _AT_ONCE]
        store.claim([write for media_id in some for write in claim(media_id, owner, reference)])


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
