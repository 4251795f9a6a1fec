"""What nobody shows is swept away, what may still be shown stays; customers take what is theirs with them."""

from collections.abc import Callable
from typing import Any

import orjson
import pytest

from catalog.contract import copy_key, product_key
from market import config
from market.manifest import Manifest
from market.table import Key, Table, delete, put
from media import api, store
from media.contract import MediaNotReady, claim, vendor_owner
from media.service import customer_owner
from tests.http import Response, call
from tests.services.media.conftest import (
    ADA,
    BOB,
    DOCUMENTS,
    LAMPS,
    MEDIA,
    POTS,
    Customer,
    Studio,
    consumer,
    files,
    found,
    sweep,
    tell,
    work_off,
)
from tests.services.media.samples import jpeg
from tests.services.outbox import message, recorded

_catalog = Table(Manifest(service="catalog", prefixes=("PRD#", "PRV#", "MED#"), functions=()))
PRODUCT = "prd_lamp"


def attach(media_id: str, vendor: str = LAMPS, reference: str = f"product:{PRODUCT}") -> None:
    _catalog.transact(*claim(media_id, vendor_owner(vendor), reference))


def claims(media_id: str) -> list[str]:
    return [item["sk"] for item in _catalog.query(f"MED#{media_id}", begins="claim#").items]


def cached(key: str) -> str:
    return str(config.client("s3").head_object(Bucket=MEDIA, Key=key)["CacheControl"])


def keep(key: Key, media_id: str, **document: Any) -> None:
    """A product, working copy or version that shows the medium."""
    _catalog.write(put(key, {"doc": orjson.dumps(document | {"media": [{"mediaId": media_id}]}).decode()}))


@pytest.mark.contract("6.1")
def test_what_is_never_shown_is_gone_after_two_days(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(jpeg(60, 60))
    later(hours=47)
    assert sweep()["looked"] == 0
    later(hours=2)
    assert sweep()["looked"] == 1

    assert studio.ask("GET", f"/{media_id}").status == 404
    assert files() == []
    assert found(media_id).status == "deleted"
    later(hours=2)
    assert sweep()["looked"] == 1
    later(hours=900)
    assert sweep()["looked"] == 0


@pytest.mark.contract("6.1")
@pytest.mark.parametrize(
    ("key", "document", "again"),
    [
        (product_key(PRODUCT), {"listedAt": "2026-01-01"}, False),
        (product_key(PRODUCT), {}, True),
        (copy_key(PRODUCT), {}, True),
        (Key(f"PRV#{PRODUCT}", "00000003"), {}, False),
    ],
)
def test_what_a_product_shows_or_may_show_again_stays(
    studio: Studio, later: Callable[..., None], key: Key, document: dict[str, Any], *, again: bool
) -> None:
    media_id = studio.upload(jpeg(60, 60))
    attach(media_id)
    keep(key, media_id, **document)
    later(hours=49)
    sweep()

    assert studio.shown(media_id)["status"] == "ready"
    assert bool(found(media_id).due) is again
    refused = studio.ask("DELETE", f"/{media_id}")
    assert (refused.status, refused.json["code"]) == (409, "media_in_use")


@pytest.mark.contract("6.1")
def test_a_medium_of_many_products_is_judged_by_the_first_that_was_on_sale(
    studio: Studio, environment: pytest.MonkeyPatch
) -> None:
    media_id = studio.upload(jpeg(60, 60))
    for number in range(5):
        attach(media_id, reference=f"product:prd_{number}")
    asked: list[str] = []
    environment.setattr(store, "_used_by", lambda _media, reference: (asked.append(reference), "kept")[1])

    assert store.uses(found(media_id)).how == "kept"
    assert asked == ["product:prd_0"]


@pytest.mark.contract("6.1")
def test_claims_that_nothing_meets_are_let_go_some_at_a_time(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    """However many products a medium was given to, its item stays small and a sweep short."""
    media_id = studio.upload(jpeg(60, 60))
    for number in range(5):
        attach(media_id, reference=f"product:prd_{number}")
    environment.setattr(store, "_LOOKED_AT", 3)
    later(hours=49)
    sweep()
    assert claims(media_id) == ["claim#product:prd_3", "claim#product:prd_4"]
    assert studio.ask("DELETE", f"/{media_id}").status == 204
    later(hours=2)
    sweep()

    assert claims(media_id) == []
    assert store.find(media_id) is None


@pytest.mark.contract("6.1")
def test_what_was_just_given_to_a_product_is_not_deleted_before_that_may_be_written(
    studio: Studio, later: Callable[..., None]
) -> None:
    media_id = studio.upload(jpeg(60, 60))
    attach(media_id)

    refused = studio.ask("DELETE", f"/{media_id}")
    assert (refused.status, refused.json["code"]) == (409, "media_in_use")
    later(hours=2)
    assert studio.ask("DELETE", f"/{media_id}").status == 204


@pytest.mark.contract("6.1")
def test_what_goes_on_sale_while_it_is_asked_for_is_not_deleted(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    """A working copy becomes the product between two reads: it is met in one of them."""
    media_id = studio.upload(jpeg(60, 60))
    attach(media_id)
    keep(copy_key(PRODUCT), media_id)
    later(hours=2)
    shows, seen = store.shows, list[bool]()

    def move_on(item: dict[str, Any], asked: str) -> bool:
        keep(product_key(PRODUCT), media_id, listedAt="2026-01-01")
        _catalog.write(delete(copy_key(PRODUCT)))
        seen.append(shows(item, asked))
        return seen[-1]

    environment.setattr(store, "shows", move_on)

    assert studio.ask("DELETE", f"/{media_id}").status == 409
    assert seen[0]


@pytest.mark.contract("6.1")
def test_what_was_taken_out_of_a_draft_is_gone_in_the_end(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(jpeg(60, 60))
    attach(media_id)
    keep(product_key(PRODUCT), media_id)
    later(hours=49)
    sweep()
    keep(product_key(PRODUCT), "another")
    later(hours=60)
    sweep()

    assert studio.ask("GET", f"/{media_id}").status == 404


@pytest.mark.contract("6.1")
def test_what_is_claimed_while_it_is_swept_stays(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    media_id = studio.upload(jpeg(60, 60))
    uses = store.uses

    def claim_meanwhile(media: Any) -> str:
        answer = uses(media)
        attach(media_id)
        return answer

    environment.setattr(store, "uses", claim_meanwhile)
    later(hours=49)

    assert sweep() == {"looked": 1, "failed": 1}
    assert studio.shown(media_id)["status"] == "ready"
    assert len(files("media/")) == 2


@pytest.mark.contract("6.1")
def test_only_what_is_ready_and_ones_own_can_be_claimed(studio: Studio, customer: Customer) -> None:
    media_id, review = studio.upload(jpeg(60, 60)), customer.upload()
    begun = studio.begin(10)["id"]
    refused = studio.upload(b"no picture")
    gone = studio.upload(jpeg(30, 30))
    studio.ask("DELETE", f"/{gone}")

    for wrong, vendor in ((media_id, POTS), (review, LAMPS), (begun, LAMPS), (refused, LAMPS), (gone, LAMPS)):
        with pytest.raises(MediaNotReady):
            attach(wrong, vendor)
    attach(media_id)
    attach(media_id)
    assert claims(media_id) == [f"claim#product:{PRODUCT}"]


@pytest.mark.contract("6.1")
def test_what_is_used_by_whom_nothing_is_known_is_kept(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(jpeg(60, 60))
    attach(media_id, reference="page:home")
    later(hours=49)
    sweep()

    assert found(media_id).due == ""


@pytest.mark.contract("6.2")
def test_a_refused_file_is_forgotten_two_days_later(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(b"no picture")
    assert studio.shown(media_id)["status"] == "refused"
    later(hours=49)
    sweep()

    assert studio.ask("GET", f"/{media_id}").status == 404


@pytest.mark.contract("6.1")
def test_a_sweep_that_stood_still_for_months_goes_on_where_it_was(studio: Studio, later: Callable[..., None]) -> None:
    media_id = studio.upload(jpeg(60, 60))
    assert sweep()["looked"] == 0
    later(days=90)
    assert sweep() == {"looked": 1, "failed": 0}
    later(days=1)
    sweep()

    assert store.find(media_id) is None


@pytest.mark.contract("6.1")
def test_what_cannot_be_swept_comes_again_after_the_others(
    studio: Studio, later: Callable[..., None], environment: pytest.MonkeyPatch
) -> None:
    bad = studio.upload(jpeg(60, 60))
    later(minutes=1)
    good = studio.upload(jpeg(60, 60))
    environment.setattr("media.sweeping.MOST", 1)
    with pytest.MonkeyPatch.context() as broken:
        broken.setattr("media.gateway.discard_all", lambda _id: 1 / 0)
        broken.setattr("media.store.uses", lambda _media: 1 / 0)
        later(hours=49)
        assert sweep() == {"looked": 1, "failed": 1}
    sweep()
    assert studio.ask("GET", f"/{good}").status == 404
    assert studio.shown(bad)["status"] == "ready"
    later(hours=2)
    for _ in range(2):
        sweep()

    assert studio.ask("GET", f"/{bad}").status == 404


@pytest.mark.contract("6.2")
def test_a_file_whose_news_got_lost_is_processed_by_the_sweep(studio: Studio, later: Callable[..., None]) -> None:
    given = jpeg(60, 60)
    whole, lost = studio.begin(len(given))["id"], studio.begin(len(given))["id"]
    for media_id in (whole, lost):
        studio.send(media_id, given)
        studio.ask("POST", f"/{media_id}/completion")
    config.client("s3").delete_object(Bucket=MEDIA, Key=f"uploads/media/{lost}")
    later(hours=2)
    sweep()
    work_off()

    assert studio.shown(whole)["status"] == "ready"
    assert studio.shown(lost)["reason"] == "upload_gone"


# -- customers


@pytest.mark.contract("6.3")
def test_evidence_of_a_dispute_is_shown_by_addresses_that_end(customer: Customer) -> None:
    review, dispute = customer.upload("review"), customer.upload("dispute")

    assert customer.ask("GET", f"/{review}").json["sources"][0]["url"].startswith(f"/media/{review}/")
    assert {cached(key) for key in files(f"media/{review}")} == {"public, max-age=300"}, "it may be taken down"
    shown = customer.ask("GET", f"/{dispute}").json["sources"][0]["url"]
    assert "X-Amz-Expires=900" in shown
    assert f"/evidence/{dispute}/" in shown
    assert "response-cache-control=private%2C%20no-store" in shown, "no cache on the way keeps what ends"
    assert files(f"media/{dispute}") == []
    assert {cached(key) for key in files(f"evidence/{dispute}")} == {"private, no-store"}


@pytest.mark.contract("6.3")
def test_staff_with_the_right_see_evidence_and_the_audit_knows_who_saw_whose(customer: Customer) -> None:
    review, dispute = customer.upload("review"), customer.upload("dispute")

    answer = look(dispute)
    assert (answer.status, answer.json["userId"]) == (200, ADA)
    shown = answer.json["media"]["sources"][0]["url"]
    assert f"/evidence/{dispute}/" in shown
    assert "X-Amz-Expires=900" in shown
    (seen,) = recorded("media.show_evidence")
    assert seen["actor"] == {"type": "user", "id": "usr_grace"}
    assert seen["subject"] == {"media_id": dispute, "user_id": ADA}

    assert look(dispute, permissions="media.read media.write users.read").status == 403
    assert [look(dispute, roles=roles).status for roles in ("customer", "customer vendor")] == [403] * 2
    assert [look(media_id).status for media_id in (review, "med_absent")] == [404] * 2
    assert customer.ask("DELETE", f"/{dispute}").status == 204
    assert look(dispute).status == 404
    assert len(recorded("media.show_evidence")) == 1


def look(media_id: str, *, roles: str = "staff", permissions: str = "evidence.read") -> Response:
    path = f"/v1/admin/evidence/{media_id}"
    return call(api.handler, "GET", path, caller="usr_grace", roles=roles, permissions=permissions)


@pytest.mark.contract("6.3")
def test_a_customer_deletes_what_is_theirs(customer: Customer) -> None:
    media_id = customer.upload()

    assert customer.ask("DELETE", f"/{media_id}").status == 204
    assert customer.ask("GET", f"/{media_id}").status == 404
    assert files() == []


@pytest.mark.contract("3.1")
def test_a_person_gets_a_copy_of_what_they_uploaded_and_then_all_of_it_is_gone(customer: Customer) -> None:
    mine, theirs = customer.upload("dispute"), Customer(BOB).upload()
    begun = customer.ask(
        "POST", "/uploads", {"files": [{"name": "a", "size": 9, "type": "image/png", "purpose": "review"}]}
    )
    asked = {"folder": "exports/one/", "user_id": ADA, "request_id": "one"}
    consumer.handler({"Records": [message("profile.export_requested", asked)]})
    copy = config.client("s3").get_object(Bucket=DOCUMENTS, Key="exports/one/media.json")["Body"].read()
    assert {entry["id"] for entry in orjson.loads(copy)["media"]} == {mine, begun.json["items"][0]["id"]}

    for _ in range(2):
        answer = consumer.handler({"Records": [message("profile.erasure_requested", {"user_id": ADA})]})
        assert answer == {"batchItemFailures": []}

    assert customer.ask("GET", f"/{mine}").status == 404
    assert {key.split("/")[1] for key in files()} == {theirs}
    assert found(mine).name == ""
    tell(mine)
    assert Customer(BOB).ask("GET", f"/{theirs}").status == 200
    assert customer_owner(ADA) != customer_owner(BOB)
