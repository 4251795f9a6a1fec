"""Flags in AppConfig: who may read, who may publish, and what a deployment of the stacks leaves alone."""

import json
from typing import Any

import pytest

from declared.settings import SETTINGS
from infra.services import Source
from infra.stacks.flags import BAKE_MINUTES
from tests.infra.assembly import Assembly, as_list

pytestmark = pytest.mark.contract("26.5")
CHANGEABLE = {setting.name for setting in SETTINGS.values() if setting.source == "parameter"}
READING = {"appconfig:GetLatestConfiguration", "appconfig:StartConfigurationSession"}


def _of(assembly: Assembly, kind: str) -> dict[str, dict[str, Any]]:
    return {name: properties for name, properties in assembly.properties(f"AWS::AppConfig::{kind}")}


def _granted(assembly: Assembly) -> dict[str, set[str]]:
    """The AppConfig actions of each role's policy."""
    found: dict[str, set[str]] = {}
    for name, policy in assembly.properties("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            actions = {action for action in as_list(statement["Action"]) if action.startswith("appconfig:")}
            if actions:
                assert "*" not in json.dumps(statement["Resource"]), name
                found.setdefault(name, set()).update(actions)
    return found


def test_a_deployment_is_for_all_at_once_and_watched_longer_than_a_publisher_runs(
    prod: Assembly, services: dict[str, Source]
) -> None:
    strategies = {properties["Name"]: properties for properties in _of(prod, "DeploymentStrategy").values()}
    watched = strategies["market-prod-flags"]

    assert (watched["DeploymentDurationInMinutes"], watched["GrowthFactor"]) == (0, 100)
    assert watched["FinalBakeTimeInMinutes"] == BAKE_MINUTES
    (publisher,) = (f for f in services["flags"].manifest.functions if "flags-publish" in f.capabilities)
    assert publisher.timeout < BAKE_MINUTES * 60
    ((_, environment),) = _of(prod, "Environment").items()
    assert environment["Monitors"], "failing answers roll it back"


def test_a_deployment_of_the_stacks_never_takes_back_what_operators_decided(dev: Assembly, prod: Assembly) -> None:
    """CloudFormation deploys a version again whenever one of these changes: they are pinned here."""
    for assembly, stage in ((dev, "dev"), (prod, "prod")):
        ((_, version),) = _of(assembly, "HostedConfigurationVersion").items()
        ((_, deployment),) = _of(assembly, "Deployment").items()
        assert (version["Content"], version["ContentType"]) == ("{}", "application/json")
        assert "Description" not in version | deployment
        first = next(
            p for p in _of(assembly, "DeploymentStrategy").values() if p["Name"] == f"market-{stage}-flags-first"
        )
        assert {name: value for name, value in first.items() if name != "Tags"} == {
            "Name": f"market-{stage}-flags-first",
            "DeploymentDurationInMinutes": 0,
            "FinalBakeTimeInMinutes": 0,
            "GrowthFactor": 100,
            "GrowthType": "LINEAR",
            "ReplicateTo": "NONE",
        }
        template = assembly.templates["Flags"]["Resources"]
        assert {"Application", "Environment", "Profile", "FirstVersion", "FirstDeployment", "FirstStrategy"} <= set(
            template
        )


def test_appconfig_refuses_what_is_no_configuration(dev: Assembly) -> None:
    from jsonschema import Draft4Validator

    ((_, profile),) = _of(dev, "ConfigurationProfile").items()
    (validator,) = profile["Validators"]
    schema = json.loads(validator["Content"])
    Draft4Validator.check_schema(schema)

    assert (profile["Type"], validator["Type"]) == ("AWS.Freeform", "JSON_SCHEMA")
    assert not list(Draft4Validator(schema).iter_errors({}))
    assert list(Draft4Validator(schema).iter_errors({"bulk-upload": {"rules": {}}}))
    assert list(Draft4Validator(schema).iter_errors({"Bulk Upload": {"default": True}}))


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_who_asks_may_read_one_configuration_and_one_function_publishes(
    stage: str, request: pytest.FixtureRequest, services: dict[str, Source]
) -> None:
    granted = _granted(request.getfixturevalue(stage))
    asking = sum("flags" in f.capabilities for service in services.values() for f in service.functions(stage))

    assert len(granted) == asking
    publishers = {name: actions - READING for name, actions in granted.items() if actions - READING}
    ((name, actions),) = publishers.items()
    assert name.startswith("FlagsService/")
    assert "Consumer" in name
    assert actions == {
        "appconfig:CreateHostedConfigurationVersion",
        "appconfig:DeleteHostedConfigurationVersion",
        "appconfig:GetHostedConfigurationVersion",
        "appconfig:ListDeployments",
        "appconfig:ListHostedConfigurationVersions",
        "appconfig:StartDeployment",
    }


def test_every_route_with_a_limit_knows_how_strict_operators_are(dev: Assembly, services: dict[str, Source]) -> None:
    environments = {
        function["FunctionName"]: function["Environment"]["Variables"]
        for _, function in dev.properties("AWS::Lambda::Function")
    }
    limited = 0
    for service in services.values():
        for name, routes in service.routes.items():
            function = f"market-dev-{name}" if name.startswith(service.name) else f"market-dev-{service.name}-{name}"
            wanted = any(route.limit for route in routes)
            limited += wanted
            assert ("SETTINGS_PATH" in environments[function]) == wanted, function
    assert limited


def test_settings_are_read_by_their_names_alone(dev: Assembly) -> None:
    for name, policy in dev.properties("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            if "ssm:GetParameters" in as_list(statement["Action"]):
                assert as_list(statement["Action"]) == ["ssm:GetParameters"]
                ends = {json.dumps(resource).rpartition("parameter/")[2] for resource in as_list(statement["Resource"])}
                names = {end.strip('"]}') for end in ends}
                assert names == {f"market/dev/settings/{word}" for word in CHANGEABLE}, name
