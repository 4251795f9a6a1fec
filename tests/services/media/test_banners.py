"""A vendor shows a logo and a banner of its own library."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.http import Response, call
from tests.services.media.conftest import POTS, Studio, sweep
from tests.services.media.samples import glb, jpeg
from vendors import api

pytestmark = pytest.mark.contract("6.3")


@pytest.fixture
def vendor(studio: Studio) -> str:
    """One that sells, whose library the studio is now."""
    form = {"name": "Lamps", "supportEmail": "help@lamps.example"}
    made = call(api.handler, "POST", "/v1/vendors/apply", form, caller="ada")
    studio.vendor = str(made.json["id"])
    staff: dict[str, Any] = {"caller": "grace", "roles": "customer staff"}
    decided = call(api.handler, "PATCH", f"/v1/admin/vendors/{studio.vendor}/status", {"status": "active"}, **staff)
    assert decided.status == 200, decided
    return studio.vendor


def show(vendor: str, **pictures: str) -> Response:
    return call(api.handler, "PATCH", f"/v1/vendors/{vendor}", pictures, caller="ada")


def page(vendor: str) -> Any:
    return call(api.handler, "GET", f"/v1/vendors/{vendor}").json


def test_a_vendors_page_shows_its_banner_for_as_long_as_it_is_named(
    studio: Studio, vendor: str, later: Callable[..., None]
) -> None:
    former = studio.upload(jpeg(500, 90), purpose="banner")
    assert show(vendor, banner=former, logo=former).status == 200
    later(hours=49)
    sweep()

    seen = page(vendor)
    assert seen["logo"] == seen["banner"]
    assert [source["width"] for source in seen["banner"]["sources"]] == [160, 480, 500] * 2
    assert seen["banner"]["sources"][0]["url"].startswith(f"/media/{former}/")
    assert call(api.handler, "GET", "/v1/vendors").json["items"][0]["banner"] == seen["banner"]
    assert studio.ask("DELETE", f"/{former}").json["code"] == "media_in_use"

    present = studio.upload(jpeg(200, 90), purpose="banner")
    assert show(vendor, banner=present, logo="").json["banner"]["mediaId"] == present
    assert "logo" not in page(vendor)
    later(hours=60)
    sweep()
    assert studio.ask("GET", f"/{former}").status == 404
    assert studio.shown(present)["status"] == "ready"


def test_only_ones_own_pictures_for_banners_are_shown(studio: Studio, vendor: str) -> None:
    wrong = [
        studio.upload(jpeg(50, 50)),
        studio.upload(glb(), "model/gltf-binary", purpose="banner"),
        studio.begin(10, purpose="banner")["id"],
        Studio(POTS).upload(jpeg(50, 50), purpose="banner"),
        "med_" + "0" * 26,
    ]

    for media_id in wrong:
        refused = show(vendor, banner=media_id)
        assert (refused.status, refused.json["code"], refused.json["mediaId"]) == (409, "media_not_ready", media_id)
    assert show(vendor, banner="../../x").status == 422
    assert "banner" not in page(vendor)
