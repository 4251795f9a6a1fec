"""The HTTP API, its stage and its authorizer. Routes are made by the services, each in its own stack."""

import json
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.config import Stage
from infra.constructs.alarms import alarm

LOGGED = {
    "at": "$context.requestTime",
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "route": "$context.routeKey",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "authorizer": "$context.authorizer.error",
    "integration": "$context.integrationErrorMessage",
}
"""One line a request; no query, no header, no body. The gateway cannot log a header: the correlation id is in the
lines of the function, which bear the same request id."""

EXPOSED = ["ETag", "Location", "Retry-After", "X-Request-Id", "X-Correlation-Id"]
ACCEPTED = [
    "api-key",
    "authorization",
    "captcha-token",
    "content-type",
    "guest-token",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-correlation-id",
]


class ApiStack(Stack):
    """Stateless, but its address is known to callers: it changes only when the stack is made anew."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, pool_id: str, client_id: str, **options: Any
    ) -> None:
        super().__init__(scope, name, description="HTTP API", **options)
        self.api = apigateway.HttpApi(
            self,
            "Api",
            api_name=stage.prefix,
            create_default_stage=False,
            cors_preflight=_cors(stage),
        )
        self._stage(stage)
        self.authorizer = self._authorizer(pool_id, client_id)
        self._alarms(stage)
        CfnOutput(self, "ApiUrl", value=self.api.api_endpoint)

    def _stage(self, stage: Stage) -> None:
        """Throttled as a whole. A throttle of one route would be shared by its callers, so that one attacker could keep
        everybody from signing in; nor can a stage name routes that other stacks make after it. Addresses and accounts
        are limited by the firewall and by the functions.
        """
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/aws/apigateway/{stage.prefix}",
            retention=stage.log_retention,
            removal_policy=RemovalPolicy.DESTROY,
        )
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=log_group.log_group_arn, format=json.dumps(LOGGED)
            ),
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_burst_limit=stage.burst, throttling_rate_limit=stage.rate, detailed_metrics_enabled=True
            ),
        )

    def _authorizer(self, pool_id: str, client_id: str) -> str:
        authorizer = apigateway.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self.api.api_id,
            name="accounts",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=apigateway.CfnAuthorizer.JWTConfigurationProperty(
                audience=[client_id], issuer=f"https://cognito-idp.{self.region}.{self.url_suffix}/{pool_id}"
            ),
        )
        return authorizer.ref

    def _alarms(self, stage: Stage) -> None:
        minute = Duration.minutes(1)
        alarm(
            self,
            "ServerErrors",
            self.api.metric_server_error(period=minute),
            stage=stage,
            says="The API answers with 5xx",
            runbook="server-errors",
            above=5,
        )
        refused = self.api.metric_client_error(period=Duration.minutes(5))
        says = "Far more requests are refused than usual"
        alarm(self, "Refusals", refused, stage=stage, says=says, runbook="attack", above=30 * stage.rate, periods=2)
        slow = self.api.metric_latency(period=Duration.minutes(5), statistic="p95")
        says = "One request in twenty takes more than a second"
        alarm(self, "Latency", slow, stage=stage, says=says, runbook="slow-answers", above=1000, periods=3)


def _cors(stage: Stage) -> apigateway.CorsPreflightOptions:
    """Pages of the stage's own origins. No credentials: there are no cookies, tokens are sent by name."""
    methods = apigateway.CorsHttpMethod
    return apigateway.CorsPreflightOptions(
        allow_origins=list(stage.origins),
        allow_methods=[methods.GET, methods.POST, methods.PUT, methods.PATCH, methods.DELETE],
        allow_headers=ACCEPTED,
        expose_headers=EXPOSED,
        max_age=Duration.hours(1),
        allow_credentials=False,
    )
