"""What a file is: told from its first bytes, never from its name or from what a sender claims."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "model", "video"]
HEAD = 4096
"""Bytes from the beginning of a file that suffice."""

_PNG = b"\x89PNG\r\n\x1a\n"
_EBML = b"\x1a\x45\xdf\xa3"
_STILL = frozenset({b"avif"})
_MOVING = frozenset({b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"dash", b"M4V ", b"mmp4"})


@dataclass(frozen=True, slots=True)
class Format:
    """A format that is taken. kind: what it is to those who look at it."""

    kind: Kind
    content_type: str
    suffix: str


PNG = Format("image", "image/png", "png")
JPEG = Format("image", "image/jpeg", "jpg")
WEBP = Format("image", "image/webp", "webp")
AVIF = Format("image", "image/avif", "avif")
GIF = Format("image", "image/gif", "gif")
GLB = Format("model", "model/gltf-binary", "glb")
USDZ = Format("model", "model/vnd.usdz+zip", "usdz")
MP4 = Format("video", "video/mp4", "mp4")
WEBM = Format("video", "video/webm", "webm")
FORMATS = (PNG, JPEG, WEBP, AVIF, GIF, GLB, USDZ, MP4, WEBM)


def sniff(head: bytes) -> Format | None:
    """The format that a file with this beginning (HEAD bytes, or all of it) claims by its signature."""
    if head.startswith(_PNG) and head[12:16] == b"IHDR":
        return PNG
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:6] in (b"GIF87a", b"GIF89a"):
        return GIF
    if head[:4] == b"glTF":
        return GLB
    if head[:4] == b"PK\x03\x04":
        return USDZ
    if head.startswith(_EBML):
        return WEBM if b"\x42\x82\x84webm" in head[:64] else None
    return _brand(head) if head[4:8] == b"ftyp" else None


def _brand(head: bytes) -> Format | None:
    """Of a file of boxes: what its brands say. HEIC and QuickTime have such files, too, and are not taken."""
    length = int.from_bytes(head[:4], "big")
    brands = {head[8:12], *(head[place : place + 4] for place in range(16, min(length, len(head)), 4))}
    if head[8:12] in _STILL or (_STILL & brands and head[8:12] == b"mif1"):
        return AVIF
    return MP4 if head[8:12] in _MOVING else None


def canvas_of(content: bytes) -> int:
    """Pixels that a WebP file claims to have, 0 of any other: its decoder reserves them before it looks further."""
    kind, body = content[12:16], content[20:30]
    if sniff(content[:HEAD]) != WEBP or len(body) < 10:
        return 0
    if kind == b"VP8X":
        return (1 + int.from_bytes(body[4:7], "little")) * (1 + int.from_bytes(body[7:10], "little"))
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    return (int.from_bytes(body[6:8], "little") & 0x3FFF) * (int.from_bytes(body[8:10], "little") & 0x3FFF)
