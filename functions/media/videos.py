"""Videos: whether an MP4 or WebM file is whole and needs nothing from elsewhere, and what in it tells of its maker.

Only headers are read, by `read(offset, length)`: a video is too large to be fetched for its sake. It is stored as it
is, but for what cameras and programs wrote beside pictures and sound, such as the place: that is blotted out, byte for
byte, so that everything else stays where the file's tables say.
"""

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from media.blots import Blot
from media.model import Unfit

Read = Callable[[int, int], bytes]
MAX_BOXES = 2000
MAX_ELEMENTS = 50_000
"""Of a WebM's segment: a cluster for each second of half a day."""
MAX_OPENED = 50_000
"""Boxes that are looked at for words and places: an hour in fragments has half as many."""
MAX_INDEX = 16 * 1024 * 1024
"""Bytes of a `moov` box: an hour of video has one of some megabytes."""
_PLACES = (b"trak", b"mdia", b"minf", b"dinf", b"dref")
"""Where an index says where its data are: each of these boxes within the one before."""
_TELLING = frozenset({b"udta", b"meta", b"uuid", b"emsg", b"loci", b"free", b"skip"})
"""Boxes of words and places, which no player needs; so are those whose names begin with a copyright sign.

Room that is said to be free is where cameras of cars keep theirs.
"""
_LISTED = frozenset({b"gps ", b"GPS "})
"""Boxes that say where among the pictures places are."""
_TRACKS = {b"moov": b"trak", b"moof": b"traf"}
_SHOWN = frozenset({b"vide", b"soun", b"text", b"sbtl", b"subt", b"clcp", b"auxv", b"pict", b"tmcd", b"hint"})
"""What tracks may be of. Cameras write others, with a place for each second."""
_SEGMENT = b"\x18\x53\x80\x67"
_WORDS = frozenset({b"\x12\x54\xc3\x67", b"\x19\x41\xa4\x69"})
"""Of WebM: tags, which may say the place, and attachments."""
_KNOWN = frozenset({b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"udta", b"uuid", b"moof", b"mfra", b"sidx",
                    b"styp", b"meta", b"pdin", b"emsg", b"prft"})  # fmt: skip


class Box(NamedTuple):
    """place: where it begins; what it holds is from `start` to `end`."""

    name: bytes
    place: int
    start: int
    end: int


def check_mp4(read: Read, size: int) -> list[Blot]:
    """Box after box up to the last byte, with an index and pictures, whose data lie in the file; what is to be blotted
    out. Raises Unfit.
    """
    try:
        tops = list(_boxes(read, 0, size))
        names = [box.name for box in tops]
        (index,) = (box for box in tops if box.name == b"moov")  # of two, a player takes one and we the other
        if b"mdat" not in names or not _KNOWN.issuperset(names) or index.end - index.start > MAX_INDEX:
            raise ValueError(index)
        content = read(index.start, index.end - index.start)
        tracks = [box for box in _boxes(_of(content), 0, len(content)) if box.name == b"trak"]
        _check_references(_of(content), tracks)
        _check_tracks(_of(content), tracks)
        return _blots(read, tops)
    except (IndexError, ValueError, struct.error):
        raise Unfit("damaged", "The video is damaged, or more than a video.") from None


def check_webm(read: Read, size: int) -> list[Blot]:
    """A header, then one segment up to the last byte; what is to be blotted out. Raises Unfit.

    A recording whose parts do not say how long they are, or that was cut off, is looked into up to there: whoever wrote
    it put nothing but pictures behind.
    """
    try:
        head = read(0, 64)
        length, begins = _number(head, 4)
        name, start, whole = _element(read, begins + length)
        if name != _SEGMENT or (whole is not None and start + whole != size):
            raise ValueError(name)
        return _tags(read, start, size)
    except (IndexError, ValueError):
        raise Unfit("damaged", "The video is damaged, or more than a video.") from None


def _boxes(read: Read, place: int, end: int) -> Iterator[Box]:
    """Those from place to end. Raises ValueError or struct.error."""
    for _ in range(MAX_BOXES):
        if place == end:
            return
        head = read(place, 16)
        length, name = struct.unpack_from(">I4s", head)
        skipped = 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", head, 8)
            skipped = 16
        elif length == 0:
            length = end - place
        if length < skipped or place + length > end:
            raise ValueError(length)
        yield Box(name, place, place + skipped, place + length)
        place += length
    raise ValueError("too many boxes")


def _blots(read: Read, tops: list[Box]) -> list[Blot]:
    """Words and places at the top, in tracks and in fragments become room that is free.

    Raises ValueError or struct.error.
    """
    blots = []
    for count, box in enumerate(inner for top in tops for inner in _opened(read, top)):
        if count == MAX_OPENED:
            raise ValueError("too many boxes")
        if box.name in _LISTED:
            raise Unfit("unexpected_content", "The video has a list of places.")
        if (box.name in _TELLING or box.name.startswith(b"\xa9")) and box.end > box.start:
            blots += [Blot(box.place + 4, box.place + 8, b"free"), Blot(box.start, box.end)]
    return blots


def _opened(read: Read, top: Box) -> Iterator[Box]:
    """It, what it holds, and what its tracks hold. Raises ValueError or struct.error."""
    yield top
    if top.name in _TRACKS:
        for inner in _boxes(read, top.start, top.end):
            yield inner
            if inner.name == _TRACKS[top.name]:
                yield from _boxes(read, inner.start, inner.end)


def _check_references(read: Read, tracks: list[Box]) -> None:
    """Each track's data reference says that the data are in this file.

    Raises Unfit, IndexError, ValueError or struct.error.
    """
    for references in _within(read, tracks, *_PLACES[1:]):
        for entry in _boxes(read, references.start + 8, references.end):  # behind version, flags and count
            if not read(entry.start, 4)[3] & 1:  # the flag `self-contained`
                raise Unfit("external_reference", "The video refers to files elsewhere.")


def _check_tracks(read: Read, tracks: list[Box]) -> None:
    """Raises Unfit, ValueError or struct.error."""
    for handler in _within(read, tracks, b"mdia", b"hdlr"):
        if read(handler.start + 8, 4) not in _SHOWN:
            raise Unfit("unexpected_content", "The video has a track of measurements, such as places.")


def _within(read: Read, found: list[Box], *path: bytes) -> list[Box]:
    """Boxes in boxes, each of these names within the one before. Raises ValueError or struct.error."""
    for name in path:
        found = [inner for box in found for inner in _boxes(read, box.start, box.end) if inner.name == name]
    return found


def _of(content: bytes) -> Read:
    return lambda offset, length: content[offset : offset + length]


def _tags(read: Read, place: int, end: int) -> list[Blot]:
    """Raises IndexError or ValueError."""
    blots = list[Blot]()
    for _ in range(MAX_ELEMENTS):
        if place >= end:
            return blots
        name, start, length = _element(read, place)
        if length is None or start + length > end:
            return blots
        if name in _WORDS:
            blots.append(Blot(place, start + length, _void(start + length - place)))
        place = start + length
    raise ValueError("too many elements")


def _element(read: Read, place: int) -> tuple[bytes, int, int | None]:
    """Its name, where its content begins, and how long that is; None where it does not say.

    Raises IndexError or ValueError.
    """
    head = read(place, 16)
    width = 9 - head[0].bit_length()
    if width > 4:
        raise ValueError(width)
    length, after = _number(head, width)
    unknown = length == (1 << 7 * (after - width)) - 1
    return head[:width], place + after, None if unknown else length


def _void(length: int) -> bytes:
    """The head of an element of so many bytes, two at least, that means nothing."""
    width = min(8, length - 1)
    return b"\xec" + (1 << 7 * width | length - 1 - width).to_bytes(width, "big")


def _number(content: bytes, place: int) -> tuple[int, int]:
    """A number of variable length as Matroska writes it, and the place behind it."""
    width = 9 - content[place].bit_length()
    if width > 8:
        raise ValueError(width)
    value = content[place] & (1 << 8 - width) - 1
    for byte in content[place + 1 : place + width]:
        value = value << 8 | byte
    return value, place + width
