"""Flags and settings on one machine: files that a person edits, and that count at once."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from local.answers import AwsError
from local.appconfig import AppConfig
from local.harness import InProcess, marketplace, running
from local.parameters import Parameters
from local.storage import Storage

pytestmark = pytest.mark.contract("26.5")
PLACE = {"ApplicationId": "market", "EnvironmentId": "dev", "ConfigurationProfileId": "flags"}
SESSION = {
    "ApplicationIdentifier": "market",
    "EnvironmentIdentifier": "dev",
    "ConfigurationProfileIdentifier": "flags",
}


class Played:
    """AppConfig with a clock of its own; `say` gives the calls their place."""

    def __init__(self, folder: Path) -> None:
        self.file, self.now = folder / "flags.json", 0.0
        self.storage = Storage(folder / "storage.db")
        config = AppConfig(self.storage, self.file, "market/dev/flags", {}, bake=60, now=lambda: self.now)
        self._calls = config.operations() | config.data_operations()

    def say(self, call: str, **asked: Any) -> Any:
        return self._calls[call]((SESSION if call == "StartConfigurationSession" else PLACE) | asked)

    def create(self, rules: Any, **asked: Any) -> int:
        text = orjson.dumps(rules)
        made = self.say("CreateHostedConfigurationVersion", Content=text, ContentType="application/json", **asked)
        return int(made["VersionNumber"])

    def poll(self, token: str) -> tuple[bytes, str]:
        answer = self.say("GetLatestConfiguration", ConfigurationToken=token)
        return answer["Configuration"].read(), answer["NextPollConfigurationToken"]


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Played]:
    made = Played(tmp_path)
    yield made
    made.storage.close()


def test_what_is_the_same_is_not_sent_again_and_a_token_is_good_once(played: Played) -> None:
    token = played.say("StartConfigurationSession")["InitialConfigurationToken"]
    first, following = played.poll(token)
    same, following = played.poll(following)
    played.file.write_text('{"bulk-upload": {"default": false}}')
    changed, _ = played.poll(following)

    assert (json.loads(first), same, json.loads(changed)) == ({}, b"", {"bulk-upload": {"default": False}})
    with pytest.raises(AwsError, match="token"):
        played.poll(token)


@pytest.mark.parametrize("broken", ["", "{", "[]", '{"bulk-upload": {}}', '{"bulk-upload": {"default": "off"}}', None])
def test_a_broken_file_is_said_so_once_and_the_last_good_one_counts(
    played: Played, caplog: pytest.LogCaptureFixture, broken: str | None
) -> None:
    good = '{"bulk-upload": {"default": false}}'
    played.file.write_text(good)
    token = played.say("StartConfigurationSession")["InitialConfigurationToken"]
    content, token = played.poll(token)
    assert content.decode() == good

    played.file.unlink() if broken is None else played.file.write_text(broken)
    for _ in range(3):
        content, token = played.poll(token)
        assert content == b""
    assert len(caplog.records) == 1

    played.file.write_text('{"bulk-upload": {"default": true}}')
    assert json.loads(played.poll(token)[0]) == {"bulk-upload": {"default": True}}


def test_versions_and_deployments_follow_what_was_seen(played: Played) -> None:
    first = played.create({"bulk-upload": {"default": False}})
    with pytest.raises(AwsError, match="latest version"):
        played.create({}, LatestVersionNumber=0)
    second = played.create({"new-checkout": {"default": True}}, LatestVersionNumber=first)

    played.say("StartDeployment", ConfigurationVersion=str(first))
    with pytest.raises(AwsError, match="in progress"):
        played.say("StartDeployment", ConfigurationVersion=str(second), LatestDeploymentNumber=1)
    played.now += 60
    with pytest.raises(AwsError, match="latest deployment"):
        played.say("StartDeployment", ConfigurationVersion=str(second), LatestDeploymentNumber=0)
    played.say("StartDeployment", ConfigurationVersion=str(second), LatestDeploymentNumber=1)

    assert json.loads(played.file.read_text()) == {"bulk-upload": {"default": False}, "new-checkout": {"default": True}}
    assert [found["ConfigurationVersion"] for found in played.say("ListDeployments")["Items"]] == ["2", "1"]


def test_there_is_one_configuration_and_no_other(played: Played) -> None:
    for call, asked in (
        ("StartConfigurationSession", {"EnvironmentIdentifier": "prod"}),
        ("ListDeployments", {"ApplicationId": "other"}),
        ("GetHostedConfigurationVersion", {"VersionNumber": 9}),
    ):
        with pytest.raises(AwsError):
            played.say(call, **asked)


def test_settings_of_the_file_are_parameters(tmp_path: Path) -> None:
    get = Parameters(tmp_path / "settings.json").operations()["GetParameters"]
    asked = {"Names": ["/market/dev/settings/RATE_LIMIT", "/market/dev/settings/PAYMENT_METHODS"]}
    assert get(asked)["Parameters"] == []
    (tmp_path / "settings.json").write_text('{"RATE_LIMIT": 50}')
    (found,) = get(asked)["Parameters"]
    assert (found["Name"], found["Value"]) == ("/market/dev/settings/RATE_LIMIT", "50")
    (tmp_path / "settings.json").write_text("{")
    assert get(asked)["InvalidParameters"] == asked["Names"]


@pytest.fixture
def market(monkeypatch: pytest.MonkeyPatch) -> Iterator[InProcess]:
    with marketplace(sockets=False) as made:
        monkeypatch.setenv("FLAGS_CACHE_SECONDS", "0")
        yield made


def told(market: InProcess, name: str) -> Any:
    return market.call("GET", "/v1/flags").json["flags"][name]


def test_the_file_of_a_new_marketplace_shows_every_flag_as_declared(market: InProcess) -> None:
    from declared.flags import FLAGS

    rules = json.loads((market.inside.data / "flags.json").read_text())

    assert {name: rule["default"] for name, rule in rules.items()} == {name: flag.value for name, flag in FLAGS.items()}


def test_what_a_person_writes_into_the_file_counts_without_a_restart(market: InProcess) -> None:
    file = market.inside.data / "flags.json"
    assert told(market, "guest-chat") is False

    rules = json.loads(file.read_text())
    file.write_text(json.dumps(rules | {"guest-chat": {"default": True}}))
    assert told(market, "guest-chat") is True
    file.write_text("{")
    assert told(market, "guest-chat") is True


def test_what_staff_decide_reaches_the_routes_that_ask(market: InProcess) -> None:
    staff = market.person("grace@example.com", roles=("customer", "staff"))
    path, body = "/v1/vendors/vnd_1/products/import", {"rows": []}
    assert market.call("POST", path, body, token=staff).json["code"] != "bulk_upload_off"

    assert market.call("POST", "/v1/admin/flags/bulk-upload/kill", token=staff).status == 200
    market.drain()
    refused = market.call("POST", path, {"rows": [ROW]}, token=staff)
    assert (refused.status, refused.json["code"]) == (403, "bulk_upload_off")
    assert told(market, "bulk-upload") is False


ROW = {
    "externalId": "1",
    "title": "Lamp",
    "description": "A lamp.",
    "category": "home",
    "variants": [{"sku": "LAMP-1", "price": {"amount": 100, "currency": "EUR"}, "available": 1}],
}


@pytest.mark.slow
def test_a_running_marketplace_follows_its_file_within_seconds(tmp_path: Path) -> None:
    with running(tmp_path) as served:
        file = tmp_path / "flags.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"guest-chat": {"default": True}}))
        for _ in range(200):
            if served.call("GET", "/v1/flags").json["flags"]["guest-chat"]:
                return
            time.sleep(0.1)
        raise AssertionError("the file was not read again")
