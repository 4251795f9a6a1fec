from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from market import clock
from tests.services.prices.floor import Floor


@pytest.fixture
def floor(database: str) -> Iterator[Floor]:
    """An empty floor on a Monday noon."""
    made = Floor(datetime(2026, 3, 2, 12, tzinfo=UTC))
    with clock.running_on(lambda: made.now):
        yield made
