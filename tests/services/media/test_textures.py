"""Textures of 3D models keep their pixels and their place in the file, and say nothing of who made them where."""

import base64
import io
import zipfile

import pytest
from PIL import Image, ImageChops

from media import scenes, textures
from media.blots import blotted
from media.model import Unfit
from tests.services.media.conftest import Studio, content
from tests.services.media.samples import encoded, glb, picture, telling, textured, usdz

pytestmark = pytest.mark.contract("6.3")

TEXTURES = [
    telling("JPEG"),
    telling("JPEG", progressive=True),
    telling("PNG", icc_profile=b"p" * 200),
    telling("WEBP"),
    telling("WEBP", lossless=True),
]


def served(studio: Studio, model: bytes, kind: str) -> bytes:
    shown = studio.shown(studio.upload(model, kind))
    assert shown["status"] == "ready", shown
    return content(shown["url"].removeprefix("/"))


def same_pixels(one: bytes, other: bytes) -> bool:
    before, after = Image.open(io.BytesIO(one)), Image.open(io.BytesIO(other))
    assert not after.getexif()
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    return ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None


def test_what_textures_of_a_glb_tell_is_blotted_out(studio: Studio) -> None:
    given = textured(*TEXTURES)
    shown = served(studio, given, "model/gltf-binary")

    assert len(shown) == len(given)
    assert given.count(b"of Ada") > 10
    assert b"of Ada" not in shown
    for texture in TEXTURES:
        start = given.index(texture)
        assert same_pixels(texture, shown[start : start + len(texture)])
    assert blotted(shown, 0, scenes.check_glb(shown)) == shown


def test_a_texture_written_into_the_scene_is_blotted_out_letter_by_letter(studio: Studio) -> None:
    uri = f"data:image/png;base64,{base64.b64encode(TEXTURES[2]).decode()}"
    given = glb({"asset": {"version": "2.0"}, "images": [{"uri": uri}, {"uri": "data:image/png;base64,AAAAA"}]})
    shown = served(studio, given, "model/gltf-binary")

    assert (len(shown), shown[-40:]) == (len(given), given[-40:])
    after = base64.b64decode(shown.partition(b"base64,")[2].partition(b'"')[0])
    assert b"of Ada" not in after
    assert same_pixels(TEXTURES[2], after)


def test_what_textures_of_a_usdz_tell_is_blotted_out_and_check_sums_are_right(studio: Studio) -> None:
    names = ["0/wood.jpg", "1/wood.jpg", "2/wood.png"]
    kept = io.BytesIO()
    with zipfile.ZipFile(_Unseekable(kept), "w") as archive:  # check sums stand behind the entries
        archive.writestr(zipfile.ZipInfo("scene.usda"), b"#usda 1.0\n")
        for name, texture in zip(names, TEXTURES, strict=False):
            archive.writestr(zipfile.ZipInfo(name), texture)
    entries = {"scene.usda": b"#usda 1.0\n"} | dict(zip(names, TEXTURES, strict=False))

    for given in (kept.getvalue(), usdz(entries)):
        shown = served(studio, given, "model/vnd.usdz+zip")
        assert (len(shown), b"of Ada" in given, b"of Ada" in shown) == (len(given), True, False)
        with zipfile.ZipFile(io.BytesIO(shown)) as archive:
            assert archive.testzip() is None
            assert all(same_pixels(entries[name], archive.read(name)) for name in names)


def test_a_texture_that_tells_nothing_is_left_as_it_is() -> None:
    plain = [encoded(picture(20, 20), kind) for kind in ("JPEG", "PNG", "WEBP", "AVIF", "GIF")]
    assert scenes.check_glb(textured(*plain)) == []


@pytest.mark.parametrize("texture", TEXTURES)
def test_a_broken_texture_is_looked_into_as_far_as_it_goes(texture: bytes) -> None:
    for end in range(0, len(texture), 7):
        cut = texture[:end]
        assert len(blotted(cut, 0, textures.telling(cut, 0, end))) == end
        assert textures.telling(cut, 0, len(texture)) == textures.telling(cut, 0, end)


def test_textures_that_overlap_or_are_not_there_are_refused() -> None:
    whole = textured(TEXTURES[0])
    for views, image in [
        ([{"buffer": 0, "byteLength": 9}, {"buffer": 0, "byteOffset": 4, "byteLength": 9}], 1),
        ([{"buffer": 0, "byteOffset": -40, "byteLength": 45}], 0),
        ([{"buffer": 0, "byteLength": 9}], 7),
    ]:
        scene = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 40}], "bufferViews": views}
        with pytest.raises(Unfit):
            scenes.check_glb(glb(scene | {"images": [{"bufferView": 0}, {"bufferView": image}]}, whole[-40:]))


def test_a_texture_of_nothing_but_words_is_refused() -> None:
    words = TEXTURES[2][:33] + b"\0\0\0\0teXt\0\0\0\0" * 2000
    with pytest.raises(Unfit):
        textures.telling(words, 0, len(words))


class _Unseekable(io.RawIOBase):
    """A pipe: an archive that is written into it cannot go back to fill in a check sum."""

    def __init__(self, into: io.BytesIO) -> None:
        self._into = into

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        return self._into.write(data)  # type: ignore[arg-type]
