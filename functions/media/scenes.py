"""3D models: whether a GLB or USDZ file is whole and needs nothing from elsewhere. Pure, no decoding of geometry.

GLB (glTF 2.0): one JSON chunk, at most one binary chunk, nothing behind them; buffers and images lie inside. USDZ: an
archive without compression, so that it cannot unfold into more than it is, of scenes, textures and sounds. What its
textures tell beside pixels is to be blotted out; nothing moves, so that every offset stays right.
"""

import binascii
import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

import orjson

from media.blots import Blot, blotted
from media.model import Unfit
from media.textures import telling

MAX_SCENE_TEXT = 16 * 1024 * 1024
MAX_ENTRIES = 500
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_SCENES = ("usd", "usda", "usdc")
_CARRIED = (*_SCENES, "png", "jpg", "jpeg", "avif", "exr", "m4a", "mp3", "wav")
_SUMMED_BEHIND = 0x8
_WRITTEN = re.compile(rb'"data:image/(?:jpeg|png|webp);base64,([A-Za-z0-9+/]+={0,2})"')
_REFERENCE = re.compile(rb"@(?=([^@\n]+)@)")
"""Whatever stands between two signs on a line: which of them begin a reference, only a whole parser could tell."""


def check_glb(content: bytes) -> list[Blot]:
    """What is to be blotted out. Raises Unfit."""
    try:
        described, binary = _chunks(content)
        scene = orjson.loads(described)
    except (struct.error, ValueError):
        raise Unfit("damaged", "The GLB file is damaged.") from None
    asset = scene.get("asset") if isinstance(scene, dict) else None
    if not isinstance(asset, dict) or not str(asset.get("version")).startswith("2."):
        raise Unfit("damaged", "The GLB file is not glTF 2.")
    for address in _addresses(scene):
        if not address.startswith("data:"):
            raise Unfit("external_reference", "The model refers to files elsewhere.")
    _check_buffers(scene, len(binary))
    return [*_of_words(content, 20 + len(described)), *_of_views(content, scene, len(content) - len(binary))]


def check_usdz(content: bytes) -> list[Blot]:
    """What is to be blotted out. Raises Unfit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(content))
            for entry in entries:
                if entry.filename.lower().endswith((".usda", ".usd")):
                    _check_scene(archive.read(entry))
            return _of_entries(content, entries, archive.start_dir)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, RuntimeError, ValueError, struct.error):
        raise Unfit("damaged", "The USDZ file is damaged.") from None


def _chunks(content: bytes) -> tuple[bytes, bytes]:
    """JSON and binary chunk. Raises ValueError or struct.error."""
    magic, version, length = struct.unpack_from("<4sII", content)
    if magic != b"glTF" or version != 2 or length != len(content):
        raise ValueError(length)
    found: list[tuple[int, bytes]] = []
    place = 12
    while place < length:
        size, kind = struct.unpack_from("<II", content, place)
        if place + 8 + size > length or len(found) == 2:
            raise ValueError(place)
        found.append((kind, content[place + 8 : place + 8 + size]))
        place += 8 + size
    if not found or found[0][0] != _JSON or len(found[0][1]) > MAX_SCENE_TEXT:
        raise ValueError("no scene")
    if len(found) == 2 and found[1][0] != _BINARY:
        raise ValueError("unknown chunk")
    return found[0][1], found[1][1] if len(found) == 2 else b""


def _addresses(scene: Any) -> Iterator[str]:
    """Every `uri`, however deep: extensions bring their own."""
    waiting = [scene]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield from (str(value) for name, value in node.items() if name == "uri")
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)


def _check_buffers(scene: dict[str, Any], size: int) -> None:
    """What the scene says of its one binary chunk fits the chunk."""
    try:
        inside = [buffer["byteLength"] for buffer in scene.get("buffers", ()) if "uri" not in buffer]
        views = [
            view.get("byteOffset", 0) + view["byteLength"]
            for view in scene.get("bufferViews", ())
            if "uri" not in scene["buffers"][view["buffer"]]
        ]
        fits = len(inside) <= 1 and all(0 <= end <= size for end in (*inside, *views))
    except (AttributeError, IndexError, KeyError, TypeError):
        fits = False
    if not fits:
        raise Unfit("damaged", "The GLB file promises more than it holds.")


def _of_words(content: bytes, end: int) -> Iterator[Blot]:
    """Of the textures that stand in the scene itself, in the same number of letters. Raises Unfit."""
    for found in _WRITTEN.finditer(content, 20, end):
        with suppress(binascii.Error):
            texture = binascii.a2b_base64(found[1])
            if blots := telling(texture, 0, len(texture)):
                after = binascii.b2a_base64(blotted(texture, 0, blots), newline=False)
                yield Blot(*found.span(1), after)


def _of_views(content: bytes, scene: dict[str, Any], binary: int) -> list[Blot]:
    """Of the textures in the binary chunk, which begins there. Raises Unfit."""
    spans = set[tuple[int, int]]()
    try:
        for image in scene.get("images", ()):
            view = scene["bufferViews"][image["bufferView"]] if "bufferView" in image else None
            if view and "uri" not in scene["buffers"][view["buffer"]]:
                start = binary + view.get("byteOffset", 0)
                spans.add((start, start + view["byteLength"]))
        ordered = sorted(spans)
        apart = all(before[1] <= after[0] for before, after in pairwise([(0, binary), *ordered]))
        blots = [blot for span in ordered for blot in telling(content, *span)] if apart else None
    except (AttributeError, IndexError, KeyError, TypeError):
        blots = None
    if blots is None:  # nor may textures overlap, as one would be looked through for each
        raise Unfit("damaged", "The GLB file has not the pictures that it names.")
    return blots


def _of_entries(content: bytes, entries: list[zipfile.ZipInfo], directory: int) -> list[Blot]:
    """Of the textures in an archive, whose directory begins there and lists the entries in this order; with the check
    sums, which stand before an entry, in the directory and, where the first is empty, behind the entry as well.
    """
    blots = list[Blot]()
    for entry in entries:
        head = entry.header_offset
        start = head + 30 + sum(struct.unpack_from("<HH", content, head + 26))
        end = start + entry.file_size
        if found := telling(content, start, end):
            summed = struct.pack("<I", zlib.crc32(blotted(content[start:end], start, found)))
            blots += [*found, Blot(directory + 16, directory + 20, summed)]
            if entry.flag_bits & _SUMMED_BEHIND:
                end += 4 * content.startswith(b"PK\x07\x08", end)
                blots.append(Blot(end, end + 4, summed))
            else:
                blots.append(Blot(head + 14, head + 18, summed))
        directory += 46 + sum(struct.unpack_from("<HHH", content, directory + 28))
    return blots


def _check_entries(entries: list[zipfile.ZipInfo], size: int) -> None:
    if not entries or len(entries) > MAX_ENTRIES or sum(entry.file_size for entry in entries) > size:
        raise Unfit("archive_bomb", "The archive claims to hold more than it is.")
    for entry in entries:
        steps = entry.filename.split("/")
        if entry.compress_type != zipfile.ZIP_STORED or entry.file_size != entry.compress_size or entry.flag_bits & 1:
            raise Unfit("archive_bomb", "A USDZ file is neither compressed nor encrypted.")
        if ".." in steps or "" in steps or "\\" in entry.filename or ":" in entry.filename:
            raise Unfit("unsafe_name", "The archive holds names that lead out of it.")
        if entry.filename.lower().rpartition(".")[2] not in _CARRIED:
            raise Unfit("unexpected_content", "The archive holds what does not belong into a model.")
    if entries[0].filename.lower().rpartition(".")[2] not in _SCENES:
        raise Unfit("damaged", "A USDZ file begins with its scene.")


def _check_scene(text: bytes) -> None:
    """A scene in words names nothing outside of its archive. Binary ones cannot be read here: viewers confine them."""
    if not text.startswith(b"#usda"):
        return
    for reference in _REFERENCE.findall(text):
        outside = reference.startswith((b"/", b"\\")) or b":" in reference or b".." in reference
        if outside:
            raise Unfit("external_reference", "The model refers to files elsewhere.")
