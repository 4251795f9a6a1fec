"""What identity tells others of accounts: ids only, no names, no addresses."""

from typing import ClassVar

from market.events import Event


class UserCreated(Event):
    type: ClassVar[str] = "user.created"
    user_id: str


class UserRegistrationRepeated(Event):
    """Somebody registered with the address of an account that is in use; its owner should know."""

    type: ClassVar[str] = "user.registration_repeated"
    user_id: str


class UserBlocked(Event):
    type: ClassVar[str] = "user.blocked"
    user_id: str


class UserUnblocked(Event):
    type: ClassVar[str] = "user.unblocked"
    user_id: str


class UserSessionReused(Event):
    """A refresh token came a second time, so that two hold it: the session was ended."""

    type: ClassVar[str] = "user.session_reused"
    user_id: str
    session_id: str


class UserPasswordChanged(Event):
    """forgotten: whether it was set with a mailed code; otherwise with the old password."""

    type: ClassVar[str] = "user.password_changed"
    user_id: str
    forgotten: bool


class UserEmailChanged(Event):
    """The address is another one now; `identity.contract` tells the one before by `change_id`, for whoever warns it."""

    type: ClassVar[str] = "user.email_changed"
    user_id: str
    change_id: str = ""


class UserSecondFactorChanged(Event):
    """factor: totp, email, sms, passkey, or all where staff reset them."""

    type: ClassVar[str] = "user.second_factor_changed"
    user_id: str
    factor: str
    enabled: bool


class UserErased(Event):
    type: ClassVar[str] = "user.erased"
    user_id: str
