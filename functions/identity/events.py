"""What identity tells others: who is new, whose roles changed, who is locked out. No names, no addresses."""

from typing import ClassVar

from market.events import Event


class UserCreated(Event):
    type: ClassVar[str] = "user.created"
    user_id: str


class UserRolesChanged(Event):
    type: ClassVar[str] = "user.roles_changed"
    user_id: str
    roles: list[str]
    vendor_id: str


class UserBlocked(Event):
    type: ClassVar[str] = "user.blocked"
    user_id: str


class UserUnblocked(Event):
    type: ClassVar[str] = "user.unblocked"
    user_id: str
