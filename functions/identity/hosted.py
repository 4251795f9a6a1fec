"""The port to Cognito's hosted pages, where people sign in with another company's account (OAuth 2.0 with PKCE)."""

from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import orjson
from urllib3.exceptions import HTTPError

from identity.gateway import Session
from identity.model import InvalidCredentials, NotOffered
from market import config, log
from market.errors import Unavailable
from market.guard import flags

SCOPES = "openid email profile aws.cognito.signin.user.admin"
_SECONDS = 5

OFFERED = "multi-auth-providers"
"""The flag with the kinds of providers that people may use."""


@dataclass(frozen=True, slots=True)
class Provider:
    """name: as the pool calls it. The browser adds `redirect_uri`, `state` and `code_challenge` to an address.

    reauthenticate_url: where people prove anew who they are, although the hosted pages still know them.
    """

    name: str
    authorize_url: str

    @property
    def reauthenticate_url(self) -> str:
        """Google knows no `login`: there, people choose their account again."""
        prompt = "select_account" if _kind(self.name) == "google" else "login"
        return f"{self.authorize_url}&{urlencode({'prompt': prompt})}"


def providers() -> list[Provider]:
    """What is configured for this stage and not switched off by its flag; none without hosted pages."""
    domain, wanted = _setting("USER_POOL_DOMAIN"), flags.value(OFFERED)
    names = [name.strip() for name in _setting("IDENTITY_PROVIDERS").split(",") if name.strip()]
    return [Provider(name, _authorize_url(domain, name)) for name in names if _kind(name) in wanted] if domain else []


def exchange(code: str, verifier: str, redirect_uri: str) -> Session:
    """Tokens for a code. Raises InvalidCredentials for a code that is used up, foreign or not ours, and NotOffered."""
    domain = _setting("USER_POOL_DOMAIN")
    if not providers() or not _is_ours(redirect_uri):
        raise NotOffered("This way to sign in is not offered here.")
    form = {
        "grant_type": "authorization_code",
        "client_id": config.setting("USER_POOL_CLIENT_ID"),
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }
    try:
        answer = config.http().request(
            "POST",
            f"{_origin(domain)}/oauth2/token",
            body=urlencode(form).encode(),
            headers={"content-type": "application/x-www-form-urlencoded", "accept": "application/json"},
            timeout=_SECONDS,
            retries=False,
            redirect=False,
        )
    except HTTPError as unreachable:
        log.error("hosted pages unreachable", unreachable)
        raise Unavailable("The account service does not answer.") from None
    if answer.status == 400:
        raise InvalidCredentials("Please sign in again.")
    if answer.status != 200:
        log.error("hosted pages refused", status=answer.status)
        raise Unavailable("The account service does not answer.")
    found = orjson.loads(answer.data)
    return Session(str(found["access_token"]), str(found["refresh_token"]), int(found["expires_in"]))


def _kind(provider: str) -> str:
    """The flag's word for a provider of the pool."""
    return provider.lower() if provider.lower() in ("google", "github") else "oidc"


def _authorize_url(domain: str, provider: str) -> str:
    query = {
        "response_type": "code",
        "client_id": config.setting("USER_POOL_CLIENT_ID"),
        "identity_provider": provider,
        "scope": SCOPES,
        "code_challenge_method": "S256",
    }
    return f"{_origin(domain)}/oauth2/authorize?{urlencode(query)}"


def _is_ours(address: str) -> bool:
    """Whether people are sent back to the shop: the exact origin, nothing that only begins like it."""
    wanted, given = urlsplit(config.setting("STORE_URL")), urlsplit(address)
    return (given.scheme, given.netloc) == (wanted.scheme, wanted.netloc)


def _origin(domain: str) -> str:
    return domain if "://" in domain else f"https://{domain}"


def _setting(name: str) -> str:
    try:
        return config.setting(name)
    except config.MissingSetting:
        return ""
