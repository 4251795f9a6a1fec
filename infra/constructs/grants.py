"""What a function may do: its service's items in the table, and one statement per capability of its manifest.

Never a scan, never a wildcard action, and of the table only the partitions that the manifest names.
"""

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_iam as iam

from infra.config import Stage
from infra.constructs.media import MULTIPART, PICTURES, media_bucket, media_folders, media_statements
from infra.machines import Machine
from infra.services import Source
from infra.stacks.data import INDEXES

OUTBOX = "OUTBOX#"
STANDING = ("ACS#", "BLK#", "KEY#", "ROL#")
COUNTERS = ("LIM#",)
"""Partitions that `market.guard` reads, and the ones that it writes, on behalf of every API."""

AVATARS = ("media/avatars/*", "uploads/avatars/*")
EXPORTS, IMPORTS = ("exports/*",), ("imports/*",)
"""Folders of people's pictures in the media bucket; of copies of their data, and of catalogues that come and go, in the
one for documents."""

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
CHANGES = ("dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:UpdateItem")
READS = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
COGNITO_ACTIONS = (
    "cognito-idp:AdminDeleteUser",
    "cognito-idp:AdminGetUser",
    "cognito-idp:AdminLinkProviderForUser",
    "cognito-idp:AdminSetUserMFAPreference",
    "cognito-idp:AdminUserGlobalSignOut",
    "cognito-idp:ListUsers",
)
"""Signing up and in needs no grant; making accounts and setting passwords is an operator's right, not a function's."""


def leading_keys(source: Source, services: dict[str, Source]) -> list[str]:
    """Patterns of the partition keys that the service owns or reaches through contracts, and of the outbox."""
    return _patterns({OUTBOX, *source.manifest.prefixes, *_prefixes_of(source.manifest.uses, services)})


def readable_keys(source: Source, services: dict[str, Source]) -> list[str]:
    """The same, and of what the service only reads: one request may name keys of both kinds."""
    return sorted({*leading_keys(source, services), *_patterns(_prefixes_of(source.manifest.reads, services))})


def _prefixes_of(names: Iterable[str], services: dict[str, Source]) -> set[str]:
    return {prefix for name in names for prefix in services[name].manifest.prefixes}


def _patterns(prefixes: Iterable[str]) -> list[str]:
    return sorted(f"{prefix}*" for prefix in prefixes)


def _only(keys: list[str]) -> dict[str, dict[str, object]]:
    """The condition that every partition key of a request is like one of these, and that it names any."""
    return {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": keys}, "Null": {"dynamodb:LeadingKeys": "false"}}


@dataclass(frozen=True, slots=True)
class Configuration:
    """Ids of the one AppConfig configuration, which AWS chooses, and of the strategy to deploy it with."""

    application: str
    environment: str
    profile: str
    strategy: str

    @property
    def setting(self) -> str:
        return f"{self.application}/{self.environment}/{self.profile}"


@dataclass(frozen=True, slots=True)
class Resources:
    """ARNs that capabilities reach. Composed from names where names are ours to choose.

    machines: the state machines by name; a capability of that name lets a function start one and answer its waits.
    """

    stack: Stack
    stage: Stage
    pool: str
    machines: Mapping[str, Machine]
    flags: Configuration

    def table(self, keys: list[str], readable: list[str]) -> list[iam.PolicyStatement]:
        """keys, readable: as `leading_keys` and `readable_keys` say."""
        arn = self._arn("dynamodb", "table", self.stage.table)
        mine, seen = _only(keys), _only(readable)
        indexes = [f"{arn}/index/{index}" for index in INDEXES]
        granted = [
            iam.PolicyStatement(sid="OwnItems", actions=list(ITEM_ACTIONS), resources=[arn], conditions=mine),
            iam.PolicyStatement(sid="IndexEntries", actions=["dynamodb:Query"], resources=indexes, conditions=seen),
        ]
        if readable != keys:
            granted.append(iam.PolicyStatement(sid="Readable", actions=list(READS), resources=[arn], conditions=seen))
        return granted

    def append_only(self, prefixes: Iterable[str]) -> iam.PolicyStatement:
        """Whatever else is granted: what stands under these prefixes is neither updated nor deleted.

        A request that names other partitions too is let through: AWS does not say whether an update in a transaction is
        judged by its own key or by all of the transaction's, and a put beside it must not forbid it.
        """
        return iam.PolicyStatement(
            sid="AppendOnly",
            effect=iam.Effect.DENY,
            actions=list(CHANGES),
            resources=[self._arn("dynamodb", "table", self.stage.table)],
            conditions=_only(_patterns(prefixes)),
        )

    def guard(self) -> list[iam.PolicyStatement]:
        """What the kernel reads before each request of an API, and the counters of those who come."""
        arn = self._arn("dynamodb", "table", self.stage.table)
        people, counters = _only(_patterns(STANDING)), _only(_patterns(COUNTERS))
        reads = ["dynamodb:BatchGetItem", "dynamodb:GetItem"]
        return [
            iam.PolicyStatement(sid="Standing", actions=reads, resources=[arn], conditions=people),
            iam.PolicyStatement(sid="Limits", actions=["dynamodb:UpdateItem"], resources=[arn], conditions=counters),
        ]

    def capabilities(self, word: str) -> list[iam.PolicyStatement]:
        """The statements behind a word of `Function.capabilities`. Raises ValueError for an unknown word."""
        return media_statements(self.stack, self.stage, word) or [self.capability(word)]

    def capability(self, word: str) -> iam.PolicyStatement:
        """The same for words with one statement."""
        match word:
            case "audit":
                return self._files("Audit", audit_bucket(self.stack, self.stage), "s3:PutObjectRetention")
            case "avatars":
                return self._prefixes("Avatars", media_bucket(self.stack, self.stage), AVATARS)
            case "bus":
                return self._bus()
            case "captcha" | "carriers" | "origin" | "payments" | "secret" | "tax-provider":
                return self._secret(*self._secrets()[word])
            case "cognito":
                return iam.PolicyStatement(sid="Accounts", actions=list(COGNITO_ACTIONS), resources=[self.pool])
            case "documents":
                return self._files("Documents", documents_bucket(self.stack, self.stage), missing=True)
            case "email":
                return self._email()
            case "firewall":
                return self._firewall()
            case "flags":
                return self._flags()
            case "flags-publish":
                return self._flags_publish()
            case "export-part":
                return self._export_part()
            case "exports":
                return self._prefixes("Exports", documents_bucket(self.stack, self.stage), EXPORTS)
            case "imports":
                return self._prefixes("Imports", documents_bucket(self.stack, self.stage), IMPORTS, *MULTIPART)
            case "media":
                return self._pictures()
            case "settings":
                return self._settings()
        if word in self.machines:
            return self._machine(self.machines[word])
        raise ValueError(f"unknown capability: {word}")

    def _secrets(self) -> dict[str, tuple[str, str]]:
        """By capability the statement's id and the name of the secret that it lets a function read."""
        stage = self.stage
        return {
            "captcha": ("CaptchaSecret", stage.captcha_secret),
            "carriers": ("CarrierSecrets", stage.carrier_secrets),
            "origin": ("OriginSecret", stage.origin_secret),
            "payments": ("PaymentSecrets", stage.payment_secrets),
            "secret": ("RootSecret", stage.root_secret),
            "tax-provider": ("TaxSecrets", stage.tax_secrets),
        }

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
            "firewall": (
                f"arn:aws:wafv2:{region}:<AWS::AccountId>:global/ipset/{self.stage.blocked_set('*')}",
                "The two sets of blocked networks, whose ids WAF gives.",
            ),
            "media": (
                f"arn:aws:s3:::{prefix}-media-<AWS::AccountId>-{region}/{PICTURES}",
                "Pictures, which are named by their content.",
            ),
        }
        prefixes = {
            "avatars": (f"{prefix}-media", AVATARS, "Pictures of people, whose names are not known before."),
            "export-part": (f"{prefix}-documents", EXPORTS, "Files of exports, whose names are not known before."),
            "exports": (f"{prefix}-documents", EXPORTS, "Files of exports, whose names are not known before."),
            "imports": (f"{prefix}-documents", IMPORTS, "Files of imports, whose names are not known before."),
        }
        for word in ("media-files", "media-pictures", "media-uploads"):
            prefixes[word] = (f"{prefix}-media", media_folders(word), "Media, whose names are not known before.")
        folders = {
            f"arn:aws:s3:::{bucket}-<AWS::AccountId>-{region}/{folder}": reason
            for bucket, names, reason in (prefixes[word] for word in words if word in prefixes)
            for folder in names
        }
        return dict(known[word] for word in words if word in known) | folders

    def _firewall(self) -> iam.PolicyStatement:
        """The sets of blocked networks, whose ids WAF gives."""
        sets = self._arn("wafv2", "global", f"ipset/{self.stage.blocked_set('*')}")
        return iam.PolicyStatement(sid="Firewall", actions=["wafv2:GetIPSet", "wafv2:UpdateIPSet"], resources=[sets])

    def _bus(self) -> iam.PolicyStatement:
        bus = self._arn("events", "event-bus", self.stage.bus)
        return iam.PolicyStatement(sid="Announce", actions=["events:PutEvents"], resources=[bus])

    def _flags(self) -> iam.PolicyStatement:
        ids = self.flags
        place = f"{ids.application}/environment/{ids.environment}/configuration/{ids.profile}"
        return iam.PolicyStatement(
            sid="Flags",
            actions=["appconfig:StartConfigurationSession", "appconfig:GetLatestConfiguration"],
            resources=[self._arn("appconfig", "application", place)],
        )

    def _flags_publish(self) -> iam.PolicyStatement:
        ids = self.flags
        profile = self._arn("appconfig", "application", f"{ids.application}/configurationprofile/{ids.profile}")
        environment = self._arn("appconfig", "application", f"{ids.application}/environment/{ids.environment}")
        return iam.PolicyStatement(
            sid="FlagsPublish",
            actions=[
                "appconfig:CreateHostedConfigurationVersion",
                "appconfig:DeleteHostedConfigurationVersion",
                "appconfig:GetHostedConfigurationVersion",
                "appconfig:ListDeployments",
                "appconfig:ListHostedConfigurationVersions",
                "appconfig:StartDeployment",
            ],
            resources=[
                self._arn("appconfig", "application", ids.application),
                profile,
                *(f"{profile}/hostedconfigurationversion/{'?' * digits}" for digits in range(1, 7)),
                environment,
                self._arn("appconfig", "deploymentstrategy", ids.strategy),
            ],
        )

    def _settings(self) -> iam.PolicyStatement:
        path = self.stage.settings_path.removeprefix("/")
        names = [self._arn("ssm", "parameter", f"{path}/{name}") for name in changeable()]
        return iam.PolicyStatement(sid="Settings", actions=["ssm:GetParameters"], resources=names)

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

    def _files(self, sid: str, bucket: str, *more: str, missing: bool = False) -> iam.PolicyStatement:
        """missing: whether it may learn that a file is not there: without the right to list, S3 calls that denied."""
        arn, actions = f"arn:{self.stack.partition}:s3:::{bucket}", ["s3:GetObject", "s3:PutObject", *more]
        if missing:
            return iam.PolicyStatement(sid=sid, actions=[*actions, "s3:ListBucket"], resources=[arn, f"{arn}/*"])
        return iam.PolicyStatement(sid=sid, actions=actions, resources=[f"{arn}/*"])

    def _pictures(self) -> iam.PolicyStatement:
        """Add a picture to what the shop shows, and read none: originals and evidence lie in the same bucket."""
        arn = f"arn:{self.stack.partition}:s3:::{media_bucket(self.stack, self.stage)}/{PICTURES}"
        return iam.PolicyStatement(sid="Media", actions=["s3:PutObject"], resources=[arn])

    def _prefixes(self, sid: str, bucket: str, folders: tuple[str, ...], *more: str) -> iam.PolicyStatement:
        """Everything about the files in some folders of a bucket; listing is what tells a missing one from a denied."""
        arn = f"arn:{self.stack.partition}:s3:::{bucket}"
        actions = ["s3:DeleteObject", "s3:GetObject", "s3:ListBucket", "s3:PutObject", *more]
        return iam.PolicyStatement(
            sid=sid, actions=actions, resources=[arn, *(f"{arn}/{folder}" for folder in folders)]
        )

    def _export_part(self) -> iam.PolicyStatement:
        """Write a part of somebody's export, and read none."""
        arn = f"arn:{self.stack.partition}:s3:::{documents_bucket(self.stack, self.stage)}"
        resources = [f"{arn}/{folder}" for folder in EXPORTS]
        return iam.PolicyStatement(sid="ExportPart", actions=["s3:PutObject"], resources=resources)

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


def changeable() -> list[str]:
    """Names of the settings that operators change without a deployment."""
    declared = importlib.import_module("declared.settings").SETTINGS
    return [name for name, setting in declared.items() if setting.source == "parameter"]


def machine_arn(stack: Stack, stage: Stage, machine: Machine) -> str:
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=stage.machine(machine.name),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def documents_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-documents-{stack.account}-{stack.region}"


def audit_bucket(stack: Stack, stage: Stage) -> str:
    return f"{stage.prefix}-audit-{stack.account}-{stack.region}"


def grant(role: iam.Role, statements: Iterable[iam.PolicyStatement]) -> None:
    for statement in statements:
        role.add_to_policy(statement)
