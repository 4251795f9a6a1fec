"""Tokens of the local user pool: their claims, their rotation and revocation, also when several ask at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.tokens import BadToken, SigningKey
from tests.local.pool_world import ADA, KEY, PASSWORD, World, refused

pytestmark = pytest.mark.contract("1.1")

SHARED = {"sub", "iss", "origin_jti", "event_id", "token_use", "auth_time", "exp", "iat", "jti"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "accounts.db")
    made.join()
    return made


def refresh(world: World, token: str) -> dict[str, Any]:
    answer = world.client.get_tokens_from_refresh_token(ClientId="web", RefreshToken=token)
    result: dict[str, Any] = answer["AuthenticationResult"]
    return result


def at_once(calls: list[Callable[[], Any]]) -> list[Any]:
    """What each call gave, or the code of its error."""

    def one(call: Callable[[], Any]) -> Any:
        try:
            return call()
        except ClientError as error:
            return error.response["Error"]["Code"]

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(one, calls))


def test_tokens_carry_the_claims_of_cognito_s(world: World) -> None:
    session = world.sign_in()
    access, identity = KEY.verify(session["AccessToken"]), KEY.verify(session["IdToken"])

    assert set(access) == SHARED | {"client_id", "scope", "username"}
    assert set(identity) == SHARED | {"aud", "cognito:username", "email", "email_verified", "name"}
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert access["origin_jti"] == identity["origin_jti"]
    assert access["jti"] != identity["jti"]
    assert access["exp"] - access["iat"] == session["ExpiresIn"] == 1800


def test_a_refresh_keeps_the_session_and_its_beginning(world: World) -> None:
    first = world.sign_in()
    world.ahead = 100
    before, after = KEY.verify(first["AccessToken"]), KEY.verify(refresh(world, first["RefreshToken"])["AccessToken"])

    assert (after["origin_jti"], after["auth_time"]) == (before["origin_jti"], before["auth_time"])
    assert after["iat"] >= before["iat"] + 99
    assert after["jti"] != before["jti"]


def test_a_trigger_cannot_change_whose_token_it_is(world: World) -> None:
    wanted = {"sub": "another", "client_id": "another", "exp": 1, "iss": "x", "roles": "staff", "scope": "everything"}

    def claim(event: dict[str, Any]) -> dict[str, Any]:
        change = {"claimsToAddOrOverride": wanted, "claimsToSuppress": ["username", "name", "origin_jti"]}
        details = {"accessTokenGeneration": change, "idTokenGeneration": change}
        return event | {"response": {"claimsAndScopeOverrideDetails": details}}

    world.triggers["PreTokenGeneration"] = claim
    session = world.sign_in()
    access, identity = KEY.verify(session["AccessToken"]), KEY.verify(session["IdToken"])

    assert access["roles"] == identity["roles"] == "staff"
    assert access["sub"] == world.parts.accounts.known(ADA).sub
    assert access["client_id"] == "web"
    assert access["scope"] == "aws.cognito.signin.user.admin"
    assert access["username"] == access["sub"]
    assert "name" not in identity


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (29, True), (31, False)])
def test_a_spent_refresh_token_may_be_repeated_within_the_grace_period(
    world: World, seconds: float, good: bool
) -> None:
    spent = world.sign_in()["RefreshToken"]
    successor = refresh(world, spent)["RefreshToken"]
    world.ahead = seconds
    if good:
        assert refresh(world, spent)["RefreshToken"] != successor
    else:
        with refused("RefreshTokenReuseException"):
            refresh(world, spent)
    refresh(world, successor)


def test_a_revoked_session_s_access_tokens_are_dead_for_the_pool(world: World) -> None:
    first = world.sign_in()
    second = refresh(world, first["RefreshToken"])
    other = world.sign_in()

    world.client.revoke_token(ClientId="web", Token=second["RefreshToken"])

    for session in (first, second):
        with refused("Access Token has been revoked"):
            world.client.get_user(AccessToken=session["AccessToken"])
    assert world.client.get_user(AccessToken=other["AccessToken"])
    with refused("UnsupportedTokenTypeException"):
        world.client.revoke_token(ClientId="web", Token=other["AccessToken"])


@pytest.mark.parametrize("times", range(3))
def test_a_session_revoked_while_it_refreshes_ends(world: World, times: int) -> None:
    token = world.sign_in()["RefreshToken"]
    calls: list[Callable[[], Any]] = [lambda: refresh(world, token)] * 4
    calls.insert(times, lambda: world.client.revoke_token(ClientId="web", Token=token))

    given = [answer for answer in at_once(calls) if isinstance(answer, dict) and "RefreshToken" in answer]

    for session in given:
        with refused("NotAuthorizedException"):
            refresh(world, session["RefreshToken"])


def test_many_guesses_at_once_are_still_only_five(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    asked = world.begin()

    def guess(code: str) -> Callable[[], Any]:
        return lambda: world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)

    answers = at_once([guess(code) for code in world.wrong(secret, 16)])

    assert answers.count("CodeMismatchException") <= 5
    assert set(answers) <= {"CodeMismatchException", "NotAuthorizedException"}


def test_one_answer_makes_one_session_however_often_it_is_sent(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    asked, code = world.begin(), world.shown(secret)

    answers = at_once([lambda: world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)] * 8)

    assert sum(isinstance(answer, dict) for answer in answers) == 1


def test_two_processes_over_one_file_agree(world: World) -> None:
    twin = World(world.file)
    twin.began = world.began
    session = world.sign_in()
    twin.client.revoke_token(ClientId="web", Token=session["RefreshToken"])
    with refused("NotAuthorizedException"):
        refresh(world, session["RefreshToken"])

    secret = twin.app(twin.sign_in()["AccessToken"])
    world.ahead = twin.ahead = 60
    asked, code = world.begin(), world.shown(secret)
    answers = at_once([lambda one=one: one.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code) for one in (world, twin)])
    assert sum(isinstance(answer, dict) for answer in answers) == 1


def test_another_directory_s_key_signs_nothing_here(tmp_path: Path) -> None:
    one, two = SigningKey(tmp_path / "one.pem"), SigningKey(tmp_path / "two.pem")
    token = one.sign({"sub": "x", "exp": 4_000_000_000})
    assert SigningKey(tmp_path / "one.pem").verify(token)["sub"] == "x"
    with pytest.raises(BadToken):
        two.verify(token)
    assert (tmp_path / "one.pem").stat().st_mode & 0o777 == 0o600


def test_no_secret_of_a_person_but_the_app_s_is_kept_in_clear(world: World) -> None:
    """The app's secret must be: codes are computed from it. Sessions, codes and tokens are hashes."""
    world.app(world.sign_in()["AccessToken"])
    session = world.begin()["Session"]
    content = b"".join(file.read_bytes() for file in world.file.parent.glob("accounts.db*"))
    assert session.encode() not in content
    assert PASSWORD.encode() not in content
