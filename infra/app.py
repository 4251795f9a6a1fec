"""The CDK app: `npx cdk synth`, or `python -m infra.app --out DIR` in process.

Context (`-c name=value`): stage=dev|staging|prod · assets=real|stub · rehearse=true (packages for this machine) ·
edge=false (no CloudFront: something else makes one address of the two APIs) · nag=true (rule packs).
Needs neither credentials nor network, except to build the dependencies layer for the first time.
"""

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = False
os.environ["JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION"] = "20"

from aws_cdk import App, Environment, Tags, Validations  # noqa: E402 - jsii must be allowed to cache itself

from infra.assets import Assets  # noqa: E402
from infra.config import PYTHON, REGION, STAGES, Stage  # noqa: E402
from infra.constructs.service import Surroundings  # noqa: E402
from infra.machines import Machine, discover_machines  # noqa: E402
from infra.services import ROOT, Source, discover  # noqa: E402
from infra.stacks.api import ApiStack  # noqa: E402
from infra.stacks.data import DataStack  # noqa: E402
from infra.stacks.edge import EdgeStack  # noqa: E402
from infra.stacks.flags import FlagsStack  # noqa: E402
from infra.stacks.identity import IdentityStack  # noqa: E402
from infra.stacks.machine import MachineStack  # noqa: E402
from infra.stacks.messaging import MessagingStack  # noqa: E402
from infra.stacks.observability import ObservabilityStack  # noqa: E402
from infra.stacks.service import ServiceStack  # noqa: E402


class Marketplace:
    """All stacks of one stage."""

    def __init__(self, app: App, stage: Stage, assets: Assets) -> None:
        self._app, self._stage, self._assets = app, stage, assets
        self._services, self._machines = assets.services, discover_machines(assets.root)
        self._stateful()
        self.api = self._stack(
            ApiStack, "Api", pool_id=self.identity.pool.user_pool_id, client_id=self.identity.client.user_pool_client_id
        )
        self.flags = self._stack(FlagsStack, "Flags", gateways=self.api.gateways)
        self.firewall = ""
        self.url = self._public_url()
        self.contexts = {name: self._context(source) for name, source in self._services.items()}
        self.machines = {name: self._machine(machine) for name, machine in self._machines.items()}
        self._stack(
            ObservabilityStack,
            "Observability",
            services=self._services,
            gateways=self.api.gateways,
            machines=list(self.machines.values()),
        )

    def _public_url(self) -> str:
        """Where callers reach the API; behind an edge, the API itself refuses who did not come through it."""
        if not self._stage.edge:
            return str(self.api.shop.api.api_endpoint)
        edge = self._stack(EdgeStack, "Edge", apis=self.api, media=self.data.media)
        self.firewall = edge.firewall.sets if edge.firewall else ""
        return f"https://{edge.distribution.distribution_domain_name}"

    def _stateful(self) -> None:
        protected = {"termination_protection": self._stage.lasting}
        self.data = self._stack(DataStack, "Data", **protected)
        self.messaging = self._stack(MessagingStack, "Messaging", machines=self._machines, **protected)
        self.identity = self._stack(IdentityStack, "Identity", services=self._services, **protected)

    def _context(self, source: Source) -> ServiceStack:
        stream = self.data.table.table_stream_arn
        assert stream
        around = Surroundings(
            stage=self._stage,
            services=self._services,
            machines=self._machines,
            gateway_of=self.api.gateway_of,
            url=self.url,
            pool_id=self.identity.pool.user_pool_id,
            pool_arn=self.identity.pool.user_pool_arn,
            client_id=self.identity.client.user_pool_client_id,
            stream_arn=stream,
            flags=self.flags.configuration,
            firewall=self.firewall,
        )
        context = ServiceStack(
            self._app,
            self._id(f"{source.name.capitalize()}Service"),
            source=source,
            around=around,
            assets=self._assets,
            env=_environment(),
        )
        for before in (self.data, self.messaging):
            context.add_stack_dependency(before)
        return context

    def _machine(self, source: Machine) -> MachineStack:
        """Executions call functions by name: the functions are there first."""
        made: MachineStack = self._stack(
            MachineStack,
            source.title,
            source=source,
            services=self._services,
            parked=self.messaging.parked.get(source.name),
        )
        for context in self.contexts.values():
            made.add_stack_dependency(context)
        return made

    def _stack(self, kind: Any, name: str, **options: Any) -> Any:
        return kind(self._app, self._id(name), stage=self._stage, env=_environment(), **options)

    def _id(self, name: str) -> str:
        return f"Market-{self._stage.name}-{name}"


def _environment() -> Environment:
    return Environment(region=REGION)


def build(app: App, *, root: Path = ROOT) -> Marketplace:
    """Fill the app with the stacks that its context asks for."""
    stage = STAGES[app.node.try_get_context("stage") or "dev"]
    if str(app.node.try_get_context("edge")).lower() == "false":
        stage = replace(stage, edge=False, firewall=False)
    services = discover(root)
    assets = Assets(
        root=root,
        services=services,
        mode="stub" if app.node.try_get_context("assets") == "stub" else "real",
        rehearsed=_is_set(app, "rehearse"),
    )
    if assets.mode == "real" and not assets.target.interpreter():
        sys.stderr.write(f"No python{PYTHON} here to compile with: functions will start slower, without bytecode.\n")
    made = Marketplace(app, stage, assets)
    Tags.of(app).add("application", "marketplace")
    Tags.of(app).add("stage", stage.name)
    if _is_set(app, "nag"):
        from cdk_nag import AwsSolutionsChecks, ServerlessChecks

        Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    return made


def _is_set(app: App, name: str) -> bool:
    return str(app.node.try_get_context(name)).lower() == "true"


def context(**given: str) -> dict[str, Any]:
    """The context of cdk.json, which the cdk command would pass, and what is given besides."""
    return {**json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"], **given}


def synthesize(out: Path, *, root: Path = ROOT, **given: str) -> Path:
    """Write the cloud assembly to `out` without the cdk command. `given` is context, such as assets="stub"."""
    app = App(outdir=str(out), context=context(**given), analytics_reporting=False)
    build(app, root=root)
    app.synth()
    return out


def main(arguments: list[str] | None = None) -> None:
    if arguments is None and len(sys.argv) == 1:  # started by the cdk command, which passes context by environment
        app = App()
        build(app)
        app.synth()
        return
    parser = argparse.ArgumentParser(prog="python -m infra.app", description="Synthesize the stacks of a stage.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="NAME=VALUE")
    options = parser.parse_args(arguments)
    given = dict(pair.split("=", 1) for pair in options.context)
    synthesize(options.out, root=options.root.resolve(), **given)


if __name__ == "__main__":
    main()
