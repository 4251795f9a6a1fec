"""Archives that vendors send: one table and pictures, and nothing that leads out, is hidden, or grows without end."""

import io
import struct
import zipfile
from collections.abc import Callable

import pytest

from catalog import archives
from catalog.archives import Archive, PictureMissing
from catalog.bulk import FileRefused, FileTooLarge, UnsafeArchive
from catalog.pictures import NotAPicture
from tests.services.catalog.bulk_parts import PNG, zipped

pytestmark = pytest.mark.contract("5.5")

ROWS = '{"externalId": "1"}\n'


def opened(content: bytes) -> Archive:
    return Archive(io.BytesIO(content))


def raw(name: str, content: bytes = b"x", **fields: int) -> bytes:
    """An archive with a member of exactly this name."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("rows.jsonl", ROWS)
        member = zipfile.ZipInfo(name)
        for field, value in fields.items():
            setattr(member, field, value)
        packed.writestr(member, content)
    return file.getvalue()


def test_a_table_and_pictures_are_found_by_path_and_by_unique_name() -> None:
    packed = opened(zipped({"in/rows.CSV": "a", "a/x.png": PNG, "b/x.png": PNG + b"2", "c/y.webp": b"y", "in/": ""}))
    with packed.table() as table:
        assert (packed.kind, table.read()) == ("csv", b"a")
    assert packed.picture("a/x.png") == PNG
    assert packed.picture("./b/x.png") == PNG + b"2"
    assert packed.picture("y.webp") == b"y"
    with pytest.raises(PictureMissing):
        packed.picture("x.png")


@pytest.mark.parametrize("name", ["../x.png", "a/../../x.png", "/etc/x.png", "C:/x.png", "a\\x.png", "..\\x.png"])
def test_a_name_that_leads_outside_is_refused(name: str) -> None:
    with pytest.raises(UnsafeArchive):
        opened(raw(name))


def test_a_name_that_goes_on_behind_its_end_is_refused() -> None:
    with pytest.raises(UnsafeArchive):
        opened(raw("x.png?.svg").replace(b"x.png?.svg", b"x.png\0.svg"))


def test_a_link_is_refused() -> None:
    with pytest.raises(UnsafeArchive):
        opened(raw("x.png", b"/etc/passwd", external_attr=0o120777 << 16))


def test_what_is_encrypted_or_packed_unusually_is_refused() -> None:
    packed = bytearray(raw("x.png"))
    entry = packed.rindex(b"PK\x01\x02")
    packed[entry + 8] |= 1
    with pytest.raises(UnsafeArchive):
        opened(bytes(packed))

    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_LZMA) as lzma:
        lzma.writestr("rows.jsonl", ROWS)
    with pytest.raises(UnsafeArchive):
        opened(file.getvalue())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(UnsafeArchive, match="200 times"):
        opened(zipped({"rows.jsonl": b"\0" * 20_000_000}))


def test_many_members_of_fair_ratio_may_not_unpack_to_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_UNPACKED", 3_000)

    with pytest.raises(UnsafeArchive, match="unpacks to more"):
        opened(zipped({"rows.jsonl": ROWS} | {f"{n}.png": b"x" * 1_000 for n in range(4)}))


def test_a_table_larger_than_a_file_may_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_FILE", 100)

    with pytest.raises(FileTooLarge):
        opened(zipped({"rows.jsonl": "x" * 101}))


def test_too_many_members_are_refused_by_the_size_of_their_list() -> None:
    with pytest.raises(FileTooLarge):
        opened(zipped({f"{n}.png": b"" for n in range(archives.MAX_MEMBERS + 1)}))

    packed = bytearray(zipped({"rows.jsonl": ROWS}))
    end = packed.rindex(b"PK\x05\x06")
    struct.pack_into("<I", packed, end + 12, 100_000_000)
    with pytest.raises(FileTooLarge):
        opened(bytes(packed))


def test_a_list_of_members_that_hides_behind_a_comment_is_measured_too() -> None:
    packed = bytearray(zipped({"rows.jsonl": ROWS}))
    end = packed.rindex(b"PK\x05\x06")
    struct.pack_into("<H", packed, end + 20, 3)
    struct.pack_into("<I", packed, end + 12, 100_000_000)
    with pytest.raises(FileTooLarge):
        opened(bytes(packed) + b"end")


def test_a_member_that_says_less_than_it_holds_is_read_no_further() -> None:
    packed = bytearray(zipped({"rows.jsonl": ROWS * 1000}))
    entry = packed.rindex(b"PK\x01\x02")
    struct.pack_into("<I", packed, entry + 24, 10)

    with pytest.raises(FileRefused, match="damaged"):
        opened(bytes(packed)).table().read()


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: b"PK\x03\x04 and nothing more",
        lambda: zipped({}),
        lambda: zipped({"x.png": PNG}),
        lambda: zipped({"a.csv": "a", "b.jsonl": ROWS}),
        lambda: zipped({"rows.jsonl": ROWS, "run.exe": "MZ"}),
        lambda: zipped({"rows.jsonl": ROWS, "inner.zip": zipped({})}),
        lambda: zipped({"rows.jsonl": ROWS})[:-5],
        lambda: b"PK\x06\x07" + b"\0" * 16 + zipped({})[-22:],
    ],
)
def test_what_is_no_such_archive_is_refused(make: Callable[[], bytes]) -> None:
    with pytest.raises(FileRefused):
        opened(make())


def test_a_picture_that_is_too_large_or_damaged_is_told_of_its_row_only() -> None:
    packed = zipped({"rows.jsonl": ROWS, "large.png": bytes(range(256)) * 900, "x.png": PNG * 9})
    with pytest.raises(NotAPicture, match="more than"):
        opened(packed).picture("large.png")

    at = packed.index(b"x.png")
    for place in (at + 10, at - 16):  # what is packed, and its check sum
        broken = packed[:place] + b"\xff\xff" + packed[place + 2 :]
        listed = broken.rindex(b"PK\x01\x02")
        broken = broken[: listed + 16] + b"\0\0" + broken[listed + 18 :]
        with pytest.raises(NotAPicture, match="damaged"):
            opened(broken).picture("x.png")
