"""Staff list, change and kill flags; two editors do not overwrite each other; nonsense is refused."""

from threading import Barrier, Thread
from typing import Any

import pytest

from declared.flags import FLAGS
from flags import api, service
from tests.http import Response, call
from tests.services.outbox import announced, recorded

pytestmark = [pytest.mark.contract("26.5"), pytest.mark.usefixtures("database")]
BULK = {"enabled": True, "value": False, "rules": [{"when": {"vendor": ["vnd_1"]}, "value": True}]}


def send(method: str, path: str = "", body: Any = None, **options: Any) -> Response:
    options = {"caller": "grace", "roles": "staff"} | options
    return call(api.handler, method, f"/v1/admin/flags{path}", body, **options)


def test_every_flag_is_listed_as_it_was_declared() -> None:
    flags = {flag["name"]: flag for flag in send("GET").json["items"]}

    assert set(flags) == set(FLAGS)
    assert len(flags) == 22
    window = flags["return-window"]
    assert (window["kind"], window["declared"], window["value"], window["least"], window["most"]) == (
        "number", 30, 30, 0, 365,
    )  # fmt: skip
    assert flags["scheduled-calls"]["choices"] == ["off", "instant", "scheduled"]
    assert all(flag["version"] == 0 and flag["enabled"] and flag["owner"] and flag["about"] for flag in flags.values())


def test_a_change_is_kept_with_who_made_it_and_announced_once() -> None:
    answer = send("PUT", "/bulk-upload", BULK)

    assert (answer.status, answer.headers["etag"]) == (200, '"1"')
    shown = send("GET", "/bulk-upload").json
    assert shown == answer.json
    assert (shown["enabled"], shown["value"], shown["version"], shown["updatedBy"]) == (True, False, 1, "grace")
    assert shown["rules"] == [{"when": {"vendor": ["vnd_1"]}, "value": True}]
    (event,) = announced()
    assert (event["type"], event["data"]) == ("flag.changed", {"name": "bulk-upload", "revision": 1})
    assert len(recorded()) == 1, "the kernel notes what staff change"


def test_history_tells_every_change_the_newest_first() -> None:
    for days in range(1, 26):
        assert send("PUT", "/return-window", {"enabled": True, "value": days}).status == 200
    page = send("GET", "/return-window/history", query={"limit": 20}).json
    rest = send("GET", "/return-window/history", query={"limit": 20, "cursor": page["nextCursor"]}).json

    assert [change["value"] for change in page["items"] + rest["items"]] == list(range(25, 0, -1))
    assert rest["nextCursor"] is None
    assert send("GET", "/bulk-upload/history").json["items"] == []


def test_a_flag_is_killed_for_everybody_and_remembers_its_rules() -> None:
    send("PUT", "/bulk-upload", BULK)
    killed = send("POST", "/bulk-upload/kill")
    again = send("POST", "/bulk-upload/kill")

    assert (killed.status, killed.json["enabled"], killed.json["version"]) == (200, False, 2)
    assert killed.json["rules"] == BULK["rules"]
    assert again.json["version"] == 2, "killing it twice changes nothing"
    assert [event["data"]["revision"] for event in announced()] == [1, 2]


def test_a_flag_that_was_read_before_a_change_is_not_changed() -> None:
    send("PUT", "/bulk-upload", BULK)

    assert send("PUT", "/bulk-upload", {"enabled": False}, headers={"If-Match": '"0"'}).status == 412
    assert send("PUT", "/bulk-upload", {"enabled": False}, headers={"If-Match": '"1"'}).status == 200
    assert send("GET", "/bulk-upload").json["version"] == 2


def test_of_editors_at_the_same_moment_one_wins_and_the_others_are_told() -> None:
    start, statuses = Barrier(4), list[int]()

    def edit(days: int) -> None:
        start.wait()
        answer = send("PUT", "/return-window", {"enabled": True, "value": days}, headers={"If-Match": '"0"'})
        statuses.append(answer.status)

    threads = [Thread(target=edit, args=(days,)) for days in (7, 14, 21, 28)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200, 412, 412, 412]
    assert len(send("GET", "/return-window/history").json["items"]) == 1
    assert len(announced()) == 1


def test_a_kill_is_not_held_up_by_an_editor(environment: pytest.MonkeyPatch) -> None:
    read = service.store.state
    editing = iter([{"enabled": True, "value": True}, {"enabled": True, "value": False}])

    def interrupted(name: str) -> Any:
        found = read(name)
        if body := next(editing, None):
            environment.setattr(service.store, "state", read)
            send("PUT", "/bulk-upload", body)
            environment.setattr(service.store, "state", interrupted)
        return found

    environment.setattr(service.store, "state", interrupted)
    killed = send("POST", "/bulk-upload/kill")

    assert (killed.status, killed.json["enabled"], killed.json["version"]) == (200, False, 3)


@pytest.mark.parametrize("path", ["/no-such-flag", "/no-such-flag/history", "/bulk_upload", "/Bulk-Upload"])
def test_of_other_flags_nothing_is_known(path: str) -> None:
    assert send("GET", path).status == 404


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("bulk-upload", {}),
        ("bulk-upload", {"enabled": "yes"}),
        ("bulk-upload", {"enabled": 1}),
        ("bulk-upload", {"enabled": True, "value": "true"}),
        ("bulk-upload", {"enabled": True, "value": 1}),
        ("bulk-upload", {"enabled": True, "value": {"$ne": None}}),
        ("bulk-upload", {"enabled": True, "owner": "mallory"}),
        ("bulk-upload", {"enabled": True, "rules": [{"value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"vendor": []}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"vendor": ["v 1"]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"vendor": "vnd_1"}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"email": ["a@example.com"]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"country": ["germany"]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"country": ["de"]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"role": ["Admin\n"]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"user": ["u" * 65]}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"user": ["u"] * 101}, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": 101, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": -1, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": "50", "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": True, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": 0.5, "value": True}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": 50}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": 50, "value": "on"}]}),
        ("bulk-upload", {"enabled": True, "rules": [{"percentage": 50, "value": True}] * 21}),
        ("bulk-upload", {"enabled": True, "rules": [{"when": {"__class__": ["x"]}, "value": True}]}),
        ("return-window", {"enabled": True, "value": -1}),
        ("return-window", {"enabled": True, "value": 366}),
        ("return-window", {"enabled": True, "value": 30.5}),
        ("return-window", {"enabled": True, "value": True}),
        ("return-window", {"enabled": True, "value": 10**30}),
        ("return-window", {"enabled": True, "rules": [{"percentage": 5, "value": 1_000}]}),
        ("scheduled-calls", {"enabled": True, "value": "tomorrow"}),
        ("scheduled-calls", {"enabled": True, "value": ["off"]}),
        ("multi-auth-providers", {"enabled": True, "value": ["myspace"]}),
        ("multi-auth-providers", {"enabled": True, "value": ["google", "google"]}),
        ("multi-auth-providers", {"enabled": True, "value": "google"}),
    ],
)
def test_nonsense_is_refused_and_changes_nothing(name: str, body: Any) -> None:
    answer = send("PUT", f"/{name}", body)

    assert answer.status == 422
    assert answer.json["code"] == "validation_error"
    assert answer.json["errors"]
    assert send("GET", f"/{name}").json["version"] == 0
    assert announced() == []


def test_rules_that_would_not_fit_into_the_configuration_are_refused() -> None:
    people = [[f"{group}-{number}".ljust(64, "x") for number in range(100)] for group in range(20)]
    rules = [{"when": {"user": named}, "value": True} for named in people]
    answer = send("PUT", "/bulk-upload", {"enabled": True, "rules": rules})

    assert (answer.status, answer.json["errors"][0]["code"]) == (422, "too_long")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/bulk-upload", None),
        ("GET", "/bulk-upload/history", None),
        ("PUT", "/bulk-upload", {"enabled": False}),
        ("POST", "/bulk-upload/kill", None),
    ],
)
def test_flags_are_a_matter_of_staff_with_the_permission(method: str, path: str, body: Any) -> None:
    reads = method == "GET"

    assert send(method, path, body, permissions="orders.read").status == 403
    assert send(method, path, body, permissions="flags.read").status == (200 if reads else 403)
    assert send(method, path, body, roles="customer").status == 403
    assert send(method, path, body, roles="vendor", vendor_id="vnd_1").status == 403
    assert send(method, path, body, caller=None).status == 401
    assert send(method, path, body, permissions="flags.read flags.manage").status == 200
