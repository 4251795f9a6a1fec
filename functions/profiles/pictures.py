"""What an avatar is: told from its bytes, whatever a sender claims. PNG, JPEG and WebP; nothing that runs or links.

The size in pixels is read from where decoders read it, and the picture must begin and end as its format says: a file
that is a picture to one program and a page or an archive to another carries its second half before or after that.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from profiles.model import NotAPicture, PictureTooLarge

MAX_BYTES = 5 * 1024 * 1024
MAX_PIXELS = 25_000_000
_PNG, _END = b"\x89PNG\r\n\x1a\n", b"IEND"
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""JPEG markers that begin a frame and so tell its size; the other three are tables."""
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
"""JPEG markers without a length."""


@dataclass(frozen=True, slots=True)
class Picture:
    """width and height are in pixels."""

    content_type: str
    width: int
    height: int


def picture_of(content: bytes) -> Picture:
    """Raises NotAPicture or PictureTooLarge."""
    if len(content) > MAX_BYTES:
        raise PictureTooLarge(f"A picture may have {MAX_BYTES} bytes.")
    for content_type, starts, size_of in _FORMATS:
        if starts(content):
            width, height = _sized(size_of, content)
            if width * height > MAX_PIXELS:
                raise PictureTooLarge(f"A picture may have {MAX_PIXELS} pixels.")
            return Picture(content_type, width, height)
    raise NotAPicture("Send a PNG, JPEG or WebP picture.")


def _sized(size_of: Callable[[bytes], tuple[int, int]], content: bytes) -> tuple[int, int]:
    try:
        width, height = size_of(content)
    except (struct.error, IndexError, ValueError):
        raise NotAPicture("The picture is damaged, or more than a picture.") from None
    if not width or not height:
        raise NotAPicture("The picture has no size.")
    return width, height


def _png(content: bytes) -> tuple[int, int]:
    """Chunk after chunk, from the header to the end mark, which must be the last byte."""
    place, size = len(_PNG), (0, 0)
    while True:
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        if place == len(_PNG):
            if kind != b"IHDR" or length != 13:
                raise ValueError(kind)
            size = struct.unpack(">II", content[place + 8 : place + 16])
        place += length + 12
        if place > len(content):
            raise ValueError(place)
        if kind == _END:
            if place != len(content):
                raise ValueError(place)
            return size


def _jpeg(content: bytes) -> tuple[int, int]:
    """Segment after segment up to the first scan; the end mark must be the last two bytes, but for some padding."""
    if content.rstrip(b"\0")[-2:] != b"\xff\xd9":
        raise ValueError("no end")
    place, size = 2, (0, 0)
    while True:
        if content[place] != 0xFF:
            raise ValueError(place)
        marker = content[place + 1]
        if marker == 0xFF or marker in _BARE:
            place += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack(">H", content[place + 2 : place + 4])
        if length < 2:
            raise ValueError(length)
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", content[place + 5 : place + 9])
            size = width, height
        if marker == 0xDA:
            return size
        place += 2 + length


def _webp(content: bytes) -> tuple[int, int]:
    """A RIFF file of exactly the length that it says, whose first chunk tells the size."""
    (length,) = struct.unpack("<I", content[4:8])
    if length + 8 != len(content):
        raise ValueError(length)
    kind, body = content[12:16], content[20:30]
    if len(body) < 10:
        raise ValueError(kind)
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L" and body[0] == 0x2F:
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        width, height = struct.unpack("<HH", body[6:10])
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(kind)


_FORMATS: tuple[tuple[str, Callable[[bytes], bool], Callable[[bytes], tuple[int, int]]], ...] = (
    ("image/png", lambda content: content.startswith(_PNG), _png),
    ("image/jpeg", lambda content: content.startswith(b"\xff\xd8\xff"), _jpeg),
    ("image/webp", lambda content: content[:4] == b"RIFF" and content[8:12] == b"WEBP", _webp),
)
