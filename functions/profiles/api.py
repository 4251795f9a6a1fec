"""HTTP routes of profiles and address books."""

from aws_lambda_powertools.event_handler import Response

from market.errors import PreconditionFailed
from market.http import CUSTOMER, GUEST, ServiceApi, etag, reply
from market.table import Busy
from profiles import book, service, store
from profiles.contract import Address
from profiles.forms import AddressPatch, NewAddress, PostalAddress, ProfilePatch
from profiles.manifest import MANIFEST
from profiles.model import (
    AccountErased,
    AddressBookFull,
    BadAddress,
    BadLink,
    BadPhone,
    DefaultNeeded,
    NoSuchAddress,
    TooYoung,
)
from profiles.views import AddressBookView, AddressView, CheckedAddress, ProfileView

api = ServiceApi(MANIFEST)
handler = api.handler
_WRITING = (BadAddress, BadPhone, AccountErased, Busy)


@api.get("/v1/me/profile", callers=[CUSTOMER])
def profile() -> Response[ProfileView]:
    """What the caller says of themselves, and their preferences."""
    found = store.get(api.caller.id)
    return reply(ProfileView.of(found), version=found.version)


@api.patch(
    "/v1/me/profile",
    callers=[CUSTOMER],
    problems=[TooYoung, BadLink, BadPhone, AccountErased, PreconditionFailed],
)
def change_profile(body: ProfilePatch) -> Response[ProfileView]:
    """Change some of it; with `If-Match`, only if it is still as it was read."""
    changed = service.change_profile(api.caller.id, body.changes(), version=_seen())
    return reply(ProfileView.of(changed), version=changed.version)


@api.get("/v1/me/addresses", callers=[CUSTOMER])
def addresses() -> Response[AddressBookView]:
    """The caller's address book, 50 addresses at most."""
    found = book.read(api.caller.id)
    items = [AddressView.of(address, address.id == found.default_id) for address in found.addresses]
    return reply(AddressBookView(items=items))


@api.post("/v1/me/addresses", callers=[CUSTOMER], status=201, problems=[AddressBookFull, *_WRITING])
def add_address(body: NewAddress) -> Response[AddressView]:
    """Add an address. The first is the default one; an address that is there already is not added again."""
    address, is_default = service.add_address(
        api.caller.id, body.label or "", body.phone or "", body.written(), default=body.is_default
    )
    return _shown(address, is_default, status=201)


@api.get("/v1/me/addresses/<address_id>", callers=[CUSTOMER], problems=[NoSuchAddress])
def address(address_id: str) -> Response[AddressView]:
    """One address of the caller's."""
    return _shown(*book.get(api.caller.id, address_id))


@api.patch(
    "/v1/me/addresses/<address_id>",
    callers=[CUSTOMER],
    problems=[NoSuchAddress, DefaultNeeded, PreconditionFailed, *_WRITING],
)
def change_address(address_id: str, body: AddressPatch) -> Response[AddressView]:
    """Change an address, or make it the default one; with `If-Match`, only if it is still as it was read."""
    changed = service.change_address(
        api.caller.id, address_id, body.changes(), default=body.is_default, version=_seen()
    )
    return _shown(*changed)


@api.delete(
    "/v1/me/addresses/<address_id>",
    callers=[CUSTOMER],
    status=204,
    problems=[NoSuchAddress, PreconditionFailed, AccountErased, Busy],
)
def remove_address(address_id: str) -> Response[None]:
    """Delete an address. Where it was the default one, the youngest of the others becomes that."""
    book.remove(api.caller.id, address_id, version=_seen())
    return Response(status_code=204)


@api.post("/v1/addresses/validation", callers=[CUSTOMER, GUEST], limit="search", problems=[BadAddress, BadPhone])
def validate_address(body: PostalAddress) -> Response[CheckedAddress]:
    """The address as its country writes it, or what is wrong with it. Nothing is stored."""
    return reply(CheckedAddress.checked(service.check_address("", body.phone or "", body.written())))


def _seen() -> int | None:
    """The version in `If-Match`, or None where any will do. Raises PreconditionFailed for what is not one of ours."""
    wanted = api.header("if-match").removeprefix("W/")
    if wanted in ("", "*"):
        return None
    text = wanted.strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9 or wanted != etag(int(text)):
        raise PreconditionFailed("The resource has changed since you read it.")
    return int(text)


def _shown(address: Address, is_default: bool, *, status: int = 200) -> Response[AddressView]:
    return reply(AddressView.of(address, is_default), status=status, version=address.version)
