"""Who people are: the Cognito user pool and the one client that our API signs people in with."""

from typing import Any

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.function import alias_arn
from infra.pinned import pin
from infra.services import Source

TRIGGERS = {"pre_token_generation": ("PreTokenGenerationConfig", "V2_0")}
"""The user pool's setting and event version by a manifest's word; V2_0 puts claims into access tokens too."""


class IdentityStack(Stack):
    """Stateful: accounts cannot be made again. Triggers are named by ARN; their functions come with their service."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, services: dict[str, Source], **options: Any
    ) -> None:
        super().__init__(scope, name, description="User pool", **options)
        self.pool = self._pool(stage)
        self.client = self._client()
        for service in services.values():
            for function in service.functions(stage.name):
                if function.kind == "trigger":
                    self._trigger(function.trigger, stage.function(service.name, function.name))
        CfnOutput(self, "UserPoolId", value=self.pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=self.client.user_pool_client_id)

    def _pool(self, stage: Stage) -> cognito.UserPool:
        pool = cognito.UserPool(
            self,
            "UserPool",
            user_pool_name=stage.prefix,
            feature_plan=cognito.FeaturePlan.ESSENTIALS,
            self_sign_up_enabled=True,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=True, mutable=True),
                fullname=cognito.StandardAttribute(mutable=True),
            ),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            password_policy=cognito.PasswordPolicy(
                min_length=10, require_lowercase=True, require_uppercase=True, require_digits=True, require_symbols=True
            ),
            deletion_protection=stage.lasting,
            removal_policy=stage.removal,
        )
        acknowledge(
            pool,
            "AwsSolutions-COG2",
            "Shoppers choose a second factor in their account; staff must have one, which the sign-in checks.",
        )
        acknowledge(
            pool,
            "AwsSolutions-COG3",
            "Threat protection needs the Plus plan; sign-in attempts are limited by WAF and by account.",
        )
        acknowledge(
            pool,
            "AwsSolutions-COG8",
            "The Essentials plan has what we use: access-token claims and refresh-token rotation.",
        )
        return pin(pool, "UserPool")

    def _client(self) -> cognito.UserPoolClient:
        client = self.pool.add_client(
            "Client",
            user_pool_client_name="api",
            generate_secret=False,
            auth_flows=cognito.AuthFlow(user_password=True),
            disable_o_auth=True,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.minutes(30),
            id_token_validity=Duration.minutes(30),
            refresh_token_validity=Duration.days(30),
            refresh_token_rotation_grace_period=Duration.seconds(30),
        )
        return pin(client, "UserPoolClient")

    def _trigger(self, trigger: str | None, function: str) -> None:
        """Cognito calls the function; its service's stack lets it do so."""
        if trigger not in TRIGGERS:
            raise ValueError(f"{function} names no known trigger: {trigger}")
        setting, version = TRIGGERS[trigger]
        pool = self.pool.node.default_child
        assert isinstance(pool, cognito.CfnUserPool)
        pool.add_property_override(
            f"LambdaConfig.{setting}", {"LambdaArn": alias_arn(self, function), "LambdaVersion": version}
        )
