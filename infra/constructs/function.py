"""One Lambda function of a service: role, log group, alias `live`, alarms and, where the stage has it, a canary."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import PYTHON, Stage
from infra.constructs.alarms import function_alarms

if TYPE_CHECKING:
    from market.manifest import Function

LIVE = "live"


@dataclass(frozen=True, slots=True)
class Code:
    """What a function runs: its service's code and the layers; rehearsed ones bring their own bootstrap.

    extras: further layers by name, for the functions that ask for them.
    """

    asset: lambda_.Code
    layers: list[lambda_.ILayerVersion]
    extras: dict[str, lambda_.ILayerVersion]
    rehearsed: bool

    @property
    def runtime(self) -> lambda_.Runtime:
        return (
            lambda_.Runtime.PROVIDED_AL2023
            if self.rehearsed
            else lambda_.Runtime(f"python{PYTHON}", lambda_.RuntimeFamily.PYTHON)
        )

    @property
    def architecture(self) -> lambda_.Architecture:
        return lambda_.Architecture.X86_64 if self.rehearsed else lambda_.Architecture.ARM_64


class EntryPoint(Construct):
    """A function and its alias; everything that calls it calls the alias."""

    def __init__(
        self,
        scope: Construct,
        declared: "Function",
        *,
        service: str,
        stage: Stage,
        code: Code,
        environment: dict[str, str],
        dead_letters: sqs.IQueue | None = None,
    ) -> None:
        """dead_letters: where events go that an asynchronously called function failed to handle."""
        super().__init__(scope, "".join(word.capitalize() for word in re.split(r"[-_]", declared.name)))
        self.declared = declared
        name = stage.function(service, declared.name)
        log_group = logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{name}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        self.role = self._role(log_group)
        self.function = self._function(name, log_group, stage, code, environment, dead_letters)
        self.alias = lambda_.Alias(self, "Live", alias_name=LIVE, version=self.function.current_version)
        alarms = function_alarms(self, self.alias, stage=stage, name=name)
        if stage.canary:
            self._canary(alarms)

    def _canary(self, alarms: list[cloudwatch.Alarm]) -> None:
        group = codedeploy.LambdaDeploymentGroup(
            self,
            "Canary",
            alias=self.alias,
            deployment_config=codedeploy.LambdaDeploymentConfig.CANARY_10_PERCENT_5_MINUTES,
            alarms=list(alarms),
            auto_rollback=codedeploy.AutoRollbackConfig(failed_deployment=True, deployment_in_alarm=True),
        )
        managed = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited"
        acknowledge(
            group, f"AwsSolutions-IAM4[{managed}]", "AWS's own role for shifting an alias, already the limited one."
        )

    def _role(self, log_group: logs.LogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[log_group.log_group_arn]
            )
        )
        acknowledge(
            role,
            "AwsSolutions-IAM5[Resource::*]",
            "X-Ray's PutTraceSegments and PutTelemetryRecords know no resources.",
        )
        return role

    def _function(
        self,
        name: str,
        log_group: logs.LogGroup,
        stage: Stage,
        code: Code,
        environment: dict[str, str],
        dead_letters: sqs.IQueue | None,
    ) -> lambda_.Function:
        function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=code.runtime,
            architecture=code.architecture,
            handler=self.declared.handler,
            code=code.asset,
            layers=[*code.layers, *(code.extras[name] for name in self.declared.layers)],
            role=self.role,
            memory_size=self.declared.memory,
            timeout=Duration.seconds(self.declared.timeout),
            reserved_concurrent_executions=self.declared.concurrency,
            environment=environment,
            log_group=log_group,
            logging_format=lambda_.LoggingFormat.JSON,
            application_log_level_v2=lambda_.ApplicationLogLevel.INFO,
            system_log_level_v2=lambda_.SystemLogLevel.WARN,
            tracing=lambda_.Tracing.ACTIVE,
            dead_letter_queue=dead_letters,
            current_version_options=lambda_.VersionOptions(
                removal_policy=RemovalPolicy.RETAIN if stage.lasting else None
            ),
        )
        _accept_findings(function, dead_letters)
        return function


def _accept_findings(function: lambda_.Function, dead_letters: sqs.IQueue | None) -> None:
    for rule in ("AwsSolutions-L1", "Serverless-LambdaLatestVersion"):
        acknowledge(function, rule, f"Python {PYTHON} starts faster than 3.14 and is supported until 2029.")
    if dead_letters is None:
        reason = (
            "Its caller waits for the answer, or its queue or stream keeps what failed and has a dead-letter queue."
        )
        acknowledge(function, "Serverless-LambdaDLQ", reason)


def alias_arn(stack: Stack, function: str) -> str:
    """The ARN of a function's live alias, from its name alone, so that no stack has to import it from another."""
    return stack.format_arn(
        service="lambda",
        resource="function",
        resource_name=f"{function}:{LIVE}",
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )
