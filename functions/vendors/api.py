"""HTTP routes of vendors: the public directory, the vendor's own profile, what staff decide."""

from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from market.errors import PreconditionFailed
from market.http import ANYONE, CUSTOMER, STAFF, VENDOR, Body, ServiceApi, View, reply
from market.table import BadCursor
from media.contract import MediaNotReady, sources
from vendors import pictures, service, store
from vendors.manifest import MANIFEST
from vendors.model import (
    ACTIVE,
    PENDING,
    AlreadyApplied,
    Country,
    Email,
    InvalidTransition,
    Line,
    NoSuchVendor,
    Phone,
    Profile,
    Prose,
    ReasonNeeded,
    Slug,
    SlugTaken,
    Status,
    TaxId,
)

api = ServiceApi(MANIFEST)
ANY_ROLE = (CUSTOMER, VENDOR, STAFF)
CACHED = 60
Limit = Annotated[int, Query(ge=1, le=100)]
Cursor = Annotated[str | None, Query(max_length=1000)]


Medium = Annotated[str, Field(pattern=r"^med_[0-9a-z]{26}$")] | Literal[""]


class Application(Body):
    name: Line
    support_email: Email
    slug: Slug | None = Field(None, description="The vendor's address; made from the name where it is left out.")
    support_phone: Phone | None = None
    description: Prose | None = None
    legal_name: Line | None = None
    tax_id: TaxId | None = None
    country: Country | None = Field(None, description="ISO 3166-1 alpha-2.")


class Changes(Body):
    """What is left out stays as it is. `logo` and `banner` are the vendor's own pictures, uploaded with the purpose
    `banner` and ready; an empty one takes the picture away.
    """

    name: Line | None = None
    support_email: Email | None = None
    support_phone: Phone | None = None
    description: Prose | None = None
    legal_name: Line | None = None
    tax_id: TaxId | None = None
    country: Country | None = None
    logo: Medium | None = None
    banner: Medium | None = None


class Decision(Body):
    status: Status
    reason: Prose = Field("", description="Needed where a vendor is rejected or suspended.")


class SourceView(View):
    url: str
    type: str
    width: int
    height: int


class PictureView(View):
    """A picture in all its sizes and formats, the smallest of each format first."""

    media_id: str
    sources: list[SourceView]


class VendorView(View):
    """A vendor as everybody sees it."""

    id: str
    name: str
    slug: str
    support_email: str
    support_phone: str | None = None
    description: str | None = None
    logo: PictureView | None = None
    banner: PictureView | None = None


class ProfileView(VendorView):
    """A vendor as its owner and staff see it."""

    status: str
    owner_id: str
    applied_at: str
    reason: str | None = None
    legal_name: str | None = None
    tax_id: str | None = None
    country: str | None = None


class VendorList(View):
    items: list[VendorView]
    next_cursor: str | None = None


class ProfileList(View):
    items: list[ProfileView]
    next_cursor: str | None = None


@api.post("/v1/vendors/apply", callers=ANY_ROLE, status=201, problems=[AlreadyApplied, SlugTaken])
def apply(body: Application) -> Response[ProfileView]:
    """Apply to sell here. Staff approve or reject."""
    return _shown(service.apply(api.caller.id, _said(body)), status=201)


@api.get("/v1/vendors", callers=[ANYONE], problems=[BadCursor])
def directory(limit: Limit = 20, cursor: Cursor = None) -> Response[VendorList]:
    """The vendors that sell here."""
    page = store.with_status(ACTIVE, limit=limit, cursor=cursor)
    view = VendorList(items=[_public(profile) for profile in page.vendors], next_cursor=page.next)
    return reply(view, cache_seconds=CACHED)


@api.get("/v1/vendors/<vendor_id>", callers=[ANYONE], problems=[NoSuchVendor])
def show(vendor_id: str) -> Response[VendorView]:
    """A vendor that sells here."""
    return reply(_public(service.public(vendor_id)), cache_seconds=CACHED)


@api.get("/v1/me/vendor", callers=ANY_ROLE, problems=[NoSuchVendor])
def mine() -> Response[ProfileView]:
    """The caller's own vendor or application, in whatever status."""
    return _shown(service.of_owner(api.caller.id))


@api.patch("/v1/vendors/<vendor_id>", callers=ANY_ROLE, problems=[NoSuchVendor, PreconditionFailed, MediaNotReady])
def change(vendor_id: str, body: Changes) -> Response[ProfileView]:
    """Change a vendor's profile, as its owner or staff; with `If-Match`, only if it is still as it was read."""
    profile = service.any_status(vendor_id)
    if profile.owner_id != api.caller.id and not api.caller.can("vendors.write", vendor_id):
        raise NoSuchVendor("There is no such vendor.")
    api.require_match(profile.version)
    return _shown(service.change(profile, _said(body)))


@api.get("/v1/admin/vendors", callers=[STAFF], needs="vendors.read", problems=[BadCursor])
def queue(status: Status = PENDING, limit: Limit = 20, cursor: Cursor = None) -> ProfileList:
    """Vendors of one status, those first who applied first."""
    page = store.with_status(status, limit=limit, cursor=cursor)
    return ProfileList(items=[_full(profile) for profile in page.vendors], next_cursor=page.next)


@api.get("/v1/admin/vendors/<vendor_id>", callers=[STAFF], needs="vendors.read", problems=[NoSuchVendor])
def inspect(vendor_id: str) -> Response[ProfileView]:
    """A vendor in whatever status."""
    return _shown(service.any_status(vendor_id))


@api.patch(
    "/v1/admin/vendors/<vendor_id>/status",
    callers=[STAFF],
    needs="vendors.decide",
    problems=[NoSuchVendor, InvalidTransition, ReasonNeeded, PreconditionFailed],
)
def decide(vendor_id: str, body: Decision) -> Response[ProfileView]:
    """Approve or reject an application, suspend a vendor or let it sell again."""
    return _shown(service.decide(vendor_id, body.status, body.reason))


def _said(body: Body) -> dict[str, str]:
    return body.model_dump(exclude_none=True)


def _public(profile: Profile) -> VendorView:
    return VendorView(
        id=profile.id,
        name=profile.name,
        slug=profile.slug,
        support_email=profile.support_email,
        support_phone=profile.support_phone or None,
        description=profile.description or None,
        logo=_picture(profile.logo),
        banner=_picture(profile.banner),
    )


def _picture(kept: str) -> PictureView | None:
    picture = pictures.read(kept)
    if picture is None:
        return None
    files = sources(picture["base"], [(width, height) for width, height in picture["sizes"]])
    return PictureView(media_id=picture["mediaId"], sources=[SourceView(**file) for file in files])


def _full(profile: Profile) -> ProfileView:
    return ProfileView(
        **_public(profile).model_dump(),
        status=profile.status,
        owner_id=profile.owner_id,
        applied_at=profile.applied_at,
        reason=profile.reason or None,
        legal_name=profile.legal_name or None,
        tax_id=profile.tax_id or None,
        country=profile.country or None,
    )


def _shown(profile: Profile, *, status: int = 200) -> Response[Any]:
    return reply(_full(profile), status=status, version=profile.version)


handler = api.handler
