"""Queues, each with a dead-letter queue and an alarm that rings at the first dead letter."""

from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.alarms import alarm_when_not_empty

KEPT = Duration.days(14)
RECEIVES = 5
"""How often a message is tried before it is a dead letter."""


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and where its undeliverable messages go."""

    main: sqs.Queue
    dead: sqs.Queue


def queue_with_dead_letters(scope: Construct, name: str, *, stage: Stage, consumer_timeout: int) -> Queue:
    """consumer_timeout: seconds its function may take; a message stays hidden six times as long, as Lambda asks."""
    dead = dead_letters(scope, f"{name}-dead", stage=stage)
    main = sqs.Queue(
        scope,
        _id(name),
        queue_name=stage.queue(name),
        visibility_timeout=Duration.seconds(6 * consumer_timeout),
        retention_period=Duration.days(4),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=RECEIVES),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    return Queue(main, dead)


_OWN_PAGES = {"media-arrivals-dead": "media-not-processed", "tax-events-dead": "tax-not-recorded"}
"""Queues whose dead letters need another hand than most."""


def dead_letters(scope: Construct, name: str, *, stage: Stage) -> sqs.Queue:
    dead = sqs.Queue(
        scope,
        _id(name),
        queue_name=stage.queue(name),
        retention_period=KEPT,
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
    )
    reason = "It is a dead-letter queue itself."
    acknowledge(dead, "AwsSolutions-SQS3", reason)
    acknowledge(dead, "Serverless-SQSRedrivePolicy", reason)
    alarm_when_not_empty(
        scope,
        f"{_id(name)}Alarm",
        dead,
        stage=stage,
        says=f"Messages of {name} could not be handled",
        runbook=_OWN_PAGES.get(name, "dead-letters"),
    )
    return dead


def _id(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-")) + "Queue"
