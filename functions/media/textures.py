"""Pictures within 3D models: what tells of their maker beside the pixels. Pure; nothing is decoded.

A texture stays where it is and as long as it is: words, places and programs in it are written over, each in a form that
every decoder passes over. What is of another format, or broken from some place on, is left as it is from there.
"""

import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from media.blots import Blot
from media.model import Unfit
from media.sniffing import HEAD, JPEG, PNG, WEBP, Format, sniff

MAX_BLOTS = 1000
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FRAMED = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""Segments of an application that say how the pixels of a JPEG are meant, by how their content begins."""
_DRAWN = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"hIST", b"sPLT", b"pHYs",
                    b"acTL", b"fcTL", b"fdAT"})  # fmt: skip
"""Chunks of a PNG that are no part of every picture, and say how the pixels are meant."""
_UNKNOWN = b"frEe"
"""A chunk by this name is private, and may be passed over."""
_PAINTED = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_TOLD = 0x0C
"""Bits by which a WebP says that it has EXIF or XMP."""


def telling(content: bytes, start: int, end: int) -> list[Blot]:
    """What is to be blotted out of the texture from `start` up to `end`. Raises Unfit."""
    walk = _WALKS.get(sniff(content[start : min(end, start + HEAD)]))
    blots = list(islice(walk(content, start, min(end, len(content))), MAX_BLOTS + 1)) if walk else []
    if len(blots) > MAX_BLOTS:
        raise Unfit("damaged", "A texture says more than it shows.")
    return blots


def _jpeg(content: bytes, start: int, end: int) -> Iterator[Blot]:
    """Comments and applications' segments keep their names and lose their content; what is behind the end goes."""
    place = start + 2
    while place + 2 <= end and content[place] == 0xFF:
        marker = content[place + 1]
        if marker == 0xD9:
            yield from _rest(place + 2, end)
            return
        if marker == 0xFF:  # room between segments
            place += 1
            continue
        after = place + 2 + int.from_bytes(content[place + 2 : place + 4])
        if after < place + 4 or after > end:
            return
        if marker == 0xFE or (0xE0 <= marker <= 0xEF and not _framed(marker, content[place + 4 : after])):
            yield Blot(place + 4, after)
        if marker == 0xDA:
            scanned = _END_OF_SCAN.search(content, after, end)
            after = scanned.start() if scanned else end
        place = after


def _framed(marker: int, content: bytes) -> bool:
    return marker in _FRAMED and content.startswith(_FRAMED[marker])


def _png(content: bytes, start: int, end: int) -> Iterator[Blot]:
    place = start + 8
    while place + 12 <= end:
        length, name = int.from_bytes(content[place : place + 4]), content[place + 4 : place + 8]
        checked = place + 8 + length
        if checked + 4 > end:
            return
        if name == b"IEND":
            yield from _rest(checked + 4, end)
            return
        if name[0] & 0x20 and name not in _DRAWN:
            yield Blot(place + 4, checked, _UNKNOWN)
            yield Blot(checked, checked + 4, zlib.crc32(_UNKNOWN + bytes(length)).to_bytes(4))
        place = checked + 4


def _webp(content: bytes, start: int, end: int) -> Iterator[Blot]:
    length = int.from_bytes(content[start + 4 : start + 8], "little")
    stop = min(end, start + 8 + length)
    place = start + 12
    while place + 8 <= stop:
        name, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "little")
        if place + 8 + size > stop:
            return
        if name not in _PAINTED:
            yield Blot(place, place + 4, b"JUNK")
            yield from _rest(place + 8, place + 8 + size)
        if name == b"VP8X" and size:
            yield Blot(place + 8, place + 9, bytes([content[place + 8] & ~_TOLD]))
        place += 8 + size + size % 2
    yield from _rest(stop, end)


def _rest(start: int, end: int) -> Iterator[Blot]:
    if start < end:
        yield Blot(start, end)


_WALKS: Mapping[Format | None, Callable[[bytes, int, int], Iterator[Blot]]] = {JPEG: _jpeg, PNG: _png, WEBP: _webp}
