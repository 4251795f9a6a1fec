"""A real server, with a market in it, for all journeys of a run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local.harness import PASSWORD, Running, running
from local.marketplace import Marketplace
from local.synth import synthesized
from tests.journeys import promises
from tests.journeys.fair import Fair

LOGGED = ("--no-seed", "--json-logs")


class Operator:
    """Makes accounts past the mailed codes, as an operator can who has the data directory."""

    def __init__(self, server: Running) -> None:
        self._server = server

    def person(self, email: str, *, roles: tuple[str, ...] = ("customer",), vendor_id: str = "") -> str:
        return self.people([email], roles=roles, vendor_id=vendor_id)[email]

    def people(
        self, emails: list[str], *, roles: tuple[str, ...] = ("customer",), vendor_id: str = ""
    ) -> dict[str, str]:
        """Access tokens by address."""
        from identity import service

        with _inside(self._server):
            for email in emails:
                service.bootstrap(email, PASSWORD, email.partition("@")[0].title(), roles, vendor_id)
        return {email: self.log_in(email) for email in emails}

    def log_in(self, email: str) -> str:
        answer = self._server.call("POST", "/v1/auth/login", {"email": email, "password": PASSWORD})
        assert answer.status == 200, answer
        return str(answer.json["accessToken"])


@contextmanager
def _inside(server: Running) -> Iterator[Marketplace]:
    """The server's accounts and table, opened in this process too."""
    note = json.loads((server.data / "run.json").read_text())
    made = Marketplace(
        synthesized(), server.data, base_url=server.base_url, database_url=note["database"], log_level="ERROR"
    )
    try:
        yield made
    finally:
        made.close()


def stocked(server: Running) -> tuple[Fair, Operator]:
    """A fresh server with staff, a category and two vendors."""
    operator = Operator(server)
    fair = Fair(server, operator.person("staff@example.com", roles=("customer", "staff")))
    fair.tokens["staff"] = fair.staff
    fair.open(operator)
    return fair, operator


@pytest.fixture(scope="module", autouse=True)
def _as_promised() -> Iterator[None]:
    """Every answer on any journey is one that the OpenAPI document promises."""
    with promises.watched():
        yield


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(Path(tmp_path_factory.mktemp("market")), arguments=LOGGED) as made:
        yield made


@pytest.fixture(scope="session")
def opened(server: Running) -> tuple[Fair, Operator]:
    return stocked(server)


@pytest.fixture(scope="session")
def fair(opened: tuple[Fair, Operator]) -> Fair:
    return opened[0]


@pytest.fixture(scope="session")
def operator(opened: tuple[Fair, Operator]) -> Operator:
    return opened[1]
