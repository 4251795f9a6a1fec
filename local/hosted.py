"""The hosted pages of the user pool: OAuth 2.0 codes with PKCE, sign-in with a password or a provider, logout.

As on Cognito: a wrong client or redirect_uri is told to the person and never redirected; everything else goes back to
the application as `error`; codes are good once, for five minutes, for their client, address and verifier; a browser
that signed in stays so for an hour, for the same provider, and its tokens tell when that was (`auth_time`): `prompt`
asks for a new sign-in. Somebody from a provider who is new here passes PreSignUp
(`PreSignUp_ExternalProvider`); a trigger that links the identity in that moment makes this one attempt fail with
"Already found an entry for username ...", and the next succeed, as it does there. At each sign-in a provider's
attributes replace those of the account, linked or not. Stricter: PKCE (S256) must be used. Not played: sign-up and
new passwords on hosted pages, passkeys on them, client secrets, `prompt=none`, the implicit and client-credentials
grants.
"""

import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from local.accounts import Person
from local.answers import AwsError
from local.hosted_codes import HostedCodes
from local.hosted_pages import POLICY, code_page, person_page, refusal_page, sign_in_page
from local.hosted_tokens import TokenEndpoint, as_json
from local.http_gateway import Answer, Gateway, Request
from local.pool_parts import Parts
from local.sessions import Client
from local.sign_in import SignIn
from local.social import Provider, SimulatedProviders

__all__ = ["Entrance", "HostedPages"]

JSON = dict[str, Any]
_PAGES = ("/oauth2/", "/login", "/logout", "/.well-known/jwks.json", "/.well-known/openid-configuration")
_ASKED = (
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "scope",
    "code_challenge",
    "code_challenge_method",
    "nonce",
    "identity_provider",
    "prompt",
)
_ANEW = ("login", "select_account")
"""Values of `prompt` for which a browser that is signed in is asked again."""

_CODE_FIELD = {
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
}


class _Back(Exception):
    """Back to the application with an OAuth error."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


class _Refused(Exception):
    """To the person: nothing here may be sent anywhere."""


class HostedPages:
    """Answers requests to the domain of one pool; `base_url` is that domain."""

    def __init__(
        self,
        parts: Parts,
        providers: Mapping[str, Provider],
        notes: HostedCodes,
        simulated: SimulatedProviders,
        base_url: str,
    ) -> None:
        self._parts, self._providers, self._notes, self._simulated = parts, providers, notes, simulated
        self._base_url = base_url
        self._tokens = TokenEndpoint(parts, notes, base_url)
        self._sign_in = SignIn(parts, lambda person, client, source: {"sub": person.sub})

    def serves(self, path: str) -> bool:
        return path.startswith(_PAGES[0]) or path in _PAGES or path.startswith(f"/{self._parts.id}/.well-known/")

    def answer(self, request: Request) -> Answer:
        """Never raises for what a request says."""
        asked = dict(parse_qsl(request.query, keep_blank_values=True))
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            return self._answer(request, asked, form)
        except _Back as back:
            told = {"error": back.error, "error_description": str(back)}
            return _redirect(asked["redirect_uri"], told | _state(asked))
        except _Refused as refused:
            return _page(refusal_page(str(refused)), status=400)

    def _answer(self, request: Request, asked: dict[str, str], form: dict[str, str]) -> Answer:
        path = request.path.removeprefix(f"/{self._parts.id}")
        called = (request.method, path)
        match called:
            case ("GET", "/.well-known/jwks.json"):
                return as_json(self._parts.key.key_set())
            case ("GET", "/.well-known/openid-configuration"):
                return as_json(self._tokens.configuration())
            case ("GET", "/oauth2/authorize"):
                return self._authorize(request, asked)
            case ("GET", "/login"):
                return self._login_page(self._known(asked), asked)
            case ("POST", "/login"):
                return self._log_in(request, asked, form)
            case ("GET" | "POST", "/oauth2/idpresponse"):
                return self._returned(request, asked | form)
            case ("POST", "/oauth2/token"):
                return self._tokens.exchange(form)
            case ("GET" | "POST", "/oauth2/userInfo"):
                return self._tokens.user_info(request)
            case ("POST", "/oauth2/revoke"):
                return self._tokens.revoke(form)
            case ("GET", "/logout"):
                return self._log_out(request, asked)
        provider = path.removeprefix("/oauth2/provider/")
        if provider in self._providers and request.method in ("GET", "POST"):
            return self._provider_page(provider, request.method, asked, form)
        return _page(refusal_page("There is no such page."), status=404)

    # -- beginning

    def _known(self, asked: Mapping[str, str]) -> Client:
        """The client, if it may be sent an answer. Raises _Refused, then _Back."""
        client = self._parts.clients.get(asked.get("client_id", ""))
        if client is None or not client.hosted:
            raise _Refused("This application does not exist.")
        if asked.get("redirect_uri", "") not in client.callbacks:
            raise _Refused("The application asked to be answered at an address that is not its own.")
        if asked.get("response_type") != "code":
            raise _Back("unauthorized_client", "Only codes are given.")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            raise _Back("invalid_request", "Send a code_challenge with the method S256.")
        wanted = set(asked.get("scope", "").split())
        if not wanted <= client.scopes:
            raise _Back("invalid_scope", "A scope is not allowed for this application.")
        return client

    def _authorize(self, request: Request, asked: dict[str, str]) -> Answer:
        client = self._known(asked)
        provider = asked.get("identity_provider", "")
        if provider and (provider not in client.providers or provider not in {*self._providers, "COGNITO"}):
            raise _Back("invalid_request", "This provider is not offered.")
        known = self._notes.read("browser", _cookies(request).get("signed-in", ""))
        person = self._parts.accounts.find(known["sub"]) if known else None
        stays = known and person and person.enabled and known["client"] == client.id and "by" in known
        if known and person and stays and provider in ("", known["by"]) and asked.get("prompt") not in _ANEW:
            return self._code(person, client, asked, known)
        if provider in self._providers:
            journey = self._notes.keep("journey", {"asked": _kept(asked), "provider": provider})
            answer = _redirect(f"{self._base_url}/oauth2/provider/{provider}", {"state": journey})
            answer.headers.append(_cookie("journey", journey))
            return answer
        return _redirect(f"{self._base_url}/login", _kept(asked))

    def _login_page(self, client: Client, asked: Mapping[str, str], error: str = "", status: int = 200) -> Answer:
        csrf = secrets.token_urlsafe(24)
        offered = [name for name in client.providers if name in self._providers]
        body = sign_in_page(offered, _kept(asked), csrf=csrf, password="COGNITO" in client.providers, error=error)
        answer = _page(body, status=status)
        answer.headers.append(_cookie("csrf", csrf))
        return answer

    # -- with a password

    def _log_in(self, request: Request, asked: dict[str, str], form: dict[str, str]) -> Answer:
        client = self._known(asked)
        expected = _cookies(request).get("csrf", "")
        if not expected or not hmac.compare_digest(expected.encode(), form.get("_csrf", "").encode()):
            raise _Refused("The form is too old. Go back and try again.")
        if "COGNITO" not in client.providers:
            raise _Refused("This application takes no passwords here.")
        try:
            passed = self._passed(form, client)
        except AwsError as error:
            return self._login_page(client, asked, str(error), status=400)
        if "sub" in passed:
            return self._code(self._parts.accounts.known(passed["sub"]), client, asked, self._now_by("COGNITO"))
        if passed["ChallengeName"] not in _CODE_FIELD:
            return self._login_page(client, asked, "Sign in with the application for this step.", status=400)
        page = code_page(
            _kept(asked),
            csrf=expected,
            challenge=passed["ChallengeName"],
            session=passed["Session"],
            username=form["username"],
            error="",
        )
        return _page(page)

    def _passed(self, form: Mapping[str, str], client: Client) -> JSON:
        """Who signed in, or the challenge that comes next. Raises AwsError."""
        field = _CODE_FIELD.get(form.get("challenge", ""))
        if field is None:
            return self._sign_in.password(form.get("username", ""), form.get("password", ""), client)
        answers = {"USERNAME": form.get("username", ""), field: form.get("code", "")}
        asked = {"ChallengeName": form["challenge"], "Session": form.get("session"), "ChallengeResponses": answers}
        return self._sign_in.respond(asked, client)

    # -- with a provider

    def _provider_page(self, provider: str, method: str, asked: Mapping[str, str], form: Mapping[str, str]) -> Answer:
        if method == "GET":
            return _page(person_page(provider, asked.get("state", "")))
        if "@" not in form.get("email", ""):
            raise _Refused("Choose somebody with an e-mail address.")
        verified = form.get("verified") == "true"
        code = self._simulated.choose(provider, form["email"], form.get("name", ""), verified=verified)
        return _redirect(f"{self._base_url}/oauth2/idpresponse", {"code": code, "state": form.get("state", "")})

    def _returned(self, request: Request, given: dict[str, str]) -> Answer:
        """Back from a provider, in the browser that left."""
        state = given.get("state", "")
        journey = self._notes.spend("journey", state)
        mine = _cookies(request).get("journey", "")
        if journey is None or not hmac.compare_digest(mine.encode(), state.encode()):
            raise _Refused("This sign-in was not begun in this browser, or too long ago.")
        asked, provider = journey["asked"], self._providers[journey["provider"]]
        try:
            if given.get("error"):
                raise _Back("invalid_request", f"{provider.name}: {given['error']}")
            claims = self._simulated.claims(provider.name, given.get("code", ""))
            if claims is None:
                raise _Back("invalid_request", f"{provider.name} does not know this code.")
            person = self._person(provider, claims, asked["client_id"])
            return self._code(person, self._known(asked), asked, self._now_by(provider.name))
        except _Back as back:
            told = {"error": back.error, "error_description": str(back)}
            return _redirect(asked["redirect_uri"], told | _state(asked))

    def _person(self, provider: Provider, claims: JSON, client: str) -> Person:
        """Who this identity is here; a new profile where it is nobody yet. Raises _Back."""
        accounts, attributes = self._parts.accounts, provider.attributes(claims)
        try:
            person = accounts.identified(provider.name, claims["sub"])
            if person is not None:
                accounts.change(person.sub, attributes)
                return accounts.known(person.sub)
            username = f"{provider.name}_{claims['sub']}"
            self._parts.triggers.sign_up("PreSignUp_ExternalProvider", username, client, attributes)
            if accounts.identified(provider.name, claims["sub"]) is not None:
                raise _Back("invalid_request", f"Already found an entry for username {username}")
            made = accounts.add_external(provider.name, claims["sub"], attributes)
            self._parts.triggers.about("PostConfirmation", "PostConfirmation_ConfirmSignUp", made, client)
        except AwsError as error:
            raise _Back("invalid_request", str(error)) from None
        return made

    # -- back to the application

    def _now_by(self, name: str) -> JSON:
        """A sign-in of this moment, and by whom."""
        return {"by": name, "at": self._notes.now()}

    def _code(self, person: Person, client: Client, asked: Mapping[str, str], signed_in: JSON) -> Answer:
        """Back to the application with a code, in a browser that stays signed in; `signed_in`: see `_now_by`."""
        if not person.enabled:
            raise _Back("access_denied", "User is disabled.")
        note = {"sub": person.sub, "client": client.id, "asked": _kept(asked), "at": signed_in["at"]}
        code = self._notes.keep("code", note)
        answer = _redirect(asked["redirect_uri"], {"code": code} | _state(asked))
        known = {"sub": person.sub, "client": client.id, "by": signed_in["by"], "at": signed_in["at"]}
        browser = self._notes.keep("browser", known)
        answer.headers.append(_cookie("signed-in", browser, seconds=3600))
        return answer

    # -- leaving

    def _log_out(self, request: Request, asked: Mapping[str, str]) -> Answer:
        client = self._parts.clients.get(asked.get("client_id", ""))
        if client is None or asked.get("logout_uri", "") not in client.logouts:
            raise _Refused("The application asked to be left for an address that is not its own.")
        self._notes.spend("browser", _cookies(request).get("signed-in", ""))
        answer = _redirect(asked["logout_uri"], {})
        answer.headers.append(_cookie("signed-in", "", seconds=0))
        return answer


class Entrance(Gateway):
    """The HTTP API with the hosted pages beside it: one address for both on one machine."""

    pages: HostedPages | None = None

    def lane(self, method: str, path: str) -> str:
        return "" if self._is_page(path) else super().lane(method, path)

    def answer(self, request: Request) -> Answer:
        if self.pages is not None and self._is_page(request.path):
            return self.pages.answer(request)
        return super().answer(request)

    def _is_page(self, path: str) -> bool:
        return self.pages is not None and self.pages.serves(path)


def _kept(asked: Mapping[str, str]) -> dict[str, str]:
    return {name: asked[name] for name in _ASKED if name in asked}


def _state(asked: Mapping[str, str]) -> dict[str, str]:
    return {"state": asked["state"]} if "state" in asked else {}


def _page(text: str, *, status: int = 200) -> Answer:
    headers = [
        ("content-type", "text/html; charset=utf-8"),
        ("content-security-policy", POLICY),
        ("cache-control", "no-store"),
        ("referrer-policy", "no-referrer"),
    ]
    return Answer(status, headers, text.encode())


def _redirect(address: str, query: Mapping[str, str]) -> Answer:
    joint = "&" if urlsplit(address).query else "?"
    place = f"{address}{joint}{urlencode(query)}" if query else address
    return Answer(302, [("location", place), ("cache-control", "no-store")], b"")


def _cookie(name: str, value: str, *, seconds: int = 300) -> tuple[str, str]:
    return "set-cookie", f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def _cookies(request: Request) -> dict[str, str]:
    jar: SimpleCookie = SimpleCookie()
    for name, value in request.headers:
        if name == "cookie":
            try:
                jar.load(value)
            except CookieError:
                continue
    return {name: morsel.value for name, morsel in jar.items()}
