"""HTTP routes for people who sign in with another company's account."""

from typing import Annotated

from pydantic import StringConstraints

from identity import hosted, signing_in
from identity.app import SessionView, api, entered, visit
from identity.model import AccountBlocked, InvalidCredentials, NotOffered, Token
from market.errors import Unavailable
from market.http import ANYONE, Body, Response, View, reply


class ProviderView(View):
    """The browser adds `redirect_uri`, `state` and a PKCE `code_challenge` to the address.

    reauthenticate_url: the one to go to after `reauthentication_required`. The other may sign in silently whom the
    pages still know, with the time of that sign-in.
    """

    name: str
    authorize_url: str
    reauthenticate_url: str


class ProviderList(View):
    items: list[ProviderView]


class Return(Body):
    """What the hosted pages sent the browser back with, and the verifier of the challenge that it sent there (PKCE)."""

    code: Token
    code_verifier: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._~-]{43,128}$")]
    redirect_uri: Annotated[str, StringConstraints(max_length=300, pattern=r"^https?://[\x21-\x7e]+$")]


@api.get("/v1/auth/providers", callers=[ANYONE])
def list_providers() -> Response[ProviderList]:
    """Whose accounts can be used to sign in here."""
    items = [
        ProviderView(name=one.name, authorize_url=one.authorize_url, reauthenticate_url=one.reauthenticate_url)
        for one in hosted.providers()
    ]
    return reply(ProviderList(items=items), cache_seconds=300)


@api.post(
    "/v1/auth/social",
    callers=[ANYONE],
    limit="login",
    problems=[InvalidCredentials, NotOffered, AccountBlocked, Unavailable],
)
def finish_social(body: Return) -> Response[SessionView]:
    """Finish a sign-in with another company's account."""
    return entered(signing_in.with_provider(body.code, body.code_verifier, body.redirect_uri, visit()))
