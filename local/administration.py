"""The calls of Cognito user pools that need AWS permissions: accounts as staff and functions see and change them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from local.accounts import CONFIRMED, RESET, TEMPORARY, UNCONFIRMED, Person, refused
from local.answers import Answer
from local.codes import NEW_PASSWORD
from local.own_account import factor_fields, shown
from local.pool_parts import Parts, attributes_of, given

__all__ = ["Administration"]

JSON = dict[str, Any]
Call = Callable[[JSON, Person], JSON | None]
_SUBJECT = "Cognito_Subject"


class Administration:
    """Admin calls to one pool."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def operations(self) -> dict[str, Answer]:
        calls: dict[str, Call] = {
            "AdminGetUser": self._get,
            "AdminSetUserPassword": self._password,
            "AdminConfirmSignUp": self._confirm,
            "AdminUpdateUserAttributes": self._update,
            "AdminSetUserMFAPreference": self._prefer,
            "AdminDeleteUser": self._remove,
            "AdminDisableUser": lambda asked, person: self._parts.accounts.change(person.sub, enabled=False),
            "AdminEnableUser": lambda asked, person: self._parts.accounts.change(person.sub, enabled=True),
            "AdminResetUserPassword": self._reset,
            "AdminUserGlobalSignOut": lambda asked, person: self._parts.sessions.end_all(person.sub),
        }
        return {name: self._for_person(call) for name, call in calls.items()} | {
            "AdminCreateUser": self._in_pool(self._create),
            "AdminLinkProviderForUser": self._in_pool(self._link),
            "AdminDisableProviderForUser": self._in_pool(self._unlink),
            "ListUsers": self._in_pool(self._list),
        }

    def _in_pool(self, call: Answer) -> Answer:
        def answer(asked: JSON) -> JSON:
            if asked.get("UserPoolId") != self._parts.id:
                raise refused("ResourceNotFound", f"User pool {asked.get('UserPoolId')} does not exist.")
            return call(asked)

        return answer

    def _for_person(self, call: Call) -> Answer:
        return self._in_pool(lambda asked: call(asked, self._parts.accounts.known(given(asked, "Username"))) or {})

    def _create(self, asked: JSON) -> JSON:
        password = asked.get("TemporaryPassword")
        if asked.get("MessageAction") != "SUPPRESS":
            raise refused("InvalidParameter", "Invitations are not played: use MessageAction SUPPRESS.")
        username, attributes = given(asked, "Username"), attributes_of(asked)
        self._parts.triggers.sign_up("PreSignUp_AdminCreateUser", username, "", attributes)
        person = self._parts.accounts.add(username, password, attributes, status=TEMPORARY)
        return {"User": self._described(person, "Attributes")}

    def _get(self, asked: JSON, person: Person) -> JSON:
        return self._described(person, "UserAttributes") | factor_fields(self._parts, person)

    def _confirm(self, asked: JSON, person: Person) -> None:
        if person.status != UNCONFIRMED:
            raise refused("NotAuthorized", f"User cannot be confirmed. Current status is {person.status}")
        self._parts.accounts.change(person.sub, status=CONFIRMED)

    def _password(self, asked: JSON, person: Person) -> None:
        status = CONFIRMED if asked.get("Permanent") else TEMPORARY
        if person.external:
            raise refused("InvalidParameter", "Cannot set a password for a federated user.")
        self._parts.accounts.set_password(person.sub, given(asked, "Password"), status=status)

    def _update(self, asked: JSON, person: Person) -> None:
        """An address or number given without its `_verified` is unverified; nothing is sent."""
        changed = attributes_of(asked)
        if {"sub", "identities"} & set(changed):
            raise refused("InvalidParameter", "Cannot modify an immutable attribute")
        for name in ("email", "phone_number"):
            if name in changed and changed[name] != person.attributes.get(name):
                changed.setdefault(f"{name}_verified", "false")
                self._parts.codes.settle(person, name)
        self._parts.accounts.change(person.sub, changed)

    def _prefer(self, asked: JSON, person: Person) -> None:
        self._parts.factors.prefer(person, asked)

    def _remove(self, asked: JSON, person: Person) -> None:
        self._parts.remove(person)

    def _reset(self, asked: JSON, person: Person) -> None:
        if person.attributes.get("email_verified") != "true":
            raise refused("InvalidParameter", "Cannot reset password for the user as there is no verified email")
        self._parts.codes.send(person, NEW_PASSWORD, "CustomMessage_ForgotPassword")
        self._parts.accounts.change(person.sub, status=RESET)

    def _link(self, asked: JSON) -> JSON:
        """Let a provider's identity sign in as somebody who is here; it must not have a profile of its own yet."""
        source, wanted = asked["SourceUser"], asked["DestinationUser"]
        if source.get("ProviderAttributeName") != _SUBJECT:
            raise refused("InvalidParameter", f"Only links by {_SUBJECT} are played.")
        person = self._parts.accounts.known(given(wanted, "ProviderAttributeValue"))
        self._parts.accounts.link(person, given(source, "ProviderName"), given(source, "ProviderAttributeValue"))
        return {}

    def _unlink(self, asked: JSON) -> JSON:
        user = asked["User"]
        self._parts.accounts.unlink(given(user, "ProviderName"), given(user, "ProviderAttributeValue"))
        return {}

    def _list(self, asked: JSON) -> JSON:
        name, _, value = str(asked.get("Filter", "")).partition("=")
        if name and name.strip() != "email":
            raise refused("InvalidParameter", "Only filters by email are played.")
        found = self._parts.accounts.listed(value.strip().strip('"'))[: int(asked.get("Limit", 60))]
        return {"Users": [self._described(person, "Attributes") for person in found]}

    def _described(self, person: Person, attributes: str) -> JSON:
        return {
            "Username": person.username,
            attributes: shown(self._parts, person),
            "Enabled": person.enabled,
            "UserStatus": person.status,
            "UserCreateDate": datetime.fromtimestamp(person.created, UTC),
            "UserLastModifiedDate": datetime.fromtimestamp(person.changed, UTC),
        }
