"""A product shows media of its vendor's library, in order, without asking for them when its page is read."""

from collections.abc import Callable
from typing import Any

import pytest

from catalog import gallery
from market import config
from media.contract import JPEG
from tests.services.catalog.conftest import Market, lamp, variant
from tests.services.media.conftest import Studio, files, found, hear, sweep, work_off
from tests.services.media.samples import glb, jpeg, photograph
from tests.shop import dynamodb_calls

pytestmark = pytest.mark.contract("6.1")
ADA, BOB = "ven_ada", "ven_bob"


@pytest.fixture
def library(studio: Studio) -> Studio:
    studio.vendor = ADA
    return studio


@pytest.fixture
def market(library: Studio) -> Market:
    return Market()


def page(market: Market, **query: Any) -> Any:
    answer = market.anyone("GET", "/v1/products/brass-lamp", query=query or None)
    assert answer.status == 200, answer
    return answer.json


def card(market: Market) -> Any:
    (entry,) = market.anyone("GET", "/v1/products?category=home").json["items"]
    return entry


def shows(market: Market, product: Any, *media: Any) -> Any:
    return market.change(product, {"media": [{"mediaId": m} if isinstance(m, str) else m for m in media]})


def test_a_page_shows_pictures_and_models_in_the_order_that_the_vendor_says(library: Studio, market: Market) -> None:
    big, small = library.upload(jpeg(1000, 500)), library.upload(jpeg(100, 100))
    model = library.upload(glb(), "model/gltf-binary")
    library.ask("PATCH", f"/{big}", {"alts": {"": "From the side", "de": "Von der Seite"}})
    named = [{"mediaId": small, "alt": "From above"}, {"mediaId": model}, {"mediaId": big}]
    made = market.create(media=named, translations={"de": {"title": "Messinglampe"}})
    assert made.status == 201, made

    media = page(market)["media"]

    assert [entry["mediaId"] for entry in media] == [small, model, big]
    assert [entry["alt"] for entry in media] == ["From above", "", "From the side"]
    assert page(market, lang="de")["media"][2]["alt"] == "Von der Seite"
    assert media[1]["url"].endswith(".glb")
    assert [(source["type"], source["width"]) for source in media[2]["sources"]] == [
        (f"image/{kind}", width) for kind in ("avif", "webp") for width in (160, 480, 960, 1000)
    ]
    again = shows(market, made.json, big, model)
    assert [entry["mediaId"] for entry in again.json["media"]] == [big, model]
    assert [entry["mediaId"] for entry in page(market)["media"]] == [big, model]


def test_the_first_picture_stands_for_the_product_in_lists_carts_and_previews(library: Studio, market: Market) -> None:
    model, picture = library.upload(glb(), "model/gltf-binary"), library.upload(jpeg(1000, 500))
    address = {"url": "/media/old.svg", "alt": "old"}
    product = market.create(images=[address]).json
    assert card(market)["image"] == address

    shows(market, product, model, picture)

    assert card(market)["image"]["url"].startswith(f"/media/{picture}/")
    assert card(market)["image"]["url"].endswith("-480.webp")
    assert page(market)["openGraph"]["og:image"].endswith("-1000.webp")
    assert page(market)["images"] == [address], "addresses work as before"


def test_a_page_with_media_costs_no_more_reads(library: Studio, market: Market) -> None:
    plain = market.create().json
    page(market)
    with dynamodb_calls() as before:
        page(market)
    shows(market, plain, library.upload(jpeg(100, 100)))
    page(market)
    with dynamodb_calls() as after:
        page(market)

    assert after == before


def test_nothing_is_looked_up_again_for_a_change_of_something_else(library: Studio, market: Market) -> None:
    media_id = library.upload(jpeg(100, 100))
    named = {"mediaId": media_id, "crop": "", "alt": "A lamp"}
    product = market.create(media=[named]).json
    with dynamodb_calls() as plain:
        market.change(product, {"description": "one"})
    with dynamodb_calls() as same:
        market.change(product, {"description": "two", "media": [named]})

    assert same == plain


@pytest.mark.parametrize("whose", ["begun", "refused", "deleted", "other", "unknown", "banner"])
def test_only_ones_own_media_that_are_ready_can_be_shown(library: Studio, market: Market, whose: str) -> None:
    if whose == "begun":
        media_id = library.begin(10)["id"]
    elif whose == "refused":
        media_id = library.upload(b"no picture")
    elif whose == "unknown":
        media_id = "med_" + "0" * 26
    elif whose == "other":
        media_id = Studio(BOB).upload(jpeg(40, 40))
    elif whose == "banner":
        media_id = library.upload(jpeg(40, 40), purpose="banner")
    else:
        media_id = library.upload(jpeg(40, 40))
        assert library.ask("DELETE", f"/{media_id}").status == 204

    refused = market.create(media=[{"mediaId": media_id}])

    assert (refused.status, refused.json["code"], refused.json["mediaId"]) == (409, "media_not_ready", media_id)


def test_a_gallery_has_twelve_media_each_once(library: Studio, market: Market) -> None:
    media_id = library.upload(jpeg(40, 40))
    many = [{"mediaId": f"med_{number:026}"} for number in range(13)]

    assert market.create(media=[{"mediaId": media_id}] * 2).status == 422
    assert market.create(media=many).status == 422
    assert market.create(media=[{"mediaId": "../../x"}]).status == 422
    assert market.create(media=[{"mediaId": media_id, "crop": "1,2"}]).status == 422


def test_a_crop_is_shown_once_its_sizes_are_made(library: Studio, market: Market) -> None:
    media_id = library.upload(photograph())
    product = market.create(media=[{"mediaId": media_id}]).json
    whole = page(market)["media"][0]["sources"]
    crop = {"x": 0, "y": 0, "width": 200, "height": 100}
    library.ask("PATCH", f"/{media_id}", {"crop": crop})

    named = {"mediaId": media_id, "crop": "0,0,200,100"}
    assert shows(market, product, named).json["code"] == "media_not_ready"
    hear("media.crop_wanted")
    work_off()
    assert page(market)["media"][0]["sources"] == whole, "nobody changes a page behind its vendor's back"

    assert shows(market, product, named).status == 200
    assert page(market)["media"][0]["sources"][-1]["height"] == 100
    assert shows(market, product, {"mediaId": media_id, "crop": ""}).status == 200
    assert page(market)["media"][0]["sources"] == whole


def test_a_working_copy_shows_media_before_anybody_else_sees_them(library: Studio, market: Market) -> None:
    product = market.create().json
    media_id = library.upload(jpeg(100, 100))
    changes = {"changes": {"media": [{"mediaId": media_id}]}}
    draft = market.vendor("PUT", f"{market.path(product)}/draft", changes)

    assert (draft.status, draft.json["changed"]) == (200, ["media"])
    assert page(market)["media"] == []
    preview = market.anyone("GET", draft.json["preview"]["path"]).json
    assert preview["media"][0]["mediaId"] == media_id
    market.vendor("POST", f"{market.path(product)}/submission", {"action": "submit"})
    assert page(market)["media"][0]["mediaId"] == media_id


def test_who_reviews_images_reviews_media(library: Studio, market: Market) -> None:
    product = market.create().json
    market.review("images")
    shows(market, product, library.upload(jpeg(100, 100)))

    (waiting,) = market.queue()
    assert waiting["review"]["changed"] == ["media"]
    assert page(market)["media"] == []
    assert market.decide(waiting).status == 200
    assert len(page(market)["media"]) == 1


def test_a_former_version_brings_its_media_back(library: Studio, market: Market) -> None:
    media_id = library.upload(jpeg(100, 100))
    product = market.create(media=[{"mediaId": media_id}]).json
    shows(market, product)
    assert page(market)["media"] == []
    assert library.ask("DELETE", f"/{media_id}").json["code"] == "media_in_use"

    market.change(product, {"fromVersion": 1})

    assert page(market)["media"][0]["mediaId"] == media_id


def test_an_import_leaves_media_as_they_are_unless_it_names_them(library: Studio, market: Market) -> None:
    media_id = library.upload(jpeg(100, 100))
    row = lamp(externalId="one")
    report = market.import_rows([row | {"media": [{"mediaId": media_id}]}])
    assert report["created"] == 1, report

    assert market.import_rows([row | {"description": "new"}])["updated"] == 1
    assert len(page(market)["media"]) == 1
    wrong = market.import_rows([row | {"media": [{"mediaId": "med_" + "1" * 26}]}])
    assert wrong["rows"][0]["code"] == "media_not_ready"
    assert market.import_rows([row | {"media": []}])["updated"] == 1
    assert page(market)["media"] == []


def test_a_product_that_could_not_be_written_leaves_a_claim_and_nothing_else(
    library: Studio, market: Market, later: Callable[..., None]
) -> None:
    market.create()
    media_id = library.upload(jpeg(100, 100))

    assert market.create(media=[{"mediaId": media_id}]).json["code"] == "sku_taken"
    assert found(media_id).claimed_at
    assert library.ask("DELETE", f"/{media_id}").status == 409
    later(hours=2)
    assert library.ask("DELETE", f"/{media_id}").status == 204
    assert config.setting("MEDIA_URL") == "/media"


def test_addresses_of_a_vendors_own_library_are_claimed_like_its_media(
    library: Studio, market: Market, later: Callable[..., None]
) -> None:
    """Pasted as a picture of the product or of a variant, they would be swept away behind the page's back."""
    first, second, theirs = library.upload(jpeg(90, 90)), library.upload(jpeg(80, 80)), Studio(BOB).upload(jpeg(70, 70))
    address = {media_id: library.shown(media_id)["sources"][0]["url"] for media_id in (first, second)}
    named = variant("LAMP-1", image=f"https://market.example{address[second]}", stock=1)

    made = market.create(images=[{"url": address[first]}], variants=[named])
    assert made.status == 201, made
    later(hours=49)
    sweep()

    assert {library.shown(media_id)["status"] for media_id in (first, second)} == {"ready"}
    assert library.ask("DELETE", f"/{second}").json["code"] == "media_in_use"
    refused = market.change(made.json, {"images": [{"url": f"/media/{theirs}/x-160.webp"}]})
    assert (refused.status, refused.json["code"], refused.json["mediaId"]) == (409, "media_not_ready", theirs)
    logo = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly", "logo": address[first]})
    assert logo.status == 422, "no brand keeps what is a vendor's"


def test_pictures_by_hash_are_claimed_by_the_products_that_name_their_addresses(
    library: Studio, market: Market, later: Callable[..., None]
) -> None:
    front, side, unused = (gallery.keep(jpeg(size, size), JPEG) for size in (90, 80, 70))
    named = variant("LAMP-1", image=f"https://market.example{side}", stock=1)
    made = market.create(images=[{"url": front}], variants=[named])
    assert made.status == 201, made
    later(hours=49)
    sweep()

    assert {f"/{name}" for name in files("media/")} == {front, side}
    later(hours=2)
    sweep()
    refused = market.change(made.json, {"images": [{"url": unused}]})
    assert (refused.status, refused.json["code"]) == (409, "media_not_ready")
    logo = market.staff("PUT", "/v1/admin/brands/brightly", {"name": "Brightly", "logo": unused})
    assert (logo.status, logo.json["code"]) == (409, "media_not_ready")
