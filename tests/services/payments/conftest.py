"""The checkout as it runs, with the sandbox provider and staff's desk beside it."""

from collections.abc import Iterator

import pytest

from tests.services.payments.till import Till


@pytest.fixture
def till(database: str, environment: pytest.MonkeyPatch) -> Iterator[Till]:
    running = Till(environment)
    yield running
    running.close()
