"""Second factors, new addresses and triggers of the local user pool, over the real Cognito client."""

from pathlib import Path
from typing import Any

import pytest

from local.factors import app_code
from tests.local.pool_world import ADA, NUMBER, OTHER, PASSWORD, POOL, World, refused

pytestmark = pytest.mark.contract("1.4")


@pytest.fixture
def world(tmp_path: Path) -> World:
    made = World(tmp_path / "accounts.db")
    made.join()
    return made


# -- authenticator apps


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (2000000000, "279037"), (20000000000, "353130")],
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """The last six digits of the examples in RFC 6238, for the secret 12345678901234567890."""
    assert app_code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", at) == code


def test_an_app_is_asked_for_after_the_password(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 30

    asked = world.begin()

    assert asked["ChallengeName"] == "SOFTWARE_TOKEN_MFA"
    assert "AuthenticationResult" not in asked
    tokens = world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))["AuthenticationResult"]
    assert world.client.get_user(AccessToken=tokens["AccessToken"])["UserMFASettingList"] == ["SOFTWARE_TOKEN_MFA"]


@pytest.mark.parametrize(("steps", "good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_wrong_by_one_step(world: World, steps: int, good: bool) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 300
    asked, code = world.begin(), world.shown(secret, steps * 30)
    if good:
        assert "AuthenticationResult" in world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)
        return
    with refused("CodeMismatchException"):
        world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=code)


def test_a_code_of_an_app_is_good_once(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    code = world.shown(secret)
    world.answer(world.begin(), SOFTWARE_TOKEN_MFA_CODE=code)

    with refused("ExpiredCodeException"):
        world.answer(world.begin(), SOFTWARE_TOKEN_MFA_CODE=code)


def test_a_wrong_code_does_not_set_an_app_up(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    secret = world.client.associate_software_token(AccessToken=token)["SecretCode"]
    with refused("EnableSoftwareTokenMFAException"):
        world.client.verify_software_token(AccessToken=token, UserCode=world.wrong(secret)[0])
    with refused("InvalidParameterException"):
        world.client.set_user_mfa_preference(AccessToken=token, SoftwareTokenMfaSettings={"Enabled": True})


def test_a_new_app_replaces_the_old_one_only_when_it_is_verified(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    old = world.app(token)
    new = world.client.associate_software_token(AccessToken=token)["SecretCode"]
    world.ahead = 60
    world.answer(world.begin(), SOFTWARE_TOKEN_MFA_CODE=world.shown(old))

    world.client.verify_software_token(AccessToken=token, UserCode=world.shown(new))

    world.ahead = 120
    asked = world.begin()
    with refused("CodeMismatchException"):
        world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(old))
    world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(new))


def test_five_wrong_codes_end_a_sign_in_and_lock_the_next(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    asked = world.begin()
    wrong = world.wrong(secret)[0]
    for _ in range(5):
        with refused("CodeMismatchException"):
            world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=wrong)
    with refused("NotAuthorizedException"):
        world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))
    with refused("Code attempts exceeded"):
        world.begin()
    world.ahead = 95
    world.answer(world.begin(), SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))


def test_a_sign_in_that_waits_ends_after_three_minutes_and_with_its_answer(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    late = world.begin()
    asked = world.begin()
    world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))
    with refused("NotAuthorizedException"):
        world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret, 30))
    world.ahead = 60 + 181
    with refused("NotAuthorizedException"):
        world.answer(late, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))


def test_a_sign_in_is_its_person_s_and_its_challenge_s(world: World) -> None:
    world.join("bob@example.com")
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    asked = world.begin()
    with refused("NotAuthorizedException"):
        world.answer(asked, email="bob@example.com", SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))
    with refused("InvalidParameterException"):
        world.answer(asked | {"ChallengeName": "EMAIL_OTP"}, EMAIL_OTP_CODE="123456")
    with refused("NotAuthorizedException"):
        world.answer(asked | {"Session": "x" * 60}, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))


def test_a_sign_in_goes_on_after_a_crash(world: World) -> None:
    secret = world.app(world.sign_in()["AccessToken"])
    world.ahead = 60
    asked = world.begin()

    world.open()

    assert "AuthenticationResult" in world.answer(asked, SOFTWARE_TOKEN_MFA_CODE=world.shown(secret))


# -- mails and text messages


def test_a_text_message_brings_the_code(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    with refused("InvalidParameterException"):
        world.client.set_user_mfa_preference(AccessToken=token, SMSMfaSettings={"Enabled": True})
    world.number(token)
    world.client.set_user_mfa_preference(AccessToken=token, SMSMfaSettings={"Enabled": True})

    asked = world.begin()

    assert asked["ChallengeName"] == "SMS_MFA"
    assert asked["ChallengeParameters"]["CODE_DELIVERY_DESTINATION"] == "+****0100"
    assert world.mailbox.mails(NUMBER)[0].sender == "text message"
    assert "AuthenticationResult" in world.answer(asked, SMS_MFA_CODE=world.code(NUMBER))


def test_whoever_has_several_factors_chooses(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    world.app(token)
    world.client.set_user_mfa_preference(AccessToken=token, EmailMfaSettings={"Enabled": True})

    asked = world.begin()

    assert asked["ChallengeName"] == "SELECT_MFA_TYPE"
    assert asked["ChallengeParameters"]["MFAS_CAN_CHOOSE"] == '["EMAIL_OTP","SOFTWARE_TOKEN_MFA"]'
    with refused("MFAMethodNotFoundException"):
        world.answer(asked, ANSWER="SMS_MFA")
    mailed = world.answer(asked, ANSWER="EMAIL_OTP")
    assert mailed["ChallengeName"] == "EMAIL_OTP"
    assert "AuthenticationResult" in world.answer(mailed, EMAIL_OTP_CODE=world.code())


def test_a_preferred_factor_is_asked_for_first_and_staff_may_take_all_away(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    world.app(token)
    world.client.set_user_mfa_preference(AccessToken=token, EmailMfaSettings={"Enabled": True, "PreferredMfa": True})
    assert world.begin()["ChallengeName"] == "EMAIL_OTP"
    assert world.client.admin_get_user(UserPoolId=POOL, Username=ADA)["PreferredMfaSetting"] == "EMAIL_OTP"

    off = {"Enabled": False, "PreferredMfa": False}
    world.client.admin_set_user_mfa_preference(
        UserPoolId=POOL, Username=ADA, SoftwareTokenMfaSettings=off, EmailMfaSettings=off, SMSMfaSettings=off
    )

    assert "AuthenticationResult" in world.begin()


def test_who_gets_codes_by_mail_does_not_get_a_new_password_by_mail(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    world.client.set_user_mfa_preference(AccessToken=token, EmailMfaSettings={"Enabled": True})
    with refused("InvalidParameterException"):
        world.client.forgot_password(ClientId="web", Username=ADA)
    world.number(token)

    sent = world.client.forgot_password(ClientId="web", Username=ADA)["CodeDeliveryDetails"]

    assert sent["DeliveryMedium"] == "SMS"
    code = world.code(NUMBER)
    world.client.confirm_forgot_password(ClientId="web", Username=ADA, ConfirmationCode=code, Password=OTHER)


def test_a_pool_that_demands_a_factor_has_it_set_up_at_the_sign_in(tmp_path: Path) -> None:
    world = World(tmp_path / "strict.db", MfaConfiguration="ON")
    world.join()
    asked = world.begin()
    assert asked["ChallengeName"] == "MFA_SETUP"
    with refused("InvalidParameterException"):
        world.answer(asked)
    made = world.client.associate_software_token(Session=asked["Session"])
    proved = world.client.verify_software_token(Session=made["Session"], UserCode=world.shown(made["SecretCode"]))

    assert "AuthenticationResult" in world.answer(asked | {"Session": proved["Session"]})

    assert world.begin()["ChallengeName"] == "SOFTWARE_TOKEN_MFA"


def test_somebody_without_password_begins_with_a_mailed_code(world: World) -> None:
    given = {"USERNAME": ADA, "PREFERRED_CHALLENGE": "EMAIL_OTP"}
    asked = world.client.initiate_auth(ClientId="web", AuthFlow="USER_AUTH", AuthParameters=given)
    assert "AuthenticationResult" in world.answer(asked, EMAIL_OTP_CODE=world.code())

    known = world.client.initiate_auth(ClientId="web", AuthFlow="USER_AUTH", AuthParameters={"USERNAME": ADA})
    assert known["AvailableChallenges"] == ["PASSWORD", "EMAIL_OTP"]
    assert "AuthenticationResult" in world.answer(known, ANSWER="PASSWORD", PASSWORD=PASSWORD)


def test_choosing_how_to_begin_does_not_tell_who_has_an_account(world: World) -> None:
    amy = {"USERNAME": "amy@example.com"}
    asked = world.client.initiate_auth(ClientId="web", AuthFlow="USER_AUTH", AuthParameters=amy)
    assert asked["AvailableChallenges"] == ["PASSWORD"]
    with refused("Incorrect username or password"):
        world.answer(asked, email="amy@example.com", ANSWER="PASSWORD", PASSWORD=PASSWORD)


def test_only_so_many_codes_are_sent_in_an_hour(world: World) -> None:
    for _ in range(5):
        world.client.forgot_password(ClientId="web", Username=ADA)
    with refused("LimitExceededException"):
        world.client.forgot_password(ClientId="web", Username=ADA)
    world.ahead = 3601
    world.client.forgot_password(ClientId="web", Username=ADA)


# -- new addresses and passwords


def _change_address(world: World, token: str, address: str) -> Any:
    attributes = [{"Name": "email", "Value": address}]
    return world.client.update_user_attributes(AccessToken=token, UserAttributes=attributes)


def test_a_new_address_counts_once_its_code_is_given(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    sent = _change_address(world, token, "ada@new.example")
    assert sent["CodeDeliveryDetailsList"][0]["Destination"] == "a***@n***"
    assert world.attributes(token)["email"] == ADA
    world.sign_in()

    world.client.get_user_attribute_verification_code(AccessToken=token, AttributeName="email")
    code = world.code("ada@new.example")
    world.client.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)

    assert world.attributes(token)["email"] == "ada@new.example"
    assert world.attributes(token)["email_verified"] == "true"
    world.sign_in(email="ada@new.example")
    with refused("NotAuthorizedException"):
        world.sign_in()


def test_an_address_that_is_somebody_s_is_refused_also_at_the_last_moment(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    _change_address(world, token, "bob@example.com")
    code = world.code("bob@example.com")
    world.join("bob@example.com")
    with refused("AliasExistsException"):
        world.client.verify_user_attribute(AccessToken=token, AttributeName="email", Code=code)
    with refused("AliasExistsException"):
        _change_address(world, token, "bob@example.com")


def test_nobody_verifies_an_address_or_sets_a_status_by_naming_it(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    for name in ("email_verified", "phone_number_verified", "sub", "identities"):
        with refused("NotAuthorizedException"):
            world.client.update_user_attributes(AccessToken=token, UserAttributes=[{"Name": name, "Value": "true"}])
    world.client.update_user_attributes(
        AccessToken=token, UserAttributes=[{"Name": "status", "Value": "RESET_REQUIRED"}]
    )
    world.sign_in()


def test_staff_changes_an_address_at_once(world: World) -> None:
    attributes = [{"Name": "email", "Value": "ada@new.example"}]
    world.client.admin_update_user_attributes(UserPoolId=POOL, Username=ADA, UserAttributes=attributes)

    told = world.client.admin_get_user(UserPoolId=POOL, Username="ada@new.example")
    assert {"Name": "email_verified", "Value": "false"} in told["UserAttributes"]


def test_a_password_is_changed_by_who_knows_the_old_one(world: World) -> None:
    token = world.sign_in()["AccessToken"]
    with refused("NotAuthorizedException"):
        world.client.change_password(AccessToken=token, PreviousPassword=OTHER, ProposedPassword=OTHER)
    with refused("InvalidPasswordException"):
        world.client.change_password(AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword="short")
    world.client.change_password(AccessToken=token, PreviousPassword=PASSWORD, ProposedPassword=OTHER)
    world.sign_in(OTHER)


def test_nothing_is_left_of_a_deleted_account(world: World) -> None:
    session = world.sign_in()
    world.app(session["AccessToken"])
    world.client.admin_delete_user(UserPoolId=POOL, Username=ADA)

    with refused("NotAuthorizedException"):
        world.client.get_user(AccessToken=session["AccessToken"])
    with refused("NotAuthorizedException"):
        world.client.get_tokens_from_refresh_token(ClientId="web", RefreshToken=session["RefreshToken"])
    world.join()
    assert "AuthenticationResult" in world.begin()


def test_signing_out_as_staff_ends_every_session(world: World) -> None:
    session = world.sign_in()
    world.client.admin_user_global_sign_out(UserPoolId=POOL, Username=ADA)
    with refused("NotAuthorizedException"):
        world.client.get_tokens_from_refresh_token(ClientId="web", RefreshToken=session["RefreshToken"])
    with refused("Access Token has been revoked"):
        world.client.get_user(AccessToken=session["AccessToken"])


# -- triggers


def test_triggers_hear_the_names_that_cognito_gives(world: World) -> None:
    session = world.sign_in()
    world.client.get_tokens_from_refresh_token(ClientId="web", RefreshToken=session["RefreshToken"])
    world.client.forgot_password(ClientId="web", Username=ADA)

    assert world.sources() == [
        "PreSignUp_SignUp",
        "CustomMessage_SignUp",
        "PostConfirmation_ConfirmSignUp",
        "PreAuthentication_Authentication",
        "TokenGeneration_Authentication",
        "TokenGeneration_RefreshTokens",
        "CustomMessage_ForgotPassword",
    ]
    assert {event["version"] for event in world.heard if "TokenGeneration" in event["triggerSource"]} == {"2"}


def test_a_trigger_writes_the_mail_and_refuses_a_sign_up(world: World) -> None:
    def write(event: dict[str, Any]) -> dict[str, Any]:
        given = {"emailSubject": "Hello", "emailMessage": f"Use {event['request']['codeParameter']}"}
        return event | {"response": given}

    def refuse(_: dict[str, Any]) -> dict[str, Any]:
        raise ValueError("not today")

    world.triggers["CustomMessage"] = write
    world.client.forgot_password(ClientId="web", Username=ADA)
    assert world.mailbox.mails(ADA)[0].subject == "Hello"
    assert world.mailbox.mails(ADA)[0].text == f"Use {world.code()}"

    world.triggers["PreSignUp"] = refuse
    with refused("PreSignUp failed with error not today"):
        world.client.sign_up(ClientId="web", Username="new@example.com", Password=PASSWORD)
    assert world.parts.accounts.find("new@example.com") is None
