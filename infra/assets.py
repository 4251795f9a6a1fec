"""What is uploaded: each service's code, the kernel and the dependencies, staged under .cache, never with Docker.

A staging folder is named after the hash of its inputs: it is made once, and a deployment changes only what changed.
`stub` stages nothing: templates have the same shape, but cannot be deployed.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_

from infra.config import PYTHON
from infra.packages import Target, stage_dependencies, stage_function, stage_kernel, stage_stub
from infra.services import Source

Mode = Literal["real", "stub"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """Makes code and layers for the constructs. `rehearsed`: for this machine instead of Lambda's."""

    root: Path
    services: dict[str, Source]
    mode: Mode
    rehearsed: bool

    @property
    def target(self) -> Target:
        return Target.here() if self.rehearsed else Target(python=PYTHON, platform="aarch64-manylinux_2_28")

    def function(self, source: Source) -> lambda_.Code:
        staged = (
            stage_stub()
            if self.mode == "stub"
            else stage_function(self.root, source.name, target=self.target, bootstrap=self.rehearsed)
        )
        return lambda_.Code.from_asset(str(staged))

    def layers(self, stack: Stack) -> list[lambda_.ILayerVersion]:
        """The two layers of every function, the stack's own: a version shared by stacks could never be replaced."""
        kernel = stage_stub() if self.mode == "stub" else stage_kernel(target=self.target)
        return [self._layer(stack, "Kernel", kernel), self.packages(stack, "dependencies")]

    def packages(self, stack: Stack, name: str) -> lambda_.ILayerVersion:
        """The layer of `layers/<name>/requirements.txt`."""
        staged = stage_stub() if self.mode == "stub" else stage_dependencies(name, target=self.target)
        return self._layer(stack, name.capitalize(), staged)

    def templates(self, source: Source) -> list[Path]:
        """Mail templates of the service: JSON files with name, subject, text and html."""
        return list((self.root / "functions" / source.name / "templates").glob("*.json"))

    def _layer(self, stack: Stack, name: str, staged: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            stack,
            name,
            code=lambda_.Code.from_asset(str(staged)),
            compatible_architectures=[lambda_.Architecture.X86_64 if self.rehearsed else lambda_.Architecture.ARM_64],
        )
