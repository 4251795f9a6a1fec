"""Queues, rules and streams: every message is handled or kept, every event finds those that asked for it."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.constructs.service import NAMED
from infra.services import ROOT, Source
from local.patterns import compile_pattern
from tests.infra.assembly import Assembly

EXAMPLES = sorted((ROOT / "events").glob("*/*.example.json"))


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def _rules(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Patterns of our events by the service that hears them; one that hears everything is not among them."""
    return {
        name.partition("Service/")[0].lower(): rule["EventPattern"]
        for name, rule in assembly.properties("AWS::Events::Rule")
        if "detail-type" in rule["EventPattern"] and rule["EventPattern"]["source"] != ["aws.s3"]
    }


def test_every_queue_has_a_dead_letter_queue_or_is_one(assembly: Assembly) -> None:
    last = {"Parked", "ParkedRefund"}
    for template, name, queue in assembly.all("AWS::SQS::Queue"):
        redrive = queue["Properties"].get("RedrivePolicy")
        if redrive:
            assert redrive["maxReceiveCount"] == 5, name
            assert assembly.target(template, redrive["deadLetterTargetArn"])["Type"] == "AWS::SQS::Queue"
        else:
            assert name in last or queue["Properties"]["QueueName"].endswith("-dead"), name


def test_a_dead_letter_rings_an_alarm(assembly: Assembly) -> None:
    watched = {
        dimension["Value"]["Fn::GetAtt"][0]
        for template, alarm in assembly.properties("AWS::CloudWatch::Alarm")
        for dimension in alarm.get("Dimensions", ())
        if dimension["Name"] == "QueueName" and "Fn::GetAtt" in dimension["Value"]
    }
    dead = {
        name for _, name, queue in assembly.all("AWS::SQS::Queue") if queue["Properties"]["QueueName"].endswith("-dead")
    }
    assert dead <= watched


def test_a_parked_undo_rings_an_alarm(assembly: Assembly) -> None:
    alarms = [str(alarm) for _, alarm in assembly.properties("AWS::CloudWatch::Alarm")]
    assert any("Parked" in alarm and "ApproximateNumberOfMessagesVisible" in alarm for alarm in alarms)


def test_messages_stay_hidden_six_times_as_long_as_their_function_runs(assembly: Assembly) -> None:
    for template, name, mapping in assembly.all("AWS::Lambda::EventSourceMapping"):
        source = assembly.target(template, mapping["Properties"]["EventSourceArn"]) if _is_queue(mapping) else None
        if source:
            function = assembly.function(template, mapping["Properties"]["FunctionName"])
            assert source["Properties"]["VisibilityTimeout"] >= 6 * function["Properties"]["Timeout"], name


def _is_queue(mapping: dict[str, Any]) -> bool:
    return "Fn::GetAtt" in mapping["Properties"]["EventSourceArn"]


def test_a_failed_message_does_not_hold_up_its_batch(assembly: Assembly) -> None:
    for name, mapping in assembly.properties("AWS::Lambda::EventSourceMapping"):
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"], name


def test_the_relay_reads_new_outbox_items_only_and_keeps_what_fails(assembly: Assembly) -> None:
    mappings = [m for _, m in assembly.properties("AWS::Lambda::EventSourceMapping") if "FilterCriteria" in m]
    (relay,) = mappings
    (outbox,) = [json.loads(entry["Pattern"]) for entry in relay["FilterCriteria"]["Filters"]]
    assert outbox == {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUTBOX#"}]}}}}
    assert relay["BisectBatchOnFunctionError"] is True
    assert relay["DestinationConfig"]["OnFailure"]["Destination"]
    assert relay["StartingPosition"] == "TRIM_HORIZON"


def test_each_service_hears_what_its_manifest_consumes(assembly: Assembly, services: dict[str, Source]) -> None:
    heard = {name: set(pattern["detail-type"]) for name, pattern in _rules(assembly).items()}
    assert heard == {s.name: set(s.manifest.consumes) for s in services.values() if s.manifest.consumes}


def test_what_is_consumed_is_published_by_someone(services: dict[str, Source]) -> None:
    published = {event for service in services.values() for event in service.manifest.publishes}
    consumed = {event for service in services.values() for event in service.manifest.consumes}
    assert consumed <= published


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_an_example_event_reaches_exactly_those_that_consume_it(
    path: Path, dev: Assembly, services: dict[str, Source]
) -> None:
    example = json.loads(path.read_text())
    event = {"source": f"market.{path.parent.name}", "detail-type": example["type"], "detail": example}
    reached = {name for name, pattern in _rules(dev).items() if compile_pattern(pattern)(event)}
    idle = {name for name, fields in NAMED.items() if not any(example["data"].get(field) for field in fields)}
    assert reached == {s.name for s in services.values() if example["type"] in s.manifest.consumes} - idle


@pytest.mark.parametrize("named", [{}, {"skus": []}, {"skus": ["LAMP"]}, {"shards": ["LAMP#3"]}, {"sku": "LAMP"}])
def test_inventory_is_not_woken_for_orders_that_leave_it_nothing_to_do(dev: Assembly, named: dict[str, Any]) -> None:
    event = {"source": "market.orders", "detail-type": "order.paid", "detail": {"data": {"order_id": "o"} | named}}
    assert compile_pattern(_rules(dev)["inventory"])(event) == any(named.values())


def test_rules_without_a_working_queue_lose_nothing(assembly: Assembly) -> None:
    for name, rule in assembly.properties("AWS::Events::Rule"):
        assert all("DeadLetterConfig" in target for target in rule["Targets"]), name


def test_events_are_archived_for_replay(assembly: Assembly) -> None:
    ((_, archive),) = assembly.properties("AWS::Events::Archive")
    assert archive["RetentionDays"] >= 3
    assert archive["EventPattern"] == {"source": [{"prefix": "market."}]}
