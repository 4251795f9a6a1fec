"""Stacks: what keeps data is pinned and protected, the rest stays small."""

import json
from pathlib import Path

import pytest

from tests.infra.assembly import Assembly

STATEFUL = ("Data", "Identity", "Messaging")
PINNED = json.loads((Path(__file__).parent / "stateful.json").read_text())
REPLACING = ("TableName", "KeySchema", "BucketName", "Name", "ArchiveName", "UserPoolName", "QueueName", "TopicName")


def _pinned(assembly: Assembly) -> dict[str, object]:
    """What would replace a stateful resource if it changed: its logical id, type, name and keys."""
    return {
        f"{stack}/{logical_id}": {"Type": resource["Type"]}
        | {name: resource["Properties"][name] for name in REPLACING if name in resource.get("Properties", {})}
        for stack in STATEFUL
        for logical_id, resource in assembly.templates[stack]["Resources"].items()
        if not resource["Type"].endswith("Policy")
    }


def test_stateful_resources_are_the_ones_that_were_deployed(prod: Assembly) -> None:
    assert _pinned(prod) == PINNED, "a changed id, name or key replaces the resource and loses its data"


def test_in_prod_data_outlives_its_stacks(prod: Assembly) -> None:
    for stack in STATEFUL:
        for logical_id, resource in prod.templates[stack]["Resources"].items():
            if f"{stack}/{logical_id}" in PINNED and resource["Type"] != "AWS::Cognito::UserPoolClient":
                assert resource.get("DeletionPolicy") == "Retain", f"{stack}/{logical_id}"
                assert resource.get("UpdateReplacePolicy") == "Retain", f"{stack}/{logical_id}"


def test_in_prod_stateful_stacks_cannot_be_deleted_by_mistake(prod: Assembly) -> None:
    protected = {
        name for name, artifact in prod.artifacts.items() if artifact.get("properties", {}).get("terminationProtection")
    }
    assert protected == {f"Market-prod-{stack}" for stack in STATEFUL}


def test_the_table_can_be_restored_and_is_not_deleted(prod: Assembly) -> None:
    ((_, table),) = prod.properties("AWS::DynamoDB::Table")
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is True
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_store_tests_use_the_table_that_is_deployed(dev: Assembly) -> None:
    from tests.conftest import TABLE

    ((_, table),) = dev.properties("AWS::DynamoDB::Table")
    assert table["KeySchema"] == TABLE["KeySchema"]
    assert table["GlobalSecondaryIndexes"] == TABLE["GlobalSecondaryIndexes"]


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_every_stack_stays_far_below_500_resources(stage: str, request: pytest.FixtureRequest) -> None:
    for name, template in request.getfixturevalue(stage).templates.items():
        assert len(template["Resources"]) <= 400, name


def test_each_service_has_a_stack_of_its_own(dev: Assembly, services: dict[str, object]) -> None:
    assert {name for name in dev.templates if name.endswith("Service")} == {
        f"{s.capitalize()}Service" for s in services
    }


def test_accounts_are_kept_by_the_essentials_plan_with_rotating_tokens(prod: Assembly) -> None:
    ((_, pool),) = prod.properties("AWS::Cognito::UserPool")
    ((_, client),) = prod.properties("AWS::Cognito::UserPoolClient")
    assert pool["UserPoolTier"] == "ESSENTIALS"
    assert pool["LambdaConfig"]["PreTokenGenerationConfig"]["LambdaVersion"] == "V2_0"
    assert client["GenerateSecret"] is False
    assert client["ExplicitAuthFlows"] == ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_USER_AUTH"]
    assert client["RefreshTokenRotation"]["Feature"] == "ENABLED"
    assert client["EnableTokenRevocation"] is True
