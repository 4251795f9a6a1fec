"""What a published picture must not tell: where, when, with what and by whom it was made."""

import random
import struct
import zlib

import pytest

from market import config
from profiles import metadata, pictures
from profiles.model import NotAPicture
from tests.services.profiles.conftest import MEDIA, Desk, files, jpeg, png, webp

pytestmark = pytest.mark.contract("3.1")
SECRET = b"51.5007N 0.1246W by Ada's telephone"
TYPES = {"image/jpeg": jpeg, "image/png": png, "image/webp": webp}


def exif(turned: int = 1, order: str = "<") -> bytes:
    """A camera's: how the picture is to be turned, and where it was taken."""
    entries = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, turned, 0)
    entries += struct.pack(f"{order}HHII", 0x8825, 4, 1, 26 + 12) + struct.pack(f"{order}I", 0)
    return {"<": b"II", ">": b"MM"}[order] + struct.pack(f"{order}HIH", 42, 8, 2) + entries + SECRET


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def telling_jpeg(turned: int = 1, order: str = "<") -> bytes:
    whole = jpeg(40, 30)
    further = b"\xff\xd8" + segment(0xE1, b"Exif\0\0" + exif()) + whole[2:]
    told = (
        segment(0xE0, b"JFIF\0\1\2\1\0\x48\0\x48\1\1" + SECRET[:3])
        + segment(0xE0, b"JFXX\0" + SECRET)
        + segment(0xE1, b"Exif\0\0" + exif(turned, order))
        + segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)
        + segment(0xE2, b"MPF\0" + SECRET)
        + segment(0xE2, b"ICC_PROFILE\0\1\1colours")
        + segment(0xED, b"Photoshop 3.0\0" + SECRET)
        + segment(0xEE, b"Adobe\0\x64\0\0\0\0\1")
        + segment(0xFE, SECRET)
    )
    return b"\xff\xd8" + told + whole[2:-2] + segment(0xFE, SECRET) + whole[-2:] + further


def telling_png(turned: int = 1) -> bytes:
    whole = png(40, 30)
    told = [(b"eXIf", exif(turned)), (b"tEXt", SECRET), (b"zTXt", SECRET), (b"iTXt", SECRET), (b"tIME", SECRET[:7])]
    told += [(b"gAMA", b"\0\0\xb1\x8f"), (b"prVt", SECRET)]
    return whole[:33] + b"".join(chunk(*one) for one in told) + whole[33:]


def telling_webp(turned: int = 1) -> bytes:
    header = bytes([0x2C]) + b"\0\0\0" + (39).to_bytes(3, "little") + (29).to_bytes(3, "little")
    frame = b"\0" * 16 + webp()[12:] + b"NOTE" + struct.pack("<I", len(SECRET) + 1) + SECRET + b"\0"
    return riff(
        (b"VP8X", header),
        (b"ICCP", b"colours"),
        (b"ANMF", frame),
        (b"VP8L", webp()[20:]),
        (b"EXIF", b"Exif\0\0" + exif(turned)),
        (b"XMP ", SECRET),
        (b"WHAT", SECRET),
    )


TELLING = {"image/jpeg": telling_jpeg, "image/png": telling_png, "image/webp": telling_webp}


@pytest.mark.parametrize("content_type", TYPES)
def test_nothing_but_the_picture_is_left(content_type: str) -> None:
    told = TELLING[content_type]()
    assert SECRET in told

    left = metadata.stripped(told, content_type)

    assert SECRET[:12] not in left
    assert pictures.picture_of(left) == pictures.picture_of(told)
    assert metadata.stripped(left, content_type) == left
    assert b"Exif" not in left, "an upright picture needs none"


@pytest.mark.parametrize("content_type", TYPES)
@pytest.mark.parametrize("turned", range(2, 9))
def test_how_it_is_to_be_turned_is_kept(content_type: str, turned: int) -> None:
    left = metadata.stripped(TELLING[content_type](turned), content_type)

    assert left.count(b"II*\0") == 1
    assert struct.pack("<HHIH", 0x0112, 3, 1, turned) in left
    assert SECRET[:12] not in left
    assert metadata.stripped(left, content_type) == left


def test_what_was_written_by_the_other_end_first_is_read() -> None:
    left = metadata.stripped(telling_jpeg(6, ">"), "image/jpeg")

    assert struct.pack("<HHIH", 0x0112, 3, 1, 6) in left


@pytest.mark.parametrize("turned", [0, 1, 9, 0xFFFF])
def test_a_turn_that_is_none_is_dropped(turned: int) -> None:
    assert b"II*\0" not in metadata.stripped(telling_jpeg(turned), "image/jpeg")


def test_colours_stay_as_they_are() -> None:
    assert b"ICC_PROFILE\0\1\1colours" in metadata.stripped(telling_jpeg(), "image/jpeg")
    assert b"Adobe\0\x64" in metadata.stripped(telling_jpeg(), "image/jpeg")
    assert b"gAMA" in metadata.stripped(telling_png(), "image/png")
    assert b"colours" in metadata.stripped(telling_webp(), "image/webp")


@pytest.mark.parametrize("content_type", TYPES)
def test_a_picture_that_tells_nothing_stays_byte_for_byte(content_type: str) -> None:
    plain = TYPES[content_type](40, 30)

    assert metadata.stripped(plain, content_type) == plain


def test_a_scan_with_escaped_bytes_and_restarts_stays_whole() -> None:
    scans = segment(0xDA, b"\1\1\0\0\x3f\0") + b"\x12\xff\x00\x34\xff\xd0\x56\xff\xff\x00"
    content = jpeg()[:2] + segment(0xDB, b"\0" * 65) + scans + segment(0xC4, b"\0" * 17) + scans + b"\xff\xd9"

    assert metadata.stripped(content, "image/jpeg") == content


@pytest.mark.parametrize("content_type", TYPES)
def test_whatever_is_cut_or_broken_it_is_refused_or_stripped(content_type: str) -> None:
    """Never another error, never for ever."""
    told, chance = TELLING[content_type](6), random.Random(7)
    for _ in range(400):
        broken = bytearray(told[: chance.randrange(13, len(told) + 1)])
        for _ in range(chance.randrange(3)):
            broken[chance.randrange(12, len(broken))] = chance.randrange(256)
        try:
            metadata.stripped(bytes(broken), content_type)
        except NotAPicture:
            continue


def test_what_is_published_is_the_stripped_picture(desk: Desk) -> None:
    key = desk.upload(telling_jpeg(6))

    assert desk.confirm(key).status == 200

    (name,) = files(MEDIA)
    shown = config.client("s3").get_object(Bucket=MEDIA, Key=name)["Body"].read()
    assert shown == metadata.stripped(telling_jpeg(6), "image/jpeg")
    assert SECRET not in shown


def test_a_picture_that_cannot_be_stripped_is_refused(desk: Desk) -> None:
    """Its size can be read, but its second scan never ends where a picture does."""
    key = desk.upload(jpeg()[:-2] + b"\xff\xc4\x7f\xff" + b"\xff\xd9")

    refused = desk.confirm(key)

    assert (refused.status, refused.json["code"]) == (422, "not_a_picture")
    assert files(MEDIA) == []
