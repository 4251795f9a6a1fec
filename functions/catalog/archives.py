"""Archives (zip) with a table of products and their pictures: what they may hold, and how far they may unpack.

Nothing is unpacked to disk, and no member is read further than it said at the start: a function at work on an archive
needs room for the archive, and for nothing else.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, Any

from catalog.bulk import MAX_FILE, FileRefused, FileTooLarge, UnsafeArchive
from catalog.pictures import NotAPicture

MAX_MEMBERS = 5_000
MAX_UNPACKED = 1024 * 1024 * 1024
MAX_RATIO = 200
"""How many times its size a member may unpack to: a table of products reaches 30, a picture 2, a bomb 1,000."""
MAX_PICTURE = 200 * 1024
_RATIO_COUNTS_FROM = 1024 * 1024
_PIECE = 1024 * 1024
_TABLES = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".svg")
_LITTER = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_ENCRYPTED = 0x1
_SIGNATURE, _SIGNATURE_64 = b"PK\x05\x06", b"PK\x06\x07"
_END = struct.Struct("<4s8xI4x2x")
"""The record at the end of a zip (APPNOTE 4.3.16): signature, size of the directory, length of the comment."""
_LONGEST_END = _END.size + 0xFFFF
_LONGEST_DIRECTORY = MAX_MEMBERS * 512
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class PictureMissing(NotAPicture):
    """The row names a picture that the archive does not hold."""

    code, title = "picture_missing", "Picture missing"


class Archive:
    """A zip that was looked through: one table, and pictures by name. Not for several threads."""

    def __init__(self, file: IO[bytes]) -> None:
        """Raises FileRefused, FileTooLarge or UnsafeArchive."""
        _check_directory(file)
        try:
            self._zip = zipfile.ZipFile(file)
            members = [member for member in self._zip.infolist() if not _is_litter(member)]
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
            raise FileRefused("This is not a zip file.") from None
        _check(members)
        tables = [member for member in members if _suffix(member) in _TABLES]
        if len(tables) != 1:
            raise FileRefused(f"An archive holds one .csv or .jsonl file; here are {len(tables)}.")
        self.kind = _TABLES[_suffix(tables[0])]
        self._table = tables[0]
        self._pictures = _by_name(member for member in members if _suffix(member) in _PICTURES)

    def table(self) -> IO[bytes]:
        """The table, unpacked as it is read, which raises FileRefused; pictures may be read meanwhile."""
        with _sound():
            return io.BufferedReader(_Unpacked(self._zip.open(self._table)), _PIECE)

    def picture(self, name: str) -> bytes:
        """By its path in the archive, or by a file name that only one has. Raises PictureMissing or NotAPicture."""
        member = self._pictures.get(name.removeprefix("./"))
        if member is None:
            raise PictureMissing(f"The archive has no picture {name[:100]}.")
        if member.file_size > MAX_PICTURE:
            raise NotAPicture(f"{name[:100]} has more than {MAX_PICTURE} bytes.")
        try:
            with self._zip.open(member) as packed:
                return packed.read(MAX_PICTURE + 1)  # `ZipFile.read` would unpack all there is, whatever it said
        except _DAMAGED:
            raise NotAPicture(f"{name[:100]} is damaged in the archive.") from None


class _Unpacked(io.RawIOBase):
    """A member as a file. What is wrong with it is found at its end, where the check sum is."""

    def __init__(self, member: IO[bytes]) -> None:
        self._member = member

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        with _sound():
            piece = self._member.read(len(into))
        into[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _sound():
            return self._member.seek(offset, whence)

    def tell(self) -> int:
        return self._member.tell()

    def close(self) -> None:
        self._member.close()
        super().close()


@contextmanager
def _sound() -> Iterator[None]:
    """Raises FileRefused where the archive cannot be read."""
    try:
        yield
    except _DAMAGED:
        raise FileRefused("The archive is damaged.") from None


def _check_directory(file: IO[bytes]) -> None:
    """That the list of members is short, before anything is made of it: the end of a zip says how long it is."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - _LONGEST_END))
    tail = file.read()
    file.seek(0)
    bare = tail[-_END.size :]
    at = len(tail) - _END.size if bare[:4] == _SIGNATURE and bare[-2:] == b"\0\0" else tail.rfind(_SIGNATURE)
    if at < 0 or len(tail) < at + _END.size:
        raise FileRefused("This is not a zip file.")
    if tail[max(0, at - 20) :].startswith(_SIGNATURE_64):
        raise FileRefused("ZIP64 is for larger archives than are taken here.")
    _, length = _END.unpack_from(tail, at)
    if length > _LONGEST_DIRECTORY:
        raise FileTooLarge(f"An archive has at most {MAX_MEMBERS} files.")


def _check(members: list[zipfile.ZipInfo]) -> None:
    if len(members) > MAX_MEMBERS:
        raise FileTooLarge(f"An archive has at most {MAX_MEMBERS} files.")
    for member in members:
        _check_place(member)
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _METHODS:
            raise UnsafeArchive(f"{member.filename[:100]} is encrypted, or packed in an unusual way.")
        if member.file_size > max(MAX_RATIO * member.compress_size, _RATIO_COUNTS_FROM):
            raise UnsafeArchive(f"{member.filename[:100]} unpacks to more than {MAX_RATIO} times its size.")
        if _suffix(member) not in _TABLES and _suffix(member) not in _PICTURES:
            raise FileRefused(f"{member.filename[:100]} is neither a table nor a picture (PNG, JPEG, WebP, SVG).")
        if _suffix(member) in _TABLES and member.file_size > MAX_FILE:
            raise FileTooLarge(f"{member.filename[:100]} unpacks to more than {MAX_FILE} bytes.")
    if sum(member.file_size for member in members) > MAX_UNPACKED:
        raise UnsafeArchive(f"The archive unpacks to more than {MAX_UNPACKED} bytes.")


def _check_place(member: zipfile.ZipInfo) -> None:
    """`orig_filename` is the name as it was written, before anything was cut off or turned round."""
    for name in (member.filename, member.orig_filename):
        path = PurePosixPath(name)
        drive = len(name) > 1 and name[1] == ":"
        if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or drive:
            raise UnsafeArchive(f"{name[:100]!r} leads outside of the archive.")
    if stat.S_ISLNK(member.external_attr >> 16):
        raise UnsafeArchive(f"{member.filename[:100]} is a link.")


def _is_litter(member: zipfile.ZipInfo) -> bool:
    return member.is_dir() or member.filename.startswith(_LITTER[0]) or member.filename.endswith(_LITTER[1:])


def _suffix(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _by_name(members: Iterable[zipfile.ZipInfo]) -> dict[str, zipfile.ZipInfo]:
    """Members by their paths, and by their file names where only one has it."""
    whole = {member.filename: member for member in members}
    shared = Counter(PurePosixPath(name).name for name in whole)
    short = {PurePosixPath(name).name: member for name, member in whole.items()}
    return {name: member for name, member in short.items() if shared[name] == 1} | whole
