"""Passkeys of the local user pool, made and used by an authenticator in software."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.local.authenticator import Authenticator
from tests.local.pool_world import ADA, World, refused

pytestmark = pytest.mark.contract("1.4")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "accounts.db")
    made.join()
    return made


def register(world: World, device: Authenticator) -> str:
    """Add the device's passkey; an access token of its owner."""
    token = str(world.sign_in()["AccessToken"])
    options = world.client.start_web_authn_registration(AccessToken=token)["CredentialCreationOptions"]
    world.client.complete_web_authn_registration(AccessToken=token, Credential=device.create(options))
    return token


def asked(world: World, email: str = ADA) -> dict[str, Any]:
    given = {"USERNAME": email, "PREFERRED_CHALLENGE": "WEB_AUTHN"}
    answer: dict[str, Any] = world.client.initiate_auth(ClientId="web", AuthFlow="USER_AUTH", AuthParameters=given)
    return answer


def options_of(challenge: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(challenge["ChallengeParameters"]["CREDENTIAL_REQUEST_OPTIONS"])
    return found


def test_a_passkey_signs_in_without_a_password(world: World) -> None:
    device = Authenticator()
    token = register(world, device)
    assert "WEB_AUTHN" in world.client.get_user_auth_factors(AccessToken=token)["ConfiguredUserAuthFactors"]

    challenge = asked(world)

    assert challenge["ChallengeName"] == "WEB_AUTHN"
    assert options_of(challenge)["rpId"] == "shop.example"
    answer = world.answer(challenge, CREDENTIAL=device.get(options_of(challenge)))
    assert world.client.get_user(AccessToken=answer["AuthenticationResult"]["AccessToken"])


def test_a_passkey_counts_as_two_factors(world: World) -> None:
    device = Authenticator()
    world.app(register(world, device))
    challenge = asked(world)
    assert "AuthenticationResult" in world.answer(challenge, CREDENTIAL=device.get(options_of(challenge)))


def test_a_passkey_survives_a_crash_and_ends_with_its_deletion(world: World) -> None:
    device = Authenticator()
    token = register(world, device)
    world.open()
    (listed,) = world.client.list_web_authn_credentials(AccessToken=token)["Credentials"]
    assert listed["RelyingPartyId"] == "shop.example"
    assert listed["AuthenticatorTransports"] == ["internal"]

    world.client.delete_web_authn_credential(AccessToken=token, CredentialId=listed["CredentialId"])

    assert asked(world)["ChallengeName"] == "SELECT_CHALLENGE"
    with refused("ResourceNotFoundException"):
        world.client.delete_web_authn_credential(AccessToken=token, CredentialId=listed["CredentialId"])


@pytest.mark.parametrize(
    ("device", "code"),
    [
        (Authenticator(origin="https://evil.example"), "WebAuthnOriginNotAllowedException"),
        (Authenticator(origin="https://shop.example.evil.example"), "WebAuthnOriginNotAllowedException"),
        (Authenticator(origin="https://evilshop.example"), "WebAuthnOriginNotAllowedException"),
        (Authenticator(origin="http://shop.example"), "WebAuthnOriginNotAllowedException"),
        (Authenticator(party="evil.example"), "WebAuthnRelyingPartyMismatchException"),
        (Authenticator(verified=False), "WebAuthnCredentialNotSupportedException"),
    ],
    ids=["another site", "a site that begins alike", "a site that ends alike", "plain http", "another party", "nobody"],
)
def test_no_passkey_is_registered_for(world: World, device: Authenticator, code: str) -> None:
    with refused(code):
        register(world, device)


def test_a_registration_is_finished_once_and_in_time(world: World) -> None:
    device = Authenticator()
    token = world.sign_in()["AccessToken"]
    options = world.client.start_web_authn_registration(AccessToken=token)["CredentialCreationOptions"]
    made = device.create(options)
    world.client.complete_web_authn_registration(AccessToken=token, Credential=made)
    with refused("WebAuthnChallengeNotFoundException"):
        world.client.complete_web_authn_registration(AccessToken=token, Credential=made)

    options = world.client.start_web_authn_registration(AccessToken=token)["CredentialCreationOptions"]
    world.ahead = 301
    with refused("WebAuthnChallengeNotFoundException"):
        world.client.complete_web_authn_registration(AccessToken=token, Credential=Authenticator().create(options))


def test_somebody_else_s_passkey_is_not_taken_over(world: World) -> None:
    device = Authenticator()
    register(world, device)
    world.join("eve@example.com")
    token = world.sign_in(email="eve@example.com")["AccessToken"]
    options = world.client.start_web_authn_registration(AccessToken=token)["CredentialCreationOptions"]
    with refused("WebAuthnCredentialNotSupportedException"):
        world.client.complete_web_authn_registration(AccessToken=token, Credential=device.create(options))


def test_the_challenge_must_be_the_one_that_was_given(world: World) -> None:
    device = Authenticator()
    token = register(world, device)
    options = world.client.start_web_authn_registration(AccessToken=token)["CredentialCreationOptions"]
    with refused("WebAuthnCredentialNotSupportedException"):
        other = Authenticator().create(options | {"challenge": "A" * 43})
        world.client.complete_web_authn_registration(AccessToken=token, Credential=other)

    first, second = asked(world), asked(world)
    with refused("NotAuthorizedException"):
        world.answer(second, CREDENTIAL=device.get(options_of(first)))


def test_an_answer_is_good_once_and_a_copied_device_is_noticed(world: World) -> None:
    device = Authenticator()
    register(world, device)
    challenge = asked(world)
    signed = device.get(options_of(challenge))
    world.answer(challenge, CREDENTIAL=signed)
    with refused("NotAuthorizedException"):
        world.answer(challenge, CREDENTIAL=signed)

    again = asked(world)
    device.uses = 0
    with refused("NotAuthorizedException"):
        world.answer(again, CREDENTIAL=device.get(options_of(again)))


@pytest.mark.parametrize("wrong", ["another key", "another site", "nobody there", "no JSON", "nothing signed"])
def test_nobody_is_let_in_by(world: World, wrong: str) -> None:
    device = Authenticator()
    register(world, device)
    challenge = asked(world)
    forged = {
        "another key": Authenticator(id=device.id),
        "another site": Authenticator(id=device.id, key=device.key, origin="https://evil.example"),
        "nobody there": Authenticator(id=device.id, key=device.key, verified=False),
    }
    text = forged.get(wrong, device).get(options_of(challenge))
    if wrong == "no JSON":
        text = "[]"
    if wrong == "nothing signed":
        text = json.dumps(json.loads(text) | {"response": {}})
    with refused("NotAuthorizedException|InvalidParameterException"):
        world.answer(challenge, CREDENTIAL=text)


def test_a_pool_without_a_relying_party_has_no_passkeys(tmp_path: Path) -> None:
    world = World(tmp_path / "plain.db", WebAuthnRelyingPartyID="")
    world.join()
    with refused("WebAuthnNotEnabledException"):
        world.client.start_web_authn_registration(AccessToken=world.sign_in()["AccessToken"])
