"""Passkeys: made on a device, kept with the password, and enough to sign in."""

import json

import pytest

from tests.local.authenticator import Authenticator
from tests.services.identity.cognito import STORE
from tests.services.identity.conftest import bearing, owner

PASSKEYS = "/v1/me/passkeys"


def passkey(origin=STORE):
    return Authenticator(origin=origin, party="localhost")


def signed(device, asked):
    return json.loads(device.get(asked["options"]))


@pytest.fixture
def device():
    return passkey()


@pytest.fixture
def kept(send, ada, signed_in, device):
    """Ada's account has the device's passkey."""
    options = send("POST", f"{PASSKEYS}/options", **bearing(signed_in)).json["options"]
    body = {"password": ada["password"], "credential": device.create(options)}
    assert send("POST", PASSKEYS, body, **bearing(signed_in)).status == 201
    return signed_in


def begin(send, email):
    return send("POST", "/v1/auth/passkey", {"email": email})


def answer(send, asked, credential):
    return send("POST", "/v1/auth/challenge", {"session": asked["session"], "credential": credential})


@pytest.mark.contract("1.4")
def test_a_passkey_is_enough_to_sign_in(send, ada, kept, device):
    asked = begin(send, ada["email"]).json
    assert asked["challenge"] == "passkey"
    entered = answer(send, asked, signed(device, asked))
    assert entered.status == 200
    assert owner(entered.json) == owner(kept)
    assert send("POST", "/v1/auth/refresh", {"refreshToken": entered.json["refreshToken"]}).status == 200


@pytest.mark.contract("1.4")
def test_the_passkey_of_another_device_is_refused(send, ada, kept):
    asked = begin(send, ada["email"]).json
    refused = answer(send, asked, signed(passkey(), asked))
    assert (refused.status, refused.json["code"]) == (401, "challenge_ended")


@pytest.mark.contract("1.4")
def test_addresses_without_a_passkey_or_account_are_answered_alike(send, ada, kept):
    from identity import service

    service.bootstrap("plain@example.com", "Some-Password-12", "Plain")
    real, plain, nobody = (begin(send, email) for email in (ada["email"], "plain@example.com", "no@example.com"))
    assert real.status == plain.status == nobody.status == 200
    assert set(real.json["options"]) == set(plain.json["options"]) == set(nobody.json["options"])
    for asked in (plain.json, nobody.json):
        refused = answer(send, asked, signed(passkey(), asked))
        assert (refused.status, refused.json["code"]) == (401, "challenge_ended")
    again = begin(send, "no@example.com").json["options"]
    assert again["allowCredentials"] == nobody.json["options"]["allowCredentials"]
    assert again["challenge"] != nobody.json["options"]["challenge"]


@pytest.mark.contract("1.4")
def test_a_passkey_is_added_with_the_password_only(send, signed_in, device):
    options = send("POST", f"{PASSKEYS}/options", **bearing(signed_in)).json["options"]
    body = {"password": "Wrong-Password-1", "credential": device.create(options)}
    assert send("POST", PASSKEYS, body, **bearing(signed_in)).json["code"] == "wrong_password"
    assert send("GET", PASSKEYS, **bearing(signed_in)).json == {"items": []}


@pytest.mark.contract("1.4")
@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://localhost.evil.example.com"])
def test_a_passkey_made_on_another_page_is_refused(send, ada, signed_in, origin):
    options = send("POST", f"{PASSKEYS}/options", **bearing(signed_in)).json["options"]
    body = {"password": ada["password"], "credential": passkey(origin).create(options)}
    refused = send("POST", PASSKEYS, body, **bearing(signed_in))
    assert (refused.status, refused.json["code"]) == (422, "wrong_code")


@pytest.mark.contract("1.4")
def test_passkeys_are_listed_and_forgotten(send, ada, kept, device, outbox):
    (listed,) = send("GET", PASSKEYS, **bearing(kept)).json["items"]
    assert set(listed) == {"id", "name", "madeAt"}
    assert send("DELETE", f"{PASSKEYS}/{listed['id']}", **bearing(kept)).status == 200
    assert send("DELETE", f"{PASSKEYS}/{listed['id']}", **bearing(kept)).json["code"] == "second_factor_not_found"
    asked = begin(send, ada["email"]).json
    assert answer(send, asked, signed(device, asked)).status == 401
    told = {(event["data"]["factor"], event["data"]["enabled"]) for event in outbox("user.second_factor_changed")}
    assert told == {("passkey", True), ("passkey", False)}
