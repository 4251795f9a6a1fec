"""What our documents tell people to open or to type is there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.services import ROOT

SOURCES = (
    "*.md",
    "docs/**/*.md",
    "functions/*/*.md",
    "infra/*.md",
    "local/*.md",
    "statemachines/*/*.md",
    "tools/**/*.md",
)
DOCUMENTS = sorted({path for pattern in SOURCES for path in ROOT.glob(pattern)})
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def _links(document: Path) -> Iterator[str]:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if "://" not in target and not target.startswith("#"):
            yield target.partition("#")[0]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere_and_commands_exist(document: Path) -> None:
    assert [link for link in _links(document) if not (document.parent / link).exists()] == []
    commands = re.findall(r"(?:^|`)make ([a-z-]+(?: [a-z-]+)*)", document.read_text(), re.MULTILINE)
    assert {word for command in commands for word in command.split()} <= TARGETS
