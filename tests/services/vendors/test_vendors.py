"""Vendors: applying, deciding, showing, changing, and the fence that others put into their transactions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from market.errors import NotFound, PreconditionFailed
from market.table import Table
from media.contract import MANIFEST as MEDIA
from tests.http import Response, call
from tests.services.outbox import announced
from vendors import api, service, store
from vendors.contract import VendorNotActive, must_be_active, read_vendor, vendor_key
from vendors.manifest import MANIFEST
from vendors.model import TRANSITIONS, AlreadyApplied, InvalidTransition, SlugTaken

LAMPS = {
    "name": "Lamps & Söhne",
    "supportEmail": "help@lamps.example",
    "legalName": "Lamps and Sons GmbH",
    "taxId": "DE 123456789",
    "country": "DE",
}
STAFF: dict[str, Any] = {"caller": "grace", "roles": "customer staff"}
STATES = ("pending", "active", "rejected", "suspended")

pytestmark = pytest.mark.usefixtures("database")


def send(method: str, path: str, body: Any = None, **options: Any) -> Response:
    return call(api.handler, method, path, body, **options)


def applied(owner: str = "ada", **fields: str) -> str:
    answer = send("POST", "/v1/vendors/apply", LAMPS | fields, caller=owner)
    assert answer.status == 201, answer
    return str(answer.json["id"])


def decide(vendor_id: str, status: str, reason: str = "because", **who: Any) -> Response:
    return send(
        "PATCH", f"/v1/admin/vendors/{vendor_id}/status", {"status": status, "reason": reason}, **(who or STAFF)
    )


def brought_to(status: str, vendor_id: str) -> str:
    """Walk a new vendor to a status."""
    for step in {"pending": (), "active": ("active",), "rejected": ("rejected",), "suspended": ("active", "suspended")}[
        status
    ]:
        assert decide(vendor_id, step).status == 200
    return vendor_id


def names(answer: Response) -> list[str]:
    return [entry["name"] for entry in answer.json["items"]]


@pytest.mark.contract("4.2")
def test_an_application_waits_with_a_slug_made_of_its_name_and_is_announced():
    answer = send("POST", "/v1/vendors/apply", LAMPS, caller="ada")
    assert answer.json["slug"] == "lamps-sohne"
    assert answer.json["status"] == "pending"
    (event,) = announced()
    assert (event["type"], event["data"]) == ("vendor.applied", {"vendor_id": answer.json["id"], "owner_id": "ada"})


@pytest.mark.contract("4.1")
def test_a_slug_belongs_to_one_vendor():
    applied()
    taken = send("POST", "/v1/vendors/apply", LAMPS, caller="bob")
    assert (taken.status, taken.json["code"], taken.json["slug"]) == (409, "slug_taken", "lamps-sohne")
    assert applied("bob", slug="other-lamps")


@pytest.mark.contract("4.1")
def test_a_person_has_one_vendor_and_is_told_which():
    vendor_id = applied()
    again = send("POST", "/v1/vendors/apply", LAMPS, caller="ada")
    other = send("POST", "/v1/vendors/apply", LAMPS | {"name": "Chairs"}, caller="ada")
    assert [(a.status, a.json["code"], a.json["vendorId"]) for a in (again, other)] == [
        (409, "already_applied", vendor_id)
    ] * 2
    assert len(announced()) == 1


@pytest.mark.contract("4.1")
def test_of_many_applications_at_once_one_wins(database):
    def attempt(number: int) -> str:
        owner = "ada" if number % 2 else f"person-{number}"
        try:
            return service.apply(owner, {"name": "Lamps", "support_email": "help@lamps.example"}).id
        except (AlreadyApplied, SlugTaken):
            return ""

    with ThreadPoolExecutor(8) as threads:
        won = [vendor_id for vendor_id in threads.map(attempt, range(16)) if vendor_id]
    assert len(won) == 1
    assert len(announced()) == 1


@pytest.mark.contract("4.1")
@pytest.mark.parametrize("status", ["active", "suspended"])
def test_the_place_stays_taken_while_a_vendor_lives(status):
    brought_to(status, applied())
    assert send("POST", "/v1/vendors/apply", LAMPS | {"name": "Chairs"}, caller="ada").status == 409


@pytest.mark.contract("4.2")
def test_a_rejected_applicant_may_apply_again_under_the_same_slug():
    first = brought_to("rejected", applied())
    assert send("GET", "/v1/me/vendor", caller="ada").status == 404
    second = applied()
    assert second != first
    assert send("GET", "/v1/me/vendor", caller="ada").json["id"] == second


@pytest.mark.contract("4.1")
@pytest.mark.parametrize("present", STATES)
@pytest.mark.parametrize("wanted", STATES)
def test_only_the_listed_changes_of_status_happen_and_each_is_announced_once(present, wanted):
    vendor_id = brought_to(present, applied())
    before = len(announced())
    answer = decide(vendor_id, wanted)
    told = [(event["type"], event["data"]) for event in announced()[before:]]
    if present == wanted:
        assert (answer.status, told) == (200, [])
    elif (present, wanted) in TRANSITIONS:
        assert answer.json["status"] == wanted
        assert told == [(TRANSITIONS[present, wanted].type, {"vendor_id": vendor_id, "owner_id": "ada"})]
    else:
        assert (answer.status, answer.json["code"], answer.json["present"]) == (409, "invalid_transition", present)
        assert told == []


@pytest.mark.contract("4.1")
def test_two_members_of_staff_cannot_decide_the_same_application_twice():
    vendor_id = applied()

    def attempt(status: str) -> bool:
        try:
            return service.decide(vendor_id, status, "because").status == status
        except (InvalidTransition, PreconditionFailed):
            return False

    with ThreadPoolExecutor(2) as threads:
        won = list(threads.map(attempt, ["active", "rejected"]))
    assert won.count(True) == 1
    assert len(announced()) == 2


@pytest.mark.contract("4.1")
@pytest.mark.parametrize(("present", "wanted"), [("pending", "rejected"), ("active", "suspended")])
def test_bad_news_needs_a_reason(present, wanted):
    vendor_id = brought_to(present, applied())
    refused = decide(vendor_id, wanted, reason=" ")
    assert (refused.status, refused.json["code"]) == (422, "reason_needed")
    assert decide(vendor_id, wanted, reason="No papers").json["reason"] == "No papers"


@pytest.mark.contract("4.1")
@pytest.mark.parametrize("status", STATES)
def test_the_public_sees_vendors_that_sell_and_no_others(status):
    vendor_id = brought_to(status, applied())
    shown = send("GET", f"/v1/vendors/{vendor_id}")
    listed = send("GET", "/v1/vendors")
    assert shown.status == (200 if status == "active" else 404)
    assert names(listed) == (["Lamps & Söhne"] if status == "active" else [])
    if status == "active":
        public = {"id": vendor_id, "name": "Lamps & Söhne", "slug": "lamps-sohne", "supportEmail": "help@lamps.example"}
        assert shown.json == public
        assert listed.json["items"] == [public]
        assert "max-age" in shown.headers["cache-control"]


@pytest.mark.contract("4.1")
def test_the_directory_is_paged_with_cursors_that_cannot_be_forged():
    for number in range(5):
        brought_to("active", applied(f"owner-{number}", name=f"Shop {number}"))
    pages, cursor = [], None
    while True:
        page = send("GET", "/v1/vendors", query={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        pages.append(names(page))
        cursor = page.json.get("nextCursor")
        if not cursor:
            break
    assert [name for page in pages for name in page] == [f"Shop {number}" for number in range(5)]
    assert max(map(len, pages)) == 2
    first = send("GET", "/v1/vendors", query={"limit": 2}).json["nextCursor"]
    assert send("GET", "/v1/vendors", query={"cursor": first[:-2] + "AA"}).status == 400
    assert send("GET", "/v1/admin/vendors", query={"cursor": first, "status": "pending"}, **STAFF).status == 400
    assert send("GET", "/v1/vendors", query={"limit": 101}).status == 422


@pytest.mark.contract("4.1")
def test_staff_work_through_applications_in_the_order_they_came():
    for number in range(3):
        applied(f"owner-{number}", name=f"Shop {number}")
    brought_to("active", applied("other", name="Old shop"))
    assert names(send("GET", "/v1/admin/vendors", **STAFF)) == ["Shop 0", "Shop 1", "Shop 2"]
    assert names(send("GET", "/v1/admin/vendors", query={"status": "active"}, **STAFF)) == ["Old shop"]
    assert send("GET", "/v1/admin/vendors", query={"status": "dead"}, **STAFF).status == 422


@pytest.mark.contract("4.1")
def test_an_owner_changes_the_profile_and_the_directory_follows():
    vendor_id = brought_to("active", applied())
    mine = send("GET", "/v1/me/vendor", caller="ada")
    headers = {"if-match": mine.headers["etag"]}
    changed = send("PATCH", f"/v1/vendors/{vendor_id}", {"name": "Lamps"}, caller="ada", headers=headers)
    assert (changed.json["name"], changed.json["taxId"]) == ("Lamps", "DE 123456789")
    assert names(send("GET", "/v1/vendors")) == ["Lamps"]
    late = send("PATCH", f"/v1/vendors/{vendor_id}", {"name": "Chairs"}, caller="ada", headers=headers)
    assert late.status == 412
    same = send("PATCH", f"/v1/vendors/{vendor_id}", {"name": "Lamps"}, caller="ada")
    assert same.headers["etag"] == changed.headers["etag"]


@pytest.mark.contract("2.4")
def test_others_cannot_change_a_vendor_or_tell_that_it_exists():
    vendor_id = applied()
    foreign = send(
        "PATCH",
        f"/v1/vendors/{vendor_id}",
        {"name": "Mine"},
        caller="eve",
        roles="customer vendor",
        vendor_id="ven_eve",
    )
    missing = send("PATCH", "/v1/vendors/ven_none", {"name": "Mine"}, caller="eve")
    assert foreign.status == missing.status == 404
    assert {**foreign.json, "requestId": ""} == {**missing.json, "requestId": ""}
    assert send("PATCH", f"/v1/vendors/{vendor_id}", {"name": "Lamps"}, **STAFF).status == 200
    assert send("PATCH", f"/v1/vendors/{vendor_id}", {"name": "Lamps"}).status == 401


@pytest.mark.contract("2.4")
@pytest.mark.parametrize("roles", ["customer", "customer vendor"])
def test_staff_routes_are_for_staff(roles):
    vendor_id = applied()
    who = {"caller": "ada", "roles": roles}
    assert decide(vendor_id, "active", **who).status == 403
    assert send("GET", "/v1/admin/vendors", **who).status == 403
    assert send("GET", f"/v1/admin/vendors/{vendor_id}", **who).status == 403
    assert send("GET", f"/v1/admin/vendors/{vendor_id}", **STAFF).json["taxId"] == "DE 123456789"
    assert send("POST", "/v1/vendors/apply", LAMPS).status == 401


@pytest.mark.contract("4.2")
@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"name": "two\nlines"},
        {"name": "?!"},
        {"name": "x" * 121},
        {"supportEmail": "nowhere"},
        {"supportEmail": "a@example.com\nBcc: b@example.com"},
        {"slug": "No Slug"},
        {"slug": "-a-"},
        {"country": "Germany"},
        {"status": "active"},
        {"ownerId": "grace"},
    ],
)
def test_malformed_applications_are_refused(change):
    assert send("POST", "/v1/vendors/apply", LAMPS | change, caller="ada").status == 422
    assert announced() == []


@pytest.mark.contract("4.1")
def test_nothing_can_be_decided_about_a_vendor_that_does_not_exist():
    assert decide("ven_none", "active").status == 404
    assert send("GET", "/v1/vendors/ada").status == 404
    assert announced() == []


@pytest.mark.contract("4.1")
def test_a_profile_read_before_a_decision_does_not_undo_it():
    vendor_id = applied()
    read = service.any_status(vendor_id)
    brought_to("active", vendor_id)
    with pytest.raises(PreconditionFailed):
        service.change(read, {"name": "Chairs"})
    found = store.get(vendor_id, consistent=True)
    assert found
    assert found.status == "active"


@pytest.mark.contract("4.1")
@pytest.mark.parametrize("status", STATES)
def test_the_fence_lets_writes_pass_only_for_vendors_that_sell(status):
    vendor_id = brought_to(status, applied())
    table = Table(MANIFEST, MEDIA)
    if status == "active":
        table.transact(must_be_active(vendor_id))
    else:
        with pytest.raises(VendorNotActive):
            table.transact(must_be_active(vendor_id))
    with pytest.raises(NotFound):
        table.transact(must_be_active("ven_none"))


@pytest.mark.contract("4.1")
def test_other_services_read_a_vendor_through_its_contract():
    vendor_id = brought_to("active", applied())
    item = Table(MANIFEST, MEDIA).get(vendor_key(vendor_id), consistent=True)
    assert item
    seen = read_vendor(item)
    assert (seen.id, seen.name, seen.slug, seen.status, seen.support_email, seen.owner_id) == (
        vendor_id,
        "Lamps & Söhne",
        "lamps-sohne",
        "active",
        "help@lamps.example",
        "ada",
    )
