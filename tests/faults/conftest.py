"""Runs of the marketplace under a seed."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, redirect_stdout
from io import StringIO

import pytest

from local import direct
from local.database import Database
from market import config
from tests.conftest import TABLE
from tests.faults import crowd
from tests.faults.crowd import Crowd
from tests.faults.network import StormyCheckout

Simulate = Callable[[int], Crowd]


@pytest.fixture
def simulate(dynoxide: Database, environment: pytest.MonkeyPatch) -> Iterator[Simulate]:
    """Tell the story of a seed to its end, on a table of its own; look at it before you ask for the next one."""
    environment.setenv("AWS_ENDPOINT_URL_DYNAMODB", dynoxide.url)
    environment.setattr(logging.getLogger("market.local"), "disabled", True)
    with ExitStack() as ends:

        def run(seed: int) -> Crowd:
            ends.close()
            name = f"storm-{seed}"
            dynoxide.create(name, TABLE)
            ends.callback(dynoxide.drop, name)
            environment.setenv("TABLE_NAME", name)
            patches = ends.enter_context(pytest.MonkeyPatch.context())  # one for all would keep every story in memory
            checkout = ends.enter_context(closing(StormyCheckout(patches, seed)))
            direct.install(config.session().events, dynoxide.url)
            said = StringIO()
            with redirect_stdout(said):
                told = crowd.run(checkout)
            checkout.log += said.getvalue().splitlines()
            return told

        yield run
