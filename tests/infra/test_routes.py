"""Routes: every one is guarded unless it is on this list."""

import re
from typing import Any

import pytest

from infra.services import Source
from infra.stacks.api import BACK_OFFICE
from tests.infra.assembly import Assembly
from tests.journeys import promises

PUBLIC = {
    "GET /",
    "GET /docs",
    "GET /docs/{name}",
    "GET /health",
    "GET /openapi.json",
    "GET /v1/auth/providers",
    "POST /v1/auth/challenge",
    "POST /v1/auth/forgot-password",
    "POST /v1/auth/login",
    "POST /v1/auth/passkey",
    "POST /v1/auth/refresh",
    "POST /v1/auth/register",
    "POST /v1/auth/resend",
    "POST /v1/auth/reset-password",
    "POST /v1/auth/social",
    "POST /v1/auth/verify",
    "GET /v1/categories",
    "GET /v1/flags",
    "POST /v1/guests",
    "GET /v1/inventory/{sku}",
    "POST /v1/api-keys/report-leak",
    "POST /v1/payments/webhook/{name}",
    "GET /v1/products",
    "GET /sitemap.xml",
    "GET /v1/previews/{token}",
    "GET /v1/products/{slug}",
    "GET /v1/promotions",
    "GET /v1/promotions/badges",
    "GET /v1/promotions/{promotion_id}",
    "GET /v1/suggestions",
    "GET /v1/prices/{sku}",
    "GET /v1/rates",
    "GET /v1/tax/rates",
    "GET /v1/vendors",
    "GET /v1/vendors/{vendor_id}",
    "GET /v1/vendors/{vendor_id}/shipping/zones",
}
SANDBOX = {
    "POST /sandbox/v1/carriers/v2/shipments",
    "DELETE /sandbox/v1/customers/{customer}/methods/{method_id}",
    "GET /sandbox/v1/customers/{customer}/methods",
    "GET /sandbox/v1/payment_intents",
    "POST /sandbox/v1/payment_intents",
    "GET /sandbox/v1/payment_intents/{intent_id}",
    "POST /sandbox/v1/payment_intents/{intent_id}/capture",
    "POST /sandbox/v1/payment_intents/{intent_id}/confirm",
    "POST /sandbox/v1/payment_intents/{intent_id}/refund",
    "POST /sandbox/v1/payment_intents/{intent_id}/void",
    "POST /sandbox/v1/setup_intents",
    "POST /sandbox/v1/setup_intents/{setup_id}/confirm",
}
"""The sandbox provider's own routes, which are not deployed to prod."""


def _routes(assembly: Assembly) -> dict[str, dict[str, Any]]:
    return {properties["RouteKey"]: properties for _, properties in assembly.properties("AWS::ApiGatewayV2::Route")}


def _key(route: Any) -> str:
    """A route of the code as API Gateway writes it."""
    return route.method + " " + re.sub(r"<(\w+)>", r"{\1}", route.path)


def _guests(assembly: Assembly) -> set[str]:
    """Routes whose path says that they are for guests: their functions demand a Guest-Token, which is tested there."""
    return {key for key in _routes(assembly) if key.partition(" ")[2].startswith("/v1/guest/")}


def _programs(assembly: Assembly) -> set[str]:
    """Routes whose path says that they are for programs: their functions demand an Api-Key, which is tested there."""
    return {key for key in _routes(assembly) if key.partition(" ")[2].startswith("/v1/api/")}


def test_exactly_these_routes_are_public(dev: Assembly, prod: Assembly) -> None:
    for assembly, expected in ((dev, PUBLIC | SANDBOX), (prod, PUBLIC)):
        public = {key for key, route in _routes(assembly).items() if route["AuthorizationType"] == "NONE"}
        assert public == expected | _guests(assembly) | _programs(assembly)


def test_routes_for_guests_are_declared_for_nobody_else(dev: Assembly, services: dict[str, Source]) -> None:
    declared = [route for service in services.values() for routes in service.routes.values() for route in routes]
    assert {_key(route) for route in declared if route.callers == {"guest"}} == _guests(dev) != set()
    assert all(route.callers == {"guest"} for route in declared if "guest" in route.callers)


def test_routes_for_programs_are_declared_for_nobody_else(dev: Assembly, services: dict[str, Source]) -> None:
    declared = [route for service in services.values() for routes in service.routes.values() for route in routes]
    assert {_key(route) for route in declared if route.callers == {"key"}} == _programs(dev) != set()
    assert all(route.callers == {"key"} for route in declared if "key" in route.callers)


def test_every_other_route_asks_the_user_pool(dev: Assembly) -> None:
    authorizers = [authorizer for _, authorizer in dev.properties("AWS::ApiGatewayV2::Authorizer")]
    assert len(authorizers) == 2
    for authorizer in authorizers:
        assert authorizer["AuthorizerType"] == "JWT"
        assert "UserPool" in str(authorizer["JwtConfiguration"]["Issuer"])
    for key, route in _routes(dev).items():
        if key not in PUBLIC | SANDBOX | _guests(dev) | _programs(dev):
            assert route["AuthorizationType"] == "JWT", key
            assert route["AuthorizerId"], key


def test_a_route_asks_the_authorizer_of_its_own_api(dev: Assembly) -> None:
    """Another API's authorizer would be refused by API Gateway, but not before the deployment."""
    for template, name, route in dev.all("AWS::ApiGatewayV2::Route"):
        properties = route["Properties"]
        part = "BackOffice" if properties["RouteKey"].partition(" ")[2].startswith(BACK_OFFICE) else "Shop"
        ours = [dev.text(properties[word], template) for word in ("ApiId", "AuthorizerId") if word in properties]
        assert all(part in text for text in ours), (name, ours)


def test_every_route_in_code_is_deployed(dev: Assembly, services: dict[str, Source]) -> None:
    declared = {_key(route) for service in services.values() for routes in service.routes.values() for route in routes}
    assert set(_routes(dev)) == declared


def test_a_route_reaches_the_function_that_declares_it(dev: Assembly, services: dict[str, Source]) -> None:
    for template, name, route in dev.all("AWS::ApiGatewayV2::Route"):
        integration_id = re.search(r"<(\w+)>", dev.text(route["Properties"]["Target"], template))
        assert integration_id, name
        integration = dev.templates[template]["Resources"][integration_id[1]]
        function = dev.function(template, integration["Properties"]["IntegrationUri"])["Properties"]["FunctionName"]
        service = template.removesuffix("Service").lower()
        served = next(
            entry for entry in services[service].manifest.functions if function == f"market-dev-{service}-{entry.name}"
        )
        keys = {_key(declared) for declared in services[service].routes[served.name]}
        assert route["Properties"]["RouteKey"] in keys


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_the_api_is_throttled_and_logged(stage: str, request: pytest.FixtureRequest) -> None:
    both = [deployed for _, deployed in request.getfixturevalue(stage).properties("AWS::ApiGatewayV2::Stage")]
    assert len(both) == 2
    for deployed in both:
        assert deployed["DefaultRouteSettings"]["ThrottlingRateLimit"] > 0
        assert deployed["AccessLogSettings"]["DestinationArn"]
        assert "authorization" not in deployed["AccessLogSettings"]["Format"].lower().replace("authorizer", "")


def test_browsers_may_call_from_our_pages_only(prod: Assembly) -> None:
    first, second = (api["CorsConfiguration"] for _, api in prod.properties("AWS::ApiGatewayV2::Api"))
    assert first == second
    assert first["AllowOrigins"] == ["https://marketplace.example"]
    assert {"idempotency-key", "guest-token", "captcha-token", "api-key"} <= set(first["AllowHeaders"])
    assert not first.get("AllowCredentials"), "there are no cookies to send along"
    assert {"Retry-After", "X-Request-Id", "X-Correlation-Id"} <= set(first["ExposeHeaders"])
    operations = [operation for methods in promises.document()["paths"].values() for operation in methods.values()]
    read = {name for one in operations for answer in one["responses"].values() for name in answer.get("headers", ())}
    assert {"next-cursor"} < read <= {name.lower() for name in first["ExposeHeaders"]}, "what is described can be read"
