"""What callers may send about media."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from market.http import Body, OneLine
from media.model import crop_text
from media.sniffing import FORMATS, Kind

MAX_FILES = 20
Type = Literal[
    "image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "model/gltf-binary", "model/vnd.usdz+zip",
    "video/mp4", "video/webm",
]  # fmt: skip
assert set(get_args(Type)) == {known.content_type for known in FORMATS}, "what is sniffed is what may be announced"

Text = Annotated[OneLine, Field(max_length=300)]
Language = Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Z]{2})?)?$", examples=["de", "pt-BR"])]
Pixels = Annotated[int, Field(strict=True, ge=0, le=100_000)]
Extent = Annotated[int, Field(strict=True, ge=16, le=100_000)]


class FileForm(Body):
    """A file that is to be uploaded: what is announced is checked against what arrives."""

    name: Annotated[OneLine, Field(min_length=1, max_length=200, description="What you call it.")]
    size: Annotated[int, Field(strict=True, ge=1, le=10**9, description="Bytes.")]
    type: Type

    @property
    def kind(self) -> Kind:
        return next(known.kind for known in FORMATS if known.content_type == self.type)


class VendorFile(FileForm):
    purpose: Literal["product", "banner"] = "product"


class CustomerFile(FileForm):
    purpose: Literal["review", "dispute"]


class VendorUploads(Body):
    files: Annotated[list[VendorFile], Field(min_length=1, max_length=MAX_FILES)]


class CustomerUploads(Body):
    files: Annotated[list[CustomerFile], Field(min_length=1, max_length=MAX_FILES)]


class CropForm(Body):
    """A rectangle in pixels of the upright original."""

    x: Pixels
    y: Pixels
    width: Extent
    height: Extent

    def text(self) -> str:
        return crop_text(self.x, self.y, self.width, self.height)


class MediaChange(Body):
    """What is sent is changed. An empty text takes that language's away; a crop of null shows the whole picture."""

    alts: Annotated[dict[Language, Text], Field(max_length=20, description="Texts by language, `` for any.")] = {}
    crop: CropForm | None = None
