"""Hosted pages that still know a browser: with the old time, until they are asked to prove anew who it is."""

from pathlib import Path

import pytest

from local.http_gateway import Answer
from tests.local.pool_world import ADA, KEY, World
from tests.local.test_accounts_hosted import Browser, tokens

pytestmark = pytest.mark.contract("1.2", "1.3")


def when(world: World, answer: Answer) -> int:
    """When the person signed in, as the access token says."""
    at: int = KEY.verify(tokens(world, answer)["access_token"])["auth_time"]
    return at


def test_a_browser_that_is_still_signed_in_brings_the_old_time_until_it_is_asked_anew(tmp_path: Path) -> None:
    world = World(tmp_path / "accounts.db")
    browser = Browser(world)
    first = when(world, browser.with_google())
    world.ahead = 1_000
    assert when(world, browser.authorize(identity_provider="Google")) == first

    anew = browser.authorize(identity_provider="Google", prompt="select_account")
    assert when(world, browser.choose(anew, ADA)) >= first + 1_000
    assert when(world, browser.authorize(identity_provider="Google")) >= first + 1_000
    assert browser.authorize(prompt="login").status == 200
