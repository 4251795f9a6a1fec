"""Logs that hide secrets, and settings that are read when they are needed."""

import json
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest

from market import config, log


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("LOG_LEVEL", raising=False)
    return lambda: [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.fixture
def fresh(environment: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    config.forget()
    yield environment
    config.forget()


def test_a_line_is_one_json_object_with_time_level_and_event(lines: Any) -> None:
    log.info("lamp lit", lamp="lmp_1", quantity=2, nothing=None)

    (line,) = lines()
    assert line.pop("at").endswith("Z")
    assert line == {"level": "INFO", "event": "lamp lit", "lamp": "lmp_1", "quantity": 2}


@pytest.mark.parametrize(
    "field",
    ["password", "new_password", "client_secret", "Token", "taskToken", "authorization", "email", "phone", "card"],
)
def test_secrets_and_personal_data_are_hidden(lines: Any, field: str) -> None:
    log.info("lamp lit", **{field: "swordfish"})

    assert "swordfish" not in str(lines())


@pytest.mark.parametrize(
    "value",
    [{"email": "ada@example.com"}, [{"email": "ada@example.com"}], {"who": {"emailAddress": "ada@example.com"}}],
)
def test_they_are_hidden_inside_other_values_too(lines: Any, value: Any) -> None:
    log.info("lamp lit", buyer=value)

    assert "ada@example.com" not in str(lines())


def test_long_values_are_cut(lines: Any) -> None:
    log.info("lamp lit", note="x" * 5_000, inner={"note": "y" * 5_000})

    assert len(json.dumps(lines())) < 1_000


def test_an_exception_is_logged_with_its_type_and_place_but_not_its_message(lines: Any) -> None:
    try:
        raise KeyError("ada@example.com")
    except KeyError as error:
        log.error("lamp broke", error)

    (line,) = lines()
    assert (line["level"], line["error"]) == ("ERROR", "KeyError")
    assert "test_log_and_config.py" in line["where"][0]
    assert "ada@" not in str(line)


def test_the_scope_is_carried_into_lines_and_ends_with_its_block(lines: Any) -> None:
    with log.acting(log.Scope("req-1", "cor-1", "user", "usr_1")):
        log.info("lamp lit")
    log.info("lamp lit")

    inside, outside = lines()
    assert (inside["requestId"], inside["correlationId"]) == ("req-1", "cor-1")
    assert "correlationId" not in outside


def test_each_thread_has_a_scope_of_its_own() -> None:
    seen: list[log.Scope] = []
    with log.acting(log.Scope("req-1", "cor-1")):
        thread = Thread(target=lambda: seen.append(log.scope()))
        thread.start()
        thread.join()

    assert seen == [log.Scope()]


def test_lines_below_the_level_are_not_written(lines: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "WARNING")
    log.info("lamp lit")
    log.warning("lamp dim")

    assert [line["event"] for line in lines()] == ["lamp dim"]


def test_what_json_does_not_know_is_still_logged(lines: Any) -> None:
    log.info("lamp lit", kind=ValueError, place=object())

    assert lines()[0]["event"] == "lamp lit"


def test_a_missing_setting_is_named(fresh: pytest.MonkeyPatch) -> None:
    fresh.delenv("CHECKOUT_ARN", raising=False)

    with pytest.raises(config.MissingSetting, match="CHECKOUT_ARN"):
        config.setting("CHECKOUT_ARN")


def test_settings_are_read_when_asked_and_may_have_defaults(fresh: pytest.MonkeyPatch) -> None:
    fresh.delenv("HOLD_MINUTES", raising=False)
    assert config.number("HOLD_MINUTES") == 15
    fresh.setenv("HOLD_MINUTES", "3")
    assert config.number("HOLD_MINUTES") == 3


def test_keys_differ_by_purpose_and_stay_the_same(fresh: pytest.MonkeyPatch) -> None:
    cursor, other = config.key("cursor"), config.key("other")
    config.forget()

    assert (len(cursor), cursor != other, config.key("cursor") == cursor) == (32, True, True)


def test_a_client_is_made_once_even_by_many_threads(fresh: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    threads = [Thread(target=lambda: made.append(config.client("sqs"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(made) == 8
    assert len({id(client) for client in made}) == 1


def test_endpoints_can_be_set_for_each_service(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("AWS_ENDPOINT_URL_SQS", "http://127.0.0.1:9/")
    config.forget()

    assert config.client("sqs").meta.endpoint_url.startswith("http://127.0.0.1:9")
    assert "127.0.0.1" not in config.client("dynamodb").meta.endpoint_url
