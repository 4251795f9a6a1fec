"""What pages show of a product's media."""

from collections.abc import Mapping
from typing import Any

from market.http import View
from media.contract import sources


class SourceView(View):
    url: str
    type: str
    width: int
    height: int


class MediumView(View):
    """kind: `image` with `sources` of several sizes and formats, or `model` or `video` with one `url`."""

    media_id: str
    kind: str
    type: str
    alt: str
    url: str | None = None
    sources: list[SourceView] | None = None


def shown(medium: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A `MediumView` of what a product's document says of a medium."""
    told = {name: medium[name] for name in ("mediaId", "kind", "type")}
    told["alt"] = medium["alts"].get(language) or medium["alt"]
    if medium["kind"] == "image":
        return told | {"sources": sources(medium["base"], [(width, height) for width, height in medium["sizes"]])}
    return told | {"url": medium["base"]}
