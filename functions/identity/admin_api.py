"""HTTP routes of staff: finding accounts, blocking them, helping those who lost their second factor."""

from typing import Any

from access.contract import LastOwner, Standing, StandingChanged
from identity import factors, service
from identity.app import StaffUserView, api, described
from identity.model import Email, NoSuchUser, Outranked, OwnAccount, Status, User
from market.errors import Unavailable
from market.guard.callers import ReauthenticationRequired
from market.http import STAFF, Body, Response, View, reply


class Search(Body):
    email: Email


class StatusChange(Body):
    status: Status


class Demand(Body):
    required: bool


class UserList(View):
    items: list[StaffUserView]


@api.post("/v1/admin/users/search", callers=[STAFF], needs="users.read", problems=[Unavailable])
def search_users(body: Search) -> Response[UserList]:
    """The accounts with an address. The address is in the body, for addresses of pages are kept in too many places."""
    return reply(UserList(items=[_view(*found) for found in service.search(body.email)]))


@api.get("/v1/admin/users/<user_id>", callers=[STAFF], needs="users.read", problems=[NoSuchUser])
def show_user(user_id: str) -> Response[StaffUserView]:
    """An account."""
    return _shown(*service.me(user_id))


@api.put(
    "/v1/admin/users/<user_id>/status",
    callers=[STAFF],
    needs="users.block",
    problems=[NoSuchUser, OwnAccount, Outranked, LastOwner, StandingChanged, Unavailable],
)
def set_status(user_id: str, body: StatusChange) -> Response[StaffUserView]:
    """Block an account or let it in again. Blocking ends its sessions; their tokens are dead within half a minute."""
    return _shown(*service.set_status(user_id, body.status, by=api.caller.id))


@api.delete(
    "/v1/admin/users/<user_id>/second-factors",
    callers=[STAFF],
    needs="users.secure",
    problems=[NoSuchUser, OwnAccount, Outranked, ReauthenticationRequired, Unavailable],
)
def reset_factors(user_id: str) -> Response[StaffUserView]:
    """Help somebody who lost their second factors: none is asked for any more, and every session ends."""
    api.caller.require_recent()
    factors.reset(user_id, by=api.caller.id)
    return _shown(*service.me(user_id))


@api.put(
    "/v1/admin/users/<user_id>/second-factors",
    callers=[STAFF],
    needs="users.secure",
    problems=[NoSuchUser, OwnAccount, Outranked, ReauthenticationRequired],
)
def demand_factor(user_id: str, body: Demand) -> Response[StaffUserView]:
    """Demand a second factor of somebody: until they have one, they are nothing but a customer."""
    api.caller.require_recent()
    factors.demand(user_id, required=body.required, by=api.caller.id)
    return _shown(*service.me(user_id))


def _shown(user: User, standing: Standing) -> Response[Any]:
    return reply(_view(user, standing))


def _view(user: User, standing: Standing) -> StaffUserView:
    return StaffUserView(
        **described(user, standing),
        second_factors=sorted(user.factors),
        second_factor_required=user.factor_required,
        signed_in_at=user.signed_in_at or None,
    )
