"""The store's pictures: flat still lifes in SVG, a motif for each kind of thing, painted in the colour of the variant.

A motif is a file in `motifs/` that stands on the line y = 318 of a square of 400. Instead of colours it may say `base`,
`shade` and `light` for the colour of the thing, `ground` and `shadow` for what is around it.
"""

import re
from functools import cache
from pathlib import Path

from store.palette import paint

__all__ = ["draw", "motifs"]

_MOTIFS = Path(__file__).parent / "motifs"
_WORD = re.compile(r'"(base|shade|light|ground|shadow)"')


def draw(motif: str, colour: str, *, ground: int = 0) -> bytes:
    """The picture of a thing; `ground` picks one of a few backgrounds.

    Raises FileNotFoundError for an unknown motif, KeyError for an unknown colour.
    """
    colours = paint(colour, ground)
    return _WORD.sub(lambda word: f'"{getattr(colours, word[1])}"', _motif(motif)).encode()


def motifs() -> list[str]:
    return sorted(file.stem for file in _MOTIFS.glob("*.svg"))


@cache
def _motif(name: str) -> str:
    text = (_MOTIFS / f"{name}.svg").read_text()
    return "".join(line.strip() for line in text.splitlines())
