"""What the synthesized templates say, as plain data: functions, routes, rules, queues, machines, schedules.

`load` reads a `cdk.out` directory. The marketplace on one machine is driven by nothing else, so a forgotten authorizer
or a wrong event pattern is as broken here as it is on AWS. Constructs it does not know are ignored; a reference
that cannot be resolved raises `Unresolved`.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from local.cloudformation import REGION, Assembly, Resource, Unresolved

__all__ = ["Templates", "Unresolved", "load"]

JSON = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function; aliases and versions of it resolve to this one. `timeout` in seconds, `memory` in MB."""

    name: str
    arn: str
    handler: str
    runtime: str
    environment: Mapping[str, str]
    timeout: int
    memory: int
    reserved: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A route of an HTTP or WebSocket API; `key` is such as `GET /v1/orders/{order_no}` or `$connect`."""

    key: str
    function: str
    authorizer: Literal["jwt", "none", "iam", "custom"]
    api: str
    protocol: Literal["HTTP", "WEBSOCKET"]
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a rule or a schedule sends: the name of a queue, a function or a state machine."""

    kind: Literal["queue", "function", "machine", "other"]
    name: str
    input: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A bus rule: events on `bus` matching `pattern` go to every target."""

    name: str
    bus: str
    pattern: JSON
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue; times in seconds. After `max_receives` receives a message moves to `dead_letters`."""

    name: str
    url: str
    arn: str
    visibility: float = 30
    delay: float = 0
    dead_letters: str | None = None
    max_receives: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSource:
    """An event source mapping: a queue or a table's stream feeding a function in batches."""

    function: str
    queue: str | None = None
    table: str | None = None
    batch: int = 10
    filters: tuple[JSON, ...] = ()
    partial_failures: Literal["reported", "ignored"] = "ignored"
    concurrency: int | None = None
    retries: int | None = None
    on_failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StateMachine:
    """A state machine; the definition has its substitutions filled in."""

    name: str
    arn: str
    definition: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule: `rate(...)`, `cron(...)` or `at(...)`, in its own time zone."""

    name: str
    expression: str
    target: Target
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailTemplate:
    """An SES template."""

    name: str
    subject: str
    text: str | None = None
    html: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserPool:
    """A Cognito user pool: which function runs at which trigger, and the ids of its clients."""

    id: str
    arn: str
    logical_id: str
    triggers: Mapping[str, str]
    clients: Mapping[str, str]
    properties: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A bucket, secret, table or bus, with its properties as the template gives them."""

    name: str
    arn: str
    logical_id: str
    properties: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Everything the templates declare that the machine plays locally."""

    functions: Mapping[str, Function] = field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    rules: tuple[Rule, ...] = ()
    queues: Mapping[str, Queue] = field(default_factory=dict)
    sources: tuple[EventSource, ...] = ()
    machines: Mapping[str, StateMachine] = field(default_factory=dict)
    schedules: tuple[Schedule, ...] = ()
    mail: Mapping[str, MailTemplate] = field(default_factory=dict)
    buckets: Mapping[str, Named] = field(default_factory=dict)
    pools: tuple[UserPool, ...] = ()
    secrets: Mapping[str, Named] = field(default_factory=dict)
    tables: Mapping[str, Named] = field(default_factory=dict)
    buses: Mapping[str, Named] = field(default_factory=dict)

    def function(self, arn_or_name: str) -> Function:
        """The function behind a name, an ARN, an alias or a version. Raises KeyError."""
        return self.functions[function_name(arn_or_name)]

    def queue(self, url_or_arn: str) -> Queue:
        """The queue behind a URL, an ARN or a name. Raises KeyError."""
        return self.queues[re.split("[:/]", url_or_arn)[-1]]


def function_name(arn: str) -> str:
    """The bare function name in an ARN (qualified or not, or wrapped in an API Gateway invocation URI)."""
    found = re.search(r":function:([^:/]+)", arn)
    return found.group(1) if found else arn.split(":")[0]


def load(directory: str | Path, *, api_url: str | None = None, given: Mapping[str, str] | None = None) -> Templates:
    """The templates of a `cdk.out` directory, all its stacks together.

    api_url: where the HTTP API is served locally; it replaces the API Gateway host in every environment variable.
    given: values for attributes that only AWS can know, by `LogicalId.Attribute` or `AWS::Type.Attribute`.
    """
    assembly = Assembly.read(Path(directory), given or {})
    return of(assembly, api_url=api_url)


def of(assembly: Assembly, *, api_url: str | None = None) -> Templates:
    """The templates of an assembly already read."""
    functions = [
        _function(r, assembly, api_url)
        for r in assembly.of_type("AWS::Lambda::Function")
        if str(r.get("Runtime", "")).startswith(("python", "provided"))
    ]
    rules, timed = _rules(assembly)
    return Templates(
        functions={f.name: f for f in functions},
        routes=_routes(assembly),
        rules=rules,
        queues={q.name: q for q in map(_queue, assembly.of_type("AWS::SQS::Queue"))},
        sources=tuple(_source(r) for r in assembly.of_type("AWS::Lambda::EventSourceMapping")),
        machines={m.name: m for m in map(_machine, assembly.of_type("AWS::StepFunctions::StateMachine"))},
        schedules=(*timed, *_schedules(assembly)),
        mail={m.name: m for m in map(_mail, assembly.of_type("AWS::SES::Template"))},
        buckets=_named(assembly, "AWS::S3::Bucket"),
        pools=tuple(_pool(r, assembly) for r in assembly.of_type("AWS::Cognito::UserPool")),
        secrets=_named(assembly, "AWS::SecretsManager::Secret"),
        tables=_named(assembly, "AWS::DynamoDB::Table") | _named(assembly, "AWS::DynamoDB::GlobalTable"),
        buses=_named(assembly, "AWS::Events::EventBus"),
    )


def _function(resource: Resource, assembly: Assembly, api_url: str | None) -> Function:
    environment = {k: str(v) for k, v in resource.get("Environment", {}).get("Variables", {}).items()}
    if api_url:
        for api in assembly.of_type("AWS::ApiGatewayV2::Api"):
            host = re.compile(rf"https?://{re.escape(api.name)}\.execute-api\.{REGION}\.amazonaws\.com")
            environment = {k: host.sub(api_url, v) for k, v in environment.items()}
    reserved = resource.get("ReservedConcurrentExecutions")
    return Function(
        name=resource.name,
        arn=resource.arn,
        handler=str(resource.get("Handler", "")),
        runtime=str(resource.get("Runtime", "")),
        environment=environment,
        timeout=int(resource.get("Timeout", 3)),
        memory=int(resource.get("MemorySize", 128)),
        reserved=None if reserved is None else int(reserved),
    )


def _routes(assembly: Assembly) -> tuple[Route, ...]:
    apis = {r.name: r for r in assembly.of_type("AWS::ApiGatewayV2::Api")}
    integrations = {r.name: r for r in assembly.of_type("AWS::ApiGatewayV2::Integration")}
    authorizers = {r.name: r for r in assembly.of_type("AWS::ApiGatewayV2::Authorizer")}
    routes = []
    for resource in assembly.of_type("AWS::ApiGatewayV2::Route"):
        integration = integrations[str(resource.get("Target")).removeprefix("integrations/")]
        if ":function:" not in (uri := str(integration.get("IntegrationUri", ""))):
            continue
        kind = str(resource.get("AuthorizationType", "NONE"))
        jwt = authorizers[resource.get("AuthorizerId")].get("JwtConfiguration", {}) if kind == "JWT" else {}
        routes.append(
            Route(
                key=resource.get("RouteKey"),
                function=function_name(uri),
                authorizer={"JWT": "jwt", "NONE": "none", "AWS_IAM": "iam"}.get(kind, "custom"),  # type: ignore[arg-type]
                api=resource.get("ApiId"),
                protocol=apis[resource.get("ApiId")].get("ProtocolType"),
                issuer=jwt.get("Issuer"),
                audience=tuple(jwt.get("Audience", ())),
                scopes=tuple(resource.get("AuthorizationScopes", ())),
            )
        )
    return tuple(routes)


def _target(arn: str, payload: Any = None) -> Target:
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    text = payload if isinstance(payload, str) or payload is None else json.dumps(payload)
    if service == "sqs":
        return Target(kind="queue", name=arn.split(":")[-1], input=text)
    if service == "lambda":
        return Target(kind="function", name=function_name(arn), input=text)
    if service == "states":
        return Target(kind="machine", name=arn.split(":")[-1], input=text)
    return Target(kind="other", name=arn, input=text)


def _rules(assembly: Assembly) -> tuple[tuple[Rule, ...], tuple[Schedule, ...]]:
    rules: list[Rule] = []
    timed: list[Schedule] = []
    for resource in assembly.of_type("AWS::Events::Rule"):
        if resource.get("State", "ENABLED") == "DISABLED":
            continue
        targets = []
        for target in resource.get("Targets", ()):
            if "InputTransformer" in target or "InputPath" in target:
                raise Unresolved(f"{resource.where}: input transformers of rule targets are not played locally")
            targets.append(_target(target["Arn"], target.get("Input")))
        if pattern := resource.get("EventPattern"):
            bus = re.split("[:/]", str(resource.get("EventBusName", "default")))[-1]
            rules.append(Rule(name=resource.name, bus=bus, pattern=pattern, targets=tuple(targets)))
        for target in targets if resource.get("ScheduleExpression") else ():
            name = f"{resource.name}/{target.name}"
            timed.append(Schedule(name=name, expression=resource.get("ScheduleExpression"), target=target))
    return tuple(rules), tuple(timed)


def _schedules(assembly: Assembly) -> list[Schedule]:
    return [
        Schedule(
            name=resource.name,
            expression=resource.get("ScheduleExpression"),
            timezone=str(resource.get("ScheduleExpressionTimezone", "UTC")),
            target=_target(resource.get("Target")["Arn"], resource.get("Target").get("Input")),
        )
        for resource in assembly.of_type("AWS::Scheduler::Schedule")
        if resource.get("State", "ENABLED") == "ENABLED"
    ]


def _queue(resource: Resource) -> Queue:
    if resource.get("FifoQueue"):
        raise Unresolved(f"{resource.where}: FIFO queues are not played locally")
    redrive = resource.get("RedrivePolicy") or {}
    if isinstance(redrive, str):
        redrive = json.loads(redrive)
    return Queue(
        name=resource.name,
        url=resource.reference,
        arn=resource.arn,
        visibility=float(resource.get("VisibilityTimeout", 30)),
        delay=float(resource.get("DelaySeconds", 0)),
        dead_letters=str(redrive["deadLetterTargetArn"]).split(":")[-1] if redrive else None,
        max_receives=int(redrive["maxReceiveCount"]) if redrive else None,
    )


def _source(resource: Resource) -> EventSource:
    arn = str(resource.get("EventSourceArn"))
    service = arn.split(":")[2]
    if service not in ("sqs", "dynamodb"):
        raise Unresolved(f"{resource.where}: an event source of {service} is not played locally")
    filters = resource.get("FilterCriteria", {}).get("Filters", ())
    if not all("Pattern" in f for f in filters):
        raise Unresolved(f"{resource.where}: a filter has no Pattern")
    retries = resource.get("MaximumRetryAttempts")
    on_failure = resource.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    concurrency = resource.get("ScalingConfig", {}).get("MaximumConcurrency")
    source = EventSource(
        function=function_name(str(resource.get("FunctionName"))),
        batch=int(resource.get("BatchSize", 10 if service == "sqs" else 100)),
        filters=tuple(json.loads(f["Pattern"]) for f in filters),
        partial_failures=(
            "reported" if "ReportBatchItemFailures" in resource.get("FunctionResponseTypes", ()) else "ignored"
        ),
        concurrency=None if concurrency is None else int(concurrency),
        retries=None if retries is None or int(retries) < 0 else int(retries),
        on_failure=str(on_failure).split(":")[-1] if on_failure else None,
    )
    if service == "sqs":
        return replace(source, queue=arn.split(":")[-1])
    return replace(source, table=arn.split("/")[1])


def _machine(resource: Resource) -> StateMachine:
    definition = resource.get("DefinitionString") or resource.get("Definition")
    if definition is None:
        raise Unresolved(f"{resource.where}: the definition must be in the template, not in S3")
    text = definition if isinstance(definition, str) else json.dumps(definition)
    for name, value in resource.get("DefinitionSubstitutions", {}).items():
        text = text.replace(f"${{{name}}}", json.dumps(str(value))[1:-1])
    if left := re.search(r"\$\{(\w+)\}", text):
        raise Unresolved(f"{resource.where}: no substitution is given for ${{{left.group(1)}}}")
    return StateMachine(name=resource.name, arn=resource.arn, definition=json.loads(text))


def _mail(resource: Resource) -> MailTemplate:
    template = resource.get("Template")
    return MailTemplate(
        name=template.get("TemplateName", resource.name),
        subject=template["SubjectPart"],
        text=template.get("TextPart"),
        html=template.get("HtmlPart"),
    )


def _pool(resource: Resource, assembly: Assembly) -> UserPool:
    triggers = {}
    for name, value in resource.get("LambdaConfig", {}).items():
        arn = value["LambdaArn"] if isinstance(value, dict) else value
        if name == "PreTokenGeneration" and "PreTokenGenerationConfig" in resource.get("LambdaConfig"):
            continue
        triggers[name.removesuffix("Config")] = function_name(str(arn))
    clients = [c for c in assembly.of_type("AWS::Cognito::UserPoolClient") if c.get("UserPoolId") == resource.reference]
    return UserPool(
        id=resource.reference,
        arn=resource.arn,
        logical_id=resource.logical_id,
        triggers=triggers,
        clients={c.logical_id: c.reference for c in clients},
        properties=resource.lazily(),
    )


def _named(assembly: Assembly, kind: str) -> dict[str, Named]:
    return {
        r.name: Named(name=r.name, arn=r.arn, logical_id=r.logical_id, properties=r.lazily())
        for r in assembly.of_type(kind)
    }
