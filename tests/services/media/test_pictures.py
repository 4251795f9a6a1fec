"""Of a picture nothing but its pixels is shown; whatever is not a whole picture of a bearable size is refused."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image, ImageCms

from market import config
from media import gateway, imaging
from media.model import MAX_ATTEMPTS
from tests.services.media.conftest import (
    MEDIA,
    Studio,
    content,
    files,
    found,
    hear,
    process,
    said,
    sweep,
    tell,
    work_off,
)
from tests.services.media.samples import encoded, glb, jpeg, mp4, photograph, picture, png_header, usdz, webp_canvas

pytestmark = pytest.mark.contract("6.1")


def opened(studio: Studio, media_id: str, kind: str = "image/webp") -> list[Image.Image]:
    """The files that are shown, the smallest first."""
    shown = [source for source in studio.shown(media_id)["sources"] if source["type"] == kind]
    return [Image.open(io.BytesIO(content(source["url"].removeprefix("/")))) for source in shown]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
def test_each_kind_of_picture_is_shown_in_several_sizes_as_avif_and_webp(studio: Studio, kind: str) -> None:
    media_id = studio.upload(encoded(picture(700, 350), kind), f"image/{kind.lower()}")
    shown = studio.shown(media_id)

    assert (shown["status"], shown["width"], shown["height"]) == ("ready", 700, 350)
    assert [(s["type"], s["width"], s["height"]) for s in shown["sources"]] == [
        (f"image/{suffix}", *size) for suffix in ("avif", "webp") for size in ((160, 80), (480, 240), (700, 350))
    ]
    for suffix in ("avif", "webp"):
        drawn = opened(studio, media_id, f"image/{suffix}")
        assert [image.size for image in drawn] == [(160, 80), (480, 240), (700, 350)]
        assert {image.format for image in drawn} == {suffix.upper()}


@pytest.mark.parametrize(
    ("size", "widths"),
    [
        ((3000, 30), [160, 480, 960, 1600]),
        ((160, 400), [160]),
        ((1, 1), [1]),
        ((481, 9), [160, 480, 481]),
        ((800, 40_000), [160, 327]),
        ((1, 50_000), [1]),
    ],
)
def test_no_size_is_larger_than_the_original(size: tuple[int, int], widths: list[int]) -> None:
    made = imaging.sizes_of(*size)

    assert [width for width, _ in made] == widths
    assert all(1 <= height <= 16_383 for _, height in made), "WebP knows no higher"


def test_a_very_tall_picture_is_scaled_to_what_its_formats_can_hold(studio: Studio) -> None:
    media_id = studio.upload(encoded(Image.new("L", (20, 20_000)), "PNG"), "image/png")

    sizes = {(source["width"], source["height"]) for source in studio.shown(media_id)["sources"]}
    assert sizes == {(16, 16_000)}


def test_a_photograph_is_turned_upright_and_forgets_place_and_camera(studio: Studio) -> None:
    given = photograph()
    assert b"Camera of Ada" in given
    assert b"Secret of Ada" in given
    media_id = studio.upload(given)

    shown = studio.shown(media_id)
    assert (shown["width"], shown["height"]) == (200, 400)
    for kind in ("image/avif", "image/webp"):
        for image in opened(studio, media_id, kind):
            top, bottom = (image.convert("RGB").getpixel((image.width // 2, at)) for at in (9, image.height - 9))
            assert isinstance(top, tuple)
            assert isinstance(bottom, tuple)
            assert (top[0] > 200, bottom[2] > 200) == (True, True)
            assert not image.getexif()
            assert not {"exif", "xmp", "icc_profile", "comment"} & image.info.keys()
    for key in files("media/"):
        assert b"Ada" not in content(key)


def test_the_original_stays_private(studio: Studio) -> None:
    media_id = studio.upload(photograph())

    assert [key for key in files() if "media" not in key.split("/")[0]] == [
        f"originals/{media_id}/{found(media_id).digest}"
    ]
    assert "originals" not in str(studio.shown(media_id))
    assert found(media_id).digest not in str(studio.shown(media_id))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_way_to_write_colours_is_understood(mode: str) -> None:
    image = Image.new("I;16", (30, 20), 9) if mode == "I;16" else picture(30, 20, mode)
    drawn = imaging.draw(encoded(image, "JPEG" if mode == "CMYK" else "PNG"), "", most_pixels=1000)

    assert len(list(drawn.files())) == 2


def test_sixteen_bits_of_grey_are_scaled_to_eight() -> None:
    image = Image.new("I;16", (20, 20), 32_768)
    *_, (_, _, _, file) = imaging.draw(encoded(image, "PNG"), "", most_pixels=1000).files()

    grey = Image.open(io.BytesIO(file)).convert("L").getpixel((9, 9))
    assert isinstance(grey, int)
    assert abs(grey - 128) <= 3


def test_transparency_stays() -> None:
    image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
    *_, (_, _, _, file) = imaging.draw(encoded(image, "PNG"), "", most_pixels=10_000).files()

    assert Image.open(io.BytesIO(file)).convert("RGBA").getpixel((20, 20))[3] == 0  # type: ignore[index]


def test_colours_of_another_profile_become_those_of_the_web() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for profile in (lab, b"not a profile at all"):
        given = encoded(Image.new("RGB", (40, 40), (200, 100, 50)), "PNG", icc_profile=profile)
        *_, (_, _, _, file) = imaging.draw(given, "", most_pixels=10_000).files()
        shown = Image.open(io.BytesIO(file))
        assert "icc_profile" not in shown.info
        pixel = shown.convert("RGB").getpixel((20, 20))
        assert isinstance(pixel, tuple)
        assert all(abs(a - b) < 8 for a, b in zip(pixel, (200, 100, 50), strict=True))


def test_of_what_moves_the_first_frame_is_shown(studio: Studio) -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("lime", "red", "red")]
    media_id = studio.upload(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]), "image/gif")

    (image,) = opened(studio, media_id)
    assert getattr(image, "n_frames", 1) == 1
    pixel = image.convert("RGB").getpixel((30, 20))
    assert isinstance(pixel, tuple)
    assert pixel[1] > 200


# -- attacks


SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


@pytest.mark.parametrize(
    ("given", "fate"),
    [
        (SVG, "wrong_type"),
        (b"<html><script>alert(1)</script></html>", "wrong_type"),
        (b"MZ" + b"\0" * 500, "wrong_type"),
        (b"\0", "wrong_type"),
        (glb(), "wrong_type"),
        (mp4(), "wrong_type"),
        (usdz(), "wrong_type"),
        (b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\0" * 90, "wrong_type"),
        (b"II*\0" + b"\0" * 100, "wrong_type"),
        (jpeg(300, 200)[:4000], "damaged"),
        (encoded(picture(300, 200), "PNG")[:-900], "damaged"),
        (encoded(picture(300, 200), "WEBP")[:900], "damaged"),
        (encoded(picture(300, 200), "AVIF")[:900], "damaged"),
        (b"\xff\xd8\xff" + b"\0" * 100, "damaged"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "damaged"),
        (png_header(40_000, 40_000), "too_many_pixels"),
        (png_header(2**31 - 1, 2**31 - 1), "too_many_pixels"),
        (png_header(7072, 7072), "too_many_pixels"),
        (webp_canvas(16_384, 16_384), "too_many_pixels"),
        (b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0;", "too_many_pixels"),
    ],
)  # fmt: skip
def test_what_is_no_whole_picture_of_a_bearable_size_is_refused(studio: Studio, given: bytes, fate: str) -> None:
    media_id = studio.upload(given)
    shown = studio.shown(media_id)

    assert (shown["status"], shown["reason"]) == ("refused", fate)
    assert shown["sources"] == []
    assert files() == []
    (event,) = said("media.refused")
    assert event["reason"] == fate


def test_a_picture_that_is_a_page_as_well_is_shown_as_a_picture_only(studio: Studio) -> None:
    polyglot = jpeg(100, 80, comment="<script>alert(1)</script>") + b"PK\x03\x04<html><script>alert(2)</script>" + SVG
    media_id = studio.upload(polyglot, "image/png")

    shown = studio.shown(media_id)
    assert (shown["status"], shown["contentType"]) == ("ready", "image/jpeg")
    assert not any(b"script" in content(key) for key in files("media/"))


def test_a_bomb_takes_no_memory() -> None:
    """What would need gigabytes is refused by its header."""
    for bomb in (webp_canvas(16_384, 16_384), png_header(30_000, 30_000)):
        with pytest.raises(imaging.Unfit, match="pixels"):
            imaging.draw(bomb, "", most_pixels=50_000_000)


def test_what_has_another_size_than_was_announced_is_refused(studio: Studio) -> None:
    media = found(studio.begin(100)["id"])
    config.client("s3").put_object(Bucket=MEDIA, Key=gateway.upload_key(media.id), Body=jpeg(40, 40))
    tell(media.id)

    assert studio.shown(media.id)["reason"] == "wrong_size"


def test_a_file_over_which_the_function_dies_ends_as_refused(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    class Death(BaseException):
        pass

    def die(*_: Any, **__: Any) -> None:
        raise Death

    given = jpeg(40, 40)
    begun = studio.begin(len(given))
    studio.send(begun["id"], given)
    studio.ask("POST", f"/{begun['id']}/completion")
    with environment.context() as patched:
        patched.setattr(imaging, "draw", die)
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(Death):
                tell(begun["id"])
    tell(begun["id"])

    assert studio.shown(begun["id"])["reason"] == "unprocessable"
    tell(begun["id"])
    assert len(said("media.refused")) == 1


def test_a_function_that_died_half_way_leaves_nothing_that_a_second_one_does_not_finish(
    studio: Studio, environment: pytest.MonkeyPatch
) -> None:
    given = jpeg(500, 400)
    begun = studio.begin(len(given))
    studio.send(begun["id"], given)
    studio.ask("POST", f"/{begun['id']}/completion")

    def die(*_: Any) -> None:
        raise KeyboardInterrupt

    for step in ("copy", "keep", "discard"):
        with environment.context() as patched:
            patched.setattr(gateway, step, die)
            if step == "discard":  # the item says ready by then
                with pytest.raises(KeyboardInterrupt):
                    tell(begun["id"])
                assert studio.shown(begun["id"])["status"] == "ready"
                continue
            with pytest.raises(KeyboardInterrupt):
                tell(begun["id"])
            assert studio.shown(begun["id"])["status"] == "processing"
    tell(begun["id"])

    assert files("uploads/") == []
    assert len(files("media/")) == 6
    assert len(said("media.ready")) == 1


def test_a_medium_deleted_while_it_is_processed_stays_deleted(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    given = jpeg(200, 100)
    begun = studio.begin(len(given))
    studio.send(begun["id"], given)
    studio.ask("POST", f"/{begun['id']}/completion")
    draw = imaging.draw

    def delete_first(*some: Any, **more: Any) -> Any:
        drawn = draw(*some, **more)
        assert studio.ask("DELETE", f"/{begun['id']}").status == 204
        return drawn

    environment.setattr(imaging, "draw", delete_first)
    assert tell(begun["id"])["batchItemFailures"], "the upload is gone under its hands"
    assert tell(begun["id"]) == {"batchItemFailures": []}

    assert studio.ask("GET", f"/{begun['id']}").status == 404
    assert files() == []
    assert said("media.ready") == []


def test_texts_written_while_it_is_processed_stay(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    given = jpeg(200, 100)
    begun = studio.begin(len(given))
    studio.send(begun["id"], given)
    studio.ask("POST", f"/{begun['id']}/completion")
    draw = imaging.draw

    def describe_first(*some: Any, **more: Any) -> Any:
        assert studio.ask("PATCH", f"/{begun['id']}", {"alts": {"": "A lamp", "de": "Eine Lampe"}}).status == 200
        return draw(*some, **more)

    environment.setattr(imaging, "draw", describe_first)
    tell(begun["id"])

    shown = studio.shown(begun["id"])
    assert (shown["status"], shown["alts"]) == ("ready", {"": "A lamp", "de": "Eine Lampe"})


def test_news_of_what_is_not_ours_is_passed_over(studio: Studio) -> None:
    answer = process(
        '{"Event":"s3:TestEvent","Service":"Amazon S3"}',
        '{"detail":{"object":{"key":"uploads/avatars/x"}}}',
        '{"detail":{"object":{"key":"uploads/media/med_unknown"}}}',
        '{"detail":{"object":{"key":"uploads/media/../x"}}}',
        '{"media":"med_unknown"}',
    )

    assert answer == {"batchItemFailures": []}


# -- cutting


def test_a_crop_gives_the_sizes_of_that_part_and_keeps_the_others(studio: Studio) -> None:
    media_id = studio.upload(photograph())
    whole = files("media/")
    crop = {"x": 0, "y": 200, "width": 200, "height": 200}
    answer = studio.ask("PATCH", f"/{media_id}", {"crop": crop})
    assert (answer.status, answer.json["crop"], answer.json["sources"]) == (200, crop, [])
    assert hear("media.crop_wanted") == 1
    assert work_off() == 1

    for image in opened(studio, media_id):
        assert image.width == image.height
        pixel = image.convert("RGB").getpixel((9, 9))
        assert isinstance(pixel, tuple)
        assert pixel[2] > 200, "the lower half of the upright picture is blue"
    assert set(whole) < set(files("media/"))

    back = studio.ask("PATCH", f"/{media_id}", {"crop": None})
    assert back.json["sources"], "the whole picture is still there"
    assert [event["crop"] for event in said("media.ready")] == ["", "0,200,200,200"]


@pytest.mark.parametrize("crop", [{"x": 190}, {"y": 390}, {"width": 201}, {"x": 1, "width": 200}])
def test_a_crop_lies_inside_of_the_upright_picture(studio: Studio, crop: dict[str, int]) -> None:
    media_id = studio.upload(photograph())
    wished = {"x": 0, "y": 0, "width": 100, "height": 100} | crop

    assert studio.ask("PATCH", f"/{media_id}", {"crop": wished}).json["code"] == "bad_crop"
    assert studio.ask("PATCH", f"/{media_id}", {"crop": wished | {"x": -1}}).status == 422


def test_a_picture_is_cut_in_so_many_ways_only(studio: Studio, environment: pytest.MonkeyPatch) -> None:
    environment.setattr("media.model.MAX_CROPS", 1)
    media_id = studio.upload(jpeg(60, 60))
    crop = {"x": 0, "y": 0, "width": 30, "height": 30}

    assert studio.ask("PATCH", f"/{media_id}", {"crop": crop}).json["code"] == "too_many_crops"
    assert studio.ask("PATCH", f"/{studio.begin(10)['id']}", {"crop": crop}).json["code"] == "not_ready"


def test_the_wish_of_a_crop_that_got_lost_is_found_again(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(jpeg(60, 60))
    studio.ask("PATCH", f"/{media_id}", {"crop": {"x": 0, "y": 0, "width": 30, "height": 30}})
    later(hours=2)
    sweep()
    assert work_off() == 1

    assert studio.shown(media_id)["sources"]


def test_a_change_of_a_version_that_is_past_is_refused(studio: Studio) -> None:
    media_id = studio.upload(jpeg(60, 60))
    seen = studio.ask("GET", f"/{media_id}").headers["etag"]

    assert studio.ask("PATCH", f"/{media_id}", {"alts": {"": "a"}}, headers={"if-match": seen}).status == 200
    assert studio.ask("PATCH", f"/{media_id}", {"alts": {"": "b"}}, headers={"if-match": seen}).status == 412
    assert studio.ask("PATCH", f"/{media_id}", {"alts": {"": ""}}).json["alts"] == {}
    assert studio.ask("PATCH", f"/{media_id}", {"alts": {"../x": "a"}}).status == 422
