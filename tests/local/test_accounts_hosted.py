"""The hosted pages: codes with PKCE, sign-in with a password or a simulated provider, userInfo, logout."""

import base64
import hashlib
import html
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import orjson
import pytest

from local.http_gateway import Answer, Request
from tests.local.pool_world import ADA, HERE, KEY, PASSWORD, POOL, THERE, World, refused

pytestmark = pytest.mark.contract("1.2")

VERIFIER = "a-verifier-that-is-at-least-forty-three-letters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ASKED = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": THERE,
    "state": "of-the-shop",
    "scope": "openid email profile aws.cognito.signin.user.admin",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


class Browser:
    """Keeps cookies and follows redirects as long as they stay on the hosted domain."""

    def __init__(self, world: World) -> None:
        self.world, self.cookies = world, dict[str, str]()

    def get(self, path: str, query: dict[str, str] | None = None) -> Answer:
        return self._ask("GET", path, urlencode(query or {}))

    def post(self, path: str, form: dict[str, str], query: str = "") -> Answer:
        return self._ask("POST", path, query, urlencode(form).encode())

    def _ask(self, method: str, path: str, query: str, body: bytes = b"") -> Answer:
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = self.world.pages.answer(Request(method, path, query, [("cookie", cookies)], body))
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.partition(";")[0]
        place = location(answer)
        if place.startswith(HERE):
            parts = urlsplit(place)
            return self._ask("GET", parts.path, parts.query)
        return answer

    def authorize(self, **changes: str) -> Answer:
        return self.get("/oauth2/authorize", {name: v for name, v in (ASKED | changes).items() if v})

    def choose(self, page: Answer, email: str, *, verified: bool = True) -> Answer:
        """Be this person on a provider's page."""
        action, hidden = form_of(page)
        return self.post(action, hidden | {"email": email, "name": "Ada"} | ({"verified": "true"} if verified else {}))

    def with_google(self, email: str = ADA, **options: Any) -> Answer:
        return self.choose(self.authorize(identity_provider="Google"), email, **options)

    def log_in(self, password: str = PASSWORD) -> Answer:
        action, hidden = form_of(self.authorize())
        parts = urlsplit(action)
        return self.post(parts.path, hidden | {"username": ADA, "password": password}, parts.query)


def location(answer: Answer) -> str:
    return dict(answer.headers).get("location", "")


def told(answer: Answer) -> dict[str, str]:
    """What the application is told by the redirect."""
    assert answer.status == 302, answer
    assert location(answer).startswith(f"{THERE}?"), answer
    return dict(parse_qsl(urlsplit(location(answer)).query))


def form_of(page: Answer) -> tuple[str, dict[str, str]]:
    text = page.body.decode()
    action = re.search(r'<form method="post" action="([^"]*)"', text)
    assert action, text
    hidden = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', text)
    return html.unescape(action[1]), {name: html.unescape(value) for name, value in hidden}


def exchange(world: World, code: str, /, **changes: str) -> Answer:
    form = {"grant_type": "authorization_code", "client_id": "web", "code": code}
    form |= {"redirect_uri": THERE, "code_verifier": VERIFIER} | changes
    return world.pages.answer(Request("POST", "/oauth2/token", body=urlencode(form).encode()))


def tokens(world: World, answer: Answer) -> dict[str, Any]:
    given = exchange(world, told(answer)["code"])
    assert given.status == 200, given
    found: dict[str, Any] = orjson.loads(given.body)
    return found


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "accounts.db")


# -- with a provider


def test_somebody_new_comes_in_with_google(world: World) -> None:
    answer = Browser(world).with_google()
    assert told(answer)["state"] == "of-the-shop"

    found = tokens(world, answer)

    claims, identity = KEY.verify(found["access_token"]), KEY.verify(found["id_token"])
    assert claims["token_use"] == "access"
    assert claims["client_id"] == "web"
    assert claims["username"].startswith("Google_")
    assert claims["version"] == 2
    assert claims["scope"] == ASKED["scope"]
    assert identity["email"] == ADA
    assert identity["email_verified"] is True
    assert identity["identities"][0]["providerName"] == "Google"
    assert {"PreSignUp_ExternalProvider", "TokenGeneration_HostedAuth"} <= set(world.sources())
    assert world.client.get_user(AccessToken=found["access_token"])["Username"] == claims["username"]


def test_the_same_person_comes_back_as_the_same(world: World) -> None:
    first = KEY.verify(tokens(world, Browser(world).with_google())["access_token"])
    again = KEY.verify(tokens(world, Browser(world).with_google())["access_token"])
    github = Browser(world)
    other = tokens(world, github.choose(github.authorize(identity_provider="GitHub"), ADA))

    assert again["sub"] == first["sub"]
    assert KEY.verify(other["access_token"])["sub"] != first["sub"]
    assert world.sources().count("PreSignUp_ExternalProvider") == 2


def test_an_address_that_the_provider_has_not_verified_is_not_verified_here(world: World) -> None:
    found = tokens(world, Browser(world).with_google(verified=False))
    assert KEY.verify(found["id_token"])["email_verified"] is False


def test_a_provider_s_profile_stands_beside_the_account_with_the_same_address(world: World) -> None:
    mine = world.join()

    other = KEY.verify(tokens(world, Browser(world).with_google())["access_token"])["sub"]

    assert other != mine
    listed = world.client.list_users(UserPoolId=POOL, Filter=f'email = "{ADA}"')["Users"]
    assert {user["UserStatus"] for user in listed} == {"CONFIRMED", "EXTERNAL_PROVIDER"}
    world.sign_in()


def test_a_link_lets_the_identity_sign_in_as_the_account(world: World) -> None:
    mine = world.join()

    def link(event: dict[str, Any]) -> dict[str, Any]:
        if event["triggerSource"] == "PreSignUp_ExternalProvider":
            provider, _, subject = event["userName"].partition("_")
            world.client.admin_link_provider_for_user(
                UserPoolId=POOL,
                DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": mine},
                SourceUser={
                    "ProviderName": provider,
                    "ProviderAttributeName": "Cognito_Subject",
                    "ProviderAttributeValue": subject,
                },
            )
        return event

    world.triggers["PreSignUp"] = link
    assert "Already found an entry" in told(Browser(world).with_google())["error_description"]

    found = tokens(world, Browser(world).with_google())

    assert KEY.verify(found["access_token"])["sub"] == mine
    assert KEY.verify(found["access_token"])["username"] == mine
    with refused("InvalidParameterException"):
        link({"triggerSource": "PreSignUp_ExternalProvider", "userName": world.heard[-1]["userName"]} | _last(world))
    world.sign_in()


def _last(world: World) -> dict[str, Any]:
    return next(e for e in reversed(world.heard) if e["triggerSource"] == "PreSignUp_ExternalProvider")


def test_a_trigger_that_refuses_sends_the_person_back_with_its_words(world: World) -> None:
    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("unverified_email")

    world.triggers["PreSignUp"] = refuse
    answer = told(Browser(world).with_google())
    assert answer["error"] == "invalid_request"
    assert "unverified_email" in answer["error_description"]
    assert "code" not in answer


def test_a_sign_in_ends_in_the_browser_that_began_it(world: World) -> None:
    begun = Browser(world).authorize(identity_provider="Google")
    assert Browser(world).choose(begun, ADA).status == 400

    mine = Browser(world)
    page = mine.authorize(identity_provider="Google")
    assert told(mine.choose(page, ADA))["code"]
    assert mine.choose(page, ADA).status == 400


def test_who_cancels_at_the_provider_comes_back_without_code(world: World) -> None:
    browser = Browser(world)
    _, hidden = form_of(browser.authorize(identity_provider="Google"))
    answer = browser.get("/oauth2/idpresponse", {"error": "access_denied", "state": hidden["state"]})
    assert told(answer)["error"] == "invalid_request"


# -- with a password


def test_a_password_and_a_second_factor_make_a_code(world: World) -> None:
    world.join()
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    browser = Browser(world)
    assert browser.log_in("wrong-password-9").status == 400

    action, hidden = form_of(browser.log_in())
    parts = urlsplit(action)
    answer = browser.post(parts.path, hidden | {"code": world.shown(secret)}, parts.query)

    assert KEY.verify(tokens(world, answer)["access_token"])["username"] == world.parts.accounts.known(ADA).sub


def test_a_form_from_elsewhere_signs_nobody_in(world: World) -> None:
    world.join()
    browser = Browser(world)
    action, hidden = form_of(browser.authorize())
    parts = urlsplit(action)
    form = hidden | {"username": ADA, "password": PASSWORD, "_csrf": "guessed"}
    assert browser.post(parts.path, form, parts.query).status == 400
    assert Browser(world).post(parts.path, hidden | form, parts.query).status == 400


def test_a_browser_stays_signed_in_until_it_signs_out(world: World) -> None:
    world.join()
    browser = Browser(world)
    told(browser.log_in())
    assert told(browser.authorize())["code"]

    browser.get("/logout", {"client_id": "web", "logout_uri": THERE})

    assert browser.authorize().status == 200
    assert browser.get("/logout", {"client_id": "web", "logout_uri": "https://evil.example"}).status == 400


# -- what is not given


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "another"},
        {"redirect_uri": "https://evil.example/signed-in"},
        {"redirect_uri": f"{THERE}.evil.example"},
        {"redirect_uri": f"{THERE}?more=1"},
        {"redirect_uri": ""},
    ],
    ids=["an unknown client", "another site", "an address like ours", "a longer address", "no address"],
)
def test_nobody_is_sent_to(world: World, changes: dict[str, str]) -> None:
    answer = Browser(world).authorize(**changes)
    assert answer.status == 400
    assert not location(answer)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unauthorized_client"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "openid everything"}, "invalid_scope"),
        ({"identity_provider": "Facebook"}, "invalid_request"),
    ],
    ids=["tokens in the address", "no PKCE", "plain PKCE", "an unknown scope", "an unknown provider"],
)
def test_the_application_is_told_of(world: World, changes: dict[str, str], error: str) -> None:
    answer = told(Browser(world).authorize(**changes))
    assert answer["error"] == error
    assert answer["state"] == "of-the-shop"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another-verifier-that-is-long-enough-to-be-one"},
        {"code_verifier": ""},
        {"redirect_uri": HERE},
        {"client_id": "another"},
        {"code": "made-up"},
        {"grant_type": "password"},
    ],
    ids=["another verifier", "no verifier", "another address", "another client", "a made-up code", "another grant"],
)
def test_no_tokens_for(world: World, changes: dict[str, str]) -> None:
    code = told(Browser(world).with_google())["code"]
    assert exchange(world, code, **changes).status == 400


def test_a_code_is_good_once_and_for_five_minutes(world: World) -> None:
    code = told(Browser(world).with_google())["code"]
    assert exchange(world, code).status == 200
    assert orjson.loads(exchange(world, code).body) == {"error": "invalid_grant"}

    late = told(Browser(world).with_google())["code"]
    world.ahead = 301
    assert exchange(world, late).status == 400


def test_a_wrong_verifier_spends_the_code(world: World) -> None:
    code = told(Browser(world).with_google())["code"]
    assert exchange(world, code, code_verifier="x" * 43).status == 400
    assert exchange(world, code).status == 400


def test_a_code_survives_a_crash(world: World) -> None:
    code = told(Browser(world).with_google())["code"]
    world.open()
    assert exchange(world, code).status == 200


def test_a_disabled_person_gets_neither_code_nor_tokens(world: World) -> None:
    answer = Browser(world).with_google()
    username = world.heard[-1]["userName"]
    world.client.admin_disable_user(UserPoolId=POOL, Username=username)
    assert exchange(world, told(answer)["code"]).status == 400
    assert told(Browser(world).with_google())["error"] == "access_denied"


# -- what programs read


def test_user_info_is_for_who_holds_an_access_token_with_openid(world: World) -> None:
    found = tokens(world, Browser(world).with_google())

    def ask(token: str) -> Answer:
        headers = [("authorization", f"Bearer {token}")]
        return world.pages.answer(Request("GET", "/oauth2/userInfo", headers=headers))

    known = orjson.loads(ask(found["access_token"]).body)
    assert known["email"] == ADA
    assert known["email_verified"] == "true"
    assert ask(found["id_token"]).status == 401
    world.join()
    assert ask(world.sign_in()["AccessToken"]).status == 401


def test_keys_and_endpoints_are_published(world: World) -> None:
    def ask(path: str) -> Any:
        return orjson.loads(world.pages.answer(Request("GET", path)).body)

    assert ask("/.well-known/jwks.json") == ask(f"/{POOL}/.well-known/jwks.json") == KEY.key_set()
    described = ask("/.well-known/openid-configuration")
    assert described["token_endpoint"] == f"{HERE}/oauth2/token"
    assert described["issuer"].endswith(POOL)


def test_refreshed_tokens_keep_their_scopes_and_may_be_revoked(world: World) -> None:
    found = tokens(world, Browser(world).with_google())
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": found["refresh_token"]}
    again = world.pages.answer(Request("POST", "/oauth2/token", body=urlencode(form).encode()))
    assert KEY.verify(orjson.loads(again.body)["access_token"])["scope"] == ASKED["scope"]

    gone = {"client_id": "web", "token": found["refresh_token"]}
    assert world.pages.answer(Request("POST", "/oauth2/revoke", body=urlencode(gone).encode())).status == 200
    assert world.pages.answer(Request("POST", "/oauth2/token", body=urlencode(form).encode())).status == 400


def test_what_a_request_says_is_not_believed_by_the_pages(world: World) -> None:
    """Text from an address is shown as text; odd requests are refused, not crashed on."""
    browser = Browser(world)
    shown = browser.authorize(state='"><script>alert(1)</script>').body.decode()
    assert "<script>" not in shown
    assert browser.get("/oauth2/nothing").status == 404
    assert world.pages.answer(Request("POST", "/oauth2/token", body=b"\xff\xfe")).status == 400
    assert world.pages.answer(Request("GET", "/oauth2/idpresponse", headers=[("cookie", "\xff=;;")])).status == 400
