from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.flags.published import Published, publishing


@pytest.fixture
def published(database: str, environment: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Published]:
    with publishing(environment, tmp_path) as made:
        yield made
