"""API keys: shown once, given what their maker holds, rotated without a gap, gone at once when revoked or found."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from access.contract import MANIFEST as ACCESS
from access.contract import granted, withdrawn
from catalog.api import handler as catalog
from developers import credentials, keyring
from market import config
from market.errors import PreconditionFailed
from market.table import Table
from tests.services.developers.conftest import OTHER, VENDOR, Desk
from tests.services.outbox import announced, recorded

pytestmark = pytest.mark.contract("23.3")
JSON = dict[str, Any]
QUOTA = {"perMinute": 120, "perDay": 20_000}


def stored() -> str:
    return str(config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"])


def of_type(kind: str) -> list[JSON]:
    return [event["data"] for event in announced() if event["type"] == kind]


def test_a_key_opens_the_routes_that_it_was_made_for_and_no_others(desk: Desk) -> None:
    secret = desk.make_key("products.read")["secret"]
    assert desk.key(secret, "GET", f"/vendors/{VENDOR}/products", handler=catalog).status == 200
    assert desk.key(secret, "DELETE", f"/vendors/{VENDOR}/products/prd_1", handler=catalog).status == 403
    assert desk.key(secret, "GET", f"/vendors/{OTHER}/products", handler=catalog).status == 404
    assert desk.key("", "GET", f"/vendors/{VENDOR}/products", handler=catalog).status == 401


def test_a_key_says_of_itself_what_it_may_do(desk: Desk) -> None:
    made = desk.make_key("orders.read", "products.read", endsAt="2026-06-01T00:00:00Z")
    told = desk.key(made["secret"], "GET", "/whoami")
    assert told.json == {
        "id": made["id"],
        "name": "Stock robot",
        "scope": VENDOR,
        "permissions": ["orders.read", "products.read"],
        "quota": QUOTA,
        "endsAt": "2026-06-01T00:00:00.000Z",
    }


def test_the_secret_is_shown_once_and_stored_nowhere(desk: Desk) -> None:
    made = desk.make_key()
    assert credentials.is_ours(made["secret"])
    assert made["secret"].startswith(made["prefix"] + "_")
    again = desk.ask("GET", f"/api-keys/{made['id']}")
    (listed,) = desk.ask("GET", "/api-keys").json["items"]
    assert "secret" not in again.json
    assert "secret" not in listed
    assert listed["prefix"] == made["prefix"]
    assert made["secret"].rpartition("_")[2] not in stored()


def test_what_is_found_in_a_file_can_be_told_from_what_only_looks_like_a_key(desk: Desk) -> None:
    secret = desk.make_key()["secret"]
    assert credentials.PATTERN.search(f"export KEY='{secret}'")
    other = "0" if secret[-1] != "0" else "1"
    assert not credentials.is_ours(secret[:-1] + other)
    assert not credentials.is_ours(secret.upper())
    assert not credentials.is_ours(secret + "0")


def test_the_same_request_makes_one_key_and_shows_its_secret_once(desk: Desk) -> None:
    body = {"name": "Robot", "permissions": ["orders.read"]}
    headers = desk.fresh()
    first = desk.ask("POST", "/api-keys", body, headers=headers)
    second = desk.ask("POST", "/api-keys", body, headers=headers)
    assert (first.status, second.status) == (201, 201)
    assert second.json["id"] == first.json["id"]
    assert "secret" in first.json
    assert "secret" not in second.json
    other = desk.ask("POST", "/api-keys", body | {"name": "Another"}, headers=headers)
    assert (other.status, other.json["code"]) == (422, "idempotency_key_reused")
    assert desk.ask("POST", "/api-keys", body).json["code"] == "idempotency_key_required"
    assert len(desk.ask("GET", "/api-keys").json["items"]) == 1


def test_nobody_gives_a_key_more_than_they_hold(desk: Desk) -> None:
    body = {"name": "Robot", "permissions": ["orders.read", "refunds.make"]}
    mine = "api_keys.read api_keys.manage orders.read"
    refused = desk.ask("POST", "/api-keys", body, headers=desk.fresh(), permissions=mine)
    assert (refused.status, refused.json["code"]) == (403, "permission_not_yours")
    assert refused.json["permissions"] == ["refunds.make"]
    assert desk.ask("GET", "/api-key-permissions", permissions=mine).json["items"] == ["orders.read"]
    made = desk.make_key("orders.read")
    changed = desk.ask("PATCH", f"/api-keys/{made['id']}", {"permissions": ["refunds.make"]}, permissions=mine)
    assert changed.status == 403


def test_nobody_gets_hold_of_a_stronger_key_by_rotating_it(desk: Desk) -> None:
    made = desk.make_key("orders.read", "refunds.make")
    mine = "api_keys.read api_keys.manage orders.read"
    assert desk.ask("POST", f"/api-keys/{made['id']}/rotation", {}, permissions=mine).status == 403


@pytest.mark.parametrize("permission", ["api_keys.manage", "webhooks.manage", "ledger.rebuild", "no.such"])
def test_a_key_can_be_given_nothing_that_no_route_for_keys_needs(desk: Desk, permission: str) -> None:
    body = {"name": "Robot", "permissions": [permission]}
    refused = desk.ask("POST", "/api-keys", body, headers=desk.fresh())
    assert (refused.status, refused.json["code"]) == (422, "unknown_permission")


def test_only_who_may_manage_keys_does(desk: Desk) -> None:
    body = {"name": "Robot", "permissions": ["orders.read"]}
    reads = {"permissions": "api_keys.read orders.read"}
    assert desk.ask("POST", "/api-keys", body, headers=desk.fresh(), **reads).status == 403
    assert desk.ask("GET", "/api-keys", **reads).status == 200
    assert desk.ask("GET", "/api-keys", permissions="orders.read").status == 403
    assert desk.ask("GET", "/api-keys", vendor_id=OTHER).status == 404
    assert desk.ask("GET", "/api-keys", roles="customer", vendor_id="").status == 403


def test_a_key_is_the_vendors_and_outlives_its_makers_rights_who_get_no_new_secret(desk: Desk) -> None:
    made = desk.make_key("products.read")
    team = Table(replace(ACCESS, uses=(), reads=()))
    team.transact(granted("ada", VENDOR, [], allow=["api_keys.manage"]))
    assert desk.key(made["secret"], "GET", f"/vendors/{VENDOR}/products", handler=catalog).status == 200
    rotated = desk.ask("POST", f"/api-keys/{made['id']}/rotation", {"graceHours": 0})
    assert (rotated.status, rotated.json["permissions"]) == (403, ["products.read"])
    team.transact(withdrawn("ada", VENDOR))
    assert desk.ask("GET", "/api-keys").status == 403
    assert desk.key(made["secret"], "GET", f"/vendors/{VENDOR}/products", handler=catalog).status == 200
    (listed,) = desk.ask("GET", "/api-keys", caller="eve").json["items"]
    assert listed["madeBy"] == "ada"


def test_a_vendors_keys_are_no_other_vendors(desk: Desk) -> None:
    made = desk.make_key()
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "Mine"}),
        ("DELETE", "", None),
        ("POST", "/rotation", {}),
    ):
        stranger = desk.ask(method, f"/api-keys/{made['id']}{path}", body, of=OTHER, vendor_id=OTHER)
        assert (stranger.status, stranger.json["code"]) == (404, "no_such_api_key")
    assert desk.key(made["secret"], "GET", "/whoami").status == 200


def test_a_rotated_key_is_good_beside_the_new_one_for_as_long_as_was_chosen(desk: Desk) -> None:
    old = desk.make_key()
    rotated = desk.ask("POST", f"/api-keys/{old['id']}/rotation", {"graceHours": 2}).json
    assert rotated["secret"] != old["secret"]
    assert rotated["previousUntil"] == "2026-05-04T14:00:00.000Z"
    for secret in (old["secret"], rotated["secret"]):
        assert desk.key(secret, "GET", "/whoami").status == 200
    desk.wait(hours=2)
    assert desk.key(old["secret"], "GET", "/whoami").status == 401
    assert desk.key(rotated["secret"], "GET", "/whoami").status == 200


def test_a_rotation_without_grace_ends_the_old_secret_at_once(desk: Desk) -> None:
    old = desk.make_key()
    rotated = desk.ask("POST", f"/api-keys/{old['id']}/rotation", {"graceHours": 0}).json
    assert "previousUntil" not in rotated
    assert desk.key(old["secret"], "GET", "/whoami").status == 401
    assert desk.key(rotated["secret"], "GET", "/whoami").status == 200
    assert desk.ask("POST", f"/api-keys/{old['id']}/rotation", {"graceHours": 169}).status == 422


def test_a_revoked_key_is_good_for_nothing_and_stays_so(desk: Desk) -> None:
    made = desk.make_key()
    path = f"/api-keys/{made['id']}"
    assert desk.ask("DELETE", path).status == 204
    assert desk.key(made["secret"], "GET", "/whoami").status == 401
    assert desk.ask("GET", "/api-keys").json["items"] == []
    assert desk.ask("GET", path).json["status"] == "revoked"
    for method, where, body in (
        ("DELETE", path, None),
        ("PATCH", path, {"name": "x"}),
        ("POST", f"{path}/rotation", {}),
    ):
        assert desk.ask(method, where, body).json["code"] == "api_key_revoked"
    (told,) = of_type("api_key.revoked")
    assert told == {
        "key_id": made["id"],
        "scope": VENDOR,
        "label": "Stock robot",
        "made_by": "ada",
        "reason": "revoked",
    }


def test_a_key_ends_when_it_was_to_end(desk: Desk) -> None:
    made = desk.make_key(endsAt="2026-05-04T13:00:00Z")
    assert desk.key(made["secret"], "GET", "/whoami").status == 200
    desk.wait(hours=1)
    assert desk.key(made["secret"], "GET", "/whoami").status == 401
    assert desk.ask("GET", f"/api-keys/{made['id']}").json["status"] == "ended"
    changed = desk.ask("PATCH", f"/api-keys/{made['id']}", {"endsAt": None})
    assert "endsAt" not in changed.json
    assert desk.key(made["secret"], "GET", "/whoami").status == 200


@pytest.mark.parametrize(
    "given", ["2026-05-04T12:00:00Z", "2020-01-01T00:00:00Z", 1, 1.5, "1.5", "0001-01-01T00:00:00+14:00"]
)
def test_a_key_cannot_end_in_the_past_or_at_no_time(desk: Desk, given: Any) -> None:
    body = {"name": "Robot", "permissions": ["orders.read"], "endsAt": given}
    assert desk.ask("POST", "/api-keys", body, headers=desk.fresh()).status == 422
    made = desk.make_key()
    assert desk.ask("PATCH", f"/api-keys/{made['id']}", {"endsAt": given}).status == 422


def test_a_change_takes_the_place_of_what_was_and_leaves_the_rest(desk: Desk) -> None:
    made = desk.make_key("orders.read", "products.read")
    path = f"/api-keys/{made['id']}"
    etag = desk.ask("GET", path).headers["etag"]
    changed = desk.ask(
        "PATCH", path, {"permissions": ["orders.read"], "quota": {"perMinute": 5}}, headers={"if-match": etag}
    )
    assert (changed.json["permissions"], changed.json["quota"]["perMinute"]) == (["orders.read"], 5)
    assert changed.json["name"] == "Stock robot"
    assert desk.ask("PATCH", path, {"name": "x"}, headers={"if-match": etag}).status == 412
    assert desk.key(made["secret"], "GET", f"/vendors/{VENDOR}/products", handler=catalog).status == 403


def test_two_changes_at_once_do_not_mix(desk: Desk) -> None:
    made = keyring.get(desk.make_key()["id"])
    assert made
    keyring.rotate(made, "0" * 64, 0)
    with pytest.raises(PreconditionFailed):
        keyring.change(made, made)


def test_there_are_twenty_five_keys_at_most_however_many_are_asked_for_at_once(desk: Desk) -> None:
    for _ in range(23):
        desk.make_key()
    wishes = [desk.fresh() for _ in range(6)]
    body = {"name": "Robot", "permissions": ["orders.read"]}

    def wish(headers: dict[str, str]) -> int:
        while (answer := desk.ask("POST", "/api-keys", body, headers=headers)).status == 503:
            continue
        return answer.status

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(wish, wishes)) == [201, 201, 409, 409, 409, 409]
    made = desk.ask("GET", "/api-keys").json["items"]
    assert len(made) == 25
    desk.ask("DELETE", f"/api-keys/{made[0]['id']}")
    desk.make_key()


def test_a_key_that_somebody_found_is_revoked_at_once_and_its_owner_told(desk: Desk) -> None:
    secret = desk.make_key()["secret"]
    found = desk.ask_anybody(secret)
    assert (found.status, found.json) == (202, {"received": True})
    assert desk.key(secret, "GET", "/whoami").status == 401
    assert [told["reason"] for told in of_type("api_key.revoked")] == ["leaked"]
    (record,) = [record for record in recorded() if record["action"] != "developers.make_key"]
    assert (record["action"], record["actor"]["type"]) == ("developers.report_leak", "anonymous")
    assert secret not in str(record)
    assert desk.ask_anybody(secret).status == 202
    assert len(of_type("api_key.revoked")) == 1


def test_the_old_secret_of_a_rotated_key_ends_the_key_as_well(desk: Desk) -> None:
    made = desk.make_key()
    rotated = desk.ask("POST", f"/api-keys/{made['id']}/rotation", {"graceHours": 24}).json
    desk.ask_anybody(made["secret"])
    assert desk.key(rotated["secret"], "GET", "/whoami").status == 401


def test_who_reports_what_is_no_key_learns_nothing_and_ends_nothing(desk: Desk) -> None:
    made = desk.make_key()
    guessed = f"mk_{made['id']}_" + "0" * 32
    for text in ("x", "mk_1_2", made["prefix"], guessed + "0" * 7, guessed + credentials._checksum(guessed)):
        assert desk.ask_anybody(text).json == {"received": True}
    assert desk.key(made["secret"], "GET", "/whoami").status == 200
    assert of_type("api_key.revoked") == []


def test_staff_make_keys_for_the_platform_that_open_every_vendors_routes(desk: Desk) -> None:
    body = {"name": "Warehouse", "permissions": ["products.read"]}
    made = desk.staff("POST", "/api-keys", body, headers=desk.fresh()).json
    for vendor in (VENDOR, OTHER):
        assert desk.key(made["secret"], "GET", f"/vendors/{vendor}/products", handler=catalog).status == 200
    assert [key["id"] for key in desk.staff("GET", "/api-keys").json["items"]] == [made["id"]]
    assert desk.staff("PATCH", f"/api-keys/{made['id']}", {"name": "Store"}).json["name"] == "Store"
    rotated = desk.staff("POST", f"/api-keys/{made['id']}/rotation", {"graceHours": 0})
    assert desk.key(rotated.json["secret"], "GET", "/whoami").json["scope"] == "platform"
    assert desk.ask("GET", f"/api-keys/{made['id']}").status == 404
    assert desk.staff("GET", f"/api-keys/{made['id']}").status == 200
    assert desk.staff("DELETE", f"/api-keys/{made['id']}").status == 204
    assert desk.ask("GET", "/api-keys").status == 200
    refused = desk.staff("GET", "/api-keys", roles="customer vendor", vendor_id=VENDOR)
    assert refused.status == 403


def test_a_quota_is_counted_and_shown(desk: Desk, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("RATE_LIMIT", "100")
    made = desk.make_key(quota={"perMinute": 3, "perDay": 100})
    assert "lastUsedOn" not in desk.ask("GET", f"/api-keys/{made['id']}").json
    statuses = [desk.key(made["secret"], "GET", "/whoami").status for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    (listed,) = desk.ask("GET", "/api-keys").json["items"]
    assert (listed["lastUsedOn"], listed["usedToday"]) == ("2026-05-04", 4)
    desk.wait(days=1)
    shown = desk.ask("GET", f"/api-keys/{made['id']}").json
    assert (shown["lastUsedOn"], shown["usedToday"]) == ("2026-05-04", 0)


def test_what_was_done_with_keys_is_recorded_without_the_secret(desk: Desk) -> None:
    made = desk.make_key()
    desk.wait(minutes=1)
    desk.ask("POST", f"/api-keys/{made['id']}/rotation", {})
    desk.wait(minutes=1)
    desk.ask("DELETE", f"/api-keys/{made['id']}")
    records = recorded()
    assert [record["action"] for record in records] == [
        "developers.make_key",
        "developers.rotate_key",
        "developers.revoke_key",
    ]
    assert made["secret"] not in str(records)


def test_an_id_from_a_path_reaches_no_other_item(desk: Desk) -> None:
    desk.make_key()
    for place in (f"in#{VENDOR}", "request#x", "", "-"):
        assert desk.ask("GET", f"/api-keys/{place or '%20'}").status == 404


def test_requests_with_an_idempotency_key_are_forgotten_after_a_day(desk: Desk) -> None:
    desk.make_key()
    found = config.client("dynamodb").scan(TableName=config.setting("TABLE_NAME"))["Items"]
    (asked,) = [item for item in found if item["pk"]["S"].startswith("KEY#request#")]
    assert int(asked["expires_at"]["N"]) == int(desk.now.timestamp()) + 86_400
