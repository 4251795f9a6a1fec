"""The audit log's part: what is recorded is only added to, and every event of the bus reaches the archive."""

from collections.abc import Iterator
from typing import Any

import pytest

from infra.services import Source
from tests.infra.assembly import Assembly, as_list

pytestmark = pytest.mark.contract("21.4")
CHANGES = {"dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"}


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def _statements(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, policy in assembly.properties("AWS::IAM::Policy"):
        for statement in policy["PolicyDocument"]["Statement"]:
            yield name, statement


def test_entries_are_neither_updated_nor_deleted_by_any_function(
    assembly: Assembly, services: dict[str, Source]
) -> None:
    """Heads may be put anew; who is not the audit service has no right on its items at all."""
    _denies(assembly, services["audit"], "AUD#*")
    for name, statement in _statements(assembly):
        if "AUD#*" in str(statement):
            assert name.startswith("AuditService/")


@pytest.mark.contract("7.5")
def test_the_journal_of_stock_is_only_added_to(assembly: Assembly, services: dict[str, Source]) -> None:
    _denies(assembly, services["inventory"], "STJ#*")


def _denies(assembly: Assembly, service: Source, keys: str) -> None:
    """Each function of the service is denied every change below these keys, whatever else it may do."""
    denials = [
        statement
        for name, statement in _statements(assembly)
        if statement["Effect"] == "Deny" and name.startswith(f"{service.name.capitalize()}Service/")
    ]
    assert len(denials) == len(service.functions(assembly.stage))
    for statement in denials:
        assert set(as_list(statement["Action"])) == CHANGES
        assert statement["Condition"]["ForAllValues:StringLike"] == {"dynamodb:LeadingKeys": [keys]}
        assert statement["Condition"]["Null"] == {"dynamodb:LeadingKeys": "false"}
        assert ":table/market-" in str(statement["Resource"])


def test_what_a_manifest_declares_append_only_is_its_own(services: dict[str, Source]) -> None:
    for service in services.values():
        assert set(service.manifest.append_only) <= set(service.manifest.prefixes)
        assert not service.manifest.everything or service.manifest.everything in service.manifest.queues


def test_every_event_reaches_the_archive(assembly: Assembly) -> None:
    rules = [
        (template, rule["Properties"])
        for template, _, rule in assembly.all("AWS::Events::Rule")
        if "detail-type" not in rule["Properties"]["EventPattern"]
    ]
    ((template, rule),) = rules
    assert rule["EventPattern"] == {"source": [{"prefix": "market."}]}
    (target,) = rule["Targets"]
    queue = assembly.target(template, target["Arn"])
    assert queue["Properties"]["QueueName"].endswith("-audit-everything")
    readers = [
        mapping["Properties"]
        for place, _, mapping in assembly.all("AWS::Lambda::EventSourceMapping")
        if place == template and assembly.target(place, mapping["Properties"]["EventSourceArn"]) == queue
    ]
    assert [reader["BatchSize"] for reader in readers] == [200], "a file for many events"
    assert [reader["MaximumBatchingWindowInSeconds"] for reader in readers] == [60]


def test_audit_files_are_locked_and_nobody_may_lift_that(assembly: Assembly) -> None:
    (bucket,) = [
        properties
        for _, properties in assembly.properties("AWS::S3::Bucket")
        if "-audit-" in str(properties.get("BucketName"))
    ]
    assert bucket["ObjectLockEnabled"] is True
    assert bucket["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]["Mode"] == "GOVERNANCE"
    never = {"s3:BypassGovernanceRetention", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:PutObjectLegalHold"}
    for name, statement in _statements(assembly):
        if "-audit-" in str(statement["Resource"]):
            assert not never & set(as_list(statement["Action"])), name


@pytest.mark.parametrize(("stage", "days"), [("dev", "1"), ("prod", "2557")])
def test_audit_files_are_locked_for_seven_years_where_data_lasts(
    stage: str, days: str, request: pytest.FixtureRequest
) -> None:
    found = [
        function["Environment"]["Variables"]["AUDIT_DAYS"]
        for _, function in request.getfixturevalue(stage).properties("AWS::Lambda::Function")
        if "AUDIT_BUCKET" in function["Environment"]["Variables"]
    ]
    assert len(found) >= 3
    assert set(found) == {days}
