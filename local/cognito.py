"""The calls of Cognito user pools that are played: what anybody may call, and the table of all of them.

What people call about themselves is in own_account.py, what staff calls in administration.py, signing in in
sign_in.py. What a call is told not to say (PreventUserExistenceErrors) it does not say.
"""

from collections.abc import Callable
from typing import Any

from local.accounts import CONFIRMED, RESET, UNCONFIRMED, Person, refused
from local.administration import Administration
from local.answers import Answer
from local.codes import NEW_PASSWORD, SIGN_UP, delivery
from local.own_account import OwnAccount
from local.pool_parts import Parts, attributes_of, given
from local.sessions import Client
from local.sign_in import SignIn

__all__ = ["UserPool"]

JSON = dict[str, Any]
_CONFIRMED = "PostConfirmation_ConfirmSignUp"
_NO_WAY = "Cannot reset password for the user as there is no registered/verified email or phone_number"


class UserPool:
    """One pool and its clients."""

    def __init__(self, parts: Parts) -> None:
        self.id, self.parts, self._sign_in = parts.id, parts, SignIn(parts)

    def operations(self) -> dict[str, Answer]:
        """The calls of `cognito-identity-provider`."""
        open_calls: dict[str, Callable[[JSON, Client], JSON]] = {
            "SignUp": self._sign_up,
            "ConfirmSignUp": self._confirm,
            "ResendConfirmationCode": self._resend,
            "InitiateAuth": self._sign_in.initiate,
            "RespondToAuthChallenge": self._sign_in.respond,
            "GetTokensFromRefreshToken": self._refresh,
            "RevokeToken": self._revoke,
            "ForgotPassword": self._forgot,
            "ConfirmForgotPassword": self._reset,
        }
        return (
            {name: self._for_client(call) for name, call in open_calls.items()}
            | OwnAccount(self.parts).operations()
            | Administration(self.parts).operations()
        )

    def _for_client(self, call: Callable[[JSON, Client], JSON]) -> Answer:
        return lambda asked: call(asked, self.parts.client(asked))

    def _sign_up(self, asked: JSON, client: Client) -> JSON:
        if self.parts.settings.invited_only:
            raise refused("NotAuthorized", "SignUp is not permitted for this user pool")
        username, password = given(asked, "Username"), given(asked, "Password")
        attributes = attributes_of(asked)
        if {"email_verified", "phone_number_verified", "sub"} & set(attributes):
            raise refused("NotAuthorized", "A client attempted to write unauthorized attribute")
        self.parts.accounts.check_policy(password)
        decided = self.parts.triggers.sign_up("PreSignUp_SignUp", username, client.id, {"email": username} | attributes)
        verified = {"email_verified": str(bool(decided.get("autoVerifyEmail"))).lower()}
        status = CONFIRMED if decided.get("autoConfirmUser") else UNCONFIRMED
        person = self.parts.accounts.add(username, password, attributes | verified, status=status)
        answer: JSON = {"UserConfirmed": status == CONFIRMED, "UserSub": person.sub}
        if status == UNCONFIRMED:
            answer["CodeDeliveryDetails"] = self.parts.codes.send(person, SIGN_UP, "CustomMessage_SignUp", client.id)
        return answer

    def _confirm(self, asked: JSON, client: Client) -> JSON:
        person = self._native(asked)
        if person is None:
            if client.silent:
                raise refused("ExpiredCode", "Invalid code provided, please request a code again.")
            raise refused("UserNotFound", "Username/client id combination not found.")
        if person.status != UNCONFIRMED:
            raise refused("NotAuthorized", f"User cannot be confirmed. Current status is {person.status}")
        self.parts.codes.use(person, SIGN_UP, given(asked, "ConfirmationCode"))
        self.parts.accounts.change(person.sub, {"email_verified": "true"}, status=CONFIRMED)
        self.parts.triggers.about("PostConfirmation", _CONFIRMED, self.parts.accounts.known(person.sub), client.id)
        return {}

    def _resend(self, asked: JSON, client: Client) -> JSON:
        person = self._native(asked)
        if person is None:
            return self._nobody(asked, client)
        if person.status != UNCONFIRMED:
            raise refused("InvalidParameter", "User is already confirmed.")
        sent = self.parts.codes.send(person, SIGN_UP, "CustomMessage_ResendCode", client.id)
        return {"CodeDeliveryDetails": sent}

    def _forgot(self, asked: JSON, client: Client) -> JSON:
        person = self._native(asked)
        if person is None:
            return self._nobody(asked, client)
        if not person.enabled:
            raise refused("NotAuthorized", "User is disabled.")
        to = self._recovery(person)
        sent = self.parts.codes.send(person, NEW_PASSWORD, "CustomMessage_ForgotPassword", client.id, to=to)
        return {"CodeDeliveryDetails": sent}

    def _recovery(self, person: Person) -> str:
        """Where a code for a new password may go: never where the second factor's codes go, too."""
        enabled = self.parts.factors.preference(person).enabled
        for way in self.parts.settings.recovery if person.status != UNCONFIRMED else ():
            name, factor = ("email", "EMAIL_OTP") if way == "verified_email" else ("phone_number", "SMS_MFA")
            if person.attributes.get(f"{name}_verified") == "true" and factor not in enabled:
                return person.attributes[name]
        raise refused("InvalidParameter", _NO_WAY)

    def _native(self, asked: JSON) -> Person | None:
        """Who has a password here."""
        person = self.parts.accounts.find(given(asked, "Username"))
        return None if person is None or person.external else person

    def _nobody(self, asked: JSON, client: Client) -> JSON:
        """The answer for an address without account: as if there were one, where the client asks for it."""
        if client.silent:
            return {"CodeDeliveryDetails": delivery(str(asked["Username"]))}
        raise refused("UserNotFound", "Username/client id combination not found.")

    def _reset(self, asked: JSON, client: Client) -> JSON:
        person = self._native(asked)
        if person is None or not person.enabled:
            if client.silent:
                raise refused("CodeMismatch", "Invalid verification code provided, please try again.")
            raise refused("UserNotFound", "Username/client id combination not found.")
        password = given(asked, "Password")
        self.parts.accounts.check_policy(password)
        self.parts.codes.use(person, NEW_PASSWORD, given(asked, "ConfirmationCode"))
        self.parts.accounts.set_password(person.sub, password)
        changed = self.parts.accounts.known(person.sub)
        if person.status == RESET:
            return {}
        self.parts.triggers.about("PostConfirmation", "PostConfirmation_ConfirmForgotPassword", changed, client.id)
        return {}

    def _refresh(self, asked: JSON, client: Client) -> JSON:
        return {"AuthenticationResult": self.parts.sessions.carry_on(given(asked, "RefreshToken"), client)}

    def _revoke(self, asked: JSON, client: Client) -> JSON:
        self.parts.sessions.revoke(given(asked, "Token"), client)
        return {}
