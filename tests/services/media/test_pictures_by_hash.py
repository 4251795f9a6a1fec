"""Pictures that the catalog stores by a hash of their content go when nobody shows them, and never under anybody."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import orjson
import pytest

from catalog import branding, brands, gallery
from catalog.contract import copy_key, product_key
from catalog.desk_forms import BrandForm
from market import config
from market.manifest import Manifest
from market.table import Table, delete, put
from media import gateway, store, sweeping
from media.contract import JPEG, PNG, MediaNotReady, claim_picture, keep_picture, picture_of
from tests.services.media.conftest import MEDIA, Studio, content, files, sweep

pytestmark = pytest.mark.contract("6.1")

_catalog = Table(Manifest(service="catalog", prefixes=("PRD#", "PRV#", "MED#"), functions=()))
PRODUCT = "prd_lamp"
LAMP = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR a lamp"


def kept() -> str:
    """A lamp's picture is stored; its name."""
    return picture_of(gallery.keep(LAMP, PNG))


def claim(name: str, product: str = PRODUCT) -> None:
    _catalog.transact(*claim_picture(name, f"product:{product}"))


def show(name: str, **document: Any) -> None:
    doc = document | {"images": [{"url": f"/media/{name}"}]}
    _catalog.write(put(product_key(PRODUCT), {"doc": orjson.dumps(doc).decode()}))


def test_a_picture_in_no_product_is_gone_after_two_days(studio: Studio, later: Callable[..., None]) -> None:
    name = kept()
    later(hours=47)
    assert (sweep()["looked"], files()) == (0, [f"media/{name}"])
    assert kept() == name, "the time begins anew"
    later(hours=47)
    assert sweep()["looked"] == 0
    later(hours=2)

    assert (sweep(), files()) == ({"looked": 1, "failed": 0}, [])
    later(hours=2)
    sweep()
    assert store.picture(name) is None
    later(hours=900)
    assert sweep()["looked"] == 0


def test_no_crowd_of_pictures_keeps_media_waiting(
    studio: Studio, later: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept()
    gallery.keep(LAMP + b" in brass", PNG)
    later(hours=1)
    unfinished = studio.begin(1_000)["id"]
    later(hours=72)
    monkeypatch.setattr(sweeping, "MOST", 1)

    assert sweep() == {"looked": 2, "failed": 0}
    assert store.find(unfinished).status == "deleted"
    assert len(files()) == 1, "the other picture is for the next hour"


def test_a_picture_of_a_product_stays_and_one_that_was_on_sale_is_not_looked_at_again(
    studio: Studio, later: Callable[..., None]
) -> None:
    name = kept()
    claim(name)
    show(name)
    later(hours=49)
    sweep()
    later(hours=50)
    assert sweep()["looked"] == 1, "a draft may yet change"
    show(name, listedAt="2026-01-01")
    later(hours=900)
    assert sweep()["looked"] == 1

    later(hours=900)
    assert (sweep()["looked"], files()) == (0, [f"media/{name}"])


def test_of_two_products_each_keeps_a_picture_that_both_show(studio: Studio, later: Callable[..., None]) -> None:
    name = kept()
    claim(name, "prd_pot")
    claim(name)
    show(name)
    _catalog.write(put(copy_key("prd_pot"), {"doc": "{}"}))
    later(hours=49)
    sweep()
    assert files() == [f"media/{name}"], "one claim was let go"
    _catalog.write(delete(product_key(PRODUCT)))
    later(hours=2)

    sweep()
    assert files() == []


@pytest.mark.parametrize("somebody", [claim, lambda name: kept()])
def test_who_comes_between_a_look_and_the_deletion_wins(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch, somebody: Callable[[str], Any]
) -> None:
    name = kept()
    later(hours=49)
    looked = store.uses

    def uses(picture: Any) -> Any:
        found = looked(picture)
        with ThreadPoolExecutor() as others:
            others.submit(somebody, name).result()
        return found

    environment.setattr(store, "uses", uses)
    assert sweep() == {"looked": 1, "failed": 1}

    assert files() == [f"media/{name}"]
    later(hours=47)
    assert sweep()["looked"] == 0, "their time has begun anew"


def test_who_comes_after_the_mark_is_told_or_gets_another_file(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    name, other = kept(), ""
    later(hours=49)
    discard = gateway.discard

    def come() -> str:
        with pytest.raises(MediaNotReady):
            claim(name)
        came = kept()
        claim(came)
        return came

    def slowly(keys: list[str]) -> None:
        nonlocal other
        with ThreadPoolExecutor() as others:
            other = others.submit(come).result()
        discard(keys)

    environment.setattr(gateway, "discard", slowly)
    sweep()
    environment.setattr(gateway, "discard", discard)

    assert files() == [f"media/{other}"]
    assert content(f"media/{other}") == LAMP
    later(hours=2)
    sweep()
    assert kept() == name, "once the mark is gone, it is stored by its own name again"
    claim(name)


def test_a_sweep_that_dies_before_the_file_is_gone_is_finished_by_the_next(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    name = kept()
    later(hours=49)
    with environment.context() as broken:
        broken.setattr(gateway, "discard", _dies)
        assert sweep()["failed"] == 1
    assert files() == [f"media/{name}"]
    with pytest.raises(MediaNotReady):
        claim(name)
    later(hours=2)

    sweep()
    assert (files(), store.picture(name)) == ([], None)


def test_a_picture_that_was_never_stored_cannot_be_claimed_nor_asked_for(studio: Studio) -> None:
    with pytest.raises(MediaNotReady):
        claim("pic_00000000000000000000000000000000.png")
    assert studio.ask("GET", f"/{kept()}").status == 404
    assert studio.ask("DELETE", f"/{kept()}").status == 404


def test_a_brands_logo_is_claimed_and_stays(studio: Studio, later: Callable[..., None]) -> None:
    name = kept()
    branding.put("brightly", BrandForm(name="Brightly", logo=f"/media/{name}?v=2"), check=lambda _version: None)
    later(hours=49)
    sweep()
    assert files() == [f"media/{name}"]

    gone = BrandForm(name="Dimly", logo=gallery.keep(LAMP + b"s", JPEG))
    _catalog.write(delete(keep_picture(picture_of(gone.logo)).key))
    with pytest.raises(MediaNotReady):
        branding.put("dimly", gone, check=lambda _version: None)
    assert brands.find("dimly") is None


def _dies(_keys: list[str]) -> None:
    raise TimeoutError("S3 does not answer")


def test_an_older_picture_without_an_item_is_left_alone(studio: Studio, later: Callable[..., None]) -> None:
    """Those that were stored before they had items were never counted: nobody knows whether they are shown."""
    config.client("s3").put_object(Bucket=MEDIA, Key="media/0123456789abcdef.png", Body=LAMP)
    later(hours=900)
    sweep()
    assert (picture_of("/media/0123456789abcdef.png"), files()) == ("", ["media/0123456789abcdef.png"])
