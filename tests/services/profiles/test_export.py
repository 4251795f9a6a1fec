"""A copy of one's data: asked for once a day, complete when every service has written its part, gone after a week."""

import io
import json
import zipfile
from typing import Any

import pytest

from market import config
from profiles.contract import CONTRIBUTORS, export_folder
from tests.services.profiles.conftest import BOB, DOCUMENTS, Desk, Watch, files, hear

pytestmark = pytest.mark.contract("3.1")
PATH = "/v1/me/export"
OTHERS = sorted(set(CONTRIBUTORS) - {"profiles"})


def contribute(request_id: str, *services: str) -> None:
    """What other services do when they hear of the request."""
    for service in services:
        body = json.dumps({"of": service}).encode()
        config.client("s3").put_object(Bucket=DOCUMENTS, Key=f"{export_folder(request_id)}{service}.json", Body=body)


def unpacked(desk: Desk) -> dict[str, Any]:
    """The archive's files by name."""
    url = desk.ask("GET", PATH).json["downloadUrl"]
    name = url.partition("?")[0].partition(f"{DOCUMENTS}.s3.amazonaws.com/")[2]
    content = config.client("s3").get_object(Bucket=DOCUMENTS, Key=name)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {entry: json.loads(archive.read(entry)) for entry in archive.namelist()}


def test_it_is_ready_when_every_service_has_written_its_part(desk: Desk) -> None:
    desk.ask("PATCH", "/v1/me/profile", {"displayName": "Ada", "phone": "+442079460018"})
    desk.add(label="Home")
    asked = desk.ask("POST", PATH)
    assert (asked.status, asked.json["status"]) == (202, "preparing")

    hear("profile.export_requested")
    assert desk.ask("GET", PATH).json["missing"] == OTHERS
    contribute(asked.json["requestId"], *OTHERS)
    answer = desk.ask("GET", PATH).json

    assert (answer["status"], answer["requestId"]) == ("ready", asked.json["requestId"])
    assert "X-Amz-Expires=900" in answer["downloadUrl"]
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in answer["downloadUrl"]
    found = unpacked(desk)
    assert sorted(found) == [f"{service}.json" for service in CONTRIBUTORS]
    assert found["profiles.json"]["profile"]["phone"] == "+442079460018"
    assert found["profiles.json"]["addresses"][0]["line1"] == "12 St James's Sq"


def test_it_is_asked_for_once_a_day(desk: Desk, watch: Watch) -> None:
    first = desk.ask("POST", PATH).json

    watch.later(hours=23)
    refused = desk.ask("POST", PATH)
    assert (refused.status, refused.json["code"]) == (429, "export_too_soon")
    assert desk.ask("GET", PATH).json["requestId"] == first["requestId"]

    watch.later(hours=2)
    assert desk.ask("POST", PATH).status == 202


def test_heard_twice_it_is_written_once(desk: Desk) -> None:
    desk.ask("POST", PATH)

    hear("profile.export_requested")
    hear("profile.export_requested")

    assert len(files(DOCUMENTS)) == 1


def test_a_service_that_does_not_answer_is_waited_for_and_then_named(desk: Desk, watch: Watch) -> None:
    request_id = desk.ask("POST", PATH).json["requestId"]
    hear("profile.export_requested")
    contribute(request_id, OTHERS[0])
    watch.later(hours=5)
    assert desk.ask("GET", PATH).json["status"] == "preparing"

    watch.later(hours=2)
    answer = desk.ask("GET", PATH).json
    assert (answer["status"], answer["missing"]) == ("incomplete", OTHERS[1:])
    assert len(unpacked(desk)) == 2

    contribute(request_id, *OTHERS)
    assert desk.ask("GET", PATH).json["status"] == "ready"
    assert len(unpacked(desk)) == len(CONTRIBUTORS), "what came late is in it after all"


def test_after_a_week_there_is_none(desk: Desk, watch: Watch) -> None:
    assert desk.ask("GET", PATH).json["code"] == "export_not_found"
    desk.ask("POST", PATH)

    watch.later(days=7, seconds=1)

    assert desk.ask("GET", PATH).status == 404


def test_everybody_gets_their_own(desk: Desk) -> None:
    desk.ask("POST", PATH)

    assert Desk(BOB).ask("GET", PATH).status == 404
    assert Desk(BOB).ask("POST", PATH).status == 202
