"""Signing in: InitiateAuth and RespondToAuthChallenge, from the first factor to the tokens.

USER_PASSWORD_AUTH and USER_AUTH (password, passkey, mailed or texted code), then a second factor where the person
enabled one or the pool demands it. As on Cognito a person with a second factor begins with the password, or with a
passkey where the pool says that it counts as two. Not played: SRP, custom challenges, remembered devices.
"""

from collections.abc import Callable
from typing import Any

import orjson

from local.accounts import EXTERNAL, RESET, TEMPORARY, UNCONFIRMED, WRONG, Person, matches, refused
from local.challenges import Challenge
from local.codes import EMAIL_CODE, TEXT_CODE, delivery
from local.factors import APP, MAIL, TEXT
from local.pool_parts import Parts, given
from local.sessions import Client

__all__ = ["SignIn"]

JSON = dict[str, Any]
Finish = Callable[[Person, Client, str], JSON]
_AUTHENTICATED, _NEW_PASSWORD = "TokenGeneration_Authentication", "TokenGeneration_NewPasswordChallenge"
_FIRST = ("PASSWORD", "WEB_AUTHN", "EMAIL_OTP", "SMS_OTP")
_CODE_OF = {APP: "SOFTWARE_TOKEN_MFA_CODE", MAIL: "EMAIL_OTP_CODE", TEXT: "SMS_MFA_CODE", "SMS_OTP": "SMS_OTP_CODE"}
_PURPOSE_OF = {MAIL: EMAIL_CODE, TEXT: TEXT_CODE, "SMS_OTP": TEXT_CODE}


class SignIn:
    """The sign-in of one pool. `finish` makes the answer for who passed everything; as a rule tokens."""

    def __init__(self, parts: Parts, finish: Finish | None = None) -> None:
        self._parts, self._finish = parts, finish or self._tokens

    def initiate(self, asked: JSON, client: Client) -> JSON:
        """InitiateAuth."""
        flow, wanted = str(asked.get("AuthFlow", "")), asked.get("AuthParameters") or {}
        if flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            if client.rotates or "ALLOW_REFRESH_TOKEN_AUTH" not in client.flows:
                raise refused("InvalidParameter", "REFRESH_TOKEN_AUTH flow not enabled for this client")
            return {"AuthenticationResult": self._parts.sessions.carry_on(given(wanted, "REFRESH_TOKEN"), client)}
        if flow not in ("USER_PASSWORD_AUTH", "USER_AUTH") or f"ALLOW_{flow}" not in client.flows:
            raise refused("InvalidParameter", f"{flow} flow not enabled for this client")
        username = given(wanted, "USERNAME")
        if flow == "USER_PASSWORD_AUTH":
            return self.password(username, given(wanted, "PASSWORD"), client)
        return self._choose(username, wanted, client)

    def respond(self, asked: JSON, client: Client) -> JSON:
        """RespondToAuthChallenge."""
        name, answers = str(asked.get("ChallengeName", "")), asked.get("ChallengeResponses") or {}
        answer = {
            "NEW_PASSWORD_REQUIRED": self._new_password,
            "SELECT_MFA_TYPE": self._selected_factor,
            "MFA_SETUP": self._set_up,
            "SELECT_CHALLENGE": self._selected,
            "PASSWORD": self._answered_password,
            "WEB_AUTHN": self._answered_passkey,
            **dict.fromkeys(_CODE_OF, self._answered_code),
        }.get(name)
        if answer is None:
            raise refused("InvalidParameter", f"The challenge {name} is not played on one machine.")
        username, session = given(answers, "USERNAME"), given(asked, "Session")
        challenge = self._parts.challenges.attempt(session, client.id, name)
        person = self._parts.accounts.find(challenge.sub) if challenge.sub else None
        named = self._parts.accounts.find(username)
        if person != named or (person is not None and not person.enabled):
            raise refused("NotAuthorized", "Invalid session for the user.")
        return answer(challenge, session, person, answers, client)

    # -- the first factor

    def password(self, username: str, password: str, client: Client) -> JSON:
        """Begin with a password."""
        person = self._parts.accounts.find(username)
        if person is None or person.external:
            matches(password, "")
            self._nobody(client)
        assert person is not None
        return self._let_in(person, password, client)

    def _nobody(self, client: Client) -> None:
        if client.silent:
            raise refused("NotAuthorized", WRONG)
        raise refused("UserNotFound", "User does not exist.")

    def _let_in(self, person: Person, password: str, client: Client) -> JSON:
        if person.status == RESET:
            raise refused("PasswordResetRequired", "Password reset required for the user")
        self._before(person, client)
        if person.status != UNCONFIRMED:  # which is said whatever the password is
            self._parts.accounts.check_password(person, password)
        self._may_enter(person)
        if person.status == TEMPORARY:
            shown = {"requiredAttributes": "[]", "userAttributes": orjson.dumps(person.attributes).decode()}
            return self._asked("NEW_PASSWORD_REQUIRED", person, client, shown)
        return self._after_first(person, client)

    def _before(self, person: Person, client: Client) -> None:
        self._parts.triggers.about(
            "PreAuthentication", "PreAuthentication_Authentication", person, client.id, validationData=None
        )

    def _may_enter(self, person: Person) -> None:
        if not person.enabled:
            raise refused("NotAuthorized", "User is disabled.")
        if person.status == UNCONFIRMED:
            raise refused("UserNotConfirmed", "User is not confirmed.")

    def _choose(self, username: str, wanted: JSON, client: Client) -> JSON:
        """USER_AUTH: begin with what the caller prefers, or say what there is to choose from."""
        person = self._parts.accounts.find(username)
        if (person is None or person.external) and not client.silent:
            self._nobody(client)
        preferred, available = wanted.get("PREFERRED_CHALLENGE", ""), self._available(person)
        if preferred in available:
            return self._begin(preferred, person, wanted, client)
        session = self._parts.challenges.ask(person.sub if person else "", client.id, "SELECT_CHALLENGE")
        answer = {"ChallengeName": "SELECT_CHALLENGE", "Session": session, "ChallengeParameters": {}}
        return answer | {"AvailableChallenges": available}

    def _available(self, person: Person | None) -> list[str]:
        """First factors of a person; a password for who has no account, as for who has."""
        settings = self._parts.settings
        if person is None or person.status in (EXTERNAL, UNCONFIRMED, TEMPORARY, RESET):
            return ["PASSWORD"]
        verified = person.attributes.get
        possible = {
            "PASSWORD": True,
            "WEB_AUTHN": bool(settings.relying_party) and self._parts.passkeys.any(person),
            "EMAIL_OTP": verified("email_verified") == "true",
            "SMS_OTP": verified("phone_number_verified") == "true",
        }
        if settings.mfa == "ON" or self._parts.factors.preference(person).enabled:
            strong = {"PASSWORD"} | ({"WEB_AUTHN"} if settings.passkeys_suffice else set())
            possible = {name: ready and name in strong for name, ready in possible.items()}
        return [name for name in _FIRST if possible[name] and name in settings.first_factors]

    def _begin(self, factor: str, person: Person | None, wanted: JSON, client: Client) -> JSON:
        if factor == "PASSWORD" and wanted.get("PASSWORD"):
            return self.password(person.sub if person else "nobody@example.com", str(wanted["PASSWORD"]), client)
        if factor == "PASSWORD" or person is None:
            session = self._parts.challenges.ask(person.sub if person else "", client.id, "PASSWORD")
            return {"ChallengeName": "PASSWORD", "Session": session, "ChallengeParameters": {}}
        self._before(person, client)
        self._may_enter(person)
        if factor == "WEB_AUTHN":
            options, challenge = self._parts.passkeys.request_options(person)
            shown = {"CREDENTIAL_REQUEST_OPTIONS": orjson.dumps(options).decode()}
            return self._asked("WEB_AUTHN", person, client, shown, {"challenge": challenge})
        return self._ask_code(factor, person, client, {"first": True})

    def _selected(self, _: Challenge, session: str, person: Person | None, answers: JSON, client: Client) -> JSON:
        factor = given(answers, "ANSWER")
        if factor not in self._available(person):
            raise refused("InvalidParameter", "Selected challenge is not available.")
        self._parts.challenges.end(session)
        return self._begin(factor, person, answers, client)

    def _answered_password(
        self, _: Challenge, session: str, person: Person | None, answers: JSON, client: Client
    ) -> JSON:
        password = given(answers, "PASSWORD")
        self._parts.challenges.end(session)
        return self.password(person.sub if person else "nobody@example.com", password, client)

    def _answered_passkey(
        self, challenge: Challenge, session: str, person: Person | None, answers: JSON, client: Client
    ) -> JSON:
        credential = given(answers, "CREDENTIAL")
        self._parts.challenges.end(session)
        assert person is not None
        self._parts.passkeys.use(person, credential, challenge.notes["challenge"])
        return self._after_first(person, client, strong=self._parts.settings.passkeys_suffice)

    # -- the second factor

    def _after_first(
        self, person: Person, client: Client, *, strong: bool = False, source: str = _AUTHENTICATED
    ) -> JSON:
        settings = self._parts.settings
        preference = self._parts.factors.preference(person)
        enabled = [factor for factor in preference.enabled if factor in settings.second_factors]
        if settings.mfa == "OFF" or strong or (settings.mfa != "ON" and not enabled):
            return self._finish(person, client, source)
        if not enabled:
            choice = orjson.dumps(sorted(settings.second_factors)).decode()
            return self._asked("MFA_SETUP", person, client, {"MFAS_CAN_SETUP": choice})
        self._parts.factors.check_lock(person)
        if preference.preferred in enabled:
            return self._ask_code(preference.preferred, person, client)
        if len(enabled) == 1:
            return self._ask_code(enabled[0], person, client)
        shown = {"MFAS_CAN_CHOOSE": orjson.dumps(enabled).decode()}
        for factor, value in ((MAIL, person.email), (TEXT, person.attributes.get("phone_number", ""))):
            if factor in enabled:
                shown[f"CODE_DELIVERY_DESTINATION_{factor}"] = delivery(value)["Destination"]
        return self._asked("SELECT_MFA_TYPE", person, client, shown, {"enabled": enabled})

    def _ask_code(self, factor: str, person: Person, client: Client, notes: JSON | None = None) -> JSON:
        if factor == APP:
            device = self._parts.factors.device(person)
            return self._asked(factor, person, client, {"FRIENDLY_DEVICE_NAME": device} if device else {}, notes)
        sent = self._parts.codes.send(person, _PURPOSE_OF[factor], "CustomMessage_Authentication", client.id)
        shown = {
            "CODE_DELIVERY_DELIVERY_MEDIUM": sent["DeliveryMedium"],
            "CODE_DELIVERY_DESTINATION": sent["Destination"],
        }
        return self._asked(factor, person, client, shown, notes)

    def _selected_factor(
        self, challenge: Challenge, session: str, person: Person | None, answers: JSON, client: Client
    ) -> JSON:
        factor = given(answers, "ANSWER")
        if factor not in challenge.notes["enabled"]:
            raise refused("MFAMethodNotFound", "The selected MFA method is not available.")
        self._parts.challenges.end(session)
        assert person is not None
        return self._ask_code(factor, person, client)

    def _answered_code(
        self, challenge: Challenge, session: str, person: Person | None, answers: JSON, client: Client
    ) -> JSON:
        code = given(answers, _CODE_OF[challenge.name])
        assert person is not None
        self._parts.factors.check_lock(person)
        try:
            if challenge.name == APP:
                self._parts.factors.use_app(person, code)
            else:
                self._parts.codes.use(person, _PURPOSE_OF[challenge.name], code)
        except Exception:
            self._parts.factors.answered(person, right=False)
            raise
        self._parts.challenges.end(session)
        self._parts.factors.answered(person, right=True)
        if challenge.notes.get("first"):
            return self._after_first(person, client)
        return self._finish(person, client, _AUTHENTICATED)

    def _set_up(self, challenge: Challenge, session: str, person: Person | None, answers: JSON, client: Client) -> JSON:
        """The person has just verified an app in this sign-in."""
        if not challenge.notes.get("verified"):
            raise refused("InvalidParameter", "MFA setup is not complete.")
        self._parts.challenges.end(session)
        assert person is not None
        self._parts.factors.prefer(person, {"SoftwareTokenMfaSettings": {"Enabled": True, "PreferredMfa": True}})
        return self._finish(person, client, _AUTHENTICATED)

    # -- the rest

    def _new_password(self, _: Challenge, session: str, person: Person | None, answers: JSON, client: Client) -> JSON:
        password = given(answers, "NEW_PASSWORD")
        self._parts.accounts.check_policy(password)
        self._parts.challenges.end(session)
        assert person is not None
        self._parts.accounts.set_password(person.sub, password)
        return self._after_first(self._parts.accounts.known(person.sub), client, source=_NEW_PASSWORD)

    def _asked(self, name: str, person: Person, client: Client, shown: JSON, notes: JSON | None = None) -> JSON:
        session = self._parts.challenges.ask(person.sub, client.id, name, notes)
        return {
            "ChallengeName": name,
            "Session": session,
            "ChallengeParameters": {"USER_ID_FOR_SRP": person.username} | shown,
        }

    def _tokens(self, person: Person, client: Client, source: str) -> JSON:
        self._parts.triggers.about(
            "PostAuthentication", "PostAuthentication_Authentication", person, client.id, newDeviceUsed=False
        )
        return {"AuthenticationResult": self._parts.sessions.begin(person, client, source), "ChallengeParameters": {}}
