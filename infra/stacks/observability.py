"""One dashboard that says whether people can buy."""

from collections.abc import Iterable
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.config import Stage
from infra.constructs.gateway import Gateway
from infra.services import Source
from infra.stacks.machine import MachineStack

PERIOD = Duration.minutes(5)


class ObservabilityStack(Stack):
    """Stateless. Alarms stand beside what they watch; here is the picture."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        services: dict[str, Source],
        gateways: Iterable[Gateway],
        machines: Iterable[MachineStack],
        **options: Any,
    ) -> None:
        super().__init__(scope, name, description="Dashboard", **options)
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=stage.prefix, default_interval=Duration.hours(6))
        for gateway in gateways:
            board.add_widgets(*self._edge(gateway))
        for machine in machines:
            board.add_widgets(*self._machine(stage, machine))
        for source in services.values():
            board.add_widgets(*self._service(stage, source))

    def _edge(self, gateway: Gateway) -> list[cloudwatch.IWidget]:
        api, name = gateway.api, gateway.name
        return [
            _graph(f"{name}: requests", api.metric_count(period=PERIOD)),
            _graph(
                f"{name}: refused and failed",
                api.metric_client_error(period=PERIOD),
                api.metric_server_error(period=PERIOD),
            ),
            _graph(
                f"{name}: latency", *(api.metric_latency(period=PERIOD, statistic=s) for s in ("p50", "p95", "p99"))
            ),
        ]

    def _machine(self, stage: Stage, made: MachineStack) -> list[cloudwatch.IWidget]:
        name, machine = made.source.name, made.machine
        failed = (machine.metric_failed(period=PERIOD), machine.metric_timed_out(period=PERIOD))
        widgets: list[cloudwatch.IWidget] = [
            _graph(
                f"{name}: executions", machine.metric_started(period=PERIOD), machine.metric_succeeded(period=PERIOD)
            ),
            _graph(f"{name}: failed", *failed),
        ]
        if made.source.parks:
            arn = self.format_arn(service="sqs", resource=stage.queue(made.source.parked))
            parked = sqs.Queue.from_queue_arn(self, f"Parked{made.source.title}", arn)
            visible = parked.metric_approximate_number_of_messages_visible(period=PERIOD)
            widgets.append(_graph(f"{name}: parked", visible))
        return widgets

    def _service(self, stage: Stage, source: Source) -> list[cloudwatch.IWidget]:
        def metric(function: str, what: str, statistic: str) -> cloudwatch.Metric:
            return cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name=what,
                dimensions_map={"FunctionName": function},
                statistic=statistic,
                period=PERIOD,
                label=function,
            )

        names = [stage.function(source.name, function.name) for function in source.functions(stage.name)]
        return [
            _graph(f"{source.name}: {title}", *(metric(name, what, statistic) for name in names))
            for title, what, statistic in (
                ("invocations", "Invocations", "Sum"),
                ("errors", "Errors", "Sum"),
                ("duration p95", "Duration", "p95"),
            )
        ]


def _graph(title: str, *metrics: cloudwatch.IMetric) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(title=title, left=list(metrics), width=8, height=5)
