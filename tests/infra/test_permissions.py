"""Roles: a function reaches its own items and what its capabilities name, nothing else."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from infra.config import STAGES
from infra.services import Source
from tests.infra.assembly import Assembly, as_list

UNSCOPED = {  # actions that know no resources
    *("xray:PutTelemetryRecords", "xray:PutTraceSegments", "xray:GetSamplingRules", "xray:GetSamplingTargets"),
    *("logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery"),
    *("logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups"),
    "dynamodb:ListStreams",
    "cloudwatch:DescribeAlarms",  # AppConfig asks for alarms without naming one
}

WRITES = {f"dynamodb:{name}" for name in ("BatchWriteItem", "DeleteItem", "PutItem", "UpdateItem")}


def _statements(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, properties in assembly.properties("AWS::IAM::Policy"):
        for statement in properties["PolicyDocument"]["Statement"]:
            yield name, statement
    for name, properties in assembly.properties("AWS::IAM::Role"):
        for policy in properties.get("Policies", ()):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, statement


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def test_nobody_may_scan_the_table(assembly: Assembly) -> None:
    for name, statement in _statements(assembly):
        assert not {"dynamodb:Scan", "dynamodb:PartiQLSelect"} & set(as_list(statement["Action"])), name


def test_no_action_is_a_wildcard(assembly: Assembly) -> None:
    for name, statement in _statements(assembly):
        assert not [action for action in as_list(statement["Action"]) if "*" in action], name


def test_only_actions_without_resources_are_allowed_on_all(assembly: Assembly) -> None:
    for name, statement in _statements(assembly):
        if "*" in as_list(statement["Resource"]):
            texts = {"sns:Publish"} if name == "Identity/TextMessages" else set()  # a telephone number is no resource
            assert set(as_list(statement["Action"])) <= UNSCOPED | texts, name


def test_who_sends_text_messages_may_not_publish_to_a_topic(assembly: Assembly) -> None:
    denied = [statement for name, statement in _statements(assembly) if name == "Identity/TextMessages"][1]
    assert denied["Effect"] == "Deny"
    assert ":sns:*:*:*" in json.dumps(denied["Resource"])


def test_items_are_reached_by_the_leading_keys_of_the_manifest(assembly: Assembly, services: dict[str, Source]) -> None:
    stage = assembly.stage
    for service in services.values():
        own = {"OUTBOX#", *service.manifest.prefixes} | _prefixes(service.manifest.uses, services)
        seen = own | _prefixes(service.manifest.reads, services)
        expected = {"OwnItems": own, "IndexEntries": seen} | ({"Readable": seen} if seen != own else {})
        found = [
            (statement["Sid"], statement["Condition"])
            for name, statement in _statements(assembly)
            if name.startswith(f"{service.name.capitalize()}Service/") and statement.get("Sid") in expected
        ]
        assert len(found) == len(expected) * len(service.functions(stage)), "each of them, for each function"
        for sid, condition in found:
            assert set(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]) == {f"{p}*" for p in expected[sid]}
            assert condition["Null"] == {"dynamodb:LeadingKeys": "false"}, "a request without keys must not pass"


def _prefixes(names: Iterable[str], services: dict[str, Source]) -> set[str]:
    return {prefix for name in names for prefix in services[name].manifest.prefixes}


def test_what_is_only_read_cannot_be_written(assembly: Assembly, services: dict[str, Source]) -> None:
    for service in services.values():
        foreign = {f"{prefix}*" for prefix in _prefixes(service.manifest.reads, services)}
        for name, statement in _statements(assembly):
            writes = statement["Effect"] == "Allow" and WRITES & set(as_list(statement["Action"]))
            if writes and name.startswith(f"{service.name.capitalize()}Service/"):
                keys = statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
                assert not foreign & set(keys), name


def test_what_people_may_do_is_written_by_those_who_keep_it_and_nobody_else(assembly: Assembly) -> None:
    """Who counts abuse, for one, tells access of smaller allowances."""
    writers = {
        name.partition("Service/")[0]
        for name, statement in _statements(assembly)
        if statement["Effect"] == "Allow"
        and WRITES & set(as_list(statement["Action"]))
        and {"ACS#*", "ROL#*"} & set(as_list(str(statement.get("Condition")).split("'")))
    }
    assert writers == {"Access", "Identity"}


def test_every_table_statement_has_leading_keys(assembly: Assembly) -> None:
    stream = {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"}
    for name, statement in _statements(assembly):
        actions = {action for action in as_list(statement["Action"]) if action.startswith("dynamodb:")}
        if actions - stream:
            assert "LeadingKeys" in str(statement.get("Condition")), name


def test_indexes_have_a_statement_that_only_queries(assembly: Assembly) -> None:
    for name, statement in _statements(assembly):
        if "/index/" in str(statement["Resource"]):
            assert as_list(statement["Action"]) == ["dynamodb:Query"], name
            assert "*" not in str(statement["Resource"]), name


def test_every_function_has_a_role_of_its_own(assembly: Assembly) -> None:
    roles = [
        f"{name.split('/')[0]}{function['Role']}" for name, function in assembly.properties("AWS::Lambda::Function")
    ]
    assert len(roles) == len(set(roles))


def test_the_sandbox_provider_is_not_deployed_to_prod(prod: Assembly, services: dict[str, Source]) -> None:
    assert not STAGES["prod"].sandbox
    assert not [name for name, _ in prod.properties("AWS::Lambda::Function") if "andbox" in name]
    for name, function in prod.properties("AWS::Lambda::Function"):
        assert "SANDBOX_URL" not in function["Environment"]["Variables"], name
