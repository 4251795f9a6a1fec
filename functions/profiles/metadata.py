"""Takes out of a picture what tells of its maker: places, times, cameras, editors, thumbnails, further pictures.

What is kept is listed, so that what we do not know goes too: image data, palettes, colour profiles, animation. Pixels
are not touched. Telephones write in Exif how the picture is to be turned; that one number is written anew, alone.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from profiles.model import NotAPicture

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
"""The end of a scan: within it, 0xFF is followed by zero, by a restart marker, or by itself."""
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END = 0xDA, 0xD9
_TABLES = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, _SCAN})
"""Frames, Huffman and quantization tables, line counts, restart intervals, scans."""
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP bKGD pHYs sPLT hIST acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ICCP"))
_EXIF_FLAG, _XMP_FLAG = 0x08, 0x04
_ORIENTATION = 0x0112


def stripped(content: bytes, content_type: str) -> bytes:
    """The same picture without metadata; of what was stripped before, the same bytes. Raises NotAPicture."""
    strip = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}[content_type]
    try:
        return b"".join(strip(content))
    except (struct.error, IndexError, ValueError):
        raise NotAPicture("The picture is damaged.") from None


def _jpeg(content: bytes) -> Iterator[bytes]:
    """Up to the first end mark: what follows there are further pictures of the same shot."""
    yield content[:2]
    place = 2
    while True:
        if content[place] != 0xFF:
            raise ValueError(place)
        marker = content[place + 1]
        if marker == _END:
            yield content[place : place + 2]
            return
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", content[place + 2 : place + 4])
        end = place + 2 + length
        if length < 2 or end > len(content):
            raise ValueError(length)
        yield _segment(marker, content[place + 4 : end])
        place = end
        if marker == _SCAN:
            following = _MARKER.search(content, place)
            if not following:
                raise ValueError("no end")
            yield content[place : following.start()]
            place = following.start()


def _segment(marker: int, body: bytes) -> bytes:
    """The segment as it is kept, empty if it is not."""
    kept = marker in _TABLES
    if marker == 0xE0 and body.startswith(b"JFIF\0"):
        body, kept = body[:12].ljust(12, b"\0") + b"\0\0", True  # density, and no thumbnail
    elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
        turned = _turned(body[6:])
        body, kept = b"Exif\0\0" + turned, bool(turned)
    elif marker == 0xE2:
        kept = body.startswith(b"ICC_PROFILE\0")
    elif marker == 0xEE:
        kept = body.startswith(b"Adobe")
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body if kept else b""


def _png(content: bytes) -> Iterator[bytes]:
    yield content[:8]
    place = 8
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        end = place + 12 + length
        if end > len(content):
            raise ValueError(end)
        if kind in _PNG_KEPT:
            yield content[place:end]
        elif kind == b"eXIf" and (turned := _turned(content[place + 8 : end - 4])):
            yield struct.pack(">I", len(turned)) + kind + turned + struct.pack(">I", zlib.crc32(kind + turned))
        place = end


def _webp(content: bytes) -> Iterator[bytes]:
    chunks = list(_chunks(content[12:]))
    turned = any(kind == b"EXIF" for kind, _ in chunks)
    body = b"".join(_chunk(kind, _flagged(data, turned) if kind == b"VP8X" else data) for kind, data in chunks)
    yield b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Kind and data of the chunks that are kept; frames of an animation hold chunks themselves."""
    place = 0
    while place < len(content):
        kind, length = struct.unpack("<4sI", content[place : place + 8])
        data = content[place + 8 : place + 8 + length]
        if len(data) != length:
            raise ValueError(length)
        place += 8 + length + length % 2
        if kind in _WEBP_KEPT:
            yield kind, data
        elif kind == b"ANMF":
            yield kind, data[:16] + b"".join(_chunk(*inner) for inner in _chunks(data[16:]) if inner[0] != b"EXIF")
        elif kind == b"EXIF" and (turned := _turned(data.removeprefix(b"Exif\0\0"))):
            yield kind, turned


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _flagged(header: bytes, turned: bool) -> bytes:
    """The header of an extended WebP, which says what chunks there are."""
    flags = header[0] & ~(_EXIF_FLAG | _XMP_FLAG)
    return bytes([flags | _EXIF_FLAG if turned else flags]) + header[1:]


def _turned(exif: bytes) -> bytes:
    """An Exif block that says nothing but how the picture is to be turned; empty if it is upright, or unreadable."""
    try:
        turned = _orientation(exif)
    except struct.error:
        return b""
    if not 2 <= turned <= 8:
        return b""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, _ORIENTATION, 3, 1, turned, 0, 0)


def _orientation(exif: bytes) -> int:
    order = {b"II": "<", b"MM": ">"}.get(exif[:2])
    if not order:
        return 0
    (start,) = struct.unpack(f"{order}I", exif[4:8])
    (count,) = struct.unpack(f"{order}H", exif[start : start + 2])
    for place in range(start + 2, start + 2 + 12 * count, 12):
        tag, kind, _, value = struct.unpack(f"{order}HHIH", exif[place : place + 10])
        if (tag, kind) == (_ORIENTATION, 3):
            return int(value)
    return 0
