"""A person's account here, beside the one at Cognito, and what can be wrong with a sign-in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from market.errors import Conflict, Forbidden, NotFound, TooManyRequests, Unauthenticated, Unprocessable

TOTP, EMAIL, SMS, PASSKEY = "totp", "email", "sms", "passkey"
Status = Literal["active", "blocked"]

_PASSWORD = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])(?=.*[^A-Za-z0-9\s]).{10,98}\Z", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]")


def _plain(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("must not contain control characters")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_plain)]
Email = Annotated[
    str,
    StringConstraints(
        to_lower=True,
        max_length=128,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$",
    ),
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=False)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[\x21-\x7e]+$")]


class InvalidCredentials(Unauthenticated):
    """Wrong password, unknown address, disabled account or a dead token: which of them is not said."""

    code, title = "invalid_credentials", "Wrong e-mail address or password"


class EmailNotVerified(Forbidden):
    """The code that was mailed has not been given yet. Cognito says so before it looks at the password."""

    code, title = "email_not_verified", "E-mail address not verified"


class AccountBlocked(Forbidden):
    """The password is right, but staff blocked the account."""

    code, title = "account_blocked", "Account blocked"


class FurtherStepRequired(Forbidden):
    """The password is right, but the account asks for a step that these routes do not offer."""

    code, title = "further_step_required", "Another step is needed to sign in"


class ChallengeEnded(Unauthenticated):
    """The sign-in took too long, was answered before, or was never begun."""

    code, title = "challenge_ended", "Sign-in has to be begun again"


class WeakPassword(Unprocessable):
    code, title = "weak_password", "Password too weak"


class WrongPassword(Unprocessable):
    """Whoever is signed in did not prove to be the owner of the account."""

    code, title = "wrong_password", "Wrong password"


class WrongCode(Unprocessable):
    """The code is wrong or used up, has expired, or there is no such account: which of them is not said."""

    code, title = "wrong_code", "Wrong code"


class TooManyAttempts(TooManyRequests):
    code, title = "too_many_attempts", "Too many attempts"


class OwnAccount(Conflict):
    """Staff cannot block themselves."""

    code, title = "own_account", "Not on one's own account"


class Outranked(Forbidden):
    """They belong to the staff, and may do what the caller may not."""

    code, title = "outranked", "Beyond your own permissions"


class FactorRequired(Conflict):
    """This account must have a second factor, and this is its only one."""

    code, title = "second_factor_required", "A second factor is required"


class NoSuchUser(NotFound):
    code, title = "user_not_found", "No such user"


class NoSuchSession(NotFound):
    code, title = "session_not_found", "No such session"


class NoSuchFactor(NotFound):
    code, title = "second_factor_not_found", "No such second factor"


class NotOffered(Unprocessable):
    """The marketplace does not offer this way to sign in, or does not send people back to that address."""

    code, title = "not_offered", "Not offered here"


class AddressNotProven(Forbidden):
    """The other company does not vouch for the e-mail address, so that it proves nothing to us."""

    code, title = "email_not_verified_by_provider", "E-mail address not verified by the provider"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. `version` counts its changes; `factors` are the second factors that were enrolled.

    factor_required: whether staff demands a second factor of this person. former_emails: as in `Contact`. Name and
    addresses of who was erased are empty.
    """

    id: str
    email: str
    name: str
    version: int = 1
    factors: frozenset[str] = frozenset()
    factor_required: bool = False
    signed_in_at: str = ""
    erased: bool = False
    former_emails: Mapping[str, str] = field(default_factory=dict)


def require_strong(password: str) -> None:
    """Hold a new password to the user pool's policy before Cognito is asked.

    Cognito may look at the address first, so that its own refusal of a weak password would tell who has an account.
    """
    if not _PASSWORD.match(password):
        raise WeakPassword("Use 10 to 98 characters with lower and upper case letters, a digit and a symbol.")
