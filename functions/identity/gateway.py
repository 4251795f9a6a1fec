"""The port to Cognito: passwords, codes and tokens. Its errors are told as our problems, its texts to nobody."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from identity.model import (
    AccountBlocked,
    EmailNotVerified,
    FurtherStepRequired,
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

_NO_ENTRY = ("NotAuthorizedException", "UserNotFoundException", "PasswordResetRequiredException")
_SIGN_IN: Explained = dict.fromkeys(
    _NO_ENTRY, lambda: InvalidCredentials("The e-mail address or the password is wrong.")
) | {"UserNotConfirmedException": lambda: EmailNotVerified("Confirm your e-mail address with the code we sent.")}
_REFRESH: Explained = dict.fromkeys(
    (*_NO_ENTRY, "ResourceNotFoundException", "RefreshTokenReuseException", "InvalidParameterException"),
    lambda: InvalidCredentials("Please sign in again."),
)
_CODE: Explained = dict.fromkeys(
    (
        "CodeMismatchException",
        "ExpiredCodeException",
        "UserNotFoundException",
        "NotAuthorizedException",
        "AliasExistsException",
        "UserNotConfirmedException",
    ),
    lambda: WrongCode("The code is wrong or has expired. Ask for a new one."),
)
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


@dataclass(frozen=True, slots=True)
class Session:
    """Tokens of a signed-in person; `expires_in` seconds is how long the access token is good for."""

    access_token: str
    refresh_token: str
    expires_in: int


def sign_up(email: str, password: str, name: str) -> str | None:
    """Make an unverified account and mail a code. Returns its id (sub), or None where the address has one already."""
    try:
        answer = _call(
            {},
            "sign_up",
            Username=email,
            Password=password,
            UserAttributes=[{"Name": "email", "Value": email}, {"Name": "name", "Value": name}],
        )
    except _Exists:
        return None
    return str(answer["UserSub"])


def confirm(email: str, code: str) -> None:
    _call(_CODE, "confirm_sign_up", Username=email, ConfirmationCode=code)


def resend_code(email: str) -> None:
    _send_code("resend_confirmation_code", email)


def forgot_password(email: str) -> None:
    _send_code("forgot_password", email)


def reset_password(email: str, code: str, password: str) -> None:
    _call(_CODE, "confirm_forgot_password", Username=email, ConfirmationCode=code, Password=password)


def sign_in(email: str, password: str) -> Session:
    parameters = {"USERNAME": email, "PASSWORD": password}
    answer = _call(_SIGN_IN, "initiate_auth", AuthFlow="USER_PASSWORD_AUTH", AuthParameters=parameters)
    if "AuthenticationResult" not in answer:
        raise FurtherStepRequired("This account asks for another step.", step=str(answer.get("ChallengeName", "")))
    return _session(answer["AuthenticationResult"], "")


def refresh(token: str) -> Session:
    """A new session for a refresh token, which is rotated: the old one dies within seconds."""
    answer = _call(_REFRESH, "get_tokens_from_refresh_token", RefreshToken=token)
    return _session(answer["AuthenticationResult"], token)


def revoke(token: str) -> None:
    """End the session of a refresh token. A dead or foreign token is not worth an error."""
    try:
        with _explained({}, silent=_DEAD_TOKEN):
            _cognito().revoke_token(ClientId=config.setting("USER_POOL_CLIENT_ID"), Token=token)
    except _Unsaid:
        return


def sign_out_everywhere(access_token: str) -> None:
    """End every session of the token's owner. Access tokens already given out stay good until they expire."""
    refused = dict.fromkeys(_NO_ENTRY, lambda: InvalidCredentials("Please sign in again."))
    with _explained(refused):
        _cognito().global_sign_out(AccessToken=access_token)


def end_sessions(user_id: str) -> None:
    """End every session of another person. One that Cognito does not know has none."""
    try:
        with _explained({}):
            _cognito().admin_user_global_sign_out(UserPoolId=config.setting("USER_POOL_ID"), Username=user_id)
    except _Refused as refused:
        if refused.why != "UserNotFoundException":
            raise


def make_account(email: str, password: str, name: str) -> str:
    """A verified account with this password, made or changed without any mail. Returns its id (sub)."""
    pool = {"UserPoolId": config.setting("USER_POOL_ID"), "Username": email}
    attributes = {"email": email, "email_verified": "true", "name": name}
    try:
        with _explained({}):
            _cognito().admin_create_user(
                **pool,
                MessageAction="SUPPRESS",
                UserAttributes=[{"Name": name, "Value": value} for name, value in attributes.items()],
            )
    except _Exists:
        pass
    with _explained({}):
        _cognito().admin_set_user_password(**pool, Password=password, Permanent=True)
    return str(find_account(email))


def find_account(email: str) -> str | None:
    """The id (sub) of the account with this address, or None."""
    try:
        with _explained({}):
            answer = _cognito().admin_get_user(UserPoolId=config.setting("USER_POOL_ID"), Username=email)
    except _Refused as refused:
        if refused.why != "UserNotFoundException":
            raise
        return None
    return next(str(entry["Value"]) for entry in answer["UserAttributes"] if entry["Name"] == "sub")


class _Refused(Unavailable):
    """Cognito refused for a reason that this call does not expect."""

    def __init__(self, why: str) -> None:
        super().__init__("The account service does not answer.")
        self.why = why


class _Exists(Exception):
    """There is an account with this address."""


def _send_code(operation: str, email: str) -> None:
    """Ask for a mailed code; what depends on the address stays unsaid."""
    try:
        with _explained({}, silent=_SILENT):
            getattr(_cognito(), operation)(ClientId=config.setting("USER_POOL_CLIENT_ID"), Username=email)
    except _Unsaid as refused:
        log.info("code not sent", operation=operation, reason=str(refused))


class _Unsaid(Exception):
    """A refusal that the caller must not learn of."""


def _call(explained: Explained, operation: str, **request: Any) -> dict[str, Any]:
    """A call that needs no AWS permission but the client's id."""
    with _explained(explained):
        answer: dict[str, Any] = getattr(_cognito(), operation)(
            ClientId=config.setting("USER_POOL_CLIENT_ID"), **request
        )
        return answer


@contextmanager
def _explained(explained: Explained, silent: frozenset[str] = frozenset()) -> Iterator[None]:
    try:
        yield
    except ClientError as refused:
        code = str(refused.response["Error"]["Code"])
        text = str(refused.response["Error"].get("Message", ""))
        if code in silent:
            raise _Unsaid(code) from None
        if code == "UsernameExistsException":
            raise _Exists from None
        if code == "UserLambdaValidationException" and AccountBlocked.code in text:
            raise AccountBlocked("This account has been blocked. Please write to us.") from None
        named = explained.get(code) or _ALWAYS.get(code)
        if named:
            raise named() from None
        log.error("account service refused", reason=code)
        raise _Refused(code) from None
    except BotoCoreError as unreachable:
        log.error("account service unreachable", unreachable)
        raise Unavailable("The account service does not answer.") from None


def _session(result: Mapping[str, Any], refresh_token: str) -> Session:
    return Session(
        str(result["AccessToken"]), str(result.get("RefreshToken") or refresh_token), int(result["ExpiresIn"])
    )


def _cognito() -> Any:
    return config.client("cognito-idp")
