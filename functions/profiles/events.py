"""What profiles announce: ids, never what a profile says."""

from typing import ClassVar

from market.events import Event


class ProfileAvatarReplaced(Event):
    """Pictures that nobody shows any more; names are random and tell nothing of the person."""

    type: ClassVar[str] = "profile.avatar_replaced"
    user_id: str
    pictures: list[str]


class ProfileExportRequested(Event):
    """Somebody wants a copy of their data: each service that holds some writes it to the documents bucket.

    It is one JSON document under the name `<folder><service>.json`.
    """

    type: ClassVar[str] = "profile.export_requested"
    request_id: str
    user_id: str
    folder: str


class ProfileErasureScheduled(Event):
    """Somebody wants their account gone. Until `due_at` (ISO 8601) they may think better of it."""

    type: ClassVar[str] = "profile.erasure_scheduled"
    request_id: str
    user_id: str
    due_at: str


class ProfileErasureCancelled(Event):
    type: ClassVar[str] = "profile.erasure_cancelled"
    request_id: str
    user_id: str


class ProfileErasureRequested(Event):
    """The waiting time is over: each service forgets the person, but for what the law makes it keep."""

    type: ClassVar[str] = "profile.erasure_requested"
    request_id: str
    user_id: str
