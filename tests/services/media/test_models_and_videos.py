"""3D models and videos are stored as they are, if they are whole and need nothing from elsewhere."""

import struct
import zipfile

import pytest

from media import blots, scenes, videos
from tests.services.media.conftest import Studio, content, found
from tests.services.media.samples import box, glb, mp4, png_header, usdz, webm

pytestmark = pytest.mark.contract("6.3")
ASSET = {"asset": {"version": "2.0"}}


@pytest.mark.parametrize(
    ("given", "kind", "suffix"),
    [
        (glb(), "model/gltf-binary", "glb"),
        (usdz(), "model/vnd.usdz+zip", "usdz"),
        (mp4(), "video/mp4", "mp4"),
        (webm(), "video/webm", "webm"),
    ],
)
def test_what_is_whole_is_shown_as_it_is(studio: Studio, given: bytes, kind: str, suffix: str) -> None:
    shown = studio.shown(studio.upload(given, kind))

    assert (shown["status"], shown["contentType"], shown["sources"]) == ("ready", kind, [])
    assert shown["url"].startswith(f"/media/{shown['id']}/")
    assert shown["url"].endswith(f".{suffix}")
    assert content(shown["url"].removeprefix("/")) == given
    assert studio.ask("PATCH", f"/{shown['id']}", {"crop": {"x": 0, "y": 0, "width": 99, "height": 99}}).status == 422


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (glb(ASSET | {"images": [{"uri": "https://elsewhere.example/x.png"}]}), "external_reference"),
        (glb(ASSET | {"buffers": [{"byteLength": 4, "uri": "../../secret.bin"}]}), "external_reference"),
        (glb(ASSET | {"extensions": {"X": {"deep": [{"uri": "file:///etc/passwd"}]}}}), "external_reference"),
        (glb(ASSET | {"buffers": [{"byteLength": 13}]}), "damaged"),
        (glb(ASSET | {"buffers": [{"byteLength": 4}], "bufferViews": [{"buffer": 0, "byteLength": 99}]}), "damaged"),
        (glb(ASSET | {"buffers": [{"byteLength": 4}], "bufferViews": [{"buffer": 7, "byteLength": 1}]}), "damaged"),
        (glb({"asset": {"version": "1.0"}}), "damaged"),
        (glb({"asset": []}), "damaged"),
        (glb()[:-5], "damaged"),
        (glb() + b"<script>", "damaged"),
        (b"glTF" + b"\0" * 40, "damaged"),
        (struct.pack("<4sIIII", b"glTF", 2, 24, 4, 0x4E4F534A) + b"[[[[", "damaged"),
    ],
)
def test_a_glb_that_refers_elsewhere_or_is_broken_is_refused(studio: Studio, given: bytes, reason: str) -> None:
    assert studio.fate(given, "model/gltf-binary") == reason


def test_a_glb_may_carry_its_data_within() -> None:
    scenes.check_glb(glb(ASSET | {"images": [{"uri": "data:image/png;base64,AAAA"}], "scenes": [{"nodes": [0]}]}))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (usdz({"scene.usda": b"#usda 1.0" + b" " * 100_000}, zipfile.ZIP_DEFLATED), "archive_bomb"),
        (usdz({"scene.usda": b"#usda 1.0", "../up.png": b"x"}), "unsafe_name"),
        (usdz({"scene.usda": b"#usda 1.0", "/abs.png": b"x"}), "unsafe_name"),
        (usdz({"scene.usda": b"#usda 1.0", "C:\\x.png": b"x"}), "unsafe_name"),
        (usdz({"scene.usda": b"#usda 1.0", "run.exe": b"x"}), "unexpected_content"),
        (usdz({"scene.usda": b"#usda 1.0", "inner.zip": b"x"}), "unexpected_content"),
        (usdz({"wood.png": png_header(1, 1), "scene.usda": b"#usda 1.0"}), "damaged"),
        (usdz({"scene.usda": b"#usda 1.0\n references = @https://elsewhere.example/x.usda@"}), "external_reference"),
        (usdz({"scene.usda": b"#usda 1.0\n asset x = @../../secret.png@"}), "external_reference"),
        (usdz({"scene.usda": b'#usda 1.0\n s = "a@b"; x = @https://elsewhere.example/x@'}), "external_reference"),
        (usdz({"scene.usda": b"#usda 1.0\n x = @" + b"x" * 2000 + b"/../y.png@"}), "external_reference"),
        (usdz({f"{number}.usda": b"#usda 1.0" for number in range(501)}), "archive_bomb"),
        (usdz()[:-30], "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
    ],
)
def test_a_usdz_that_unfolds_leads_out_or_is_broken_is_refused(studio: Studio, given: bytes, reason: str) -> None:
    assert studio.fate(given, "model/vnd.usdz+zip") == reason


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (mp4(inside=False), "external_reference"),
        (mp4(more=b"<html><script>alert(1)</script></html>"), "damaged"),
        (mp4(more=box(b"evil", b"x")), "damaged"),
        (mp4()[:-3], "damaged"),
        (box(b"ftyp", b"isom", b"\0\0\0\0"), "damaged"),
        (box(b"ftyp", b"qt  ", b"\0\0\0\0") + mp4(), "wrong_type"),
        (box(b"ftyp", b"isom", b"\0\0\0\0") + struct.pack(">I4sQ", 1, b"mdat", 2**63), "damaged"),
        (box(b"ftyp", b"isom", b"\0\0\0\0") + box(b"free") * 3000, "damaged"),
        (mp4(entry=box(b"url ")), "damaged"),
        (mp4(kind=b"meta"), "unexpected_content"),
        (mp4(inside=False) + mp4()[24:], "damaged"),
    ],
)  # fmt: skip
def test_an_mp4_that_is_more_or_less_than_a_video_is_refused(studio: Studio, given: bytes, reason: str) -> None:
    assert studio.fate(given, "video/mp4") == reason


def test_boxes_within_boxes_take_no_longer_than_their_bytes() -> None:
    """Copied level by level, they would keep a function busy for minutes."""
    nested = b""
    for _ in range(4000):
        nested = box(b"trak", nested)
    given = box(b"ftyp", b"isom", b"\0\0\0\0") + box(b"moov", nested) + box(b"mdat")
    read: list[int] = []

    def counting(content: bytes) -> videos.Read:
        return lambda offset, length: (read.append(len(content)), content[offset : offset + length])[1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(videos, "_of", counting)
        videos.check_mp4(lambda offset, length: given[offset : offset + length], len(given))
    assert sum(read) < 6 * len(given)


@pytest.mark.parametrize("given", [webm(more=b"<script>"), webm()[:-2], b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"])
def test_a_webm_that_is_more_or_less_than_a_video_is_refused(studio: Studio, given: bytes) -> None:
    assert studio.fate(given, "video/webm") == "damaged"


def test_a_matroska_file_that_is_no_webm_is_not_taken(studio: Studio) -> None:
    assert studio.fate(webm().replace(b"\x84webm", b"\x88matroska"), "video/webm") == "wrong_type"


def test_a_recording_of_unknown_length_is_whole() -> None:
    live = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01" + b"\xff" * 7 + b"anything"

    videos.check_webm(lambda offset, length: live[offset : offset + length], len(live))


def test_words_and_places_in_an_mp4_are_blotted_out_and_nothing_moves(studio: Studio) -> None:
    words = box(b"udta", box(b"\xa9xyz", b"\0\x12\x15\xc7+51.5-000.1/"), box(b"loci", b"\0" * 4 + b"Home of Ada"))
    long = struct.pack(">I4sQ", 1, b"uuid", 40) + b"GPS 51.5 of XMP, 24 byte"
    within = box(b"trak", box(b"meta", b"com.location.ISO6709 51.5"))
    given = mp4(told=words + within + box(b"mvex", b"kept"), more=long + box(b"free", b"freeGPS 51.5"))

    kept = content(studio.shown(studio.upload(given, "video/mp4"))["url"].removeprefix("/"))

    assert b"51.5" not in kept
    assert b"Ada" not in kept
    assert len(kept) == len(given)
    assert [place for place, name in ((8 + given.index(words), b"\0"), (given.index(long) + 4, b"f"))
            if kept[place : place + 1] != name] == []  # fmt: skip
    assert [at for at in range(len(given)) if kept[at] != given[at] and kept[at] not in b"free\0"] == []
    again = videos.check_mp4(lambda offset, length: kept[offset : offset + length], len(kept))
    assert blots.blotted(kept, 0, again) == kept


def test_a_list_of_where_among_the_pictures_places_are_is_refused(studio: Studio) -> None:
    assert studio.fate(mp4(told=box(b"gps ", b"\0" * 16)), "video/mp4") == "unexpected_content"


def test_tags_and_attachments_of_a_webm_are_blotted_out(studio: Studio) -> None:
    tags = b"\x12\x54\xc3\x67\x8dLOCATION 51.5"
    attached = b"\x19\x41\xa4\x69\x01" + b"\0" * 6 + b"\x0451.5"
    cluster = b"\x1f\x43\xb6\x75\x84kept"
    given = webm(within=tags + cluster + attached + b"\x19\x41\xa4\x69\x80")

    kept = content(studio.shown(studio.upload(given, "video/webm"))["url"].removeprefix("/"))

    assert b"51.5" not in kept
    assert kept == given.replace(tags, b"\xec\x01" + b"\0" * 6 + b"\x09" + b"\0" * 9).replace(
        attached, b"\xec\x01" + b"\0" * 6 + b"\x07" + b"\0" * 7
    ).replace(b"\x19\x41\xa4\x69\x80", b"\xec\x10\0\0\0")


def test_a_webm_of_thousands_of_clusters_is_looked_through_in_some_reads(
    studio: Studio, environment: pytest.MonkeyPatch
) -> None:
    from media import gateway

    asked, read_part = list[int](), gateway.read_part
    environment.setattr(gateway, "read_part", lambda *part: (asked.append(part[1]), read_part(*part))[1])
    tags = b"\x12\x54\xc3\x67\x9051.5074-000.1278"
    within = (b"\x1f\x43\xb6\x75\x43\xe8" + b"\1" * 1000) * 5000 + tags
    head = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67\x01"

    given = head + len(within).to_bytes(7) + within
    kept = content(studio.shown(studio.upload(given, "video/webm"))["url"].removeprefix("/"))

    assert kept == given[: -len(tags)] + b"\xec\x01" + (len(tags) - 9).to_bytes(7) + b"\0" * (len(tags) - 9)
    assert len(asked) < 12


def test_only_the_parts_of_a_video_that_are_blotted_pass_through_us(
    studio: Studio, environment: pytest.MonkeyPatch
) -> None:
    from media import gateway

    passed = list[range]()
    copied = gateway._copied
    environment.setattr(gateway, "_COPIED", 5 * 1024 * 1024)
    environment.setattr(
        gateway, "_copied", lambda source, span, *rest: (passed.append(span), copied(source, span, *rest))[1]
    )
    given = mp4(told=box(b"udta", b"51.5")) + box(b"mdat", b"\1" * 6_000_000) + box(b"uuid", b"51.5" * 4)

    kept = content(studio.shown(studio.upload(given, "video/mp4"))["url"].removeprefix("/"))

    assert len(passed) == 2
    assert len(kept) == len(given)
    assert b"51.5" not in kept
    assert kept.count(b"\1") == given.count(b"\1")


def test_a_long_video_is_not_read_as_a_whole(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    from media import gateway

    asked = []
    read_part = gateway.read_part

    def note(key: str, offset: int, length: int) -> bytes:
        asked.append(length)
        return read_part(key, offset, length)

    environment.setattr(gateway, "read_part", note)
    long = mp4() + box(b"mdat", b"\0" * 3_000_000)
    media_id = studio.upload(long, "video/mp4")

    assert found(media_id).status == "ready"
    assert sum(asked) < 300_000
