"""What the abuse service announces. No addresses: they are personal data, and the list is where they are."""

from typing import ClassVar

from market.events import Event


class AbuseBlocksChanged(Event):
    """The list of blocked networks has changed. change counts its changes, networks is how many it holds now."""

    type: ClassVar[str] = "abuse.blocks_changed"
    change: int
    networks: int


class AbuseAllowanceChanged(Event):
    """An account is to have smaller allowances until then (epoch seconds), 0: the normal ones.

    told: of two of the same account, the later text tells how it is now.
    """

    type: ClassVar[str] = "abuse.allowance_changed"
    user_id: str
    until: int
    told: str


class AbuseLevelChanged(Event):
    """An account's score has crossed a threshold, either way. level, before: ok, watch or limited."""

    type: ClassVar[str] = "abuse.level_changed"
    user_id: str
    level: str
    before: str
    points: int
