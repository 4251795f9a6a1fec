"""AWS's limits: what no tool sees before a deployment fails on it."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.infra.assembly import Assembly, as_list

ROUTES_PER_API = 300
"""AWS raises it on request (Service Quotas, "Routes per API"), which may take days: move paths before it is reached."""

INTEGRATIONS_PER_API = 300
RULES_PER_BUS = 100
ENVIRONMENT = 4_096
POLICIES_OF_ROLE = 10_240
TEMPLATE = 1_000_000


@pytest.fixture(params=["dev", pytest.param("staging", marks=pytest.mark.slow), "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def _size(value: Any) -> int:
    """Bytes as JSON without blanks. A reference is longer than what it stands for, so that this is an upper bound."""
    return len(json.dumps(value, separators=(",", ":")).encode())


def test_no_api_has_more_routes_than_aws_grants_everybody(assembly: Assembly) -> None:
    routes = Counter(
        assembly.text(route["Properties"]["ApiId"], template)
        for template, _, route in assembly.all("AWS::ApiGatewayV2::Route")
    )
    assert len(routes) == 2
    assert max(routes.values()) <= ROUTES_PER_API


def test_one_integration_for_each_function_with_routes(assembly: Assembly) -> None:
    assert len(list(assembly.all("AWS::ApiGatewayV2::Integration"))) < INTEGRATIONS_PER_API


def test_the_bus_has_room_for_rules(assembly: Assembly) -> None:
    rules = list(assembly.properties("AWS::Events::Rule"))
    assert len(rules) < RULES_PER_BUS
    assert all(len(rule["Targets"]) <= 5 for _, rule in rules)


def test_every_environment_fits(assembly: Assembly) -> None:
    for name, function in assembly.properties("AWS::Lambda::Function"):
        assert _size(function["Environment"]["Variables"]) < ENVIRONMENT, name


def test_every_role_holds_its_policies(assembly: Assembly) -> None:
    sizes: Counter[str] = Counter()
    for template, logical_id, role in assembly.all("AWS::IAM::Role"):
        for policy in role["Properties"].get("Policies", ()):
            sizes[f"{template}/{logical_id}"] += _size(policy["PolicyDocument"])
    for template, _, policy in assembly.all("AWS::IAM::Policy"):
        for role in as_list(policy["Properties"]["Roles"]):
            sizes[f"{template}/{role['Ref']}"] += _size(policy["Properties"]["PolicyDocument"])
    assert sizes
    assert {role: size for role, size in sizes.items() if size > POLICIES_OF_ROLE} == {}


def test_every_template_fits(assembly: Assembly) -> None:
    for name, template in assembly.templates.items():
        assert _size(template) < TEMPLATE, name
