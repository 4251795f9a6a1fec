"""A service's part of the infrastructure, built from its manifest and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as scheduler_targets
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.environment import Settings
from infra.constructs.function import Code, EntryPoint
from infra.constructs.gateway import Gateway
from infra.constructs.grants import Configuration, Resources, grant, leading_keys, readable_keys
from infra.constructs.media import ARRIVALS, AT_ONCE, hear_of_arrivals
from infra.constructs.queues import RECEIVES, Queue, dead_letters, queue_with_dead_letters
from infra.constructs.routes import add_routes
from infra.machines import Machine
from infra.services import Source

if TYPE_CHECKING:
    from market.manifest import Function

NAMED = {"inventory": ("shards", "sku", "skus")}
"""Services that are told of an event only if its data name any of these, or a list of them that is not empty: nearly
every order names none, and would cost three requests of the queue and an invocation to find that out."""

BATCH = 10
GATHERED = 200


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a service is put into: the resources of the stateful stacks and the APIs, found by a route's path."""

    stage: Stage
    services: dict[str, Source]
    machines: dict[str, Machine]
    gateway_of: Callable[[str], Gateway]
    url: str
    pool_id: str
    pool_arn: str
    client_id: str
    stream_arn: str
    flags: Configuration
    firewall: str


class Service(Construct):
    """Functions with roles, queues, rules, routes, triggers and schedules of one service."""

    def __init__(self, scope: Construct, source: Source, *, around: Surroundings, code: Code) -> None:
        super().__init__(scope, "Service")
        self._source, self._around, self._code = source, around, code
        self._stage = around.stage
        self._functions = source.functions(self._stage.name)
        read = {function.queue for function in self._functions}
        self.queues = {name: self._queue(name) for name in source.manifest.queues if name in read}
        self._settings = self._all_settings()
        self.entry_points = {function.name: self._entry_point(function) for function in self._functions}

    def _entry_point(self, declared: "Function") -> EntryPoint:
        lost = self._lost_runs(declared.name) if declared.kind == "schedule" else None
        made = EntryPoint(
            self,
            declared,
            service=self._source.name,
            stage=self._stage,
            code=self._code,
            environment=self._settings.of(self._words(declared)),
            dead_letters=lost,
        )
        self._grant(made)
        self._connect(made)
        if lost:
            self._schedule(made, lost)
        return made

    def _lost_runs(self, function: str) -> sqs.IQueue:
        """Keeps runs that could not be started and runs that failed."""
        return dead_letters(self, f"{self._source.name}-{function}-dead", stage=self._stage)

    def _all_settings(self) -> Settings:
        around = self._around
        return Settings(
            stack=Stack.of(self),
            stage=around.stage,
            api_url=around.url,
            pool_id=around.pool_id,
            client_id=around.client_id,
            queues={name: queue.main.queue_url for name, queue in self.queues.items()},
            machines=around.machines,
            flags=around.flags,
            firewall=around.firewall,
        )

    def _connect(self, made: EntryPoint) -> None:
        """Attach what calls the function with events; a state machine's role names the tasks that it calls."""
        match made.declared.kind:
            case "api":
                self._api(made)
            case "consumer":
                self._consumer(made)
            case "queue":
                self._command_queue(made)
            case "relay":
                self._relay(made)
            case "trigger":
                self._trigger(made)

    def _grant(self, made: EntryPoint) -> None:
        around, declared = self._around, made.declared
        resources = Resources(Stack.of(self), self._stage, around.pool_arn, around.machines, around.flags)
        keys, readable = (keys(self._source, around.services) for keys in (leading_keys, readable_keys))
        grant(made.role, resources.table(keys, readable))
        if kept := self._source.manifest.append_only:
            grant(made.role, [resources.append_only(kept)])
        if declared.kind == "api":
            grant(made.role, resources.guard())
        for word in self._words(declared):
            if word in QUEUE_CAPABILITIES:
                queue = self.queues[QUEUE_CAPABILITIES[word]].main
                made.role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn]))
            else:
                grant(made.role, resources.capabilities(word))
        for finding, reason in resources.wide(declared.capabilities).items():
            acknowledge(made.role, f"AwsSolutions-IAM5[Resource::{finding}]", reason)

    def _words(self, declared: "Function") -> tuple[str, ...]:
        """Capabilities; who limits callers also reads how strictly, which operators may change."""
        limited = any(route.limit for route in self._source.routes.get(declared.name, ()))
        return tuple(dict.fromkeys((*capabilities(declared, self._stage), *(("settings",) if limited else ()))))

    def _queue(self, name: str) -> Queue:
        slowest = max((f.timeout for f in self._functions if f.queue == name), default=10)
        return queue_with_dead_letters(self, name, stage=self._stage, consumer_timeout=slowest)

    def _api(self, made: EntryPoint) -> None:
        routes = self._source.routes[made.declared.name]
        add_routes(made, made.alias, routes, gateway_of=self._around.gateway_of)

    def _consumer(self, made: EntryPoint) -> None:
        service = self._source.name
        queue = queue_with_dead_letters(
            self, f"{service}-events", stage=self._stage, consumer_timeout=made.declared.timeout
        )
        self.queues[f"{service}-events"] = queue
        types = sorted(self._source.manifest.consumes)
        self._rule("Hears", f"{self._stage.prefix}-{service}", queue, types, NAMED.get(service, ()))
        self._read(made, queue)

    def _rule(
        self, scope: str, name: str, queue: Queue, types: list[str] | None = None, named: tuple[str, ...] = ()
    ) -> None:
        """Let a queue get the events of these types, or all of them; `named`: only those that name one of these."""
        either = [{field: [{"wildcard": "*"}]} for field in named]
        events.Rule(
            self,
            scope,
            rule_name=name,
            event_bus=events.EventBus.from_event_bus_name(self, f"{scope}Bus", self._stage.bus),
            event_pattern=events.EventPattern(
                source=events.Match.prefix("market."),
                detail_type=types,
                detail={"data": {"$or": either}} if either else None,
            ),
            targets=[targets.SqsQueue(queue.main, dead_letter_queue=queue.dead)],
        )

    def _read(self, made: EntryPoint, queue: Queue, *, patient: bool = False, singly: bool = False) -> None:
        """patient: nobody waits, so that large batches are gathered. singly: a message takes long."""
        made.alias.add_event_source(
            sources.SqsEventSource(
                queue.main,
                batch_size=1 if singly else GATHERED if patient else BATCH,
                max_concurrency=AT_ONCE if singly else None,
                max_batching_window=Duration.minutes(1) if patient else None,
                report_batch_item_failures=True,
            )
        )
        reason = f"After {RECEIVES} attempts the queue itself moves a message to its dead-letter queue."
        acknowledge(made.alias, "Serverless-LambdaEventSourceMappingDestination", reason)

    def _command_queue(self, made: EntryPoint) -> None:
        assert made.declared.queue in self.queues, f"{made.declared.name} reads a queue that its service does not own"
        queue = self.queues[made.declared.queue]
        everything = made.declared.queue == self._source.manifest.everything
        if everything:
            self._rule("HearsEverything", f"{self._stage.prefix}-{made.declared.queue}", queue)
        arrivals = made.declared.queue in ARRIVALS
        if arrivals:
            hear_of_arrivals(self, queue, made.declared.queue, stage=self._stage)
        self._read(made, queue, patient=everything, singly=arrivals)

    def _relay(self, made: EntryPoint) -> None:
        table = dynamodb.Table.from_table_attributes(
            made, "Table", table_name=self._stage.table, table_stream_arn=self._around.stream_arn
        )
        lost = dead_letters(made, "relay-dead", stage=self._stage)
        outbox = {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "OUTBOX#"}]}}}}
        made.alias.add_event_source(
            sources.DynamoEventSource(
                table,
                starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                batch_size=100,
                parallelization_factor=2,
                filters=[lambda_.FilterCriteria.filter(outbox)],
                report_batch_item_failures=True,
                bisect_batch_on_error=True,
                retry_attempts=20,
                max_record_age=Duration.hours(12),
                on_failure=sources.SqsDlq(lost),
            )
        )

    def _trigger(self, made: EntryPoint) -> None:
        lambda_.CfnPermission(
            made,
            "CalledByUserPool",
            action="lambda:InvokeFunction",
            function_name=made.alias.function_arn,
            principal="cognito-idp.amazonaws.com",
            source_arn=self._around.pool_arn,
        )

    def _schedule(self, made: EntryPoint, lost: sqs.IQueue) -> None:
        """A run that is late is dropped: the next one does its work."""
        assert made.declared.every, f"{made.declared.name} does not say how often"
        scheduler.Schedule(
            made,
            "Schedule",
            schedule_name=self._stage.function(self._source.name, made.declared.name),
            schedule=scheduler.ScheduleExpression.expression(made.declared.every),
            target=scheduler_targets.LambdaInvoke(
                made.alias, dead_letter_queue=lost, retry_attempts=3, max_event_age=Duration.minutes(15)
            ),
        )


QUEUE_CAPABILITIES = {
    "delivery-queue": "developers-webhooks",
    "media-queue": "media-arrivals",
    "webhook-queue": "payments-webhooks",
    "sandbox-queue": "sandbox-webhooks",
}


def capabilities(declared: "Function", stage: Stage) -> tuple[str, ...]:
    """The manifest's words, and those that come with the kind: an API signs cursors and knows its edge."""
    api = ("secret", "origin") if stage.edge else ("secret",)
    given = {"api": api, "relay": ("bus",)}.get(declared.kind, ())
    return tuple(dict.fromkeys((*declared.capabilities, *given)))
