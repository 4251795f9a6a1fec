"""What a function may do: its service's items in the table, and one statement per capability of its manifest.

Never a scan, never a wildcard action, and of the table only the partitions that the manifest names.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from infra.config import Stage
from infra.machines import Machine
from infra.services import Source
from infra.stacks.data import INDEXES

OUTBOX = "OUTBOX#"
ITEM_ACTIONS = (
    "dynamodb:BatchGetItem",
    "dynamodb:BatchWriteItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
COGNITO_ACTIONS = ("cognito-idp:AdminGetUser", "cognito-idp:AdminUserGlobalSignOut")
"""Signing up and in needs no grant; making accounts and setting passwords is an operator's right, not a function's."""


def leading_keys(source: Source, services: dict[str, Source]) -> list[str]:
    """Patterns of the partition keys that the service owns or reaches through contracts, and of the outbox."""
    used = (services[name] for name in source.manifest.uses)
    prefixes = {OUTBOX, *source.manifest.prefixes, *(prefix for other in used for prefix in other.manifest.prefixes)}
    return sorted(f"{prefix}*" for prefix in prefixes)


@dataclass(frozen=True, slots=True)
class Resources:
    """ARNs that capabilities reach. Composed from names where names are ours to choose.

    machines: the state machines by name; a capability of that name lets a function start one and answer its waits.
    """

    stack: Stack
    stage: Stage
    pool: str
    machines: Mapping[str, Machine]

    def table(self, keys: list[str]) -> list[iam.PolicyStatement]:
        arn = self._arn("dynamodb", "table", self.stage.table)
        mine = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}, "Null": {"dynamodb:LeadingKeys": "false"}}
        indexes = [f"{arn}/index/{index}" for index in INDEXES]
        return [
            iam.PolicyStatement(sid="OwnItems", actions=list(ITEM_ACTIONS), resources=[arn], conditions=mine),
            iam.PolicyStatement(sid="OwnIndexEntries", actions=["dynamodb:Query"], resources=indexes, conditions=mine),
        ]

    def capability(self, word: str) -> iam.PolicyStatement:
        """The statement behind a word of `Function.capabilities`. Raises ValueError for an unknown word."""
        match word:
            case "audit":
                return self._files("Audit", audit_bucket(self.stack, self.stage))
            case "bus":
                return self._bus()
            case "cognito":
                return iam.PolicyStatement(sid="Accounts", actions=list(COGNITO_ACTIONS), resources=[self.pool])
            case "documents":
                return self._files("Documents", documents_bucket(self.stack, self.stage), missing=True)
            case "email":
                return self._email()
            case "media":
                return self._files("Media", media_bucket(self.stack, self.stage))
            case "origin":
                return self._secret("OriginSecret", self.stage.origin_secret)
            case "payments":
                return self._secret("PaymentSecrets", self.stage.payment_secrets)
            case "secret":
                return self._secret("RootSecret", self.stage.root_secret)
        if word in self.machines:
            return self._machine(self.machines[word])
        raise ValueError(f"unknown capability: {word}")

    def wide(self, words: Iterable[str]) -> dict[str, str]:
        """Resources with a wildcard that these capabilities bring, as the rule pack writes them, and why."""
        prefix, region = self.stage.prefix, self.stack.region
        known = {
            "audit": (
                f"arn:aws:s3:::{prefix}-audit-<AWS::AccountId>-{region}/*",
                "Every file in the one audit bucket, which lets none be changed.",
            ),
            "documents": (
                f"arn:aws:s3:::{prefix}-documents-<AWS::AccountId>-{region}/*",
                "Every document in the one private bucket of documents.",
            ),
            "email": (
                f"arn:aws:ses:{region}:<AWS::AccountId>:template/{prefix}-*",
                "All mail templates of this stage.",
            ),
            "media": (
                f"arn:aws:s3:::{prefix}-media-<AWS::AccountId>-{region}/*",
                "Every picture in the one media bucket.",
            ),
        }
        return dict(known[word] for word in words if word in known)

    def _bus(self) -> iam.PolicyStatement:
        bus = self._arn("events", "event-bus", self.stage.bus)
        return iam.PolicyStatement(sid="Announce", actions=["events:PutEvents"], resources=[bus])

    def _machine(self, machine: Machine) -> iam.PolicyStatement:
        actions = ["states:StartExecution", "states:SendTaskSuccess", "states:SendTaskFailure"]
        arn = machine_arn(self.stack, self.stage, machine)
        return iam.PolicyStatement(sid=machine.title, actions=actions, resources=[arn])

    def _email(self) -> iam.PolicyStatement:
        domain = self.stage.sender.partition("@")[2]
        return iam.PolicyStatement(
            sid="Mail",
            actions=["ses:SendTemplatedEmail"],
            resources=[
                self._arn("ses", "identity", domain),
                self._arn("ses", "template", f"{self.stage.prefix}-*"),
            ],
            conditions={"StringEquals": {"ses:FromAddress": self.stage.sender}},
        )

    def _files(self, sid: str, bucket: str, *, missing: bool = False) -> iam.PolicyStatement:
        """missing: whether it may learn that a file is not there: without the right to list, S3 calls that denied."""
        arn, actions = f"arn:{self.stack.partition}:s3:::{bucket}", ["s3:GetObject", "s3:PutObject"]
        if missing:
            return iam.PolicyStatement(sid=sid, actions=[*actions, "s3:ListBucket"], resources=[arn, f"{arn}/*"])
        return iam.PolicyStatement(sid=sid, actions=actions, resources=[f"{arn}/*"])

    def _secret(self, sid: str, name: str) -> iam.PolicyStatement:
        """Secrets Manager ends an ARN with six characters of its own."""
        arn = self.stack.format_arn(
            service="secretsmanager",
            resource="secret",
            resource_name=f"{name}-??????",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        return iam.PolicyStatement(sid=sid, actions=["secretsmanager:GetSecretValue"], resources=[arn])

    def _arn(self, service: str, resource: str, name: str) -> str:
        return self.stack.format_arn(service=service, resource=resource, resource_name=name)


def machine_arn(stack: Stack, stage: Stage, machine: Machine) -> str:
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=stage.machine(machine.name),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def media_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-media-{stack.account}-{stack.region}"


def documents_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-documents-{stack.account}-{stack.region}"


def audit_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-audit-{stack.account}-{stack.region}"


def grant(role: iam.Role, statements: Iterable[iam.PolicyStatement]) -> None:
    for statement in statements:
        role.add_to_policy(statement)
