"""How Cognito is called: its errors are told as our problems, its texts to nobody."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from identity.model import (
    AccountBlocked,
    ChallengeEnded,
    EmailNotVerified,
    InvalidCredentials,
    TooManyAttempts,
    WeakPassword,
    WrongCode,
)
from market import config, log
from market.errors import Problem, Unavailable, Unprocessable

Explained = Mapping[str, Callable[[], Problem]]

_LIMITS = ("LimitExceededException", "TooManyRequestsException", "TooManyFailedAttemptsException")
_ALWAYS: Explained = {
    "InvalidPasswordException": lambda: WeakPassword("Choose a longer or more varied password."),
    "PasswordHistoryPolicyViolationException": lambda: WeakPassword("Choose a password that you have not used before."),
    "InvalidParameterException": lambda: Unprocessable("A field was refused."),
} | dict.fromkeys(_LIMITS, lambda: TooManyAttempts("Please wait before you try again.", retryAfter=60))

NO_ENTRY = ("NotAuthorizedException", "UserNotFoundException", "PasswordResetRequiredException")
SIGN_IN: Explained = dict.fromkeys(
    NO_ENTRY, lambda: InvalidCredentials("The e-mail address or the password is wrong.")
) | {"UserNotConfirmedException": lambda: EmailNotVerified("Confirm your e-mail address with the code we sent.")}
AGAIN: Explained = dict.fromkeys(
    (*NO_ENTRY, "ResourceNotFoundException", "RefreshTokenReuseException", "InvalidParameterException"),
    lambda: InvalidCredentials("Please sign in again."),
)
OWNER: Explained = dict.fromkeys(NO_ENTRY, lambda: InvalidCredentials("Please sign in again."))
"""Of calls made with the person's access token."""

CODE: Explained = dict.fromkeys(
    (
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "NotAuthorizedException",
        "AliasExistsException",
        "UserNotConfirmedException",
        "EnableSoftwareTokenMFAException",
    ),
    lambda: WrongCode("The code is wrong or has expired. Ask for a new one."),
)
REGISTRATION: Explained = dict.fromkeys(
    CODE,
    lambda: WrongCode("The code is wrong or has expired, or the address was registered anew: register again."),
)
ANSWER: Explained = {
    "CodeMismatchException": lambda: WrongCode("The code is wrong."),
    "ExpiredCodeException": lambda: WrongCode("This code has expired or was used before."),
    "NotAuthorizedException": lambda: ChallengeEnded("Please sign in again."),
    "UserNotFoundException": lambda: ChallengeEnded("Please sign in again."),
    "InvalidParameterException": lambda: ChallengeEnded("Please sign in again."),
}


class Refused(Unavailable):
    """Cognito refused for a reason that this call does not expect."""

    def __init__(self, why: str) -> None:
        super().__init__("The account service does not answer.")
        self.why = why


class Unsaid(Exception):
    """A refusal that the caller must not learn of."""


class Exists(Exception):
    """There is an account with this address."""


def as_client(explained: Explained, operation: str, **request: Any) -> dict[str, Any]:
    """A call that needs no AWS permission but the client's id."""
    return ask(explained, operation, ClientId=config.setting("USER_POOL_CLIENT_ID"), **request)


def as_person(access_token: str, explained: Explained, operation: str, **request: Any) -> dict[str, Any]:
    """A call on behalf of a signed-in person. Raises InvalidCredentials when the token is dead."""
    return ask({**explained, **OWNER}, operation, AccessToken=access_token, **request)


def as_operator(operation: str, **request: Any) -> dict[str, Any]:
    """A call about somebody else, by the function's own permission. Raises Refused."""
    return ask({}, operation, UserPoolId=config.setting("USER_POOL_ID"), **request)


def ask(
    explained: Explained, operation: str, *, silent: frozenset[str] = frozenset(), **request: Any
) -> dict[str, Any]:
    with _explaining(explained, silent):
        answer: dict[str, Any] = getattr(config.client("cognito-idp"), operation)(**request)
        return answer


def if_known(operation: str, **request: Any) -> dict[str, Any] | None:
    """As `as_operator`; None for somebody whom Cognito does not know."""
    try:
        return as_operator(operation, **request)
    except Refused as refused:
        if refused.why != "UserNotFoundException":
            raise
        return None


@contextmanager
def _explaining(explained: Explained, silent: frozenset[str]) -> Iterator[None]:
    try:
        yield
    except ClientError as refused:
        code = str(refused.response["Error"]["Code"])
        text = str(refused.response["Error"].get("Message", ""))
        if code in silent:
            raise Unsaid(code) from None
        if code == "UsernameExistsException":
            raise Exists from None
        if code == "UserLambdaValidationException" and AccountBlocked.code in text:
            raise AccountBlocked("This account has been blocked. Please write to us.") from None
        named = explained.get(code) or _ALWAYS.get(code)
        if named:
            raise named() from None
        if code != "UserNotFoundException":
            log.error("account service refused", reason=code)
        raise Refused(code) from None
    except BotoCoreError as unreachable:
        log.error("account service unreachable", unreachable)
        raise Unavailable("The account service does not answer.") from None
