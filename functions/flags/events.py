"""What the flags service tells others."""

from typing import ClassVar

from market.events import Event


class FlagChanged(Event):
    """Staff changed a flag. `revision` counts its changes."""

    type: ClassVar[str] = "flag.changed"
    name: str
    revision: int
