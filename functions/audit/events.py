"""What is recorded of an action. The kernel announces it, within the transaction that carries the action out."""

from typing import Any, ClassVar

from pydantic import BaseModel

from market.events import Event


class Actor(BaseModel):
    """type: user, key or system."""

    type: str
    id: str


class Change(BaseModel):
    """An item as it was and became, its changed attributes only, masked where they are personal or secret.

    Of what would be too large for one entry, `attributes` names what changed.
    """

    item: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    attributes: list[str] = []


class AuditRecorded(Event):
    """Somebody acted with a permission, or on somebody's access. Heard by the audit service only.

    scope: platform or a vendor's id, empty where neither is concerned; subject: what it was done to, by the names of
    the route's parameters; address, agent: where the request came from.
    """

    type: ClassVar[str] = "audit.recorded"
    entry_id: str
    at: str
    service: str
    action: str
    actor: Actor
    permission: str
    scope: str
    subject: dict[str, str]
    address: str
    agent: str
    request_id: str
    correlation_id: str
    changes: list[Change]
