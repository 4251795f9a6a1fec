"""One HTTP API with its stage, authorizer, access log and alarms. The marketplace has two of them: see `stacks.api`."""

import json

from aws_cdk import Duration, RemovalPolicy, Stack
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

EXPOSED = [
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-Id",
    "X-Correlation-Id",
    "Link",
    "Next-Cursor",
    "X-Next-Cursor",
]
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


class Gateway(Construct):
    """An HTTP API whose routes are made by the services, each in its own stack. `name` ends its physical names."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: Stage, name: str, pool_id: str, client_id: str
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.api = apigateway.HttpApi(
            self, "Api", api_name=f"{stage.prefix}-{name}", create_default_stage=False, cors_preflight=_cors(stage)
        )
        self._stage(stage)
        self.authorizer = self._authorizer(pool_id, client_id)
        self._alarms(stage)

    def _stage(self, stage: Stage) -> None:
        """Throttled as a whole. A throttle of one route would be shared by its callers, so that one attacker could keep
        everybody from signing in; nor can a stage name routes that other stacks make after it. Addresses and accounts
        are limited by the firewall and by the functions.
        """
        log_group = logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=f"/aws/apigateway/{stage.prefix}-{self.name}",
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
        stack = Stack.of(self)
        authorizer = apigateway.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self.api.api_id,
            name="accounts",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=apigateway.CfnAuthorizer.JWTConfigurationProperty(
                audience=[client_id], issuer=f"https://cognito-idp.{stack.region}.{stack.url_suffix}/{pool_id}"
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
            says=f"The {self.name} API answers with 5xx",
            runbook="server-errors",
            above=5,
        )
        refused = self.api.metric_client_error(period=Duration.minutes(5))
        says = f"Far more requests to the {self.name} API are refused than usual"
        alarm(self, "Refusals", refused, stage=stage, says=says, runbook="attack", above=30 * stage.rate, periods=2)
        slow = self.api.metric_latency(period=Duration.minutes(5), statistic="p95")
        says = f"One request in twenty to the {self.name} API takes more than a second"
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
