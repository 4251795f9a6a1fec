"""Routes of media: those of vendors for their library, those of customers for what they show with reviews and disputes,
and that of staff who look into a dispute.

Files never pass through here: they are sent in parts to addresses that we sign.
"""

from market.http import (
    CUSTOMER,
    KEY,
    STAFF,
    VENDOR,
    Cursor,
    Limit,
    Response,
    ServiceApi,
    reply,
)
from media import service, store
from media.contract import vendor_owner
from media.forms import CustomerUploads, MediaChange, VendorUploads
from media.manifest import MANIFEST
from media.model import (
    BadCrop,
    Media,
    MediaInUse,
    NotReady,
    TooManyCrops,
    TooManyMedia,
    UploadGone,
    UploadIncomplete,
    from_card,
)
from media.service import FileTooLarge, Seen
from media.store import Changed
from media.views import EvidenceView, MediaList, MediaView, evidence, view

api = ServiceApi(MANIFEST)
handler = api.handler

TEAM = [VENDOR, STAFF, KEY]


@api.post(
    "/v1/vendors/<vendor_id>/media/uploads",
    callers=TEAM,
    needs="media.write",
    limit="upload",
    status=201,
    problems=[FileTooLarge],
)
def begin_uploads(vendor_id: str, form: VendorUploads) -> Response[MediaList]:
    """Begin to upload up to 20 files in parts: pictures (JPEG, PNG, WebP, AVIF, GIF), models (GLB, USDZ), videos."""
    store.require_vendor(vendor_id, api.caller)
    return _list(service.begin(vendor_owner(vendor_id), form.files))


@api.get("/v1/vendors/<vendor_id>/media", callers=TEAM, needs="media.read")
def list_media(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[MediaList]:
    """The vendor's library, newest first."""
    store.require_vendor(vendor_id, api.caller)
    page = store.of_owner(vendor_owner(vendor_id), limit=limit, cursor=cursor)
    shown = [view(Seen(from_card(item["card"]))) for item in page.items]
    return reply(MediaList(items=shown, next_cursor=page.next))


@api.get("/v1/vendors/<vendor_id>/media/<media_id>", callers=TEAM, needs="media.read")
def show_media(vendor_id: str, media_id: str) -> Response[MediaView]:
    """One medium; while it is uploaded, which parts have arrived and where to send the others."""
    return _one(service.show(vendor_owner(vendor_id), media_id))


@api.post(
    "/v1/vendors/<vendor_id>/media/<media_id>/completion",
    callers=TEAM,
    needs="media.write",
    problems=[UploadIncomplete, UploadGone],
)
def complete_upload(vendor_id: str, media_id: str) -> Response[MediaView]:
    """Say that all parts have been sent; the medium is then looked into, and `ready` or `refused` soon."""
    return _one(Seen(service.complete(vendor_owner(vendor_id), media_id)))


@api.patch(
    "/v1/vendors/<vendor_id>/media/<media_id>",
    callers=TEAM,
    needs="media.write",
    problems=[NotReady, BadCrop, TooManyCrops, Changed],
)
def change_media(vendor_id: str, media_id: str, form: MediaChange) -> Response[MediaView]:
    """Describe a medium in words, or cut a picture; products keep the crop that they were saved with."""
    return _one(Seen(service.change(vendor_owner(vendor_id), media_id, form, check=api.require_match)))


@api.delete(
    "/v1/vendors/<vendor_id>/media/<media_id>",
    callers=TEAM,
    needs="media.write",
    status=204,
    problems=[MediaInUse, Changed],
)
def delete_media(vendor_id: str, media_id: str) -> Response[None]:
    """Give an upload up, or delete a medium that no product shows or has shown."""
    return _gone(vendor_owner(vendor_id), media_id)


@api.post("/v1/media/uploads", callers=[CUSTOMER], limit="upload", status=201, problems=[FileTooLarge, TooManyMedia])
def begin_own_uploads(form: CustomerUploads) -> Response[MediaList]:
    """Begin to upload pictures and videos for reviews and disputes; those of disputes are shown to nobody else."""
    return _list(service.begin(_own(), form.files))


@api.get("/v1/media/<media_id>", callers=[CUSTOMER])
def show_own_media(media_id: str) -> Response[MediaView]:
    """One medium of one's own; while it is uploaded, which parts have arrived and where to send the others."""
    return _one(service.show(_own(), media_id))


@api.post("/v1/media/<media_id>/completion", callers=[CUSTOMER], problems=[UploadIncomplete, UploadGone])
def complete_own_upload(media_id: str) -> Response[MediaView]:
    """Say that all parts have been sent."""
    return _one(Seen(service.complete(_own(), media_id)))


@api.delete("/v1/media/<media_id>", callers=[CUSTOMER], status=204, problems=[MediaInUse, Changed])
def delete_own_media(media_id: str) -> Response[None]:
    """Give an upload up, or delete a file that is in no review or dispute."""
    return _gone(_own(), media_id)


@api.get("/v1/admin/evidence/<media_id>", callers=[STAFF], needs="evidence.read")
def show_evidence(media_id: str) -> Response[EvidenceView]:
    """A file that a customer sent for a dispute, by addresses that end soon. Who looks is recorded in the audit."""
    return reply(evidence(service.show_evidence(media_id)))


def _own() -> str:
    return service.customer_owner(api.caller.id)


def _list(begun: list[Seen]) -> Response[MediaList]:
    return reply(MediaList(items=[view(seen) for seen in begun]), status=201)


def _one(seen: Seen) -> Response[MediaView]:
    media: Media = seen.media
    return reply(view(seen), version=media.version)


def _gone(owner: str, media_id: str) -> Response[None]:
    service.delete(owner, media_id)
    return Response(status_code=204)
