"""The offline gates: `python -m infra.gates`. CDK's validation with rule packs, cfn-lint, asl-validator.

What no such tool sees is in tests/infra, which the everyday tests run.
"""

import subprocess
import sys
import time
from pathlib import Path

from infra.app import synthesize
from infra.config import STAGES
from infra.machines import discover_machines
from infra.services import ROOT

GATES = ROOT / ".cache" / "gates"
ACCEPTED = ("W3005",)
"""W3005: CDK writes dependencies that a GetAtt implies anyway."""


def main() -> int:
    began = time.monotonic()
    failed = [name for name, passed in _gates() if not passed]
    _say(f"{'failed: ' + ', '.join(failed) if failed else 'all passed'} after {time.monotonic() - began:.1f} s")
    return 1 if failed else 0


def _gates() -> list[tuple[str, bool]]:
    stages = [(f"rules {stage}", _obeys_rules(stage)) for stage in STAGES]
    templates = sorted(str(path) for path in GATES.glob("*/*.template.json"))
    linted = ("cfn-lint", _runs(str(_beside("cfn-lint")), "--ignore-checks", *ACCEPTED, "--", *templates))
    validator = ROOT / "node_modules" / ".bin" / "asl-validator"
    return [
        *stages,
        linted,
        *(
            (f"asl-validator {machine.name}", _runs(str(validator), "--json-path", str(machine.path)))
            for machine in discover_machines().values()
        ),
    ]


def _obeys_rules(stage: str) -> bool:
    """Synthesize with cdk-nag's packs; CDK prints what they find."""
    out = GATES / stage
    for old in out.glob("*.json"):
        old.unlink()
    try:
        synthesize(out, stage=stage, assets="stub", nag="true")
    except RuntimeError as refused:
        _say(f"{stage}: {str(refused).splitlines()[0]}")
        return False
    return True


def _runs(*command: str) -> bool:
    _say(f"{Path(command[0]).name} ...")
    return subprocess.run(command, cwd=ROOT).returncode == 0  # noqa: S603 - our own arguments


def _beside(program: str) -> Path:
    return Path(sys.executable).parent / program


def _say(line: str) -> None:
    sys.stdout.write(f"gates: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
