"""Makes the sizes of a picture, with Pillow. Everything is decoded and drawn anew: of the sender's bytes nothing but
the pixels is ever shown, no place, no camera, no second file behind the picture.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from media.contract import ENCODINGS, WHOLE
from media.model import Unfit, crop_box
from media.sniffing import canvas_of

if TYPE_CHECKING:
    from PIL import Image  # it looks at the environment when it is loaded, and is in one function's layer only

WIDTHS = (160, 480, 960, 1600)
TALLEST = 16_383
"""Pixels; WebP knows no more."""
RECIPE = "1"
"""Part of the files' names: raise it when the same original is to give other files."""
_FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF")
"""The decoders that may run at all; Pillow has fifty."""
_SAVED: dict[str, dict[str, Any]] = {"avif": {"quality": 60, "speed": 8}, "webp": {"quality": 80, "method": 4}}
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, ArithmeticError, RuntimeError)
"""What decoders raise over broken files."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """width, height: of the upright original. sizes: those that are made, the smallest first."""

    width: int
    height: int
    sizes: tuple[tuple[int, int], ...]
    _picture: "Image.Image"

    def files(self) -> Iterator[tuple[int, str, str, bytes]]:
        """Width, suffix, content type and content of every file."""
        from PIL import Image

        for width, height in self.sizes:
            scaled = self._picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
            scaled.info.clear()  # encoders would write what they find there
            for suffix, content_type in ENCODINGS:
                kept = io.BytesIO()
                scaled.save(kept, suffix.upper(), **_SAVED[suffix])
                yield width, suffix, content_type, kept.getvalue()


def draw(content: bytes, crop: str, *, most_pixels: int) -> Drawn:
    """The first frame, upright, cut, in sRGB and no larger than the largest size. Raises Unfit."""
    from PIL import Image

    try:
        if canvas_of(content) > most_pixels:  # opening it would reserve the memory already
            raise _too_many(most_pixels)
        with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
            if opened.width * opened.height > most_pixels:
                raise _too_many(most_pixels)
            return _drawn(opened, crop)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError):
        raise _too_many(most_pixels) from None
    except _DAMAGED:
        raise Unfit("damaged", "The picture is damaged.") from None


def _too_many(most: int) -> Unfit:
    return Unfit("too_many_pixels", f"A picture may have {most} pixels.")


def _drawn(opened: "Image.Image", crop: str) -> Drawn:
    from PIL import Image, ImageOps

    turned = opened.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    width, height = (opened.height, opened.width) if turned else opened.size
    profile = opened.info.get("icc_profile")
    if crop == WHOLE:  # a JPEG is decoded at a fraction of its size where that is enough
        opened.draft(opened.mode, (2 * WIDTHS[-1], 2 * WIDTHS[-1]))
    opened.load()
    picture = ImageOps.exif_transpose(opened)
    if crop != WHOLE:
        x, y, wide, high = crop_box(crop)
        picture = picture.crop((x, y, x + wide, y + high))
        shown = wide, high
    else:
        shown = width, height
    sizes = sizes_of(*shown)
    picture = _plain(picture).resize(sizes[-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Drawn(width, height, sizes, _in_srgb(picture, profile))


def sizes_of(width: int, height: int) -> tuple[tuple[int, int], ...]:
    """Of the files of a picture of this size: never larger than it is, nor than its formats can hold."""
    largest = max(1, min(width, WIDTHS[-1], width * TALLEST // height))
    wanted = [*(step for step in WIDTHS if step < largest), largest]
    return tuple((step, min(TALLEST, max(1, round(height * step / width)))) for step in wanted)


def _plain(picture: "Image.Image") -> "Image.Image":
    """In a mode that can be scaled and has a profile: grey, RGB, RGBA or CMYK."""
    if picture.mode.startswith("I;16"):
        return picture.point(lambda value: value / 257).convert("L")
    if picture.mode in ("I", "F"):
        return picture.convert("L")
    if "transparency" in picture.info or picture.mode in ("LA", "PA", "La", "RGBa"):
        return picture.convert("RGBA")
    return picture if picture.mode in ("L", "RGB", "RGBA", "CMYK") else picture.convert("RGB")


def _in_srgb(picture: "Image.Image", profile: bytes | None) -> "Image.Image":
    """Colours as every browser takes them without a profile."""
    from PIL import ImageCms

    wanted = "RGBA" if picture.mode == "RGBA" else "RGB"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            made = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode=wanted)
            return made or picture.convert(wanted)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass  # a broken profile, or one for other colours: shown without it, as browsers do
    return picture.convert(wanted)
