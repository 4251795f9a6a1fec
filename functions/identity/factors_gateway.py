"""The port to Cognito's second factors and passkeys; all but `reset` with the person's own access token."""

from collections.abc import Mapping
from typing import Any

import orjson

from identity.cognito import CODE, as_operator, as_person
from identity.gateway import attributes_of
from identity.model import EMAIL, SMS, TOTP, NoSuchFactor, NotOffered, WrongCode

SETTINGS = {
    TOTP: ("SoftwareTokenMfaSettings", "SOFTWARE_TOKEN_MFA"),
    EMAIL: ("EmailMfaSettings", "EMAIL_OTP"),
    SMS: ("SMSMfaSettings", "SMS_MFA"),
}
_REFUSED = {
    "InvalidParameterException": lambda: NotOffered("This is not offered, or not possible for this account."),
    "SoftwareTokenMFANotFoundException": lambda: NotOffered("This is not offered."),
    "WebAuthnNotEnabledException": lambda: NotOffered("Passkeys are not offered."),
    "WebAuthnConfigurationMissingException": lambda: NotOffered("Passkeys are not offered."),
    "ResourceNotFoundException": lambda: NoSuchFactor("There is no such passkey."),
}
_PASSKEY = _REFUSED | dict.fromkeys(
    (
        "WebAuthnChallengeNotFoundException",
        "WebAuthnCredentialNotSupportedException",
        "WebAuthnOriginNotAllowedException",
        "WebAuthnRelyingPartyMismatchException",
        "WebAuthnClientMismatchException",
    ),
    lambda: WrongCode("The passkey was refused. Begin again."),
)


def new_totp(access_token: str) -> str:
    """A secret for an authenticator app (base 32), which counts once a code of it is confirmed."""
    return str(as_person(access_token, _REFUSED, "associate_software_token")["SecretCode"])


def confirm_totp(access_token: str, code: str) -> None:
    """Raises WrongCode."""
    found = as_person(access_token, CODE, "verify_software_token", UserCode=code)
    if found.get("Status") != "SUCCESS":
        raise WrongCode("The code is wrong or has expired.")


def prefer(access_token: str, factor: str, *, enabled: bool) -> None:
    """Ask for this factor at sign-ins from now on, or no longer. Whoever has several is asked which one."""
    setting, _ = SETTINGS[factor]
    wanted = {setting: {"Enabled": enabled, "PreferredMfa": False}}
    as_person(access_token, _REFUSED, "set_user_mfa_preference", **wanted)


def give_phone(access_token: str, phone: str) -> None:
    """Text a code to the number, which counts once it is confirmed."""
    attributes = [{"Name": "phone_number", "Value": phone}]
    as_person(access_token, _REFUSED, "update_user_attributes", UserAttributes=attributes)


def confirm_phone(access_token: str, code: str) -> None:
    as_person(access_token, CODE, "verify_user_attribute", AttributeName="phone_number", Code=code)


def enrolled(username: str) -> tuple[frozenset[str], str]:
    """The factors that Cognito asks this person for, and the last digits of the phone number. Any token may ask."""
    found = as_operator("admin_get_user", Username=username)
    names = found.get("UserMFASettingList") or ()
    phone = attributes_of(found).get("phone_number", "")
    return frozenset(factor for factor, (_, name) in SETTINGS.items() if name in names), phone[-3:]


def reset(user_id: str) -> None:
    """Ask for no second factor any more, as staff."""
    off = {setting: {"Enabled": False, "PreferredMfa": False} for setting, _ in SETTINGS.values()}
    as_operator("admin_set_user_mfa_preference", Username=user_id, **off)


def begin_passkey(access_token: str) -> dict[str, Any]:
    """What the browser needs to make a passkey: PublicKeyCredentialCreationOptions as JSON."""
    found = as_person(access_token, _PASSKEY, "start_web_authn_registration")["CredentialCreationOptions"]
    options: dict[str, Any] = orjson.loads(found) if isinstance(found, str) else found
    return options


def add_passkey(access_token: str, credential: Mapping[str, Any]) -> None:
    """Raises WrongCode when the browser's answer does not fit what was begun."""
    as_person(access_token, _PASSKEY, "complete_web_authn_registration", Credential=credential)


def passkeys(access_token: str) -> list[dict[str, Any]]:
    return list(as_person(access_token, _PASSKEY, "list_web_authn_credentials", MaxResults=20)["Credentials"])


def remove_passkey(access_token: str, credential_id: str) -> None:
    """Raises NoSuchFactor."""
    as_person(access_token, _PASSKEY, "delete_web_authn_credential", CredentialId=credential_id)
