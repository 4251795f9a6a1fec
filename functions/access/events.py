"""What access tells others: whose rights changed, who is invited. No names, no addresses, no tokens."""

from typing import ClassVar

from market.events import Event


class AccessChanged(Event):
    """What somebody is in a scope (`platform` or a vendor) has changed; without roles and permissions, they left it."""

    type: ClassVar[str] = "access.changed"
    user_id: str
    scope: str
    roles: list[str]
    allow: list[str]
    deny: list[str]


class AccessInvited(Event):
    """A mail with a token is to go out. `nonce` names the mail: a younger one makes it void."""

    type: ClassVar[str] = "access.invited"
    scope: str
    invitation_id: str
    nonce: str
