"""HTTP routes of accounts: registering, signing in, passwords, the caller's own account. The Lambda entry point.

The routes of sessions, second factors, other companies' accounts and staff are in modules of their own.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from identity import admin_api, factors_api, service, sessions_api, signing_in, social_api
from identity.app import ChallengeView, Said, SessionView, UserView, described, entered, human, proof, visit
from identity.app import api as api
from identity.model import (
    AccountBlocked,
    ChallengeEnded,
    Code,
    Email,
    EmailNotVerified,
    FurtherStepRequired,
    InvalidCredentials,
    Name,
    NoSuchUser,
    Password,
    Token,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
    WrongPassword,
)
from identity.signing_in import Answer
from market.errors import PreconditionFailed, Unavailable
from market.guard.callers import ReauthenticationRequired
from market.guard.captcha import CaptchaFailed, CaptchaRequired
from market.guard.standing import SessionEnded
from market.http import ANYONE, CUSTOMER, STAFF, VENDOR, Body, Response, etag, reply

EVERYBODY = (CUSTOMER, VENDOR, STAFF)
BUSY = [TooManyAttempts, Unavailable]
PARTS = (admin_api, factors_api, sessions_api, social_api)
"""Modules whose routes this function answers too."""


class Registration(Body):
    email: Email
    password: Password
    name: Name


class Address(Body):
    email: Email


class Verification(Address):
    code: Code
    registration: Token = Field(description="What the registration answered.")


class Credentials(Address):
    password: Password


class ChallengeAnswer(Body):
    """What the challenge asks for: a code, a method of a choice, a new password, or the browser's credential."""

    session: Token
    code: Code | None = None
    method: Annotated[str | None, StringConstraints(max_length=16)] = None
    new_password: Password | None = None
    credential: dict[str, Any] | None = None


class Renewal(Body):
    refresh_token: Token


class NewPassword(Address):
    code: Code
    new_password: Password


class PasswordChange(Body):
    password: Password = Field(description="The present one.")
    new_password: Password


class AddressChange(Address):
    password: Password


class Confirmation(Body):
    code: Code


class Profile(Body):
    name: Name


class RegistrationView(Said):
    registration: str = Field(description="To be sent with the code: only who registered can confirm it.")


@api.post(
    "/v1/auth/register",
    callers=[ANYONE],
    status=202,
    limit="register",
    captcha="register",
    problems=[WeakPassword, *BUSY],
)
def register(body: Registration) -> RegistrationView:
    """Make an account; a code is mailed to its address. Registering again replaces what was not confirmed."""
    registration = service.register(body.email, body.password, body.name)
    said = "If this address is new to us, a code is on its way to it."
    return RegistrationView(message=said, registration=registration)


@api.post("/v1/auth/verify", callers=[ANYONE], limit="code", problems=[WrongCode, *BUSY])
def verify(body: Verification) -> Said:
    """Confirm the address with the mailed code and what the registration answered; without it, register again."""
    service.verify(body.email, body.code, body.registration, where=visit().address)
    return Said(message="The address is confirmed.")


@api.post("/v1/auth/resend", callers=[ANYONE], status=202, limit="password", problems=BUSY)
def resend(body: Address) -> Said:
    """Mail a new code for an address that is not confirmed yet."""
    service.resend_code(body.email)
    return Said(message="If this address waits for a code, a new one is on its way.")


@api.post(
    "/v1/auth/login",
    callers=[ANYONE],
    limit="login",
    problems=[
        InvalidCredentials,
        EmailNotVerified,
        AccountBlocked,
        FurtherStepRequired,
        CaptchaRequired,
        CaptchaFailed,
        *BUSY,
    ],
)
def login(body: Credentials) -> Response[SessionView | ChallengeView]:
    """Sign in with address and password. After three wrong ones in a row, a captcha is asked for where there is one."""
    found = signing_in.with_password(body.email, body.password, visit(), suspicious=lambda: human("login"))
    return entered(found)


@api.post("/v1/auth/passkey", callers=[ANYONE], limit="login", problems=BUSY)
def login_with_passkey(body: Address) -> Response[ChallengeView]:
    """Begin to sign in with a passkey. Addresses without one are answered alike."""
    return entered(signing_in.with_passkey(body.email))


@api.post(
    "/v1/auth/challenge",
    callers=[ANYONE],
    limit="code",
    problems=[ChallengeEnded, WrongCode, WeakPassword, AccountBlocked, FurtherStepRequired, *BUSY],
)
def answer_challenge(body: ChallengeAnswer) -> Response[SessionView | ChallengeView]:
    """Answer what a sign-in asked for. After a wrong code, another may be given."""
    answer = Answer(body.code, body.method, body.new_password, body.credential)
    return entered(signing_in.with_answer(body.session, answer, visit()))


@api.post(
    "/v1/auth/refresh",
    callers=[ANYONE],
    limit="refresh",
    problems=[InvalidCredentials, SessionEnded, AccountBlocked, *BUSY],
)
def refresh(body: Renewal) -> Response[SessionView]:
    """Trade a refresh token for new tokens. Keep the new one: who comes with the old one again ends the session."""
    return entered(signing_in.refresh(body.refresh_token, visit()))


@api.post("/v1/auth/forgot-password", callers=[ANYONE], status=202, limit="password", problems=BUSY)
def forgot_password(body: Address) -> Said:
    """Mail a code for choosing a new password."""
    service.forgot_password(body.email)
    return Said(message="If there is an account with this address, a code is on its way to it.")


@api.post("/v1/auth/reset-password", callers=[ANYONE], limit="code", problems=[WrongCode, WeakPassword, *BUSY])
def reset_password(body: NewPassword) -> Said:
    """Choose a new password with the mailed code. Every session ends."""
    service.reset_password(body.email, body.code, body.new_password, where=visit().address)
    return Said(message="The password is changed.")


@api.get("/v1/me", callers=EVERYBODY, problems=[NoSuchUser])
def me() -> Response[UserView]:
    """The caller's own account."""
    return _own()


@api.patch("/v1/me", callers=EVERYBODY, problems=[NoSuchUser, PreconditionFailed])
def change_me(body: Profile) -> Response[UserView]:
    """Change the caller's name; with `If-Match`, only if the account is still as it was read."""
    service.rename(api.caller.id, body.name, version=_seen())
    return _own()


@api.post(
    "/v1/me/password",
    callers=EVERYBODY,
    limit="login",
    problems=[NoSuchUser, ReauthenticationRequired, WrongPassword, WeakPassword, InvalidCredentials, *BUSY],
)
def change_password(body: PasswordChange) -> Response[SessionView | ChallengeView]:
    """Choose a new password. Every session ends; a new one begins here, after the second factor where there is one."""
    return entered(service.change_password(api.caller.id, proof(), body.password, body.new_password, visit()))


@api.post(
    "/v1/me/email",
    callers=EVERYBODY,
    status=202,
    limit="password",
    problems=[NoSuchUser, ReauthenticationRequired, WrongPassword, InvalidCredentials, *BUSY],
)
def change_email(body: AddressChange) -> Said:
    """Mail a code to another address, which replaces the present one once the code is given."""
    service.change_email(api.caller.id, proof(), body.password, body.email)
    return Said(message="If this address is free, a code is on its way to it.")


@api.post(
    "/v1/me/email/confirmation",
    callers=EVERYBODY,
    limit="code",
    problems=[NoSuchUser, ReauthenticationRequired, WrongCode, InvalidCredentials, *BUSY],
)
def confirm_email(body: Confirmation) -> Response[UserView]:
    """Confirm the other address with the mailed code. The one before is told."""
    service.confirm_email(api.caller.id, proof(), body.code)
    return _own()


def _own() -> Response[Any]:
    user, standing = service.me(api.caller.id)
    return reply(UserView(**described(user, standing)), version=user.version)


def _seen() -> int | None:
    """The version in `If-Match`, or None where any will do. Raises PreconditionFailed for what is not one of ours."""
    wanted = api.header("if-match")
    if wanted in ("", "*"):
        return None
    text = wanted.strip('"')
    if not text.isascii() or not text.isdigit() or len(text) > 9 or wanted != etag(int(text)):
        raise PreconditionFailed("The resource has changed since you read it.")
    return int(text)


handler = api.handler
