"""What carries messages between services: bus and archive, queues of what is parked, alarms, the mail sender."""

from typing import Any

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.acknowledged import acknowledge
from infra.config import Stage
from infra.constructs.queues import KEPT
from infra.machines import Machine
from infra.pinned import pin


class MessagingStack(Stack):
    """Stateful: the archive lets events be replayed, parked queues hold steps and undos that wait for a person."""

    def __init__(
        self, scope: Construct, name: str, *, stage: Stage, machines: dict[str, Machine], **options: Any
    ) -> None:
        super().__init__(scope, name, description="Bus, archive, parked undos, alarms, sender", **options)
        self.bus = pin(events.EventBus(self, "Bus", event_bus_name=stage.bus), "Bus")
        self.bus.apply_removal_policy(stage.removal)
        archive = events.Archive(
            self,
            "Archive",
            source_event_bus=self.bus,
            archive_name=stage.bus,
            event_pattern=events.EventPattern(source=events.Match.prefix("market.")),
            retention=Duration.days(stage.archive_days),
        )
        pin(archive, "Archive").apply_removal_policy(stage.removal)
        self.parked = {name: self._parked(stage, machine) for name, machine in machines.items() if machine.parks}
        self.alarms = self._alarms(stage)
        domain = stage.sender.partition("@")[2]
        identity = ses.EmailIdentity(self, "Sender", identity=ses.Identity.domain(domain))
        pin(identity, "Sender").apply_removal_policy(stage.removal)

    def _parked(self, stage: Stage, machine: Machine) -> sqs.Queue:
        logical_id = "".join(word.capitalize() for word in machine.parked.split("-"))
        queue = sqs.Queue(
            self,
            logical_id,
            queue_name=stage.queue(machine.parked),
            retention_period=KEPT,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            removal_policy=stage.removal,
        )
        reason = "Already the last stop: a person reads it, and its alarm rings at the first message."
        acknowledge(queue, "AwsSolutions-SQS3", reason)
        acknowledge(queue, "Serverless-SQSRedrivePolicy", reason)
        return pin(queue, logical_id)

    def _alarms(self, stage: Stage) -> sns.Topic:
        topic = sns.Topic(self, "Alarms", topic_name=stage.alarm_topic, enforce_ssl=True)
        topic.apply_removal_policy(stage.removal)
        return pin(topic, "Alarms")
