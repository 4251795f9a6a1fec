"""Where feature flags are published: one AppConfig configuration, watched over while it is new.

Every change goes to all functions at once and is rolled back if the API fails in the minutes after. The first version
is empty and stays as it is: a deployment of these stacks must not take back what operators have decided.
"""

import importlib
import json
from collections.abc import Iterable
from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_appconfig as appconfig
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.alarms import alarm
from infra.constructs.gateway import Gateway
from infra.constructs.grants import Configuration

BAKE_MINUTES = 3
"""How long a deployment is watched, and the next one has to wait; longer than a publisher may run."""

FAILING = 5
"""Answers of 5xx in a minute that roll a deployment back."""


class FlagsStack(Stack):
    """Stateless: the flags' items are in the table, and staff publish them again by changing one."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, gateways: Iterable[Gateway], **options: Any
    ) -> None:
        super().__init__(scope, name, description="Feature flags", **options)
        application = appconfig.CfnApplication(self, "Application", name=stage.prefix)
        environment = appconfig.CfnEnvironment(
            self,
            "Environment",
            application_id=application.ref,
            name=stage.name,
            monitors=self._monitors(stage, gateways),
        )
        profile = self._profile(application)
        self._begin(stage, application, environment, profile)
        watched = self._strategy("Strategy", f"{stage.prefix}-flags", bake=BAKE_MINUTES)
        self.configuration = Configuration(application.ref, environment.ref, profile.ref, watched.ref)

    def _profile(self, application: appconfig.CfnApplication) -> appconfig.CfnConfigurationProfile:
        schema = importlib.import_module("flags.model").SCHEMA
        validator = appconfig.CfnConfigurationProfile.ValidatorsProperty(type="JSON_SCHEMA", content=json.dumps(schema))
        return appconfig.CfnConfigurationProfile(
            self,
            "Profile",
            application_id=application.ref,
            name="flags",
            location_uri="hosted",
            type="AWS.Freeform",
            validators=[validator],
        )

    def _strategy(self, logical_id: str, name: str, *, bake: int) -> appconfig.CfnDeploymentStrategy:
        return appconfig.CfnDeploymentStrategy(
            self,
            logical_id,
            name=name,
            deployment_duration_in_minutes=0,
            growth_factor=100,
            growth_type="LINEAR",
            final_bake_time_in_minutes=bake,
            replicate_to="NONE",
        )

    def _begin(
        self,
        stage: Stage,
        application: appconfig.CfnApplication,
        environment: appconfig.CfnEnvironment,
        profile: appconfig.CfnConfigurationProfile,
    ) -> None:
        """An empty version, for everybody at once; nothing of this may change, or it would be deployed again."""
        version = appconfig.CfnHostedConfigurationVersion(
            self,
            "FirstVersion",
            application_id=application.ref,
            configuration_profile_id=profile.ref,
            content="{}",
            content_type="application/json",
        )
        appconfig.CfnDeployment(
            self,
            "FirstDeployment",
            application_id=application.ref,
            environment_id=environment.ref,
            configuration_profile_id=profile.ref,
            configuration_version=version.ref,
            deployment_strategy_id=self._strategy("FirstStrategy", f"{stage.prefix}-flags-first", bake=0).ref,
        )

    def _monitors(
        self, stage: Stage, gateways: Iterable[Gateway]
    ) -> list[appconfig.CfnEnvironment.MonitorsProperty] | None:
        """What rolls a deployment back: many failing answers, however old the cause."""
        failing = [self._failing(stage, gateway) for gateway in gateways] if stage.alarms else []
        if not failing:
            return None
        role = self._watcher().role_arn
        return [
            appconfig.CfnEnvironment.MonitorsProperty(alarm_arn=made.alarm_arn, alarm_role_arn=role) for made in failing
        ]

    def _failing(self, stage: Stage, gateway: Gateway) -> cloudwatch.Alarm:
        made = alarm(
            self,
            f"FailingAnswers-{gateway.name}",
            gateway.api.metric_server_error(period=Duration.minutes(1), statistic="Sum"),
            stage=stage,
            says=f"Many requests to the {gateway.name} API fail; a flag that was just changed is rolled back",
            runbook="server-errors",
            above=FAILING,
        )
        assert made, "a stage without alarms does not ask"
        return made

    def _watcher(self) -> iam.Role:
        """AppConfig asks for alarms without naming one, so that this cannot be narrowed."""
        role = iam.Role(self, "Watcher", assumed_by=iam.ServicePrincipal("appconfig.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["cloudwatch:DescribeAlarms"], resources=["*"]))
        acknowledge(
            role, "AwsSolutions-IAM5[Resource::*]", "AppConfig asks for the state of alarms without naming one."
        )
        return role
