"""What people do with media: upload, complete, describe, cut, delete; owners are vendors or customers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from market.errors import Unprocessable
from media import gateway, store
from media.contract import WHOLE
from media.events import CropWanted
from media.forms import CustomerFile, MediaChange, VendorFile
from media.gateway import Part
from media.model import (
    LOOK_AGAIN,
    Media,
    MediaInUse,
    TooManyMedia,
    UploadGone,
    UploadIncomplete,
    born,
)
from media.sizes import most_bytes
from media.store import Changed

MAX_OF_A_CUSTOMER = 100
_CUSTOMER = "customer#"


class FileTooLarge(Unprocessable):
    """Files of this kind may have `limit` bytes."""

    code, title = "file_too_large", "File too large"


@dataclass(frozen=True, slots=True)
class Seen:
    """A medium, and while it is uploaded the parts that have arrived."""

    media: Media
    parts: Mapping[int, Part] | None = None


def customer_owner(user_id: str) -> str:
    return f"{_CUSTOMER}{user_id}"


def user_of(owner: str) -> str:
    """The customer who owns a medium."""
    return owner.removeprefix(_CUSTOMER)


def begin(owner: str, files: Sequence[VendorFile | CustomerFile]) -> list[Seen]:
    """Uploads for these files. Raises FileTooLarge or TooManyMedia."""
    for file in files:
        limit = most_bytes(file.kind)
        if file.size > limit:
            raise FileTooLarge(f"{file.kind.title()}s may have {limit} bytes.", limit=limit)
    if owner.startswith(_CUSTOMER):
        held = len(store.of_owner(owner, limit=MAX_OF_A_CUSTOMER, cursor=None).items)
        if held + len(files) > MAX_OF_A_CUSTOMER:
            raise TooManyMedia(f"An account may have {MAX_OF_A_CUSTOMER} files.")
    return [_begun(owner, file) for file in files]


def _begun(owner: str, file: VendorFile | CustomerFile) -> Seen:
    media = born(owner, kind=file.kind, purpose=file.purpose, name=file.name, size=file.size)
    media = replace(media, upload_id=gateway.begin(media.id))
    store.add(media)
    return Seen(media, {})


def show(owner: str, media_id: str) -> Seen:
    """Raises NotFound."""
    media = store.get(owner, media_id)
    return Seen(media, gateway.parts(media) if media.status == "uploading" else None)


def show_evidence(media_id: str) -> Media:
    """Somebody's file of a dispute, for staff; who looked at whose is recorded before it is shown. Raises NotFound."""
    media = store.find(media_id)
    if media is None or not media.private or media.status == "deleted":
        raise store.no_such_medium()
    store.record_look(media, user_of(media.owner))
    return media


def complete(owner: str, media_id: str) -> Media:
    """Put the parts together, and leave the rest to whom the bucket tells of it. Repeated, it changes nothing.

    Raises NotFound, UploadIncomplete or UploadGone.
    """
    media = store.get(owner, media_id)
    if media.status != "uploading":
        return media
    found = gateway.parts(media)
    if found is not None:
        missing = [number for number, size in media.parts.items() if _lacks(found, number, size)]
        if missing or found.keys() - media.parts.keys():
            raise UploadIncomplete("Some parts have not arrived as announced.", missing=missing)
        try:
            finished = gateway.finish(media, found)
        except gateway.PartReplaced:
            raise UploadIncomplete("A part was sent again meanwhile. Complete it once more.", missing=[]) from None
    if (found is None or not finished) and gateway.size(gateway.upload_key(media_id)) is None:
        return _overtaken(owner, media_id)
    try:
        return store.save(media, replace(media, status="processing").looked_at(LOOK_AGAIN))
    except Changed:
        return store.get(owner, media_id)


def _lacks(found: Mapping[int, Part], number: int, size: int) -> bool:
    return number not in found or found[number].size != size


def _overtaken(owner: str, media_id: str) -> Media:
    """There is neither an upload nor a file: it was processed already, or is gone. Raises UploadGone or NotFound."""
    media = store.get(owner, media_id)
    if media.status == "uploading":
        raise UploadGone("The upload is over. Begin it anew.")
    return media


def change(owner: str, media_id: str, form: MediaChange, *, check: Callable[[int], None]) -> Media:
    """Describe a medium, or cut it; the sizes of another crop are made afterwards. `check` may refuse the version.

    Raises NotFound, NotReady, BadCrop, TooManyCrops or Changed.
    """
    media = store.get(owner, media_id)
    check(media.version)
    after = media
    if form.alts:
        told = {language: text for language, text in (media.alts | form.alts).items() if text}
        after = replace(after, alts=told)
    if "crop" in form.model_fields_set:
        after = after.cut(form.crop.text() if form.crop else WHOLE)
    if after == media:
        return media
    wanted = after.waits and after.crop != media.crop
    return store.save(media, after, *([CropWanted(media_id=media.id, crop=after.crop)] if wanted else []))


def delete(owner: str, media_id: str) -> None:
    """Give an upload up, or delete what nobody shows. Raises NotFound, MediaInUse or Changed; repeated, NotFound."""
    media = store.get(owner, media_id)
    if media.just_claimed or store.uses(media).how:
        raise MediaInUse("It is shown, was so once, or may be soon: a product or a vendor has been given it.")
    remove(media)


def remove(media: Media) -> None:
    """Delete a medium. What is left of it is a mark, for whoever processes it just now, which the sweep takes away.

    Raises Changed.
    """
    gone = replace(media, status="deleted", name="", alts={}).looked_at(LOOK_AGAIN)
    purge(store.save(media, gone))


def purge(media: Media) -> None:
    """Delete all files of a medium. Repeated, it changes nothing."""
    if media.upload_id:
        gateway.abort(media)
    gateway.discard_all(media.id)
