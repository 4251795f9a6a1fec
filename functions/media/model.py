"""One medium and its life.

    uploading --> processing --> ready     also: uploading --> ready, where the news of the file was faster
        \\             \\---------> refused  from each of them: deleted

What is ready may be cut anew any number of times up to MAX_CROPS; each crop's files stay, as pages may show them.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

import orjson

from market import clock, ids
from market.errors import Conflict, Unprocessable
from media.contract import KEPT, READY, WHOLE, Picture, due_at, packed_pictures, read_pictures
from media.sniffing import Kind

PART_BYTES = 8 * 1024 * 1024
"""Of every part of an upload but the last; S3 wants five megabytes at least."""
MAX_CROPS = 20
MAX_ATTEMPTS = 3
"""So often a file may be the last that a function saw: then it is refused."""
UPLOAD_TIME = timedelta(hours=23)
"""Unfinished uploads end then; the bucket forgets what was uploaded after a day."""
LOOK_AGAIN = timedelta(hours=1)
CLAIM_HOLDS = timedelta(hours=1)
"""Who claims a medium writes what shows it within this time or never: longer than any function may run."""

Status = Literal["uploading", "processing", "ready", "refused", "deleted"]
Purpose = Literal["product", "banner", "review", "dispute"]
PRIVATE: frozenset[str] = frozenset({"dispute"})
"""Purposes of what only its owner and staff may see."""


class Unfit(Exception):
    """A file that will never be shown. reason: a stable word; the text is for its sender."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class TooManyMedia(Conflict):
    """The account has as many files as it may have; delete some."""

    code, title = "too_many_media", "Too many files"


class UploadIncomplete(Conflict):
    """Some parts have not arrived, or have another size: `missing` has their numbers. None, where one was sent again
    while they were put together: complete it once more.
    """

    code, title = "upload_incomplete", "Upload incomplete"


class UploadGone(Conflict):
    """The upload was given up, or took longer than a day. Begin it anew."""

    code, title = "upload_gone", "Upload gone"


class NotReady(Conflict):
    """It is still uploaded or processed, or was refused."""

    code, title = "not_ready", "Not ready"


class TooManyCrops(Conflict):
    code, title = "too_many_crops", "Cut too often"


class BadCrop(Unprocessable):
    """The rectangle is not inside the picture, or too small; only pictures can be cut."""

    code, title = "bad_crop", "Not a crop of this picture"


class MediaInUse(Conflict):
    """A product or a vendor shows it, may show it again, or was given it within the last hour."""

    code, title = "media_in_use", "In use"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A medium. Sizes in bytes and pixels; width and height are those of the upright original.

    name: what its owner calls it, never part of a key or a path. alts: texts by language, `` for any. crop: the one
    wished, as `x,y,width,height`, empty for the whole. file: of a model or a video. due: when the sweep looks at it.
    claimed_at: when somebody took it into use for the last time.
    """

    id: str
    owner: str
    kind: Kind
    purpose: Purpose
    name: str
    size: int
    status: Status = "uploading"
    upload_id: str = ""
    created_at: str
    reason: str = ""
    attempts: int = 0
    content_type: str = ""
    width: int = 0
    height: int = 0
    digest: str = ""
    file: str = ""
    alts: dict[str, str] = field(default_factory=dict)
    crop: str = WHOLE
    pictures: dict[str, Picture] = field(default_factory=dict)
    claimed_at: str = ""
    version: int = 1
    due: str = ""

    @property
    def parts(self) -> dict[int, int]:
        """Bytes of each part, by its number from 1."""
        whole, rest = divmod(self.size, PART_BYTES)
        sizes = [PART_BYTES] * whole + ([rest] if rest else [])
        return dict(enumerate(sizes, start=1))

    @property
    def private(self) -> bool:
        return self.purpose in PRIVATE

    @property
    def waits(self) -> bool:
        """Whether files are still to be made: the first, or those of another crop."""
        cut = self.kind == "image" and self.crop not in self.pictures
        return self.status in ("uploading", "processing") or (self.status == READY and cut)

    @property
    def just_claimed(self) -> bool:
        """Whether somebody may be about to write what shows it."""
        return self.claimed_at > clock.iso(clock.now() - CLAIM_HOLDS)

    def looked_at(self, after: timedelta | None) -> "Media":
        """Due then, or never."""
        return replace(self, due=clock.iso(clock.now() + after) if after is not None else "")

    def refused(self, reason: str, kept: timedelta) -> "Media":
        return replace(self, status="refused", reason=reason, upload_id="").looked_at(kept)

    def cut(self, crop: str) -> "Media":
        """Wished with this crop. Raises NotReady, BadCrop or TooManyCrops."""
        if self.status != READY:
            raise NotReady("It is not ready.")
        if crop == self.crop:
            return self
        check_crop(crop, self)
        wished = replace(self, crop=crop, attempts=0)
        if not wished.waits:
            return wished
        if len(self.pictures) >= MAX_CROPS:
            raise TooManyCrops(f"A picture may be cut in {MAX_CROPS} ways.")
        return wished.looked_at(LOOK_AGAIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPicture:
    """A picture that the catalog stored by a hash of its content; times and version as of a medium.

    id: its name below MEDIA_URL. status: `kept` or `deleted`. kept_at: when it was sent for the last time.
    """

    id: str
    status: str = KEPT
    kept_at: str
    claimed_at: str = ""
    version: int = 1
    due: str = ""

    def looked_at(self, after: timedelta | None) -> "StoredPicture":
        """Due then, or never."""
        return replace(self, due=clock.iso(clock.now() + after) if after is not None else "")

    def item(self) -> dict[str, Any]:
        """As stored, without its key."""
        plain = {"status": self.status, "kept_at": self.kept_at, "version": self.version}
        claimed = {"claimed_at": self.claimed_at} if self.claimed_at else {}
        return plain | claimed | (due_at(self.due, self.id) if self.due else {})


def read_picture(item: dict[str, Any]) -> StoredPicture:
    return StoredPicture(
        id=item["pk"].removeprefix("MED#"),
        status=item["status"],
        kept_at=item["kept_at"],
        claimed_at=item.get("claimed_at", ""),
        version=item["version"],
        due=_due(item),
    )


def born(owner: str, *, kind: Kind, purpose: Purpose, name: str, size: int) -> Media:
    """A medium that is about to be uploaded."""
    made = Media(
        id=ids.new("med"), owner=owner, kind=kind, purpose=purpose, name=name, size=size, created_at=clock.timestamp()
    )
    return made.looked_at(UPLOAD_TIME)


def crop_text(x: int, y: int, width: int, height: int) -> str:
    return f"{x},{y},{width},{height}"


def crop_box(crop: str) -> tuple[int, int, int, int]:
    """x, y, width, height."""
    x, y, width, height = map(int, crop.split(","))
    return x, y, width, height


def check_crop(crop: str, media: Media) -> None:
    """Raises BadCrop."""
    if crop == WHOLE:
        return
    x, y, width, height = crop_box(crop)
    inside = x + width <= media.width and y + height <= media.height
    if media.kind != "image" or not inside:
        raise BadCrop("The rectangle is not inside the picture.", width=media.width, height=media.height)


def to_item(media: Media) -> dict[str, Any]:
    """As stored, without its key."""
    plain = {name: getattr(media, name) for name in _PLAIN}
    item = plain | {
        "alts": orjson.dumps(media.alts).decode(),
        "pictures": packed_pictures(media.pictures),
        "card": card(media),
        "claimed_at": media.claimed_at,
        "by1pk": f"MDO#{media.owner}",
        "by1sk": f"{media.created_at}#{media.id}",
    }
    if media.due:
        item |= due_at(media.due, media.id)
    if media.status == "deleted":  # nobody's list has it any more
        del item["by1pk"], item["by1sk"]
    return item


def from_item(item: dict[str, Any]) -> Media:
    plain = {name: item[name] for name in _PLAIN}
    return Media(
        id=item["pk"].removeprefix("MED#"),
        alts=orjson.loads(item["alts"]),
        pictures=read_pictures(item["pictures"]),
        claimed_at=item.get("claimed_at", ""),
        due=_due(item),
        **plain,
    )


def _due(item: dict[str, Any]) -> str:
    return str(item.get("by2sk", "")).partition("#")[0]


def card(media: Media) -> str:
    """What a list shows, as JSON: the item without what only functions need."""
    told = {name: getattr(media, name) for name in _TOLD}
    shown = {crop: cut for crop, cut in media.pictures.items() if crop == media.crop}
    return orjson.dumps(told | {"id": media.id, "alts": media.alts, "pictures": packed_pictures(shown)}).decode()


def from_card(text: str) -> Media:
    told = orjson.loads(text)
    return Media(**told | {"pictures": read_pictures(told["pictures"])})


_TOLD = ("owner", "kind", "purpose", "name", "size", "status", "created_at", "reason", "content_type", "width",
         "height", "file", "crop")  # fmt: skip
_PLAIN = (*_TOLD, "upload_id", "attempts", "digest", "version")
