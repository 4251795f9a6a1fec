"""`python -m local`: the whole marketplace on one machine, and an export of its data for audits."""

import argparse
import os
import sys
from pathlib import Path

__all__ = ["main"]

DEFAULT_DATA = Path(".data")
OURS = {"RATE_LIMIT": "1000", "ACCESS_CACHE_SECONDS": "2"}
"""Settings unless the environment has them: here everybody comes from one address, and reading costs nothing."""

WHAT = ("orders", "ledger", "balances", "stock", "events", "payments", "mails", "all")


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "export":
        from local.export import export

        return export(options.data, options.what, sys.stdout)
    if options.command == "background":
        return _background(options)
    return _serve(options)


def _serve(options: argparse.Namespace) -> int:
    from local.database import DatabaseMissing, TableDiffers
    from local.front import DataInUse, Options, serve
    from local.server import PortTaken
    from local.synth import SynthesisFailed

    os.environ.update({name: value for name, value in OURS.items() if name not in os.environ})
    asked = Options(
        port=options.port,
        data=options.data,
        one_process=options.one_process,
        json_logs=options.json_logs,
        log_level=options.log_level,
        seeded=not options.no_seed,
    )
    try:
        return serve(asked)
    except (DatabaseMissing, TableDiffers, DataInUse, PortTaken, SynthesisFailed) as expected:
        sys.stderr.write(f"{expected}\n")
        return 1


def _background(options: argparse.Namespace) -> int:
    from local.background import Wiring, run

    run(
        Wiring(
            options.assembly,
            options.data,
            options.base_url,
            options.database_url,
            options.log_level,
            options.json_logs,
        )
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="The whole marketplace on one machine.")
    _common(parser)
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    parser.add_argument("--one-process", action="store_true", help="background work in the same process, for debugging")
    parser.add_argument("--no-seed", action="store_true", help="leave an empty store empty")
    commands = parser.add_subparsers(dest="command")
    export = commands.add_parser("export", help="write orders, ledger, stock … as JSON lines")
    export.add_argument("--data", type=Path, default=DEFAULT_DATA)
    export.add_argument("--what", choices=WHAT, default="all")
    background = commands.add_parser("background")
    _common(background)
    background.add_argument("--assembly", type=Path, required=True)
    background.add_argument("--base-url", required=True)
    background.add_argument("--database-url", required=True)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    level = os.environ.get("LOG_LEVEL", "INFO")
    parser.add_argument("--data", type=Path, default=DEFAULT_DATA, help="where everything is kept (default: .data)")
    parser.add_argument("--json-logs", action="store_true", help="log JSON lines as on AWS")
    parser.add_argument("--log-level", default=level, choices=("DEBUG", "INFO", "WARNING", "ERROR"))


if __name__ == "__main__":
    sys.exit(main())
