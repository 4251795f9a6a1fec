"""A market with two camps in it, for every module anew."""

from collections.abc import Iterator

import pytest

from tests.attacks import world as worlds
from tests.attacks.world import World


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with worlds.made() as built:
        yield built
