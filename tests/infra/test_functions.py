"""Functions: called through their alias, with logs that end, and nothing that fails is lost."""

from typing import Any

import pytest

from infra.config import PYTHON, STAGES
from infra.services import ROOT, Source
from tests.infra.assembly import Assembly


@pytest.fixture(params=["dev", "prod"])
def assembly(request: pytest.FixtureRequest) -> Assembly:
    return request.getfixturevalue(request.param)


def test_functions_run_on_arm_with_tracing_and_json_logs(assembly: Assembly) -> None:
    for name, function in assembly.properties("AWS::Lambda::Function"):
        assert function["Architectures"] == ["arm64"], name
        assert function["Runtime"] == f"python{PYTHON}", name
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name


def test_logs_are_kept_for_a_limited_time(assembly: Assembly) -> None:
    for name, group in assembly.properties("AWS::Logs::LogGroup"):
        assert group["RetentionInDays"] <= 90, name
    for template, name, function in assembly.all("AWS::Lambda::Function"):
        group = assembly.target(template, function["Properties"]["LoggingConfig"]["LogGroup"])
        assert group["Properties"]["LogGroupName"] == f"/aws/lambda/{function['Properties']['FunctionName']}", name


def test_every_function_has_a_live_alias(assembly: Assembly) -> None:
    functions = {(template, name) for template, name, _ in assembly.all("AWS::Lambda::Function")}
    aliased = {
        (template, alias["Properties"]["FunctionName"]["Ref"])
        for template, _, alias in assembly.all("AWS::Lambda::Alias")
        if alias["Properties"]["Name"] == "live"
    }
    assert aliased == functions


def test_everything_calls_the_alias(assembly: Assembly) -> None:
    called: list[tuple[str, Any]] = []
    for kind, name in (
        ("AWS::Lambda::EventSourceMapping", "FunctionName"),
        ("AWS::Lambda::Permission", "FunctionName"),
        ("AWS::ApiGatewayV2::Integration", "IntegrationUri"),
    ):
        called += [(template, resource["Properties"][name]) for template, _, resource in assembly.all(kind)]
    for template, reference in called:
        assert assembly.function(template, reference)["Type"] == "AWS::Lambda::Function", f"{template} {reference}"


def test_in_prod_new_code_is_a_canary_that_alarms_roll_back(prod: Assembly) -> None:
    functions = len(list(prod.all("AWS::Lambda::Function")))
    groups = list(prod.properties("AWS::CodeDeploy::DeploymentGroup"))
    assert len(groups) == functions
    for name, group in groups:
        assert group["AutoRollbackConfiguration"]["Enabled"], name
        assert group["AlarmConfiguration"]["Alarms"], name


def test_every_function_has_alarms_that_tell_someone(assembly: Assembly) -> None:
    functions = len(list(assembly.all("AWS::Lambda::Function")))
    alarms = [alarm for _, alarm in assembly.properties("AWS::CloudWatch::Alarm")]
    for metric in ("Errors", "Throttles"):
        assert len([alarm for alarm in alarms if alarm.get("MetricName") == metric]) == functions
    assert all(alarm["AlarmActions"] for alarm in alarms)
    assert all(alarm["TreatMissingData"] == "notBreaching" for alarm in alarms)


def test_functions_hold_no_secret_in_their_environment(assembly: Assembly) -> None:
    for name, function in assembly.properties("AWS::Lambda::Function"):
        assert "{{resolve:" not in str(function["Environment"]), name


def test_every_alarm_says_what_to_do(assembly: Assembly) -> None:
    pages = {f"docs/runbooks/{page.name}" for page in (ROOT / "docs/runbooks").glob("*.md")}
    named = {alarm["AlarmDescription"].rpartition(" ")[2] for _, alarm in assembly.properties("AWS::CloudWatch::Alarm")}
    assert named == pages, "each page is named by an alarm, too"


def test_a_schedule_may_call_its_function_and_nothing_else(assembly: Assembly, services: dict[str, Source]) -> None:
    stage = assembly.stage
    declared = {
        STAGES[stage].function(service.name, function.name): function.every
        for service in services.values()
        for function in service.functions(stage)
        if function.kind == "schedule"
    }
    found = {}
    for template, name, resource in assembly.all("AWS::Scheduler::Schedule"):
        schedule = resource["Properties"]
        assert schedule["State"] == "ENABLED", name
        found[schedule["Name"]] = schedule["ScheduleExpression"]
        target = schedule["Target"]
        assert assembly.function(template, target["Arn"])["Properties"]["FunctionName"] == schedule["Name"], name
        assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 900, "MaximumRetryAttempts": 3}, name
        role = target["RoleArn"]["Fn::GetAtt"][0]
        trusted = assembly.templates[template]["Resources"][role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert trusted[0]["Principal"] == {"Service": "scheduler.amazonaws.com"}, name
        assert "aws:SourceAccount" in trusted[0]["Condition"]["StringEquals"], name
        (policy,) = [
            policy["Properties"]["PolicyDocument"]["Statement"]
            for owner, _, policy in assembly.all("AWS::IAM::Policy")
            if owner == template and policy["Properties"]["Roles"] == [{"Ref": role}]
        ]
        assert {statement["Action"]: statement["Resource"] for statement in policy} == {
            "lambda:InvokeFunction": target["Arn"],
            "sqs:SendMessage": target["DeadLetterConfig"]["Arn"],
        }, name
    assert found == declared


def test_asynchronous_functions_have_a_dead_letter_queue(assembly: Assembly) -> None:
    for template, name, schedule in assembly.all("AWS::Scheduler::Schedule"):
        function = assembly.function(template, schedule["Properties"]["Target"]["Arn"])
        assert function["Properties"]["DeadLetterConfig"]["TargetArn"], name
