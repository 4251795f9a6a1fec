"""Accounts in the whole marketplace: sign-in with a provider, a second factor and a passkey through our own routes."""

import base64
import hashlib
import html
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from local.harness import InProcess, Reply, marketplace

VERIFIER = "a-verifier-that-is-at-least-forty-three-letters-long"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def shop() -> Iterator[InProcess]:
    with marketplace(sockets=False) as made:
        yield made


def _come_back(shop: InProcess, provider: str, email: str, *, verified: bool = True) -> dict[str, str]:
    """Go to the provider as the shop says, be this person there, and return with what the shop is told."""
    offered = {one["name"]: one["authorizeUrl"] for one in shop.call("GET", "/v1/auth/providers").json["items"]}
    parts = urlsplit(offered[provider])
    assert f"{parts.scheme}://{parts.netloc}" == shop.base_url
    back = "http://localhost:5173/signed-in"
    asked = {"redirect_uri": back, "state": "mine", "code_challenge": CHALLENGE}
    begun = shop.call("GET", f"{parts.path}?{parts.query}&{urlencode(asked)}")
    cookie = begun.headers["set-cookie"].partition(";")[0]
    page = shop.call("GET", begun.headers["location"].removeprefix(shop.base_url))
    form = {"email": email, "name": "Ada"} | _hidden(page) | ({"verified": "true"} if verified else {})
    chosen = shop.call("POST", f"/oauth2/provider/{provider}", urlencode(form).encode())
    ended = shop.call("GET", chosen.headers["location"].removeprefix(shop.base_url), headers={"cookie": cookie})
    assert ended.headers["location"].startswith(f"{back}?")
    return dict(parse_qsl(urlsplit(ended.headers["location"]).query)) | {"redirectUri": back}


def _hidden(page: Reply) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


def _enter(shop: InProcess, told: dict[str, str]) -> Reply:
    body = {"code": told["code"], "codeVerifier": VERIFIER, "redirectUri": told["redirectUri"]}
    return shop.call("POST", "/v1/auth/social", body)


@pytest.mark.contract("1.2")
@pytest.mark.parametrize("provider", ["Google", "GitHub"])
def test_somebody_comes_in_with_another_company_s_account(shop: InProcess, provider: str) -> None:
    email = f"{provider.lower()}@example.com"
    told = _come_back(shop, provider, email)
    if "code" not in told:  # the account was made and linked in this attempt; Cognito lets the next one in
        assert "Already found an entry" in told["error_description"]
        told = _come_back(shop, provider, email)

    session = _enter(shop, told)

    assert session.status == 200, session
    me = shop.call("GET", "/v1/me", token=session.json["accessToken"])
    assert me.json["email"] == email
    assert _enter(shop, told).status == 401


@pytest.mark.contract("1.2")
def test_an_address_that_nobody_verified_opens_no_account_of_somebody_else(shop: InProcess) -> None:
    shop.person("victim@example.com")
    mine = shop.call("GET", "/v1/me", token=shop.token("victim@example.com")).json["id"]

    for _ in range(2):
        told = _come_back(shop, "GitHub", "victim@example.com", verified=False)
        if "code" in told and (session := _enter(shop, told)).status == 200:
            assert shop.call("GET", "/v1/me", token=session.json["accessToken"]).json["id"] != mine
