"""A person's account here, beside the one at Cognito: name, roles, vendor, whether it is blocked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from market.errors import Conflict, Forbidden, NotFound, TooManyRequests, Unauthenticated, Unprocessable
from market.manifest import CUSTOMER

ACTIVE, BLOCKED = "active", "blocked"
Role = Literal["customer", "vendor", "staff"]
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
Password = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=False)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[\x21-\x7e]+$")]
Token = Annotated[str, StringConstraints(min_length=1, max_length=8192, pattern=r"^[\x21-\x7e]+$")]


class InvalidCredentials(Unauthenticated):
    """Wrong password, unknown address, disabled account or a dead token: which of them is not said."""

    code, title = "invalid_credentials", "Wrong e-mail address or password"


class EmailNotVerified(Forbidden):
    """The password is right, but the code that was mailed has not been given yet."""

    code, title = "email_not_verified", "E-mail address not verified"


class AccountBlocked(Forbidden):
    """The password is right, but staff blocked the account."""

    code, title = "account_blocked", "Account blocked"


class FurtherStepRequired(Forbidden):
    """The password is right, but the account asks for a step that these routes do not offer."""

    code, title = "further_step_required", "Another step is needed to sign in"


class WeakPassword(Unprocessable):
    code, title = "weak_password", "Password too weak"


class WrongCode(Unprocessable):
    """The code is wrong or used up, has expired, or there is no such account: which of them is not said."""

    code, title = "wrong_code", "Wrong code"


class TooManyAttempts(TooManyRequests):
    code, title = "too_many_attempts", "Too many attempts"


class OwnAccount(Conflict):
    """Staff cannot block themselves or take the staff role from themselves: the last one would lock everybody out."""

    code, title = "own_account", "Not on one's own account"


class NoSuchUser(NotFound):
    code, title = "user_not_found", "No such user"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account. `version` counts its changes; `vendor_id` is empty for those who do not sell."""

    id: str
    email: str
    name: str
    roles: frozenset[str] = frozenset({CUSTOMER})
    vendor_id: str = ""
    status: str = ACTIVE
    version: int = 1

    def given(self, roles: Iterable[str], *, vendor_id: str) -> "User":
        """With these roles and vendor. Everybody stays a customer."""
        return replace(self, roles=frozenset(roles) | {CUSTOMER}, vendor_id=vendor_id)


def require_strong(password: str) -> None:
    """Hold a new password to the user pool's policy before Cognito is asked.

    Cognito may look at the address first, so that its own refusal of a weak password would tell who has an account.
    """
    if not _PASSWORD.match(password):
        raise WeakPassword("Use 10 to 98 characters with lower and upper case letters, a digit and a symbol.")
