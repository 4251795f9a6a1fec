"""A checkout that orders can start."""

import pytest

from tests.services.orders import floor


@pytest.fixture
def machine(database: str, environment: pytest.MonkeyPatch) -> str:
    """The ARN of the checkout's state machine, set as the functions have it."""
    arn = floor.make_machine()
    environment.setenv("CHECKOUT_ARN", arn)
    return arn
