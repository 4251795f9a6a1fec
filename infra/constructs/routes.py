"""The HTTP routes of one function: the JWT authorizer stands before each unless it is for anyone, guests or programs.

A guest's token and a program's key are ours, not the user pool's: the function itself demands them.
"""

import re
from collections.abc import Callable, Iterable
from itertools import groupby
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.constructs.gateway import Gateway

if TYPE_CHECKING:
    from market.http import Route


_UNAUTHORIZED = {
    "anyone": "Declared public in code; a test pins the exact set of public routes.",
    "guest": "For guests: the function demands a Guest-Token; a test pins the exact set of these routes.",
    "key": "For programs: the function demands an Api-Key; a test pins the exact set of these routes.",
}


def add_routes(
    scope: Construct, alias: lambda_.Alias, routes: Iterable["Route"], *, gateway_of: Callable[[str], Gateway]
) -> None:
    """Put each route into the API of its path."""
    named = sorted(((gateway_of(route.path), route) for route in routes), key=lambda pair: pair[0].name)
    for _, group in groupby(named, key=lambda pair: pair[0].name):
        pairs = list(group)
        _in_one(scope, alias, [route for _, route in pairs], pairs[0][0])


def _in_one(scope: Construct, alias: lambda_.Alias, routes: Iterable["Route"], gateway: Gateway) -> None:
    """One integration and one permission serve all routes: a permission each would outgrow the function's policy."""
    api, title = gateway.api, gateway.name.title().replace("-", "")
    integration = apigateway.CfnIntegration(
        scope,
        f"{title}Integration",
        api_id=api.api_id,
        integration_type="AWS_PROXY",
        integration_uri=alias.function_arn,
        payload_format_version="2.0",
    )
    lambda_.CfnPermission(
        scope,
        f"CalledBy{title}",
        action="lambda:InvokeFunction",
        function_name=alias.function_arn,
        principal="apigateway.amazonaws.com",
        source_arn=Stack.of(scope).format_arn(service="execute-api", resource=api.api_id, resource_name="*/*"),
    )
    for route in routes:
        _route(scope, route, target=f"integrations/{integration.ref}", gateway=gateway)


def _route(scope: Construct, route: "Route", *, target: str, gateway: Gateway) -> None:
    path = re.sub(r"<(\w+)>", r"{\1}", route.path)
    reason = next((why for caller, why in _UNAUTHORIZED.items() if caller in route.callers), "")
    made = apigateway.CfnRoute(
        scope,
        _id(route.method, path),
        api_id=gateway.api.api_id,
        route_key=f"{route.method} {path}",
        target=target,
        authorization_type="NONE" if reason else "JWT",
        authorizer_id=None if reason else gateway.authorizer,
    )
    if reason:
        acknowledge(made, "AwsSolutions-APIG4", reason)


def _id(method: str, path: str) -> str:
    words = re.split(r"[^A-Za-z0-9]+", path.replace("{", "By-"))
    return method.capitalize() + "".join(word[:1].upper() + word[1:] for word in words)
