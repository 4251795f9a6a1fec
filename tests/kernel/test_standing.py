"""What a caller may do is what the table says now, not what their token said when it was made."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from access.contract import PLATFORM, Standing, granted, session_revoked, sessions_ended, status_changed, withdrawn
from access.manifest import MANIFEST as ACCESS
from market import clock, config
from market.guard.standing import Grant, read_grant, roles_key
from market.table import Table, Write, put
from tests.http import Response, call
from tests.kernel.lamps import api

pytestmark = [pytest.mark.usefixtures("embedded_table"), pytest.mark.contract("2.2", "2.3")]
SESSION = "0f8fad5b-d9cb-469f-a165-70867728950e"
VENDORS = "/v1/vendors/ven_1/lamps"


def change(*writes: Write) -> None:
    Table(replace(ACCESS, uses=(), reads=())).transact(*writes)


def ask(path: str = VENDORS, **options: Any) -> Response:
    return call(api.handler, "GET", path, caller="ada", **({"roles": "customer"} | options))


def code(answer: Response) -> tuple[int, str]:
    return answer.status, answer.json.get("code", "")


@pytest.mark.parametrize("scope", ["ven_1", PLATFORM])
def test_a_role_counts_in_its_scope_although_the_token_does_not_know_it(scope: str) -> None:
    assert code(ask()) == (403, "forbidden")

    change(granted("ada", scope, ["vendor_admin" if scope == "ven_1" else "admin"]))

    assert ask().status == 200
    assert ask("/v1/vendors/ven_2/lamps").status == (404 if scope == "ven_1" else 200)


def test_a_member_without_the_permission_is_told_so_and_a_stranger_learns_nothing() -> None:
    change(granted("ada", "ven_1", ["vendor_viewer"]))

    refused = ask()

    assert (refused.status, refused.json["permission"]) == (403, "lamps.dust")
    assert code(ask("/v1/vendors/ven_2/lamps")) == (404, "not_found")


@pytest.mark.parametrize(
    ("grant", "may"),
    [
        ({"roles": ["admin"]}, True),
        ({"roles": ["super_admin"]}, True),
        ({"roles": ["support"]}, False),
        ({"roles": ["support"], "allow": ["lamps.dust"]}, True),
        ({"roles": ["super_admin"], "deny": ["lamps.dust"]}, False),
        ({"roles": [], "allow": ["lamps.dust"], "deny": ["lamps.dust"]}, False),
        ({"roles": ["duster"]}, True),
        ({"roles": ["duster"], "deny": ["lamps.dust"]}, False),
        ({"roles": ["painter"]}, False),
    ],
)
def test_roles_add_up_and_a_denial_wins(grant: dict[str, list[str]], may: bool) -> None:
    own = {"duster": ["lamps.dust"], "painter": ["lamps.paint"]}
    change(put(roles_key(PLATFORM), {"roles": own, "version": 1}))
    change(granted("ada", PLATFORM, **{"roles": [], **grant}))  # type: ignore[arg-type]

    assert (ask(roles="customer staff", permissions="").status == 200) is may
    assert bool(read_grant(grant).why("lamps.dust", ["admin"], own)) is may


def test_what_was_taken_away_is_gone_whatever_the_token_says() -> None:
    change(granted("ada", PLATFORM, ["admin"]))
    assert ask(roles="customer staff").status == 200

    change(withdrawn("ada", PLATFORM))

    assert code(ask(roles="customer staff")) == (403, "forbidden")


def test_a_change_counts_after_half_a_minute_and_with_a_younger_token_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    start = clock.now()
    with clock.running_on(lambda: start):
        assert ask().status == 403
        change(granted("ada", "ven_1", ["vendor_admin"]))
        assert ask().status == 403
        younger = {"claims": {"acv": "1"}, "roles": "customer vendor"}
        assert ask(**younger).status == 200
        change(withdrawn("ada", "ven_1"))
        assert ask(**younger).status == 200
    with clock.running_on(lambda: start + timedelta(seconds=31)):
        assert ask(**younger).status == 403


@pytest.mark.contract("1.5")
@pytest.mark.parametrize(("status", "answer"), [("blocked", 403), ("erased", 403), ("active", 200), ("pending", 200)])
def test_who_is_blocked_is_shut_out_at_once(status: str, answer: int) -> None:
    change(*status_changed("ada", Standing(), status))

    assert ask("/v1/lamps/brass").status == answer


@pytest.mark.contract("1.3")
@pytest.mark.parametrize(
    ("change_of", "claims", "alive"),
    [
        (lambda: sessions_ended("ada", 2_000), {"issuedAt": "1999"}, False),
        (lambda: sessions_ended("ada", 2_000), {"issuedAt": "2000"}, True),
        (lambda: sessions_ended("ada", 2_000), {"iat": "1"}, False),
        (lambda: sessions_ended("ada", 2_000), {"iat": "2"}, True),
        (lambda: sessions_ended("ada", 2_000), {}, False),
        (lambda: sessions_ended("ada", 2_000), {"issuedAt": "-5"}, False),
        (lambda: session_revoked("ada", SESSION, 9_999_999_999), {"origin_jti": SESSION}, False),
        (lambda: session_revoked("ada", SESSION, 9_999_999_999), {"origin_jti": SESSION.replace("0", "1")}, True),
    ],
)
def test_tokens_of_ended_sessions_are_dead(change_of: Callable[[], Write], claims: dict[str, str], alive: bool) -> None:
    change(change_of())

    answer = ask("/v1/lamps/brass", claims=claims)

    assert code(answer) == (200, "") if alive else (401, "session_ended")


@pytest.mark.contract("1.4")
def test_who_lacks_a_second_factor_is_nothing_but_a_customer() -> None:
    change(granted("ada", PLATFORM, ["super_admin"]))

    assert ask(claims={"held": "mfa"}, roles="customer staff").status == 403
    assert ask("/v1/lamps/brass", claims={"held": "mfa"}).status == 200


@pytest.mark.contract("1.4")
@pytest.mark.parametrize(("scope", "kind"), [(PLATFORM, "staff"), ("ven_1", "vendor")])
def test_a_token_made_before_somebody_joined_was_not_asked_for_a_second_factor_and_gives_nothing(
    scope: str, kind: str
) -> None:
    change(granted("ada", scope, ["super_admin" if kind == "staff" else "vendor_admin"]))

    assert ask(claims={"acv": "0"}).status == 403
    assert ask(claims={"acv": "1", "held": "mfa"}, roles="customer").status == 403
    assert ask(claims={"acv": "1"}, roles=f"customer {kind}").status == 200


@pytest.mark.contract("1.3")
@pytest.mark.parametrize("use", ["id", "refresh", "", "ACCESS"])
def test_only_access_tokens_open_doors(use: str) -> None:
    assert ask("/v1/lamps/brass", claims={"token_use": use}).status == 401


def test_a_request_costs_one_read_and_none_for_half_a_minute(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ACCESS_CACHE_SECONDS", "30")
    calls: list[str] = []
    events = config.client("dynamodb").meta.events
    events.register("before-call.dynamodb", lambda model, **_: calls.append(model.name), unique_id="count-calls")
    for _ in range(5):
        ask("/v1/lamps/brass")
    events.unregister("before-call.dynamodb", unique_id="count-calls")

    assert calls == ["GetItem"]


def test_nobody_is_let_in_while_the_table_does_not_answer(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TABLE_NAME", "no-such-table")

    assert ask("/v1/lamps/brass").status == 503


def test_a_grant_of_everything_is_what_tokens_of_owners_say() -> None:
    assert Grant(allow=frozenset({"*"})).why("lamps.dust", [], {}) == "allow"
