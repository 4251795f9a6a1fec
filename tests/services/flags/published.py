"""An AppConfig of one's own, over a file, and a clock that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from local.answers import serve
from local.appconfig import AppConfig
from local.storage import Storage
from market import clock, config

PLACE = "market/dev/flags"
BAKE = 180.0


class Published:
    """`calls` are the names of all calls of AppConfig; while `away` it does not answer."""

    def __init__(self, environment: pytest.MonkeyPatch, folder: Path) -> None:
        self.file = folder / "flags.json"
        self.calls: list[str] = []
        self.away = False
        self._now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        environment.setattr(clock, "_source", lambda: self._now)
        environment.setenv("FLAGS_CONFIGURATION", PLACE)
        environment.setenv("FLAGS_STRATEGY", "at-once")
        self.storage = Storage(folder / "appconfig.db")
        self._played = AppConfig(self.storage, self.file, PLACE, {}, bake=BAKE, now=lambda: self._now.timestamp())
        self._deploy_as_the_stack_does()
        config.forget()
        events = config.session().events
        for service, operations in (
            ("appconfig", self._played.operations()),
            ("appconfigdata", self._played.data_operations()),
        ):
            serve(events, service, {name: self._noted(name, answer) for name, answer in operations.items()})

    def _deploy_as_the_stack_does(self) -> None:
        application, place, profile = PLACE.split("/")
        asked = {"ApplicationId": application, "EnvironmentId": place, "ConfigurationProfileId": profile}
        calls = self._played.operations()
        calls["CreateHostedConfigurationVersion"](asked | {"Content": b"{}", "ContentType": "application/json"})
        calls["StartDeployment"](asked | {"ConfigurationVersion": "1"})
        self.wait(BAKE)

    def _noted(self, name: str, answer: Any) -> Any:
        def noted(asked: dict[str, Any]) -> Any:
            self.calls.append(name)
            if self.away:
                raise ConnectionError("AppConfig is away")
            return answer(asked)

        return noted

    def wait(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)

    def says(self, rules: Any) -> None:
        """Let the file hold this, and a minute pass."""
        self.file.write_bytes(rules if isinstance(rules, bytes) else orjson.dumps(rules))
        self.wait(60)

    @property
    def rules(self) -> Any:
        return orjson.loads(self.file.read_bytes())


@contextmanager
def publishing(environment: pytest.MonkeyPatch, folder: Path) -> Iterator[Published]:
    made = Published(environment, folder)
    yield made
    made.storage.close()
