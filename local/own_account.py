"""The calls of Cognito user pools that people make about themselves, with their access token."""

from collections.abc import Callable
from typing import Any

import orjson

from local.accounts import Person, refused
from local.answers import Answer
from local.factors import APP
from local.pool_parts import Parts, attributes_of, given

__all__ = ["OwnAccount", "factor_fields", "shown"]

JSON = dict[str, Any]
_VERIFIABLE = ("email", "phone_number")


class OwnAccount:
    """What a signed-in person of one pool may do."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self) -> dict[str, Answer]:
        calls: dict[str, Callable[[JSON, Person], JSON]] = {
            "GetUser": self._get,
            "GetUserAuthFactors": self._auth_factors,
            "ChangePassword": self._change_password,
            "UpdateUserAttributes": self._update,
            "GetUserAttributeVerificationCode": self._send_again,
            "VerifyUserAttribute": self._verify,
            "SetUserMFAPreference": self._prefer,
            "DeleteUser": self._remove,
            "GlobalSignOut": self._sign_out,
            "StartWebAuthnRegistration": self._start_passkey,
            "CompleteWebAuthnRegistration": self._complete_passkey,
            "ListWebAuthnCredentials": self._passkeys,
            "DeleteWebAuthnCredential": self._delete_passkey,
        }
        return {name: self._for_token(call) for name, call in calls.items()} | {
            "AssociateSoftwareToken": self._associate,
            "VerifySoftwareToken": self._verify_app,
        }

    def _for_token(self, call: Callable[[JSON, Person], JSON]) -> Answer:
        return lambda asked: call(asked, self._parts.sessions.person(given(asked, "AccessToken")))

    def _get(self, asked: JSON, person: Person) -> JSON:
        return {"Username": person.username, "UserAttributes": shown(self._parts, person)} | factor_fields(
            self._parts, person
        )

    def _auth_factors(self, asked: JSON, person: Person) -> JSON:
        verified = person.attributes.get
        ready = {
            "PASSWORD": not person.external,
            "WEB_AUTHN": self._parts.passkeys.any(person),
            "EMAIL_OTP": verified("email_verified") == "true",
            "SMS_OTP": verified("phone_number_verified") == "true",
        }
        allowed = self._parts.settings.first_factors
        configured = [name for name, is_ready in ready.items() if is_ready and name in allowed]
        fields = factor_fields(self._parts, person)
        return {"Username": person.username, "ConfiguredUserAuthFactors": configured} | fields

    def _change_password(self, asked: JSON, person: Person) -> JSON:
        proposed = given(asked, "ProposedPassword")
        self._parts.accounts.check_policy(proposed)
        self._parts.accounts.check_password(person, given(asked, "PreviousPassword"))
        self._parts.accounts.set_password(person.sub, proposed)
        return {}

    # -- attributes

    def _update(self, asked: JSON, person: Person) -> JSON:
        """New addresses and numbers are unverified; where the pool says so the old ones stay until they are not."""
        changed = attributes_of(asked)
        if {"sub", "email_verified", "phone_number_verified", "identities"} & set(changed):
            raise refused("NotAuthorized", "A client attempted to write unauthorized attribute")
        if person.external:
            raise refused("InvalidParameter", "Cannot modify attributes of a federated user.")
        sent, keeps = [], self._parts.settings.verified_first
        for name in _VERIFIABLE:
            value = changed.get(name, "").strip()
            if name not in changed or value == person.attributes.get(name):
                changed.pop(name, None)
                continue
            if not value:
                raise refused("InvalidParameter", f"{name} cannot be empty")
            self._must_be_free(person, name, value)
            self._parts.codes.keep_pending(person, name, value)
            if name in keeps:
                del changed[name]
            else:
                changed |= {name: value, f"{name}_verified": "false"}
            sent.append(self._send(person, name, value, "CustomMessage_UpdateUserAttribute"))
        self._parts.accounts.change(person.sub, changed)
        return {"CodeDeliveryDetailsList": sent}

    def _must_be_free(self, person: Person, name: str, value: str) -> None:
        other = self._parts.accounts.find(value) if name == "email" else None
        if other is not None and other.sub != person.sub:
            raise refused("AliasExists", "An account with the given email already exists.")

    def _send(self, person: Person, name: str, to: str, source: str) -> JSON:
        return self._parts.codes.send(person, f"attribute: {name}", source, to=to)

    def _send_again(self, asked: JSON, person: Person) -> JSON:
        name = self._verifiable(asked)
        to = self._parts.codes.pending(person, name) or person.attributes.get(name, "")
        if not to:
            raise refused("InvalidParameter", f"User has no {name}")
        return {"CodeDeliveryDetails": self._send(person, name, to, "CustomMessage_VerifyUserAttribute")}

    def _verify(self, asked: JSON, person: Person) -> JSON:
        name = self._verifiable(asked)
        self._parts.codes.use(person, f"attribute: {name}", given(asked, "Code"))
        value = self._parts.codes.pending(person, name) or person.attributes[name]
        self._parts.codes.settle(person, name)
        self._parts.accounts.change(person.sub, {name: value, f"{name}_verified": "true"})
        return {}

    def _verifiable(self, asked: JSON) -> str:
        name = given(asked, "AttributeName")
        if name not in _VERIFIABLE:
            raise refused("InvalidParameter", f"{name} cannot be verified")
        return name

    # -- second factors

    def _prefer(self, asked: JSON, person: Person) -> JSON:
        self._parts.factors.prefer(person, asked)
        return {}

    def _associate(self, asked: JSON) -> JSON:
        """With an access token, or in a sign-in that asked for a factor to be set up."""
        if asked.get("AccessToken"):
            person = self._parts.sessions.person(asked["AccessToken"])
            return {"SecretCode": self._parts.factors.associate(person.sub)}
        sub, client = self._in_set_up(asked)
        secret = self._parts.factors.associate(sub)
        return {"SecretCode": secret, "Session": self._next(asked, sub, client, {})}

    def _verify_app(self, asked: JSON) -> JSON:
        code, device = given(asked, "UserCode"), str(asked.get("FriendlyDeviceName", ""))
        if asked.get("AccessToken"):
            person = self._parts.sessions.person(asked["AccessToken"])
            self._parts.factors.verify_app(person.sub, code, device)
            return {"Status": "SUCCESS"}
        sub, client = self._in_set_up(asked)
        self._parts.factors.verify_app(sub, code, device)
        return {"Status": "SUCCESS", "Session": self._next(asked, sub, client, {"verified": APP})}

    def _in_set_up(self, asked: JSON) -> tuple[str, str]:
        challenge = self._parts.challenges.attempt(given(asked, "Session"), "", "MFA_SETUP")
        return challenge.sub, challenge.client

    def _next(self, asked: JSON, sub: str, client: str, notes: JSON) -> str:
        self._parts.challenges.end(asked["Session"])
        return self._parts.challenges.ask(sub, client, "MFA_SETUP", notes)

    # -- passkeys

    def _start_passkey(self, asked: JSON, person: Person) -> JSON:
        return {"CredentialCreationOptions": self._parts.passkeys.creation_options(person)}

    def _complete_passkey(self, asked: JSON, person: Person) -> JSON:
        credential = asked.get("Credential")
        if not isinstance(credential, dict):
            raise refused("InvalidParameter", "Missing required parameter Credential")
        self._parts.passkeys.register(person, credential)
        return {}

    def _passkeys(self, asked: JSON, person: Person) -> JSON:
        return {"Credentials": self._parts.passkeys.listed(person)}

    def _delete_passkey(self, asked: JSON, person: Person) -> JSON:
        self._parts.passkeys.delete(person, given(asked, "CredentialId"))
        return {}

    # -- leaving

    def _remove(self, asked: JSON, person: Person) -> JSON:
        self._parts.remove(person)
        return {}

    def _sign_out(self, asked: JSON, person: Person) -> JSON:
        self._parts.sessions.end_all(person.sub)
        return {}


def shown(parts: Parts, person: Person) -> list[JSON]:
    """Attributes as Cognito lists them."""
    identities = parts.accounts.identities(person)
    known = person.all_attributes() | ({"identities": orjson.dumps(identities).decode()} if identities else {})
    return [{"Name": name, "Value": value} for name, value in known.items()]


def factor_fields(parts: Parts, person: Person) -> JSON:
    """UserMFASettingList and PreferredMfaSetting, each only where there is one."""
    preference = parts.factors.preference(person)
    fields: JSON = {"UserMFASettingList": list(preference.enabled)} if preference.enabled else {}
    return fields | ({"PreferredMfaSetting": preference.preferred} if preference.preferred else {})
