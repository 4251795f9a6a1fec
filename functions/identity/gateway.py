"""The port to Cognito's accounts: passwords, codes, tokens, and challenges on the way to them."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from identity.cognito import (
    AGAIN,
    ANSWER,
    CODE,
    OWNER,
    REGISTRATION,
    SIGN_IN,
    Exists,
    Unsaid,
    as_client,
    as_operator,
    as_person,
    ask,
    if_known,
)
from identity.model import ChallengeEnded, FurtherStepRequired
from market import config, log

_SILENT = frozenset(
    (
        "UserNotFoundException",
        "NotAuthorizedException",
        "InvalidParameterException",
        "UserNotConfirmedException",
        "LimitExceededException",
        "CodeDeliveryFailureException",
    )
)
"""Refusals to send a code that depend on the address: told, they would tell who has an account."""

_DEAD_TOKEN = frozenset(
    ("InvalidParameterException", "NotAuthorizedException", "UnauthorizedException", "UnsupportedTokenTypeException")
)
ANSWERS = {
    "SOFTWARE_TOKEN_MFA": "SOFTWARE_TOKEN_MFA_CODE",
    "EMAIL_OTP": "EMAIL_OTP_CODE",
    "SMS_MFA": "SMS_MFA_CODE",
    "SMS_OTP": "SMS_OTP_CODE",
    "SELECT_MFA_TYPE": "ANSWER",
    "NEW_PASSWORD_REQUIRED": "NEW_PASSWORD",
    "WEB_AUTHN": "CREDENTIAL",
}
"""Cognito's challenges that our routes can answer, and the name of the answer."""


@dataclass(frozen=True, slots=True)
class Session:
    """Tokens of a signed-in person; `expires_in` seconds is how long the access token is good for."""

    access_token: str
    refresh_token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """What Cognito asks next. `state` goes back to it with the answer, `username` names the account there."""

    name: str
    state: str
    username: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Account:
    """confirmed: it can be signed in to. proven: its owner has shown that the address is theirs."""

    id: str
    username: str
    confirmed: bool
    proven: bool


def sign_up(email: str, password: str, name: str) -> str | None:
    """Make an unverified account and mail a code. Returns its id (sub), or None where the address has one already."""
    try:
        answer = as_client(
            {},
            "sign_up",
            Username=email,
            Password=password,
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "name", "Value": name}],
        )
    except Exists:
        return None
    return str(answer["UserSub"])


def confirm(user_id: str, code: str) -> None:
    """Raises WrongCode, also where there is no such account."""
    as_client(REGISTRATION, "confirm_sign_up", Username=user_id, ConfirmationCode=code)


def resend_code(email: str) -> None:
    _send_code("resend_confirmation_code", email)


def forgot_password(email: str) -> None:
    _send_code("forgot_password", email)


def reset_password(email: str, code: str, password: str) -> None:
    as_client(CODE, "confirm_forgot_password", Username=email, ConfirmationCode=code, Password=password)


def sign_in(email: str, password: str) -> Session | Challenge:
    parameters = {"USERNAME": email, "PASSWORD": password}
    answer = as_client(SIGN_IN, "initiate_auth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    return _next(answer, email)


def begin_with_passkey(email: str) -> Challenge | None:
    """Ask for a passkey's signature; another challenge, or None, where there is no passkey, or no account."""
    parameters = {"USERNAME": email, "PREFERRED_CHALLENGE": "WEB_AUTHN"}
    try:
        answer = ask(
            {},
            "initiate_auth",
            silent=_SILENT,
            ClientId=config.setting("USER_POOL_CLIENT_ID"),
            AuthFlow="USER_AUTH",
            AuthParameters=parameters,
        )
    except Unsaid:
        return None
    if answer.get("ChallengeName") == "WEB_AUTHN":
        return _challenge(answer, email)
    return Challenge("", str(answer["Session"]), "", {}) if "Session" in answer else None


def answer(challenge: str, state: str, username: str, given: str) -> Session | Challenge:
    """Answer a challenge. Raises WrongCode (the challenge stays open) and ChallengeEnded."""
    found = as_client(
        ANSWER,
        "respond_to_auth_challenge",
        ChallengeName=challenge,
        Session=state,
        ChallengeResponses={"USERNAME": username, ANSWERS[challenge]: given},
    )
    return _next(found, username)


def refresh(token: str) -> Session:
    """New tokens for a refresh token, which is rotated: the old one dies within seconds."""
    return _session(as_client(AGAIN, "get_tokens_from_refresh_token", RefreshToken=token)["AuthenticationResult"])


def revoke(token: str) -> None:
    """End the session of a refresh token. A dead or foreign token is not worth an error."""
    try:
        ask(
            {},
            "revoke_token",
            silent=_DEAD_TOKEN,
            ClientId=config.setting("USER_POOL_CLIENT_ID"),
            Token=token,
        )
    except Unsaid:
        return


def end_sessions(user_id: str) -> None:
    """End every session of a person. One that Cognito does not know has none."""
    if_known("admin_user_global_sign_out", Username=user_id)


def change_email(access_token: str, email: str) -> None:
    """Mail a code to the new address, which counts once it is confirmed. That it is taken is not told."""
    attributes = [{"Name": "email", "Value": email}]
    try:
        ask(
            OWNER,
            "update_user_attributes",
            silent=frozenset(("AliasExistsException", "CodeDeliveryFailureException")),
            AccessToken=access_token,
            UserAttributes=attributes,
        )
    except Unsaid as refused:
        log.info("code not sent", operation="update_user_attributes", reason=str(refused))


def confirm_email(access_token: str, code: str) -> str:
    """Raises WrongCode. Returns the address that counts from now on."""
    as_person(access_token, CODE, "verify_user_attribute", AttributeName="email", Code=code)
    return attributes_of(as_person(access_token, {}, "get_user"))["email"].lower()


def change_password(access_token: str, old: str, new: str) -> None:
    as_person(access_token, {}, "change_password", PreviousPassword=old, ProposedPassword=new)


def make_account(email: str, password: str, name: str) -> str:
    """A verified account with this password, made or changed without any mail. Returns its id (sub)."""
    attributes = {"email": email, "email_verified": "true", "name": name}
    listed = [{"Name": name, "Value": value} for name, value in attributes.items()]
    with suppress(Exists):
        as_operator("admin_create_user", Username=email, MessageAction="SUPPRESS", UserAttributes=listed)
    as_operator("admin_set_user_password", Username=email, Password=password, Permanent=True)
    made = find(email)
    assert made, "an account that was just made"
    return made.id


def find(email: str) -> Account | None:
    """The account with this address, or None."""
    found = if_known("admin_get_user", Username=email)
    if found is None:
        return None
    attributes = attributes_of(found)
    proven = attributes.get("email_verified") == "true"
    return Account(attributes["sub"], str(found["Username"]), str(found.get("UserStatus", "")) != "UNCONFIRMED", proven)


def with_address(email: str) -> list[str]:
    """The ids of all accounts with this address: one of ours, and those of people who came from other companies."""
    found = as_operator("list_users", Filter=f'email = "{email}"', Limit=20)["Users"]
    return [entry["Value"] for user in found for entry in user["Attributes"] if entry["Name"] == "sub"]


def delete_account(username: str) -> None:
    if_known("admin_delete_user", Username=username)


def link_provider(username: str, provider: str, subject: str) -> None:
    """Let people who come as `subject` of a provider be this account."""
    as_operator(
        "admin_link_provider_for_user",
        DestinationUser={"ProviderName": "Cognito", "ProviderAttributeValue": username},
        SourceUser={
            "ProviderName": provider,
            "ProviderAttributeName": "Cognito_Subject",
            "ProviderAttributeValue": subject,
        },
    )


def attributes_of(described: Mapping[str, Any]) -> dict[str, str]:
    return {entry["Name"]: str(entry["Value"]) for entry in described["UserAttributes"]}


def _send_code(operation: str, email: str) -> None:
    """Ask for a mailed code; what depends on the address stays unsaid."""
    try:
        ask({}, operation, silent=_SILENT, ClientId=config.setting("USER_POOL_CLIENT_ID"), Username=email)
    except Unsaid as refused:
        log.info("code not sent", operation=operation, reason=str(refused))


def _next(answer: Mapping[str, Any], username: str) -> Session | Challenge:
    if "AuthenticationResult" in answer:
        return _session(answer["AuthenticationResult"])
    return _challenge(answer, username)


def _challenge(answer: Mapping[str, Any], username: str) -> Challenge:
    """Raises FurtherStepRequired for a challenge that our routes cannot answer."""
    name = str(answer.get("ChallengeName", ""))
    if name not in ANSWERS:
        raise FurtherStepRequired("This account asks for another step.", step=name)
    parameters = {key: str(value) for key, value in (answer.get("ChallengeParameters") or {}).items()}
    if not answer.get("Session"):
        raise ChallengeEnded("Please sign in again.")
    return Challenge(name, str(answer["Session"]), parameters.get("USER_ID_FOR_SRP") or username, parameters)


def _session(result: Mapping[str, Any]) -> Session:
    return Session(str(result["AccessToken"]), str(result["RefreshToken"]), int(result["ExpiresIn"]))
