"""HTTP routes of identity: accounts, sessions, the caller's own profile, roles."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from pydantic import Field, model_validator

from identity import service
from identity.gateway import Session
from identity.manifest import MANIFEST
from identity.model import (
    AccountBlocked,
    Code,
    Email,
    EmailNotVerified,
    FurtherStepRequired,
    InvalidCredentials,
    Name,
    NoSuchUser,
    OwnAccount,
    Password,
    Role,
    Status,
    Token,
    TooManyAttempts,
    User,
    WeakPassword,
    WrongCode,
)
from market.errors import PreconditionFailed, Unavailable
from market.http import ANYONE, CUSTOMER, STAFF, VENDOR, Body, ServiceApi, View, etag, reply

api = ServiceApi(MANIFEST)
ANY_ROLE = (CUSTOMER, VENDOR, STAFF)


class Registration(Body):
    email: Email
    password: Password
    name: Name


class Address(Body):
    email: Email


class Verification(Address):
    code: Code


class Credentials(Address):
    password: Password


class Renewal(Body):
    refresh_token: Token


class Leaving(Body):
    """One session by its refresh token, or all of them."""

    refresh_token: Token | None = None
    everywhere: bool = False

    @model_validator(mode="after")
    def _one_or_all(self) -> "Leaving":
        if (self.refresh_token is None) != self.everywhere:
            raise ValueError("send either refreshToken or everywhere: true")
        return self


class NewPassword(Verification):
    new_password: Password


class Profile(Body):
    name: Name


class Roles(Body):
    roles: list[Role] = Field(max_length=3)
    vendor_id: str = Field("", max_length=64, pattern=r"^[\w-]*$")


class Standing(Body):
    status: Status


class Said(View):
    """The same words whether or not there is an account."""

    message: str


class SessionView(View):
    access_token: str
    refresh_token: str
    expires_in: int = Field(description="Seconds that the access token is good for.")
    token_type: str = "Bearer"  # noqa: S105 - not a password

    @staticmethod
    def of(session: Session) -> "SessionView":
        return SessionView(
            access_token=session.access_token, refresh_token=session.refresh_token, expires_in=session.expires_in
        )


class UserView(View):
    id: str
    email: str
    name: str
    roles: list[str]
    vendor_id: str | None = None
    status: str

    @staticmethod
    def of(user: User) -> "UserView":
        return UserView(
            id=user.id,
            email=user.email,
            name=user.name,
            roles=sorted(user.roles),
            vendor_id=user.vendor_id or None,
            status=user.status,
        )


@api.post("/v1/auth/register", callers=[ANYONE], status=202, problems=[WeakPassword, TooManyAttempts, Unavailable])
def register(body: Registration) -> Said:
    """Make an account; a code is mailed to its address."""
    service.register(body.email, body.password, body.name)
    return Said(message="If this address is new to us, a code is on its way to it.")


@api.post("/v1/auth/verify", callers=[ANYONE], problems=[WrongCode, TooManyAttempts, Unavailable])
def verify(body: Verification) -> Said:
    """Confirm the address with the mailed code."""
    service.verify(body.email, body.code)
    return Said(message="The address is confirmed.")


@api.post("/v1/auth/resend", callers=[ANYONE], status=202, problems=[TooManyAttempts, Unavailable])
def resend(body: Address) -> Said:
    """Mail a new code for an address that is not confirmed yet."""
    service.resend_code(body.email)
    return Said(message="If this address waits for a code, a new one is on its way.")


@api.post(
    "/v1/auth/login",
    callers=[ANYONE],
    problems=[
        InvalidCredentials,
        EmailNotVerified,
        AccountBlocked,
        FurtherStepRequired,
        TooManyAttempts,
        Unavailable,
    ],
)
def login(body: Credentials) -> SessionView:
    """Sign in with address and password."""
    return SessionView.of(service.sign_in(body.email, body.password))


@api.post(
    "/v1/auth/refresh", callers=[ANYONE], problems=[InvalidCredentials, AccountBlocked, TooManyAttempts, Unavailable]
)
def refresh(body: Renewal) -> SessionView:
    """Trade a refresh token for new tokens. The old refresh token ends; use the new one next."""
    return SessionView.of(service.refresh(body.refresh_token))


@api.post("/v1/auth/logout", callers=ANY_ROLE, problems=[TooManyAttempts, Unavailable])
def logout(body: Leaving) -> Said:
    """End one session, or all of them. Access tokens already given out stay good until they expire."""
    scheme, _, token = api.header("authorization").partition(" ")
    service.sign_out(token if scheme.lower() == "bearer" else "", refresh_token=body.refresh_token)
    return Said(message="Signed out.")


@api.post("/v1/auth/forgot-password", callers=[ANYONE], status=202, problems=[TooManyAttempts, Unavailable])
def forgot_password(body: Address) -> Said:
    """Mail a code for choosing a new password."""
    service.forgot_password(body.email)
    return Said(message="If there is an account with this address, a code is on its way to it.")


@api.post("/v1/auth/reset-password", callers=[ANYONE], problems=[WrongCode, WeakPassword, TooManyAttempts, Unavailable])
def reset_password(body: NewPassword) -> Said:
    """Choose a new password with the mailed code."""
    service.reset_password(body.email, body.code, body.new_password)
    return Said(message="The password is changed.")


@api.get("/v1/me", callers=ANY_ROLE, problems=[NoSuchUser])
def me() -> Response[UserView]:
    """The caller's own account."""
    return _shown(service.me(api.caller.id))


@api.patch("/v1/me", callers=ANY_ROLE, problems=[NoSuchUser, PreconditionFailed])
def change_me(body: Profile) -> Response[UserView]:
    """Change the caller's name; with `If-Match`, only if the account is still as it was read."""
    return _shown(service.rename(api.caller.id, body.name, version=_seen()))


@api.put("/v1/admin/users/<user_id>/roles", callers=[STAFF], problems=[NoSuchUser, OwnAccount, PreconditionFailed])
def set_roles(user_id: str, body: Roles) -> Response[UserView]:
    """Set a user's roles. Everybody stays a customer; the role vendor needs a vendorId."""
    return _shown(service.give_roles(user_id, body.roles, body.vendor_id, by=api.caller.id))


@api.put("/v1/admin/users/<user_id>/status", callers=[STAFF], problems=[NoSuchUser, OwnAccount, PreconditionFailed])
def set_status(user_id: str, body: Standing) -> Response[UserView]:
    """Block an account or let it in again. Blocking ends its sessions."""
    return _shown(service.set_status(user_id, body.status, by=api.caller.id))


def _seen() -> int | None:
    """The version in `If-Match`, or None where any will do. Raises PreconditionFailed for what is not one of ours."""
    wanted = api.header("if-match")
    if wanted in ("", "*"):
        return None
    text = wanted.strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9 or wanted != etag(int(text)):
        raise PreconditionFailed("The resource has changed since you read it.")
    return int(text)


def _shown(user: User) -> Response[Any]:
    return reply(UserView.of(user), version=user.version)


handler = api.handler
