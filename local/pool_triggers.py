"""The Lambda triggers of the user pool: the events that Cognito sends, and what it makes of their answers."""

from collections.abc import Callable, Mapping
from typing import Any

from local.accounts import Person
from local.answers import AwsError

__all__ = ["Triggers"]

JSON = dict[str, Any]
Function = Callable[[JSON], JSON]
_PLAYED = frozenset(
    ("PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "PreTokenGeneration", "CustomMessage")
)


class Triggers:
    """The functions of one pool by the name of their trigger; each takes an event and answers it with `response`."""

    def __init__(self, pool: str, functions: Mapping[str, Function]) -> None:
        """Raises ValueError for a trigger that is not played: it would silently do nothing."""
        if unknown := set(functions) - _PLAYED:
            raise ValueError(f"Triggers of the user pool that are not played on one machine: {sorted(unknown)}")
        self._pool, self._functions = pool, functions

    def run(self, name: str, source: str, user: str, client: str, *, request: JSON, response: JSON) -> JSON:
        """The answer of a trigger, `response` itself where there is no such trigger.

        Raises UserLambdaValidationException when the function does.
        """
        function = self._functions.get(name)
        if function is None:
            return response
        event = {
            "version": "2" if name == "PreTokenGeneration" else "1",
            "triggerSource": source,
            "region": self._pool.partition("_")[0],
            "userPoolId": self._pool,
            "userName": user,
            "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client},
            "request": request,
            "response": response,
        }
        try:
            answer = function(event)
            given: JSON = answer["response"]
        except Exception as error:
            raise AwsError("UserLambdaValidationException", f"{name} failed with error {error}.") from error
        return given

    def about(self, name: str, source: str, person: Person, client: str, **request: Any) -> JSON:
        """As `run`, for somebody who has an account and a trigger whose answer may be empty."""
        asked = {"userAttributes": _attributes(person)} | request
        return self.run(name, source, person.username, client, request=asked, response={})

    def sign_up(self, source: str, user: str, client: str, attributes: Mapping[str, str]) -> JSON:
        """What PreSignUp decides: autoConfirmUser, autoVerifyEmail, autoVerifyPhone."""
        undecided = {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        request = {"userAttributes": dict(attributes), "validationData": None}
        return self.run("PreSignUp", source, user, client, request=request, response=undecided)

    def message(self, source: str, person: Person, client: str) -> JSON:
        """What CustomMessage writes: emailSubject, emailMessage, smsMessage, each None to keep the pool's own."""
        request = {
            "userAttributes": _attributes(person),
            "codeParameter": "{####}",
            "linkParameter": "{##Click Here##}",
            "usernameParameter": None,
        }
        empty = {"smsMessage": None, "emailMessage": None, "emailSubject": None}
        return self.run("CustomMessage", source, person.username, client, request=request, response=empty)

    def tokens(self, source: str, person: Person, client: str, scopes: list[str]) -> JSON:
        """What PreTokenGeneration (V2_0) wants changed in the tokens: claimsAndScopeOverrideDetails, {} for nothing."""
        request = {
            "userAttributes": _attributes(person),
            "groupConfiguration": {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None},
            "scopes": scopes,
        }
        empty: JSON = {"claimsAndScopeOverrideDetails": None}
        answer = self.run("PreTokenGeneration", source, person.username, client, request=request, response=empty)
        return answer.get("claimsAndScopeOverrideDetails") or {}


def _attributes(person: Person) -> JSON:
    return person.all_attributes() | {"cognito:user_status": person.status}
