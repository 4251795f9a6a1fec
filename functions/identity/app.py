"""What identity's routes share: the API that they belong to, who is asking from where, and what a sign-in answers."""

from typing import Any, Literal

from pydantic import Field

from access.contract import Standing
from access.contract import claims_of as rights_of
from identity import tokens
from identity.devices import Visit
from identity.devices import visit as visit_of
from identity.gateway import Session
from identity.manifest import MANIFEST
from identity.model import InvalidCredentials, User
from identity.signing_in import Step
from identity.tokens import SELF_SERVICE
from market.guard import captcha
from market.guard.callers import ReauthenticationRequired
from market.http import Response, ServiceApi, View, reply

api = ServiceApi(MANIFEST)


class Said(View):
    """The same words whether or not there is an account."""

    message: str


class SessionView(View):
    """Signed in."""

    access_token: str
    refresh_token: str
    expires_in: int = Field(description="Seconds that the access token is good for.")
    token_type: str = "Bearer"  # noqa: S105 - not a password


class ChallengeView(View):
    """Not signed in yet: answer the challenge at `POST /v1/auth/challenge`."""

    challenge: Literal["totp", "email", "sms", "choice", "new_password", "passkey"]
    session: str = Field(description="Send it back with the answer, within ten minutes.")
    methods: list[str] | None = Field(None, description="Of a choice: what can be chosen.")
    sent_to: str | None = Field(None, description="Where a code was sent to, masked.")
    options: dict[str, Any] | None = Field(None, description="Of a passkey: PublicKeyCredentialRequestOptions.")


class UserView(View):
    id: str
    email: str
    name: str
    roles: list[str]
    vendor_id: str | None = None
    status: str


class StaffUserView(UserView):
    """An account as staff sees it. version: of its standing."""

    second_factors: list[str]
    second_factor_required: bool
    signed_in_at: str | None = None


def entered(found: Session | Step) -> Response[Any]:
    """The answer of a sign-in: a session, or what is asked next."""
    if isinstance(found, Session):
        return reply(
            SessionView(access_token=found.access_token, refresh_token=found.refresh_token, expires_in=found.expires_in)
        )
    return reply(
        ChallengeView(
            challenge=found.challenge,
            session=found.session,
            methods=list(found.methods) or None,
            sent_to=found.sent_to or None,
            options=dict(found.options) if found.options else None,
        )
    )


def described(user: User, standing: Standing) -> dict[str, Any]:
    """The fields of a UserView."""
    rights = rights_of(standing, {})
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "roles": sorted(rights["roles"].split()),
        "vendor_id": rights.get("vendorId"),
        "status": standing.status,
    }


def visit() -> Visit:
    """Where the current request comes from."""
    return visit_of(api.header("user-agent"), api.address)


def bearer() -> str:
    """The caller's access token, for Cognito. Raises InvalidCredentials without one."""
    scheme, _, token = api.header("authorization").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise InvalidCredentials("Please sign in again.")
    return token


def proof() -> str:
    """The caller's access token, where it will do to change what they prove who they are with.

    Raises ReauthenticationRequired, also for a token that was refreshed: Cognito would refuse it.
    """
    api.caller.require_recent()
    return own_token()


def own_token() -> str:
    """The caller's access token, for Cognito's calls about oneself. Raises ReauthenticationRequired if refreshed."""
    token = bearer()
    if SELF_SERVICE not in str(tokens.claims(token).get("scope", "")).split():
        raise ReauthenticationRequired()
    return token


def human(action: str) -> None:
    """Raises CaptchaRequired or CaptchaFailed."""
    captcha.check(action, api.header("captcha-token"), api.address)
