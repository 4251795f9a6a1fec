"""What people tell us stays where they told it: no log line, no event and no refusal repeats it."""

import json
from typing import Any

import pytest

from market import clock
from tests.services.outbox import announced
from tests.services.profiles.conftest import Desk, Watch, hear, png, tick

pytestmark = [pytest.mark.contract("3.1"), pytest.mark.contract("3.2")]
SECRETS = (
    "Zebediah",
    "Quillfeather",
    "Marmalade",
    "20 7946",
    "2079460018",
    "1987-03-21",
    "quillfeather.example.org",
    "Otterbury",
    "SW1Y",
)
PROFILE = {
    "displayName": "Zebediah",
    "bio": "I like Marmalade",
    "phone": "+44 20 7946 0018",
    "dateOfBirth": "1987-03-21",
    "links": {"website": "https://quillfeather.example.org/me"},
}
ADDRESS = {
    "name": "Zebediah Quillfeather",
    "line1": "1 Marmalade Row",
    "city": "Otterbury",
    "postalCode": "SW1Y 4JH",
    "country": "GB",
    "phone": "020 7946 0018",
}


def test_nothing_that_people_say_gets_into_logs_events_or_errors(
    desk: Desk, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    refusals = [
        desk.ask("PATCH", "/v1/me/profile", PROFILE | {"phone": "+44 20 7946"}),
        desk.ask("PATCH", "/v1/me/profile", PROFILE | {"links": {"x": "https://quillfeather.example.org/me"}}),
        desk.ask("PATCH", "/v1/me/profile", PROFILE, headers={"if-match": '"7"'}),
        desk.ask("POST", "/v1/me/addresses", ADDRESS | {"country": "DE"}),
        desk.ask("POST", "/v1/me/addresses", ADDRESS | {"country": "US", "state": "Otterbury"}),
        desk.ask("POST", "/v1/addresses/validation", ADDRESS | {"phone": "020 7946"}),
        desk.ask("PUT", "/v1/me/avatar", {"key": "avt_" + "0" * 26}),
    ]
    assert {answer.status for answer in refusals} <= {409, 412, 422}
    _live(desk, watch)

    _free_of_secrets([answer.json for answer in refusals], "errors")
    _free_of_secrets(announced(), "events")
    _free_of_secrets(capsys.readouterr().out, "logs")


def _live(desk: Desk, watch: Watch) -> None:
    """Everything that can happen to somebody, from the first word to the last."""
    assert desk.ask("PATCH", "/v1/me/profile", PROFILE).status == 200
    added = desk.ask("POST", "/v1/me/addresses", ADDRESS).json
    desk.ask("PATCH", f"/v1/me/addresses/{added['id']}", {"line1": "2 Marmalade Row"})
    for _ in range(2):
        assert desk.confirm(desk.upload(png())).status == 200
    desk.ask("POST", "/v1/me/export")
    hear()
    desk.ask("GET", "/v1/me/export")
    assert desk.ask("POST", "/v1/me/erasure", claims={"auth_time": str(clock.epoch())}).status == 202
    watch.later(days=7, minutes=1)
    assert tick()["begun"] == 1
    hear()


def _free_of_secrets(found: Any, where: str) -> None:
    text = found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)
    assert len(text) > 200, f"{where} must have been seen"
    assert [secret for secret in SECRETS if secret in text] == [], where
