"""Routes of flags: what clients see, and what staff decide."""

import re
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Query

from flags import service, store
from flags.manifest import MANIFEST
from flags.model import NoSuchFlag, State
from flags.views import ChangeView, FlagBody, FlagList, Flags, FlagView, History
from market import config
from market.errors import PreconditionFailed
from market.guard import flags
from market.http import ANYONE, CUSTOMER, GUEST, STAFF, VENDOR, Cursor, Limit, Response, ServiceApi, reply
from market.table import BadCursor

api = ServiceApi(MANIFEST)
handler = api.handler

VendorId = Annotated[
    str | None, Query(pattern=r"^ven_[a-z0-9]{1,40}$", description="The id of the vendor that is looked at, if any.")
]
ProductId = Annotated[
    str | None, Query(pattern=r"^prd_[a-z0-9]{1,40}$", description="The id of the product that is looked at, if any.")
]
_COUNTRY = re.compile(r"[A-Z]{2}")


@api.get("/v1/flags", callers=[ANYONE])
def for_anyone(vendorId: VendorId = None, productId: ProductId = None) -> Flags:
    """Which features are on for somebody unknown."""
    return _flags(vendorId, productId)


@api.get("/v1/me/flags", callers=[GUEST, CUSTOMER, VENDOR, STAFF])
def for_me(vendorId: VendorId = None, productId: ProductId = None) -> Flags:
    """Which features are on for the caller."""
    return _flags(vendorId, productId)


@api.get("/v1/admin/flags", callers=[STAFF], needs="flags.read")
def every() -> FlagList:
    """Every flag: how it was declared, and how it is set."""
    return FlagList(items=[FlagView.of(state) for state in service.all_states()])


@api.get("/v1/admin/flags/<flag_name>", callers=[STAFF], needs="flags.read", problems=[NoSuchFlag])
def show(flag_name: str) -> Response[FlagView]:
    """One flag. Send its `ETag` as `If-Match` when changing it."""
    return _shown(service.state_of(flag_name))


@api.put(
    "/v1/admin/flags/<flag_name>", callers=[STAFF], needs="flags.manage", problems=[NoSuchFlag, PreconditionFailed]
)
def change(flag_name: str, body: FlagBody) -> Response[FlagView]:
    """Set a flag in place of all that was said of it; with `If-Match`, only if it is still as it was read.

    It counts everywhere within minutes.
    """
    present = service.state_of(flag_name)
    api.require_match(present.version)
    rules = tuple(rule.rule() for rule in body.rules)
    changed = service.change(present, enabled=body.enabled, value=body.value, rules=rules, by=api.caller.id)
    return _shown(changed)


@api.post(
    "/v1/admin/flags/<flag_name>/kill", callers=[STAFF], needs="flags.manage", problems=[NoSuchFlag, PreconditionFailed]
)
def kill(flag_name: str) -> Response[FlagView]:
    """Turn a flag off for everybody, whatever its rules say. They are kept. Killing it twice changes nothing."""
    return _shown(service.kill(flag_name, by=api.caller.id))


@api.get("/v1/admin/flags/<flag_name>/history", callers=[STAFF], needs="flags.read", problems=[NoSuchFlag, BadCursor])
def history(flag_name: str, limit: Limit = 20, cursor: Cursor = None) -> History:
    """Who set the flag to what, the newest change first."""
    service.state_of(flag_name)
    found, following = store.history(flag_name, limit=limit, cursor=cursor)
    return History(items=[ChangeView.of(state) for state in found], next_cursor=following)


def _shown(state: State) -> Response[FlagView]:
    return reply(FlagView.of(state), version=state.version)


def _flags(vendor: str | None, product: str | None) -> Flags:
    """The country is what our edge says; without an edge there is none to trust."""
    country = api.header("cloudfront-viewer-country") if config.origin_secret() else ""
    country = country if _COUNTRY.fullmatch(country) else ""
    context = flags.about(api.caller, vendor=vendor or "", product=product or "", country=country)
    return Flags(flags=service.public(context))
