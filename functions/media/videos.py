"""Videos: whether an MP4 or WebM file is whole and needs nothing from elsewhere. They are stored as they are.

Only headers are read, by `read(offset, length)`: a video is too large to be fetched for its sake.
"""

import struct
from collections.abc import Callable, Iterator

from media.model import Unfit

Read = Callable[[int, int], bytes]
MAX_BOXES = 2000
MAX_INDEX = 16 * 1024 * 1024
"""Bytes of a `moov` box: an hour of video has one of some megabytes."""
_PLACES = (b"trak", b"mdia", b"minf", b"dinf")
"""Where an index says where its data are: each of these boxes within the one before."""
_KNOWN = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"udta", b"uuid", b"moof", b"mfra", b"sidx",
                    b"styp", b"meta", b"pdin", b"emsg", b"prft"})  # fmt: skip


def check_mp4(read: Read, size: int) -> None:
    """Box after box up to the last byte, with an index and pictures, whose data lie in the file. Raises Unfit."""
    try:
        seen = {}
        for name, start, end in _boxes(read, size):
            if name not in _KNOWN:
                raise ValueError(name)
            if name == b"moov" and name in seen:  # a player takes the first, and we would look at the last
                raise ValueError(name)
            seen[name] = (start, end)
        start, end = seen[b"moov"]
        if b"mdat" not in seen or end - start > MAX_INDEX:
            raise ValueError(end)
        _check_references(read(start, end - start))
    except (IndexError, KeyError, ValueError, struct.error):
        raise Unfit("damaged", "The video is damaged, or more than a video.") from None


def check_webm(read: Read, size: int) -> None:
    """A header, then one segment up to the last byte. Raises Unfit."""
    try:
        head = read(0, 64)
        length, begins = _number(head, 4)
        segment = read(begins + length, 16)
        if segment[:4] != b"\x18\x53\x80\x67":
            raise ValueError(segment)
        whole, after = _number(segment, 4)
        unknown = whole == (1 << 7 * (after - 4)) - 1
        if not unknown and begins + length + after + whole != size:
            raise ValueError(whole)
    except (IndexError, ValueError):
        raise Unfit("damaged", "The video is damaged, or more than a video.") from None


def _boxes(read: Read, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, beginning and end of what each box holds. Raises ValueError or struct.error."""
    place = 0
    for _ in range(MAX_BOXES):
        if place == size:
            return
        head = read(place, 16)
        length, name = struct.unpack_from(">I4s", head)
        skipped = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", head, 8)
            skipped = 16
        elif length == 0:
            length = size - place
        if length < skipped or place + length > size:
            raise ValueError(length)
        yield name, place + skipped, place + length
        place += length
    raise ValueError("too many boxes")


def _check_references(index: bytes) -> None:
    """Each track's data reference says that the data are in this file.

    Raises Unfit, IndexError, ValueError or struct.error.
    """
    found = [index]
    for place in (*_PLACES, b"dref"):
        found = [
            content[start:end]
            for content in found
            for name, start, end in _boxes(_of(content), len(content))
            if name == place
        ]
    for references in found:
        _check_entries(references)


def _check_entries(references: bytes) -> None:
    entries = references[8:]  # behind version, flags and count
    for _, start, _ in _boxes(_of(entries), len(entries)):
        if not entries[start + 3] & 1:  # the flag `self-contained`
            raise Unfit("external_reference", "The video refers to files elsewhere.")


def _of(content: bytes) -> Read:
    return lambda offset, length: content[offset : offset + length]


def _number(content: bytes, place: int) -> tuple[int, int]:
    """A number of variable length as Matroska writes it, and the place behind it."""
    width = 9 - content[place].bit_length()
    if width > 8:
        raise ValueError(width)
    value = content[place] & (1 << 8 - width) - 1
    for byte in content[place + 1 : place + width]:
        value = value << 8 | byte
    return value, place + width
