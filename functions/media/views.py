"""Answers about media."""

from collections.abc import Mapping
from datetime import timedelta

from market import clock, config
from market.http import View
from media import gateway
from media.contract import sources
from media.gateway import Part
from media.model import PART_BYTES, Media, crop_box
from media.service import Seen, user_of


class PartView(View):
    """PUT exactly so many bytes to `url`, in any order, as often as needed; what has arrived needs none."""

    number: int
    bytes: int
    arrived: bool
    url: str | None = None


class UploadView(View):
    """Every part but the last has `partBytes`. The addresses end at `expiresAt`; reading it again gives new ones."""

    part_bytes: int
    parts: list[PartView]
    expires_at: str


class SourceView(View):
    url: str
    type: str
    width: int
    height: int


class CropView(View):
    """A rectangle in pixels of the upright original."""

    x: int
    y: int
    width: int
    height: int


class MediaView(View):
    """status: `uploading`, `processing`, `ready` or `refused`, then with a `reason`. width, height: of the upright
    original. `sources` are of the crop wished, once they are made; `url` is that of a model or a video.
    """

    id: str
    kind: str
    purpose: str
    name: str
    size: int
    status: str
    reason: str | None = None
    content_type: str | None = None
    width: int | None = None
    height: int | None = None
    alts: dict[str, str]
    crop: CropView | None = None
    sources: list[SourceView] = []
    url: str | None = None
    created_at: str
    upload: UploadView | None = None


class MediaList(View):
    items: list[MediaView]
    next_cursor: str | None = None


class EvidenceView(View):
    """What a person sent; the addresses in it show it to whoever has them, until `expiresAt`."""

    user_id: str
    expires_at: str
    media: MediaView


def evidence(media: Media) -> EvidenceView:
    until = clock.iso(clock.now() + timedelta(seconds=gateway.SHOWN_SECONDS))
    return EvidenceView(user_id=user_of(media.owner), expires_at=until, media=view(Seen(media)))


def view(seen: Seen) -> MediaView:
    media = seen.media
    crop = dict(zip(("x", "y", "width", "height"), crop_box(media.crop), strict=True)) if media.crop else None
    return MediaView(
        id=media.id,
        kind=media.kind,
        purpose=media.purpose,
        name=media.name,
        size=media.size,
        status=media.status,
        reason=media.reason or None,
        content_type=media.content_type or None,
        width=media.width or None,
        height=media.height or None,
        alts=media.alts,
        crop=CropView(**crop) if crop else None,
        sources=_sources(media),
        url=_address(media, media.file) if media.file else None,
        created_at=media.created_at,
        upload=_upload(media, seen.parts) if seen.parts is not None else None,
    )


def _sources(media: Media) -> list[SourceView]:
    picture = media.pictures.get(media.crop)
    if picture is None:
        return []
    files = sources(picture.name, picture.sizes)
    return [SourceView(**file | {"url": _address(media, file["url"])}) for file in files]


def _address(media: Media, name: str) -> str:
    if media.private:
        return gateway.shown_address(gateway.public_key(media, name))
    return f"{config.setting('MEDIA_URL')}/{media.id}/{name}"


def _upload(media: Media, arrived: Mapping[int, Part]) -> UploadView:
    parts = [
        PartView(number=number, bytes=size, arrived=True)
        if number in arrived and arrived[number].size == size
        else PartView(number=number, bytes=size, arrived=False, url=gateway.part_address(media, number))
        for number, size in media.parts.items()
    ]
    until = clock.iso(clock.now() + timedelta(seconds=gateway.UPLOAD_SECONDS))
    return UploadView(part_bytes=PART_BYTES, parts=parts, expires_at=until)
