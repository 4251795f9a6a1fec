"""From an uploaded file to what pages show: looks at it, makes its files, and says so. Every step may run again.

The files of a medium are named by its id and a hash of its content, its crop and the recipe, so that two runs write the
same files; who loses a race for the item throws away only what nobody shows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from market import config, log
from market.events import Event
from media import gateway, scenes, store, videos
from media.blots import Blot
from media.contract import READY, WHOLE, Picture
from media.events import MediaReady, MediaRefused
from media.model import MAX_ATTEMPTS, Media, Unfit
from media.sizes import most_bytes
from media.sniffing import GLB, HEAD, MP4, Format, sniff
from media.store import Changed

_TRIES = 5


@dataclass(frozen=True, slots=True)
class Made:
    """What came of a file: a picture of one crop, or the name of a model or video."""

    content_type: str
    digest: str
    width: int = 0
    height: int = 0
    crop: str = WHOLE
    picture: Picture | None = None
    file: str = ""


def kept_for() -> timedelta:
    """How long a medium stays that nothing shows."""
    return timedelta(hours=config.number("MEDIA_KEPT_HOURS"))


def process(media_id: str) -> None:
    """Make what is missing of a medium: its first files, or those of another crop.

    Called again, after it ended half-way or for a medium that is ready, it changes nothing. A file over which the
    function died MAX_ATTEMPTS times is refused unseen.
    """
    media = store.find(media_id)
    if media is None or media.status == "deleted":
        gateway.discard_all(media_id)
        return
    if not media.waits:
        gateway.discard([gateway.upload_key(media_id)])
        return
    if media.status != READY and gateway.size(gateway.upload_key(media_id)) is None:
        return  # asked for too early: the file is not put together yet
    if media.attempts >= MAX_ATTEMPTS:
        give_up(media, "unprocessable")
        return
    media = store.save(media, replace(media, attempts=media.attempts + 1))
    try:
        made = _cut_anew(media) if media.status == READY else _looked_into(media)
    except Unfit as unfit:
        give_up(media, unfit.reason)
        return
    _finish(media.id, made)


def _looked_into(media: Media) -> Made:
    """The first files. Raises Unfit."""
    key = gateway.upload_key(media.id)
    size = gateway.size(key)
    if size != media.size or media.size > most_bytes(media.kind):
        raise Unfit("wrong_size", "It has not the size that was announced.")
    found = sniff(gateway.read_part(key, 0, HEAD))
    if found is None or found.kind != media.kind:
        raise Unfit("wrong_type", "It is not what it was said to be.")
    match found.kind:
        case "image":
            return _pictured(media, key, found)
        case "model":
            return _modelled(media, key, found)
        case "video":
            return _filmed(media, key, found)


def _pictured(media: Media, key: str, found: Format) -> Made:
    content = gateway.read(key)
    digest = hashlib.sha256(content).hexdigest()
    made = _drawn(media, content, digest, WHOLE)
    gateway.copy(key, gateway.original(replace(media, digest=digest), found.content_type))
    return replace(made, content_type=found.content_type)


def _cut_anew(media: Media) -> Made:
    content = gateway.read(gateway.original_key(media))
    return replace(_drawn(media, content, media.digest, media.crop), content_type=media.content_type)


def _drawn(media: Media, content: bytes, digest: str, crop: str) -> Made:
    from media import imaging  # with Pillow, which only the function that makes files has

    drawn = imaging.draw(content, crop, most_pixels=config.number("MEDIA_MAX_PIXELS"))
    name = _name(digest, imaging.RECIPE, crop)
    for width, suffix, content_type, file in drawn.files():
        gateway.keep(gateway.public(media, f"{name}-{width}.{suffix}", content_type), file)
    return Made("", digest, drawn.width, drawn.height, crop, Picture(name, drawn.sizes))


def _modelled(media: Media, key: str, found: Format) -> Made:
    content = gateway.read(key)
    check = scenes.check_glb if found == GLB else scenes.check_usdz
    blots = check(content)
    return _as_it_is(media, key, found, hashlib.sha256(content).hexdigest(), blots)


def _filmed(media: Media, key: str, found: Format) -> Made:
    read = gateway.Window(key)
    check = videos.check_mp4 if found == MP4 else videos.check_webm
    blots = check(read, media.size)
    digest = hashlib.sha256(f"{media.id}|{media.upload_id}".encode()).hexdigest()
    return _as_it_is(media, key, found, digest, blots)


def _as_it_is(media: Media, key: str, found: Format, digest: str, blots: Sequence[Blot] = ()) -> Made:
    name = f"{_name(digest, '', WHOLE)}.{found.suffix}"
    file = gateway.public(media, name, found.content_type)
    if blots:
        gateway.copy_blotted(key, file, size=media.size, blots=blots)
    else:
        gateway.copy(key, file)
    return Made(found.content_type, digest, file=name)


def _name(digest: str, recipe: str, crop: str) -> str:
    return hashlib.sha256(f"{digest}|{recipe}|{crop}".encode()).hexdigest()[:20]


def _finish(media_id: str, made: Made) -> None:
    """Write down what was made, whatever else was changed of the medium meanwhile; one deleted stays deleted."""
    for attempt in range(_TRIES):
        media = store.find(media_id)
        if media is None or media.status in ("deleted", "refused"):
            gateway.discard_all(media_id)
            return
        try:
            _write_down(media, made)
            break
        except Changed:
            if attempt == _TRIES - 1:
                raise
    gateway.discard([gateway.upload_key(media_id)])


def _write_down(media: Media, made: Made) -> None:
    pictures = dict(media.pictures) | ({made.crop: made.picture} if made.picture else {})
    first = media.status != READY
    after = replace(
        media,
        status="ready",
        content_type=made.content_type,
        digest=made.digest,
        width=made.width or media.width,
        height=made.height or media.height,
        file=made.file,
        pictures=pictures,
        attempts=0,
        upload_id="",
    )
    if first or not after.waits:
        after = after.looked_at(kept_for())
    event = MediaReady(media_id=media.id, owner=media.owner, kind=media.kind, purpose=media.purpose, crop=made.crop)
    store.save(media, after, event)
    log.info("media ready", media_id=media.id, kind=media.kind, attempts=media.attempts)


def give_up(media: Media, reason: str) -> None:
    """Refuse a new medium; of a picture that cannot be cut like this, go back to the whole."""
    if media.status == READY:
        store.save(media, replace(media, crop=WHOLE, attempts=0).looked_at(kept_for()))
        return
    refused: Event = MediaRefused(
        media_id=media.id, owner=media.owner, kind=media.kind, purpose=media.purpose, reason=reason
    )
    store.save(media, media.refused(reason, kept_for()), refused)
    gateway.discard_all(media.id)
    log.info("media refused", media_id=media.id, kind=media.kind, reason=reason)
