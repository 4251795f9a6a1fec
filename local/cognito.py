"""The calls of Cognito user pools that are played: their parameters, their answers, their silences."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from local.accounts import (
    CONFIRMED,
    NEW_PASSWORD,
    RESET,
    SIGN_UP,
    TEMPORARY,
    UNCONFIRMED,
    WRONG,
    Accounts,
    Person,
    delivery,
    matches,
)
from local.answers import Answer, AwsError
from local.sessions import Client, Sessions

__all__ = ["UserPool"]

JSON = dict[str, Any]


class UserPool:
    """One pool and its clients."""

    def __init__(self, id_: str, clients: Mapping[str, Client], accounts: Accounts, sessions: Sessions) -> None:
        self.id, self._clients, self._accounts, self._sessions = id_, clients, accounts, sessions

    def operations(self) -> dict[str, Answer]:
        """The calls of `cognito-identity-provider`."""
        open_calls: dict[str, Callable[[JSON, Client], JSON]] = {
            "SignUp": self._sign_up,
            "ConfirmSignUp": self._confirm,
            "ResendConfirmationCode": self._resend,
            "InitiateAuth": self._initiate,
            "RespondToAuthChallenge": self._respond,
            "GetTokensFromRefreshToken": self._refresh,
            "RevokeToken": self._revoke,
            "ForgotPassword": self._forgot,
            "ConfirmForgotPassword": self._reset,
        }
        personal: dict[str, Callable[[JSON, Person], JSON]] = {
            "GetUser": self._get_user,
            "ChangePassword": self._change_password,
            "UpdateUserAttributes": self._update,
            "DeleteUser": self._remove,
            "GlobalSignOut": self._sign_out,
        }
        staff: dict[str, Callable[[JSON, Person], JSON]] = {
            "AdminGetUser": self._admin_get,
            "AdminSetUserPassword": self._admin_password,
            "AdminConfirmSignUp": lambda asked, person: self._set(person, status=CONFIRMED),
            "AdminUpdateUserAttributes": self._update,
            "AdminDeleteUser": self._remove,
            "AdminDisableUser": lambda asked, person: self._set(person, enabled=False),
            "AdminEnableUser": lambda asked, person: self._set(person, enabled=True),
            "AdminResetUserPassword": self._admin_reset,
            "AdminUserGlobalSignOut": self._sign_out,
        }
        return (
            {name: self._for_client(call) for name, call in open_calls.items()}
            | {name: self._for_token(call) for name, call in personal.items()}
            | {name: self._for_staff(call) for name, call in staff.items()}
            | {"AdminCreateUser": self._admin_create, "ListUsers": self._list}
        )

    def _for_client(self, call: Callable[[JSON, Client], JSON]) -> Answer:
        def answer(asked: JSON) -> JSON:
            client = self._clients.get(str(asked.get("ClientId")))
            if client is None:
                raise AwsError("ResourceNotFoundException", f"User pool client {asked.get('ClientId')} does not exist.")
            return call(asked, client)

        return answer

    def _for_token(self, call: Callable[[JSON, Person], JSON]) -> Answer:
        return lambda asked: call(asked, self._sessions.person(_given(asked, "AccessToken")))

    def _for_staff(self, call: Callable[[JSON, Person], JSON]) -> Answer:
        def answer(asked: JSON) -> JSON:
            self._own(asked)
            return call(asked, self._accounts.known(_given(asked, "Username")))

        return answer

    def _own(self, asked: JSON) -> None:
        if asked.get("UserPoolId") != self.id:
            raise AwsError("ResourceNotFoundException", f"User pool {asked.get('UserPoolId')} does not exist.")

    # -- without a token

    def _sign_up(self, asked: JSON, client: Client) -> JSON:
        attributes = _attributes(asked) | {"email_verified": "false"}
        person = self._accounts.add(
            _given(asked, "Username"), _given(asked, "Password"), attributes, status=UNCONFIRMED
        )
        sent = self._accounts.send_code(person, SIGN_UP)
        return {"UserConfirmed": False, "UserSub": person.sub, "CodeDeliveryDetails": sent}

    def _confirm(self, asked: JSON, client: Client) -> JSON:
        person = self._accounts.find(_given(asked, "Username"))
        if person is None:
            if client.silent:
                raise AwsError("ExpiredCodeException", "Invalid code provided, please request a code again.")
            raise AwsError("UserNotFoundException", "Username/client id combination not found.")
        if person.status != UNCONFIRMED:
            message = f"User cannot be confirmed. Current status is {person.status}"
            raise AwsError("NotAuthorizedException", message)
        self._accounts.use_code(person, SIGN_UP, _given(asked, "ConfirmationCode"))
        return self._set(person, status=CONFIRMED, email_verified="true")

    def _resend(self, asked: JSON, client: Client) -> JSON:
        person = self._accounts.find(_given(asked, "Username"))
        if person is None:
            return self._nobody(asked, client)
        if person.status != UNCONFIRMED:
            raise AwsError("InvalidParameterException", "User is already confirmed.")
        return {"CodeDeliveryDetails": self._accounts.send_code(person, SIGN_UP)}

    def _forgot(self, asked: JSON, client: Client) -> JSON:
        person = self._accounts.find(_given(asked, "Username"))
        if person is None:
            return self._nobody(asked, client)
        if not person.enabled:
            raise AwsError("NotAuthorizedException", "User is disabled.")
        if person.status == UNCONFIRMED or person.attributes.get("email_verified") != "true":
            message = "Cannot reset password for the user as there is no registered/verified email or phone_number"
            raise AwsError("InvalidParameterException", message)
        return {"CodeDeliveryDetails": self._accounts.send_code(person, NEW_PASSWORD)}

    def _nobody(self, asked: JSON, client: Client) -> JSON:
        """The answer for an address without account: as if there were one, where the client asks for it."""
        if client.silent:
            return {"CodeDeliveryDetails": delivery(str(asked["Username"]))}
        raise AwsError("UserNotFoundException", "Username/client id combination not found.")

    def _reset(self, asked: JSON, client: Client) -> JSON:
        person = self._accounts.find(_given(asked, "Username"))
        if person is None or not person.enabled:
            if client.silent:
                raise AwsError("CodeMismatchException", "Invalid verification code provided, please try again.")
            raise AwsError("UserNotFoundException", "Username/client id combination not found.")
        password = _given(asked, "Password")
        self._accounts.check_policy(password)
        self._accounts.use_code(person, NEW_PASSWORD, _given(asked, "ConfirmationCode"))
        self._accounts.set_password(person.sub, password)
        return {}

    def _initiate(self, asked: JSON, client: Client) -> JSON:
        flow, given = asked.get("AuthFlow", ""), asked.get("AuthParameters") or {}
        if flow in ("REFRESH_TOKEN_AUTH", "REFRESH_TOKEN"):
            if client.rotates or "ALLOW_REFRESH_TOKEN_AUTH" not in client.flows:
                raise AwsError("InvalidParameterException", "REFRESH_TOKEN_AUTH flow not enabled for this client")
            return {"AuthenticationResult": self._sessions.carry_on(_given(given, "REFRESH_TOKEN"), client)}
        if flow != "USER_PASSWORD_AUTH" or "ALLOW_USER_PASSWORD_AUTH" not in client.flows:
            raise AwsError("InvalidParameterException", f"{flow} flow not enabled for this client")
        person = self._accounts.find(_given(given, "USERNAME"))
        password = _given(given, "PASSWORD")
        if person is None:
            matches(password, "")
            if client.silent:
                raise AwsError("NotAuthorizedException", WRONG)
            raise AwsError("UserNotFoundException", "User does not exist.")
        return self._let_in(person, password, client)

    def _let_in(self, person: Person, password: str, client: Client) -> JSON:
        if person.status == RESET:
            raise AwsError("PasswordResetRequiredException", "Password reset required for the user")
        self._accounts.check_password(person, password)
        if not person.enabled:
            raise AwsError("NotAuthorizedException", "User is disabled.")
        if person.status == UNCONFIRMED:
            raise AwsError("UserNotConfirmedException", "User is not confirmed.")
        if person.status == TEMPORARY:
            token = self._sessions.challenge(person)
            asked = {"USER_ID_FOR_SRP": person.sub, "requiredAttributes": "[]", "userAttributes": "{}"}
            return {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": token, "ChallengeParameters": asked}
        return {"AuthenticationResult": self._sessions.begin(person, client), "ChallengeParameters": {}}

    def _respond(self, asked: JSON, client: Client) -> JSON:
        if asked.get("ChallengeName") != "NEW_PASSWORD_REQUIRED":
            raise AwsError("InvalidParameterException", "This challenge is not played on one machine.")
        person = self._sessions.challenged(_given(asked, "Session"))
        self._accounts.set_password(person.sub, _given(asked.get("ChallengeResponses") or {}, "NEW_PASSWORD"))
        return {"AuthenticationResult": self._sessions.begin(self._accounts.known(person.sub), client)}

    def _refresh(self, asked: JSON, client: Client) -> JSON:
        return {"AuthenticationResult": self._sessions.carry_on(_given(asked, "RefreshToken"), client)}

    def _revoke(self, asked: JSON, client: Client) -> JSON:
        self._sessions.revoke(_given(asked, "Token"), client)
        return {}

    # -- with an access token, or as staff

    def _get_user(self, asked: JSON, person: Person) -> JSON:
        return {"Username": person.sub, "UserAttributes": _shown(person)}

    def _change_password(self, asked: JSON, person: Person) -> JSON:
        self._accounts.check_password(person, _given(asked, "PreviousPassword"))
        self._accounts.set_password(person.sub, _given(asked, "ProposedPassword"))
        return {}

    def _update(self, asked: JSON, person: Person) -> JSON:
        changed = _attributes(asked)
        if "sub" in changed or ("email" in changed and changed["email"].lower() != person.email):
            raise AwsError("InvalidParameterException", "Changing sub or email is not played on one machine.")
        return self._set(person, **changed)

    def _remove(self, asked: JSON, person: Person) -> JSON:
        self._sessions.end_all(person.sub)
        self._accounts.remove(person.sub)
        return {}

    def _sign_out(self, asked: JSON, person: Person) -> JSON:
        self._sessions.end_all(person.sub)
        return {}

    def _set(self, person: Person, **changes: Any) -> JSON:
        self._accounts.change(person.sub, **changes)
        return {}

    def _admin_create(self, asked: JSON) -> JSON:
        self._own(asked)
        password = asked.get("TemporaryPassword")
        if asked.get("MessageAction") != "SUPPRESS":
            raise AwsError("InvalidParameterException", "Invitations are not played: use MessageAction SUPPRESS.")
        person = self._accounts.add(_given(asked, "Username"), password, _attributes(asked), status=TEMPORARY)
        return {"User": _described(person, "Attributes")}

    def _admin_get(self, asked: JSON, person: Person) -> JSON:
        return _described(person, "UserAttributes")

    def _admin_password(self, asked: JSON, person: Person) -> JSON:
        status = CONFIRMED if asked.get("Permanent") else TEMPORARY
        self._accounts.set_password(person.sub, _given(asked, "Password"), status=status)
        return {}

    def _admin_reset(self, asked: JSON, person: Person) -> JSON:
        self._accounts.send_code(person, NEW_PASSWORD)
        return self._set(person, status=RESET)

    def _list(self, asked: JSON) -> JSON:
        self._own(asked)
        name, _, value = str(asked.get("Filter", "")).partition("=")
        if name and name.strip() != "email":
            raise AwsError("InvalidParameterException", "Only filters by email are played.")
        return {"Users": [_described(p, "Attributes") for p in self._accounts.listed(value.strip().strip('"'))]}


def _given(asked: Mapping[str, Any], name: str) -> str:
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise AwsError("InvalidParameterException", f"Missing required parameter {name}")
    return value


def _attributes(asked: JSON) -> dict[str, str]:
    return {entry["Name"]: str(entry["Value"]) for entry in asked.get("UserAttributes") or ()}


def _shown(person: Person) -> list[JSON]:
    return [{"Name": name, "Value": value} for name, value in person.all_attributes().items()]


def _described(person: Person, attributes: str) -> JSON:
    return {
        "Username": person.sub,
        attributes: _shown(person),
        "Enabled": person.enabled,
        "UserStatus": person.status,
        "UserCreateDate": datetime.fromtimestamp(person.created, UTC),
        "UserLastModifiedDate": datetime.fromtimestamp(person.changed, UTC),
    }
