"""Routes of the avatar. A function of its own: only it and the consumer may write and delete pictures of people."""

from aws_lambda_powertools.event_handler import Response

from market.http import CUSTOMER, ServiceApi, reply
from profiles import service
from profiles.forms import AvatarConfirmation, UploadRequest
from profiles.manifest import MANIFEST
from profiles.model import AccountErased, NotAPicture, NoUpload, PictureTooLarge
from profiles.pictures import MAX_BYTES
from profiles.store import AvatarMoved
from profiles.views import ProfileView, UploadView

api = ServiceApi(MANIFEST)
handler = api.handler


@api.post("/v1/me/avatar", callers=[CUSTOMER], limit="upload", status=201)
def offer_upload(body: UploadRequest) -> Response[UploadView]:
    """A form by which the browser sends a picture of at most 5 MB to S3; what is not confirmed is gone after a day."""
    return reply(UploadView.of(service.offer_upload(api.caller.id, body.content_type), MAX_BYTES), status=201)


@api.put(
    "/v1/me/avatar",
    callers=[CUSTOMER],
    limit="upload",
    problems=[NoUpload, NotAPicture, PictureTooLarge, AvatarMoved, AccountErased],
)
def confirm_avatar(body: AvatarConfirmation) -> Response[ProfileView]:
    """Show the uploaded picture: PNG, JPEG or WebP, at most 25 megapixels, whatever its sender calls it."""
    profile = service.confirm_avatar(api.caller.id, body.key)
    return reply(ProfileView.of(profile), version=profile.version)


@api.delete("/v1/me/avatar", callers=[CUSTOMER], problems=[AvatarMoved, AccountErased])
def remove_avatar() -> Response[ProfileView]:
    """Show no picture any more. Caches may have it for a day."""
    profile = service.remove_avatar(api.caller.id)
    return reply(ProfileView.of(profile), version=profile.version)
