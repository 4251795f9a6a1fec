"""Colours of the store's pictures: each has a name that customers choose by."""

from dataclasses import dataclass

__all__ = ["Paint", "paint"]

_COLOURS = {
    "slate": "#566573", "foam": "#9cc5c1", "ochre": "#d69a3c", "rust": "#b5533c", "sage": "#8fa382", "moss": "#5f7a4a",
    "plum": "#77496b", "rose": "#d98c94", "sand": "#d8bf96", "cream": "#efe3c8", "ink": "#2f3e5c", "sky": "#7fb2d6",
    "brass": "#c79a45", "copper": "#bd6d45", "charcoal": "#4a4a4f", "oak": "#b98a57", "walnut": "#7a5438",
    "terracotta": "#c4704d", "snow": "#eceae4", "berry": "#9c2f4a", "honey": "#e0a52f", "leaf": "#6f9e57",
    "mustard": "#cfa12e", "coral": "#e0806a", "lavender": "#a596c8", "navy": "#34496f", "natural": "#d9c7a3",
}  # fmt: skip
_GROUNDS = ("#f6efe4", "#e9f0ec", "#f3e8e6", "#eaeef4", "#f4f0dc", "#efeaf2")


@dataclass(frozen=True, slots=True)
class Paint:
    """A colour with what is in its shade and in its light, and the ground that it stands on."""

    base: str
    shade: str
    light: str
    ground: str
    shadow: str


def paint(colour: str, ground: int) -> Paint:
    """Raises KeyError for a colour without a name here."""
    base = _COLOURS[colour]
    below = _GROUNDS[ground % len(_GROUNDS)]
    return Paint(
        base, _mixed(base, "#1d1a24", 0.24), _mixed(base, "#ffffff", 0.32), below, _mixed(below, "#54483c", 0.18)
    )


def _mixed(one: str, other: str, share: float) -> str:
    pairs = zip(_parts(one), _parts(other), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _parts(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]
