"""Places of a file that are written over, each in as many bytes as it had."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Blot:
    """From `start` up to `end`: these bytes, then zeros."""

    start: int
    end: int
    head: bytes = b""


def touched(blots: Iterable[Blot], start: int, end: int) -> list[Blot]:
    """Those that reach into a part of the file."""
    return [blot for blot in blots if blot.start < end and blot.end > start]


def blotted(part: bytes, offset: int, blots: Iterable[Blot]) -> bytes:
    """A part of a file, which begins at this offset, with all blots on it."""
    after = bytearray(part)
    for blot in touched(blots, offset, offset + len(part)):
        start, end = max(blot.start, offset), min(blot.end, offset + len(part))
        head = blot.head[start - blot.start : end - blot.start]
        after[start - offset : end - offset] = head + bytes(end - start - len(head))
    return bytes(after)
