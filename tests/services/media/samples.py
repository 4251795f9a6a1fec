"""Files to upload, made here: good ones of every kind, and the parts of bad ones."""

import io
import json
import struct
import zipfile
import zlib
from random import Random
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin


def picture(width: int, height: int, mode: str = "RGB") -> Image.Image:
    """Noise of a fixed seed, scaled up: it compresses about as badly as a photograph."""
    small = Image.frombytes("RGB", (64, 64), Random(7).randbytes(64 * 64 * 3))
    return small.resize((width, height), Image.Resampling.BICUBIC).convert(mode)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    kept = io.BytesIO()
    image.save(kept, kind, **options)
    return kept.getvalue()


def jpeg(width: int = 640, height: int = 480, **options: Any) -> bytes:
    return encoded(picture(width, height), "JPEG", **options)


def photograph() -> bytes:
    """As a phone takes it: lying on its side, with place, camera and a profile of colours."""
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of Ada"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0), 3: "W", 4: (0.0, 7.0, 39.0)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = Image.new("RGB", (400, 200), "blue")
    image.paste("red", (0, 0, 200, 200))  # the left half: the upper one, once it is upright
    return encoded(image, "JPEG", exif=exif, icc_profile=profile, comment="Secret of Ada", quality=95)


def telling(kind: str, **options: Any) -> bytes:
    """A texture with a place and words of Ada's beside its pixels, and more behind its end."""
    exif = Image.Exif()
    exif[0x010F] = "Camera of Ada"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.0)})
    told = {
        "JPEG": {"comment": "Secret of Ada"},
        "PNG": {"pnginfo": _words()},
        "WEBP": {"xmp": b"<x>Secret of Ada</x>"},
    }
    return encoded(picture(65, 33), kind, exif=exif, **told[kind], **options) + b"Behind of Ada"


def _words() -> PngImagePlugin.PngInfo:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "Secret of Ada")
    words.add_itxt("XML:com.adobe.xmp", "<x>Secret of Ada</x>", zip=False)
    return words


def textured(*textures: bytes) -> bytes:
    """A GLB with these textures in its binary chunk, some bytes apart."""
    views, binary = list[dict[str, int]](), b"\1\2\3\4"
    for texture in textures:
        views.append({"buffer": 0, "byteOffset": len(binary), "byteLength": len(texture)})
        binary += texture + b"\5" * (-len(texture) % 4)
    images = [{"bufferView": number, "mimeType": "image/png"} for number in range(len(views))]
    scene = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": len(binary)}]}
    return glb(scene | {"bufferViews": views, "images": images}, binary)


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def webp_canvas(width: int, height: int) -> bytes:
    """An animated WebP with a canvas of this size and nothing on it."""
    body = b"\x02\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(body)) + body + b"ANIM" + struct.pack("<I", 6) + b"\0" * 6
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def glb(scene: dict[str, Any] | None = None, binary: bytes = b"\0" * 12) -> bytes:
    described = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": len(binary)}]} if scene is None else scene
    text = json.dumps(described).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(binary), 0x004E4942) + binary
    return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks


def usdz(entries: dict[str, bytes] | None = None, method: int = zipfile.ZIP_STORED) -> bytes:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", method) as archive:
        for name, data in (entries or {"scene.usda": b"#usda 1.0\n", "wood.png": png_header(1, 1)}).items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return kept.getvalue()


def box(name: bytes, *contents: bytes) -> bytes:
    content = b"".join(contents)
    return struct.pack(">I4s", len(content) + 8, name) + content


def mp4(
    *, inside: bool = True, entry: bytes = b"", more: bytes = b"", kind: bytes = b"vide", told: bytes = b""
) -> bytes:
    """inside: whether the track says that its data are in this file; entry: what it says in place of that. kind: what
    the track is of; told: boxes beside it.
    """
    said = entry or box(b"url ", b"\0\0\0\1" if inside else b"\0\0\0\0http://elsewhere.example/\0")
    reference = box(b"dref", b"\0\0\0\0\0\0\0\1", said)
    handler = box(b"hdlr", b"\0" * 8, kind, b"\0" * 13)
    track = box(b"trak", box(b"mdia", handler, box(b"minf", box(b"dinf", reference))))
    head = box(b"ftyp", b"isom", b"\0\0\2\0", b"isommp41")
    return head + box(b"moov", track, told) + box(b"mdat", b"\0" * 100) + more


def webm(*, within: bytes = b"\xec\x82\0\0", more: bytes = b"") -> bytes:
    """within: elements of the segment, at most 126 bytes; one that means nothing, unless given."""
    head = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"
    return head + b"\x18\x53\x80\x67" + bytes([0x80 + len(within)]) + within + more
