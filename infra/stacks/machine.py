"""One state machine, from its definition file and the functions that do its tasks."""

from typing import Any

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as stepfunctions
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.alarms import alarm
from infra.constructs.function import alias_arn
from infra.constructs.grants import IMPORTS, documents_bucket, machine_arn
from infra.machines import DOCUMENTS, PARKED, Machine
from infra.services import Source


class MachineStack(Stack):
    """Stateless as a resource; executions under way end with the machine, so it is never replaced lightly."""

    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        stage: Stage,
        source: Machine,
        services: dict[str, Source],
        parked: sqs.IQueue | None,
        **options: Any,
    ) -> None:
        """parked: the queue for people, where the definition asks for one."""
        super().__init__(scope, name, description=f"{source.title} state machine", **options)
        self.source = source
        given = self._tasks(stage, services) | {DOCUMENTS: documents_bucket(self, stage)}
        given |= {PARKED: parked.queue_url} if parked else {}
        role = self._role([given[word] for word in source.words if word.endswith("Tasks")])
        if parked:
            role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[parked.queue_arn]))
        if source.spreads:
            self._let_spread(role, stage)
        self.machine = stepfunctions.StateMachine(
            self,
            source.title,
            state_machine_name=stage.machine(source.name),
            state_machine_type=stepfunctions.StateMachineType.STANDARD,
            definition_body=stepfunctions.DefinitionBody.from_string(source.text),
            definition_substitutions={word: given[word] for word in source.words},
            role=role.without_policy_updates(),
            tracing_enabled=True,
            logs=stepfunctions.LogOptions(
                destination=self._logs(stage), level=stepfunctions.LogLevel.ERROR, include_execution_data=False
            ),
        )
        acknowledge(
            self.machine,
            "AwsSolutions-SF1",
            "Standard executions keep their whole history; logging it again would cost more than they do.",
        )
        self._alarms(stage, parked)

    def _tasks(self, stage: Stage, services: dict[str, Source]) -> dict[str, str]:
        """ARNs by substitution name, such as OrdersTasks: any service that has tasks may be named in a definition."""
        return {
            f"{service.name.title()}Tasks": alias_arn(self, stage.function(service.name, function.name))
            for service in services.values()
            for function in service.functions(stage.name)
            if function.kind == "tasks"
        }

    def _role(self, functions: list[str]) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=functions))
        tracing = [
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
        ]
        delivery = [
            f"logs:{action}"
            for action in (
                "CreateLogDelivery",
                "DeleteLogDelivery",
                "DescribeLogGroups",
                "DescribeResourcePolicies",
                "GetLogDelivery",
                "ListLogDeliveries",
                "PutResourcePolicy",
                "UpdateLogDelivery",
            )
        ]
        role.add_to_policy(iam.PolicyStatement(actions=tracing + delivery, resources=["*"]))
        acknowledge(role, "AwsSolutions-IAM5[Resource::*]", "Tracing and log delivery know no resources.")
        return role

    def _let_spread(self, role: iam.Role, stage: Stage) -> None:
        """A distributed Map starts executions of its own machine, and reads its items from the files of imports."""
        machine = machine_arn(self, stage, self.source)
        name = stage.machine(self.source.name)
        children = [
            self.format_arn(
                service="states",
                resource="execution",
                resource_name=pattern,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )
            for pattern in (f"{name}:*", f"{name}/*")
        ]
        files = [f"arn:{self.partition}:s3:::{documents_bucket(self, stage)}/{folder}" for folder in IMPORTS]
        for actions, resources in (
            (["states:StartExecution"], [machine]),
            (["states:DescribeExecution", "states:StopExecution"], children),
            (["s3:GetObject"], files),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources))
        region, account = self.region, "<AWS::AccountId>"
        for pattern in (f"{name}:*", f"{name}/*"):
            finding = f"Resource::arn:aws:states:{region}:{account}:execution:{pattern}"
            acknowledge(
                role, f"AwsSolutions-IAM5[{finding}]", "Step Functions makes up the names of a Map's executions."
            )
        for folder in IMPORTS:
            finding = f"Resource::arn:aws:s3:::{stage.prefix}-documents-{account}-{region}/{folder}"
            acknowledge(role, f"AwsSolutions-IAM5[{finding}]", "Files of imports, whose names are not known before.")

    def _logs(self, stage: Stage) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/vendedlogs/states/{stage.machine(self.source.name)}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _alarms(self, stage: Stage, parked: sqs.IQueue | None) -> None:
        period = Duration.minutes(5)
        name, left = self.source.name, f"{self.source.name}-failed"
        failed, late = self.machine.metric_failed(period=period), self.machine.metric_timed_out(period=period)
        alarm(self, "Failed", failed, stage=stage, says=f"Executions of {name} failed", runbook=left)
        alarm(self, "TimedOut", late, stage=stage, says=f"Executions of {name} did not end in time", runbook=left)
        if parked:
            what = self.source.unfinished
            waiting = parked.metric_approximate_number_of_messages_visible(period=period, statistic="Maximum")
            says = f"A step of {name} was given up and waits for a person"
            alarm(self, f"Parked{what.title()}", waiting, stage=stage, says=says, runbook=f"parked-{what}")
