"""Promotions called over HTTP, by their owners and by customers."""

import pytest

from tests.services.promotions.desk import Office


@pytest.fixture
def office(database: str) -> Office:
    """An empty marketplace with two vendors; each test runs on both engines."""
    return Office()
