"""HTTP routes of the caller's signed-in devices."""

from typing import Annotated

from pydantic import StringConstraints, model_validator

from identity import service, sessions, signing_in, store
from identity.app import Said, api
from identity.model import InvalidCredentials, NoSuchSession, Token, TooManyAttempts
from market.errors import Unavailable
from market.http import CUSTOMER, STAFF, VENDOR, Body, Cursor, Limit, Response, View, reply

EVERYBODY = (CUSTOMER, VENDOR, STAFF)
SessionId = Annotated[str, StringConstraints(max_length=64, pattern="^[A-Za-z0-9-]+$")]


class Leaving(Body):
    """The session of the refresh token, all of them, or else the one that the access token belongs to."""

    refresh_token: Token | None = None
    everywhere: bool = False

    @model_validator(mode="after")
    def _one_or_all(self) -> "Leaving":
        if self.refresh_token is not None and self.everywhere:
            raise ValueError("send either refreshToken or everywhere: true")
        return self


class DeviceView(View):
    """address: the network only. seen_at: when its tokens were last renewed."""

    id: str
    device: str
    address: str
    made_at: str
    seen_at: str
    present: bool


class DeviceList(View):
    items: list[DeviceView]
    next_cursor: str | None = None


@api.post("/v1/auth/logout", callers=EVERYBODY, problems=[InvalidCredentials, TooManyAttempts, Unavailable])
def logout(body: Leaving) -> Said:
    """End one session, or all of them. Their tokens are dead within half a minute."""
    if body.everywhere:
        service.sign_out_everywhere(api.caller.id)
    else:
        signing_in.sign_out(api.caller.id, api.caller.session, refresh_token=body.refresh_token)
    return Said(message="Signed out.")


@api.get("/v1/me/sessions", callers=EVERYBODY)
def list_sessions(limit: Limit = 20, cursor: Cursor = None) -> Response[DeviceList]:
    """Where the caller is signed in."""
    _, standing = store.whole(api.caller.id)
    found, more = sessions.page_of(api.caller.id, limit=limit, cursor=cursor, since=standing.valid_from)
    items = [
        DeviceView(
            id=device.id,
            device=device.visit.device,
            address=device.visit.address,
            made_at=device.made_at,
            seen_at=device.seen_at,
            present=device.id == api.caller.session,
        )
        for device in found
    ]
    return reply(DeviceList(items=items, next_cursor=more))


@api.delete("/v1/me/sessions/<session_id>", callers=EVERYBODY, problems=[NoSuchSession])
def end_session(session_id: SessionId) -> Said:
    """Sign a device out. Its tokens are dead within half a minute."""
    signing_in.end(api.caller.id, session_id)
    return Said(message="Signed out.")
