"""Finds the state machines: each folder of statemachines/ is one, and its definition says what it needs.

A definition writes `${OrdersTasks}` for the tasks function of the service `orders`, whichever services there are, and
`${ParkedQueueUrl}` for the queue where it leaves what a person must finish, and `${DocumentsBucket}` for the bucket
with the files of imports, which a distributed Map reads.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from infra.services import ROOT

DEFINITION = "definition.asl.json"
PARKED = "ParkedQueueUrl"
DOCUMENTS = "DocumentsBucket"
_UNFINISHED = {"checkout": "undo"}


@dataclass(frozen=True, slots=True)
class Machine:
    """A state machine as its folder tells it. The name is also the capability that lets a function start it."""

    name: str
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def title(self) -> str:
        """Its name in logical ids and in the names of stacks."""
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def setting(self) -> str:
        """The environment variable that holds its ARN."""
        return f"{self.name.replace('-', '_').upper()}_ARN"

    @property
    def words(self) -> tuple[str, ...]:
        """What the definition leaves open."""
        return tuple(sorted(set(re.findall(r"\$\{(\w+)\}", self.text))))

    @property
    def parks(self) -> bool:
        return PARKED in self.words

    @property
    def spreads(self) -> bool:
        """Whether it has a distributed Map, whose items are executions of their own."""
        states = json.loads(self.text)["States"].values()
        modes = [state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") for state in states]
        return "DISTRIBUTED" in modes

    @property
    def unfinished(self) -> str:
        """What it parks, as alarms and runbooks call it."""
        return _UNFINISHED.get(self.name, self.name)

    @property
    def parked(self) -> str:
        """The short name of its queue for people; the checkout's was the first and is called just that."""
        return "parked" if self.name == "checkout" else f"parked-{self.name}"


def discover_machines(root: Path = ROOT) -> dict[str, Machine]:
    """Every state machine under `root`/statemachines by name, in alphabetical order."""
    found = sorted((root / "statemachines").glob(f"*/{DEFINITION}"))
    return {path.parent.name: Machine(path.parent.name, path) for path in found}
