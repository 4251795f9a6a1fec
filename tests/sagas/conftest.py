"""The checkout as it runs: the real definition and handlers, the sandbox provider, events by the local runtime."""

from collections.abc import Iterator

import pytest

from tests.sagas.checkout import Checkout


@pytest.fixture
def checkout(database: str, environment: pytest.MonkeyPatch) -> Iterator[Checkout]:
    running = Checkout(environment)
    yield running
    running.close()
