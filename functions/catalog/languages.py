"""Which of the languages that something is told in suits a reader best."""

import re
from collections.abc import Collection

PATTERN = r"^[a-z]{2,3}(-[A-Z]{2})?$"
_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:-([A-Za-z]{2}))?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", re.ASCII)
_MOST = 20


def chosen(wanted: str | None, header: str, told: Collection[str]) -> str:
    """One of `told`, or nothing for the text as it was written first.

    wanted: what the caller asks for by name, which counts before the Accept-Language `header`. `de-AT` is also served
    with `de`, and `de` with `de-AT` where that is all there is.
    """
    if not told:
        return ""
    for wish in [wanted] if wanted else _wishes(header):
        base = wish.partition("-")[0]
        near = sorted(language for language in told if language.partition("-")[0] == base)
        for language in (wish, base, *near):
            if language in told:
                return language
    return ""


def _wishes(header: str) -> list[str]:
    """The languages of an Accept-Language header, the dearest first; what is no language is passed over."""
    found = []
    for place, part in enumerate(header.split(",")[:_MOST]):
        if (match := _RANGE.fullmatch(part)) and (weight := float(match[3] or 1)) > 0:
            name = match[1].lower() + (f"-{match[2].upper()}" if match[2] else "")
            found.append((-weight, place, name))
    return [name for _, _, name in sorted(found)]
