"""`python -m infra.rehearse [options] [-- COMMAND ...]`: deploy to MiniStack, run the command, tear down.

`{url}` in the command stands for the API's address. Without a command it is the demo, and then `proofs`.
Exits with the command's code.
"""

import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3

from infra.app import synthesize
from infra.config import REGION
from infra.rehearse.cors import mend_cors
from infra.rehearse.deploy import NotDeployed, deploy, settings
from infra.rehearse.front import one_address
from infra.rehearse.logs import save_logs
from infra.rehearse.server import credentials, running
from infra.services import KERNEL, ROOT

SEED = [sys.executable, "-m", "infra.rehearse.seed"]
DEMO = [sys.executable, "-m", "demo", "--url", "{url}"]
PROOFS = [sys.executable, "-m", "infra.rehearse.proofs", "--url", "{url}"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.rehearse", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of MiniStack; any free one otherwise")
    parser.add_argument("--root", type=Path, default=ROOT, help="folder with functions/ and statemachines/")
    parser.add_argument("--empty", action="store_true", help="do not seed the store")
    parser.add_argument("--keep", type=Path, help="folder for the assembly and logs, which is then kept")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an end by make or CI must end the emulator, too
    with tempfile.TemporaryDirectory(prefix="rehearsal-", ignore_cleanup_errors=True) as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return _rehearse(folder, options)
        except NotDeployed as refused:
            _say(str(refused))
            return 1


def _rehearse(folder: Path, options: argparse.Namespace) -> int:
    began = time.monotonic()
    shutil.rmtree(folder / "cdk.out", ignore_errors=True)
    assembly = synthesize(folder / "cdk.out", root=options.root.resolve(), rehearse="true", edge="false")
    _say(f"synthesized after {time.monotonic() - began:.1f} s")
    with running(folder, port=options.port) as endpoint:
        os.environ.update(credentials(endpoint))
        session = boto3.session.Session(region_name=REGION)
        outputs = deploy(assembly, session, endpoint)
        mend_cors(assembly, session, endpoint)
        with one_address(outputs) as address:
            _say(f"deployed after {time.monotonic() - began:.1f} s: {address}")
            known = settings(session, endpoint) | {"MINISTACK_URL": endpoint, "API_URL": address}
            code = 0
            if not options.empty:
                code = _run(SEED, known)
                _say(f"seeded after {time.monotonic() - began:.1f} s")
            for command in [options.command] if options.command else [DEMO, PROOFS]:
                code = code or _run(command, known)
        errors = save_logs(session, endpoint, folder / "functions.log")
        for line in errors[-20:] if code else ():
            _say(line)
    _say(f"ended with {code} after {time.monotonic() - began:.1f} s")
    return code


def _run(command: list[str], known: dict[str, str]) -> int:
    words = [word.replace("{url}", known["API_URL"]) for word in command if word != "--"]
    found = os.pathsep.join(str(ROOT / folder) for folder in ("", "functions", KERNEL))
    environment = {**os.environ, **known, "PYTHONPATH": found}
    return subprocess.run(words, env=environment, cwd=ROOT).returncode  # noqa: S603 - the caller's own command


def _say(line: str) -> None:
    sys.stdout.write(f"rehearsal: {line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
