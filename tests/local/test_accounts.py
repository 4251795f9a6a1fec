"""Sign-up, codes, sign-in, refresh and their refusals, over the real Cognito client."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local import accounts
from local.answers import NotEmulated, refuse_the_rest, serve
from local.cognito import UserPool
from local.mailbox import Mailbox
from local.pool_parts import parts_of
from local.sessions import Client
from local.storage import Storage
from local.tokens import SigningKey

PASSWORD, OTHER = "Correct-horse-9", "Battery-staple-8"
ADA = "ada@example.com"
POOL = "us-east-1_Test"
PROPERTIES = {
    "Policies": {"PasswordPolicy": {"MinimumLength": 10, "RequireLowercase": True, "RequireNumbers": True}},
    "VerificationMessageTemplate": {"EmailSubject": "Your code", "EmailMessage": "It is {####}"},
}
KEY = SigningKey(None)


class World:
    """A pool over a file, with a clock to turn and a trigger to change."""

    def __init__(self, file: Path) -> None:
        import time

        self.file, self.ahead = file, 0.0
        self.claims: dict[str, Any] = {"roles": "customer"}
        self._time = time.time
        self.open()

    def open(self) -> None:
        """Start over the same file, as after a crash."""
        storage = Storage(self.file)
        self.mailbox = Mailbox(storage)
        client = Client("web", frozenset(["ALLOW_USER_PASSWORD_AUTH"]), 1800, 3600, True, 30.0, True)
        parts = parts_of(
            POOL,
            PROPERTIES,
            {"web": client},
            storage=storage,
            mailbox=self.mailbox,
            key=KEY,
            triggers={"PreTokenGeneration": self._trigger},
            clock=self.now,
        )
        session = boto3.session.Session(region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
        serve(session.events, "cognito-identity-provider", UserPool(parts).operations())
        refuse_the_rest(session.events)
        self.client = session.client("cognito-idp")
        self.session = session

    def now(self) -> float:
        return self._time() + self.ahead

    def _trigger(self, event: dict[str, Any]) -> dict[str, Any]:
        assert event["version"] == "2"
        added = {"claimsToAddOrOverride": self.claims | {"sub": "somebody else"}}
        event["response"] = {"claimsAndScopeOverrideDetails": {"accessTokenGeneration": added}}
        return event

    def sign_up(self, email: str = ADA) -> str:
        answer = self.client.sign_up(
            ClientId="web", Username=email, Password=PASSWORD, UserAttributes=[{"Name": "name", "Value": "Ada"}]
        )
        return str(answer["UserSub"])

    def code(self, email: str = ADA) -> str:
        found = re.search(r"\d{6}", self.mailbox.mails(email)[0].text)
        assert found
        return found.group()

    def confirm(self, code: str, email: str = ADA) -> None:
        self.client.confirm_sign_up(ClientId="web", Username=email, ConfirmationCode=code)

    def join(self) -> None:
        self.sign_up()
        self.confirm(self.code())

    def sign_in(self, password: str = PASSWORD, email: str = ADA) -> dict[str, Any]:
        given = {"USERNAME": email, "PASSWORD": password}
        answer = self.client.initiate_auth(ClientId="web", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result

    def refresh(self, token: str) -> dict[str, Any]:
        answer = self.client.get_tokens_from_refresh_token(ClientId="web", RefreshToken=token)
        result: dict[str, Any] = answer["AuthenticationResult"]
        return result


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    return World(tmp_path / "accounts.db")


def refused(code: str) -> Any:
    return pytest.raises(ClientError, match=code)


def test_a_person_joins_with_the_code_from_the_mail(world: World) -> None:
    sub = world.sign_up()
    with refused("UserNotConfirmedException"):
        world.sign_in()

    world.confirm(world.code())

    claims = KEY.verify(world.sign_in()["AccessToken"])
    assert claims["sub"] == claims["username"] == sub
    assert claims["token_use"] == "access"
    assert claims["client_id"] == "web"
    assert claims["roles"] == "customer"


def test_a_wrong_code_is_refused_and_five_end_the_matter(world: World) -> None:
    world.sign_up()
    right = world.code()
    wrong = f"{(int(right) + 1) % 10**6:06d}"

    for _ in range(5):
        with refused("CodeMismatchException"):
            world.confirm(wrong)

    with refused("LimitExceededException"):
        world.confirm(right)
    world.client.resend_confirmation_code(ClientId="web", Username=ADA)
    world.confirm(world.code())
    world.sign_in()


def test_a_code_ends_after_a_day_and_works_once(world: World) -> None:
    world.sign_up()
    world.ahead = 24 * 3600 + 1
    with refused("ExpiredCodeException"):
        world.confirm(world.code())
    world.client.resend_confirmation_code(ClientId="web", Username=ADA)
    code = world.code()
    world.confirm(code)
    with refused("NotAuthorizedException"):
        world.confirm(code)


def test_codes_are_random_six_digits(world: World) -> None:
    codes = set()
    for number in range(20):
        world.sign_up(f"p{number}@example.com")
        codes.add(world.code(f"p{number}@example.com"))

    assert len(codes) >= 18
    assert all(re.fullmatch(r"\d{6}", code) for code in codes)


def test_an_address_has_one_account_in_whatever_case(world: World) -> None:
    world.sign_up()
    with refused("UsernameExistsException"):
        world.sign_up("ADA@Example.com")


def test_a_weak_password_is_refused(world: World) -> None:
    with refused("InvalidPasswordException"):
        world.client.sign_up(ClientId="web", Username=ADA, Password="short")
    with refused("InvalidPasswordException"):
        world.client.sign_up(ClientId="web", Username=ADA, Password="no-digits-in-here")


def test_nobody_learns_who_has_an_account(world: World) -> None:
    with refused("NotAuthorizedException") as unknown:
        world.sign_in()
    world.join()
    with refused("NotAuthorizedException") as wrong:
        world.sign_in(OTHER)
    assert str(unknown.value) == str(wrong.value)

    known = world.client.forgot_password(ClientId="web", Username=ADA)
    nobody = world.client.forgot_password(ClientId="web", Username="amy@example.com")
    assert known["CodeDeliveryDetails"] == nobody["CodeDeliveryDetails"]
    assert not world.mailbox.mails("amy@example.com")
    with refused("CodeMismatchException"):
        world.client.confirm_forgot_password(
            ClientId="web", Username="amy@example.com", ConfirmationCode="123456", Password=OTHER
        )


def test_wrong_passwords_lock_for_a_while(world: World) -> None:
    world.join()
    for _ in range(5):
        with refused("Incorrect username or password"):
            world.sign_in(OTHER)
    with refused("Password attempts exceeded"):
        world.sign_in()
    world.ahead = 2
    world.sign_in()


def test_a_forgotten_password_is_replaced_with_a_code(world: World) -> None:
    world.join()
    world.client.forgot_password(ClientId="web", Username=ADA)
    world.client.confirm_forgot_password(ClientId="web", Username=ADA, ConfirmationCode=world.code(), Password=OTHER)

    world.sign_in(OTHER)
    with refused("NotAuthorizedException"):
        world.sign_in(PASSWORD)


def test_a_refresh_token_is_good_once_and_its_successor_next(world: World) -> None:
    world.join()
    first = world.sign_in()["RefreshToken"]
    world.claims = {"roles": "customer vendor", "vendorId": "ven_1"}

    second = world.refresh(first)

    claims = KEY.verify(second["AccessToken"])
    assert claims["roles"] == "customer vendor"
    assert claims["vendorId"] == "ven_1"
    world.ahead = 31
    with refused("RefreshTokenReuseException"):
        world.refresh(first)
    world.refresh(second["RefreshToken"])
    with refused("InvalidParameterException"):
        world.client.initiate_auth(
            ClientId="web", AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters={"REFRESH_TOKEN": second["RefreshToken"]}
        )


def test_a_session_ends_with_its_time_however_often_it_was_refreshed(world: World) -> None:
    world.join()
    token = world.sign_in()["RefreshToken"]
    world.ahead = 3000
    token = world.refresh(token)["RefreshToken"]
    world.ahead = 3700
    with refused("NotAuthorizedException"):
        world.refresh(token)


def test_a_revoked_session_refreshes_nothing(world: World) -> None:
    world.join()
    mine, other = world.sign_in(), world.sign_in()
    successor = world.refresh(mine["RefreshToken"])["RefreshToken"]

    world.client.revoke_token(ClientId="web", Token=mine["RefreshToken"])

    for token in (mine["RefreshToken"], successor):
        with refused("NotAuthorizedException"):
            world.refresh(token)
    world.refresh(other["RefreshToken"])
    world.client.revoke_token(ClientId="web", Token="never-was-one")


def test_signing_out_everywhere_ends_every_session(world: World) -> None:
    world.join()
    one, two = world.sign_in(), world.sign_in()

    world.client.global_sign_out(AccessToken=one["AccessToken"])

    for session in (one, two):
        with refused("NotAuthorizedException"):
            world.refresh(session["RefreshToken"])
        with refused("NotAuthorizedException"):
            world.client.get_user(AccessToken=session["AccessToken"])


def test_a_failing_trigger_gives_no_token(world: World) -> None:
    world.join()
    world.claims = None  # type: ignore[assignment]
    with refused("UserLambdaValidationException"):
        world.sign_in()


def test_a_disabled_account_neither_signs_in_nor_refreshes(world: World) -> None:
    world.join()
    token = world.sign_in()["RefreshToken"]
    world.client.admin_disable_user(UserPoolId=POOL, Username=ADA)
    with refused("NotAuthorizedException"):
        world.sign_in()
    with refused("NotAuthorizedException"):
        world.refresh(token)


def test_staff_makes_accounts_without_mail(world: World) -> None:
    world.client.admin_create_user(
        UserPoolId=POOL,
        Username=ADA,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "email_verified", "Value": "true"}],
    )
    world.client.admin_set_user_password(UserPoolId=POOL, Username=ADA, Password=PASSWORD, Permanent=True)

    world.sign_in()
    assert world.client.admin_get_user(UserPoolId=POOL, Username=ADA)["UserStatus"] == "CONFIRMED"
    assert not world.mailbox.mails()


def test_a_temporary_password_must_be_changed(world: World) -> None:
    world.client.admin_create_user(UserPoolId=POOL, Username=ADA, MessageAction="SUPPRESS", TemporaryPassword=OTHER)
    given = {"USERNAME": ADA, "PASSWORD": OTHER}
    asked = world.client.initiate_auth(ClientId="web", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=given)
    assert asked["ChallengeName"] == "NEW_PASSWORD_REQUIRED"

    world.client.respond_to_auth_challenge(
        ClientId="web",
        ChallengeName="NEW_PASSWORD_REQUIRED",
        Session=asked["Session"],
        ChallengeResponses={"USERNAME": ADA, "NEW_PASSWORD": PASSWORD},
    )

    world.sign_in()


def test_everything_is_remembered_by_the_file(world: World) -> None:
    world.join()
    kept, gone = world.sign_in(), world.sign_in()
    world.client.revoke_token(ClientId="web", Token=gone["RefreshToken"])

    world.open()

    world.sign_in()
    world.refresh(kept["RefreshToken"])
    with refused("NotAuthorizedException"):
        world.refresh(gone["RefreshToken"])


def test_no_password_code_or_refresh_token_is_kept_in_clear(world: World) -> None:
    world.sign_up()
    code = world.code()
    world.confirm(code)
    refresh = world.sign_in()["RefreshToken"]

    content = b"".join(file.read_bytes() for file in world.file.parent.glob("accounts.db*"))

    assert PASSWORD.encode() not in content
    assert refresh.encode() not in content


def test_what_is_not_played_fails_loudly(world: World) -> None:
    with pytest.raises(NotEmulated, match="ListDevices"):
        world.client.list_devices(AccessToken="x")
    with pytest.raises(NotEmulated, match="sns:Publish"):
        world.session.client("sns").publish(TopicArn="arn:aws:sns:us-east-1:1:x", Message="hello")
    with pytest.raises(NotEmulated, match="amazonaws"):
        world.session.client("dynamodb").list_tables()


def test_a_stored_password_says_how_much_work_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """So it is recognized where others are more work, and as from older data directories, which do not say it."""
    monkeypatch.setattr(accounts, "_WORK", 2**13)
    much = accounts.hashed(PASSWORD)
    monkeypatch.setattr(accounts, "_WORK", 16)
    little = accounts.hashed(PASSWORD)
    monkeypatch.setattr(accounts, "_WORK", 2**13)
    for stored in (much, little, much.partition(":")[2]):
        assert accounts.matches(PASSWORD, stored)
        assert not accounts.matches(OTHER, stored)
    assert not accounts.matches(PASSWORD, "")
