"""One dashboard that says whether people can buy."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from infra.config import Stage
from infra.services import Source

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
        api: apigateway.HttpApi,
        checkout: stepfunctions.StateMachine,
        **options: Any,
    ) -> None:
        super().__init__(scope, name, description="Dashboard", **options)
        board = cloudwatch.Dashboard(self, "Dashboard", dashboard_name=stage.prefix, default_interval=Duration.hours(6))
        board.add_widgets(*self._edge(api))
        board.add_widgets(*self._orders(stage, checkout))
        for source in services.values():
            board.add_widgets(*self._service(stage, source))

    def _edge(self, api: apigateway.HttpApi) -> list[cloudwatch.IWidget]:
        return [
            _graph("Requests", api.metric_count(period=PERIOD)),
            _graph(
                "Refused and failed", api.metric_client_error(period=PERIOD), api.metric_server_error(period=PERIOD)
            ),
            _graph("Latency", *(api.metric_latency(period=PERIOD, statistic=s) for s in ("p50", "p95", "p99"))),
        ]

    def _orders(self, stage: Stage, checkout: stepfunctions.StateMachine) -> list[cloudwatch.IWidget]:
        parked = sqs.Queue.from_queue_arn(
            self, "Parked", self.format_arn(service="sqs", resource=stage.queue("parked"))
        )
        return [
            _graph("Checkouts", checkout.metric_started(period=PERIOD), checkout.metric_succeeded(period=PERIOD)),
            _graph(
                "Checkouts that failed", checkout.metric_failed(period=PERIOD), checkout.metric_timed_out(period=PERIOD)
            ),
            _graph("Parked undos", parked.metric_approximate_number_of_messages_visible(period=PERIOD)),
        ]

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
