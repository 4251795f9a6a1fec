"""What is read from a cdk.out directory, across stacks, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.templates import Target, Unresolved, load

JSON = dict[str, Any]


def ref(name: str) -> JSON:
    return {"Ref": name}


def att(name: str, attribute: str = "Arn") -> JSON:
    return {"Fn::GetAtt": [name, attribute]}


def lambda_function(**properties: Any) -> JSON:
    base = {"Runtime": "python3.13", "Handler": "orders.consumer.handler", "Timeout": 20, "MemorySize": 512}
    return {"Type": "AWS::Lambda::Function", "Properties": {**base, **properties}}


def resource(kind: str, **properties: Any) -> JSON:
    return {"Type": f"AWS::{kind}", "Properties": properties}


DATA: JSON = {
    "Resources": {
        "Table": resource("DynamoDB::GlobalTable", StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"}),
        "Bus": resource("Events::EventBus", Name="market"),
        "Pool": resource("Cognito::UserPool"),
        "Client": resource("Cognito::UserPoolClient", UserPoolId=ref("Pool")),
    },
    "Outputs": {
        "Stream": {"Value": att("Table", "StreamArn"), "Export": {"Name": "Data:Stream"}},
        "Bus": {"Value": ref("Bus"), "Export": {"Name": {"Fn::Sub": "Data:${Bus}"}}},
    },
}
ALIAS = ref("Live")
SHOP: JSON = {
    "Parameters": {"Stage": {"Type": "String", "Default": "dev"}},
    "Conditions": {"IsProd": {"Fn::Equals": [ref("Stage"), "prod"]}},
    "Resources": {
        "Consumer": lambda_function(
            Environment={
                "Variables": {
                    "QUEUE_URL": ref("Events"),
                    "BUS_NAME": {"Fn::ImportValue": "Data:market"},
                    "SANDBOX_URL": {"Fn::Join": ["", [att("Api", "ApiEndpoint"), "/sandbox"]]},
                    "STAGE": {"Fn::If": ["IsProd", "prod", {"Fn::Sub": "${Stage}-${AWS::Region}"}]},
                    "TABLE_STREAM": {"Fn::GetStackOutput": {"StackName": "Data", "OutputName": "Stream"}},
                    "NOTHING": ref("AWS::NoValue"),
                }
            }
        ),
        "Version": resource("Lambda::Version", FunctionName=ref("Consumer")),
        "Live": resource("Lambda::Alias", FunctionName=att("Consumer"), Name="live", FunctionVersion="1"),
        "Provider": lambda_function(Runtime="nodejs22.x", Environment={"Variables": {"X": att("Nowhere")}}),
        "Parked": resource("SQS::Queue"),
        "Events": resource(
            "SQS::Queue",
            QueueName="orders-events",
            VisibilityTimeout=60,
            RedrivePolicy={"deadLetterTargetArn": att("Parked"), "maxReceiveCount": 5},
        ),
        "Rule": resource(
            "Events::Rule",
            EventBusName={"Fn::ImportValue": "Data:market"},
            EventPattern={"detail-type": ["order.paid"]},
            Targets=[{"Id": "0", "Arn": att("Events")}, {"Id": "1", "Arn": ALIAS}],
        ),
        "Nightly": resource(
            "Events::Rule", ScheduleExpression="rate(1 day)", Targets=[{"Id": "0", "Arn": ALIAS, "Input": "{}"}]
        ),
        "FromQueue": resource(
            "Lambda::EventSourceMapping",
            EventSourceArn=att("Events"),
            FunctionName=ALIAS,
            BatchSize=5,
            FunctionResponseTypes=["ReportBatchItemFailures"],
        ),
        "FromStream": resource(
            "Lambda::EventSourceMapping",
            EventSourceArn={"Fn::ImportValue": "Data:Stream"},
            FunctionName=ALIAS,
            FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["INSERT"]}'}]},
            DestinationConfig={"OnFailure": {"Destination": att("Parked")}},
        ),
        "Checkout": resource(
            "StepFunctions::StateMachine",
            DefinitionString='{"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "${Tasks}", "End": true}}}',
            DefinitionSubstitutions={"Tasks": ALIAS},
        ),
        "Api": resource("ApiGatewayV2::Api", ProtocolType="HTTP"),
        "Jwt": resource("ApiGatewayV2::Authorizer", JwtConfiguration={"Issuer": "https://issuer", "Audience": ["web"]}),
        "Integration": resource("ApiGatewayV2::Integration", IntegrationUri=ALIAS),
        "Place": resource(
            "ApiGatewayV2::Route",
            ApiId=ref("Api"),
            RouteKey="POST /v1/orders",
            AuthorizationType="JWT",
            AuthorizerId=ref("Jwt"),
            Target={"Fn::Join": ["/", ["integrations", ref("Integration")]]},
        ),
        "Health": resource(
            "ApiGatewayV2::Route",
            ApiId=ref("Api"),
            RouteKey="GET /v1/health",
            Target={"Fn::Join": ["/", ["integrations", ref("Integration")]]},
        ),
        "OnlyInProd": {**resource("SQS::Queue"), "Condition": "IsProd"},
        "Dashboard": resource("CloudWatch::Dashboard", DashboardBody=att("Nowhere")),
    },
}


@pytest.fixture
def cdk_out(tmp_path):
    def write(**stacks: JSON) -> Path:
        artifacts = {}
        for name, template in stacks.items():
            (tmp_path / f"{name}.template.json").write_text(json.dumps(template))
            properties = {"templateFile": f"{name}.template.json"}
            artifacts[name] = {"type": "aws:cloudformation:stack", "properties": properties}
        (tmp_path / "manifest.json").write_text(json.dumps({"artifacts": artifacts}))
        return tmp_path

    return write


def test_functions_have_their_environment_and_stand_for_their_aliases(cdk_out):
    templates = load(cdk_out(Data=DATA, Shop=SHOP), api_url="http://127.0.0.1:3000")

    function = templates.function("arn:aws:lambda:us-east-1:000000000000:function:Consumer:live")
    assert list(templates.functions) == ["Consumer"]
    assert (function.handler, function.timeout, function.memory) == ("orders.consumer.handler", 20, 512)
    assert function.environment == {
        "QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/000000000000/orders-events",
        "BUS_NAME": "market",
        "SANDBOX_URL": "http://127.0.0.1:3000/sandbox",
        "STAGE": "dev-us-east-1",
        "TABLE_STREAM": "arn:aws:dynamodb:us-east-1:000000000000:table/Table/stream/local",
    }


def test_routes_name_their_function_and_authorizer(cdk_out):
    routes = {route.key: route for route in load(cdk_out(Data=DATA, Shop=SHOP)).routes}
    place, health = routes["POST /v1/orders"], routes["GET /v1/health"]
    assert (place.function, place.authorizer, place.issuer, place.audience) == (
        "Consumer",
        "jwt",
        "https://issuer",
        ("web",),
    )
    assert (health.function, health.authorizer) == ("Consumer", "none")


def test_rules_queues_and_event_sources_are_wired_by_name(cdk_out):
    templates = load(cdk_out(Data=DATA, Shop=SHOP))

    (rule,) = templates.rules
    assert (rule.bus, rule.pattern) == ("market", {"detail-type": ["order.paid"]})
    assert [(t.kind, t.name) for t in rule.targets] == [("queue", "orders-events"), ("function", "Consumer")]
    assert set(templates.queues) == {"orders-events", "Parked"}
    queue = templates.queue("arn:aws:sqs:us-east-1:000000000000:orders-events")
    assert (queue.visibility, queue.dead_letters, queue.max_receives) == (60, "Parked", 5)
    from_queue, from_stream = templates.sources
    assert (from_queue.queue, from_queue.batch, from_queue.partial_failures) == ("orders-events", 5, "reported")
    assert (from_stream.table, from_stream.on_failure) == ("Table", "Parked")
    assert from_stream.filters == ({"eventName": ["INSERT"]},)


def test_machines_schedules_and_pools_are_resolved(cdk_out):
    templates = load(cdk_out(Data=DATA, Shop=SHOP))
    alias = "arn:aws:lambda:us-east-1:000000000000:function:Consumer:live"
    assert templates.machines["Checkout"].definition["States"]["A"]["Resource"] == alias
    (schedule,) = templates.schedules
    assert (schedule.expression, schedule.target) == (
        "rate(1 day)",
        Target(kind="function", name="Consumer", input="{}"),
    )
    (pool,) = templates.pools
    assert (pool.id, pool.clients) == ("us-east-1_Pool", {"Client": "Client"})


def test_the_same_logical_id_in_two_stacks_names_two_things(cdk_out):
    one = {"Resources": {"Dlq": resource("SQS::Queue")}}
    assert set(load(cdk_out(A=one, B=one)).queues) == {"A-Dlq", "B-Dlq"}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (ref("Nowhere"), "there is no Nowhere"),
        (att("Nowhere"), "there is no Nowhere"),
        ({"Fn::ImportValue": "Nothing"}, "no stack exports Nothing"),
        ({"Fn::GetStackOutput": {"StackName": "S", "OutputName": "No"}}, "stack S has no output No"),
        (att("Cdn", "DomainName"), "DomainName is not known locally"),
        ({"Fn::Cidr": ["10.0.0.0/8", 1, 8]}, "Fn::Cidr"),
    ],
)
def test_a_reference_that_cannot_be_resolved_is_named(cdk_out, value, why):
    function = lambda_function(Environment={"Variables": {"X": value}})
    stack = {"Resources": {"F": function, "Cdn": resource("CloudFront::Distribution")}}
    with pytest.raises(Unresolved, match=rf"S/.*{why}"):
        load(cdk_out(S=stack))


def test_what_only_aws_knows_can_be_given(cdk_out):
    function = lambda_function(Environment={"Variables": {"X": att("Cdn", "DomainName")}})
    stack = {"Resources": {"F": function, "Cdn": resource("CloudFront::Distribution")}}
    given = {"AWS::CloudFront::Distribution.DomainName": "127.0.0.1:3000"}
    assert load(cdk_out(S=stack), given=given).functions["F"].environment == {"X": "127.0.0.1:3000"}


def test_a_substitution_that_is_not_given_is_refused(cdk_out):
    machine = resource("StepFunctions::StateMachine", DefinitionString='{"StartAt": "${Start}"}')
    with pytest.raises(Unresolved, match="Start"):
        load(cdk_out(S={"Resources": {"M": machine}}))


def test_a_directory_without_stacks_is_refused(cdk_out):
    with pytest.raises(Unresolved, match="cdk synth"):
        load(cdk_out())
