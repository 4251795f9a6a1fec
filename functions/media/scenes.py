"""3D models: whether a GLB or USDZ file is whole and needs nothing from elsewhere. Pure, no decoding of geometry.

GLB (glTF 2.0): one JSON chunk, at most one binary chunk, nothing behind them; buffers and images lie inside. USDZ: an
archive without compression, so that it cannot unfold into more than it is, of scenes, textures and sounds.
"""

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from typing import Any

import orjson

from media.model import Unfit

MAX_SCENE_TEXT = 16 * 1024 * 1024
MAX_ENTRIES = 500
_JSON, _BINARY = 0x4E4F534A, 0x004E4942
_SCENES = ("usd", "usda", "usdc")
_CARRIED = (*_SCENES, "png", "jpg", "jpeg", "avif", "exr", "m4a", "mp3", "wav")
_REFERENCE = re.compile(rb"@(?=([^@\n]+)@)")
"""Whatever stands between two signs on a line: which of them begin a reference, only a whole parser could tell."""


def check_glb(content: bytes) -> None:
    """Raises Unfit."""
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


def check_usdz(content: bytes) -> None:
    """Raises Unfit."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(content))
            for entry in entries:
                if entry.filename.lower().endswith((".usda", ".usd")):
                    _check_scene(archive.read(entry))
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
