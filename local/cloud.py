"""What the marketplace uses of AWS besides the table, queues, bus and state machines: accounts, mails, files, the
root secret, flags, settings.

Played in process over one SQLite file in the data directory, so that front and background see the same and kill
-9 loses nothing that was answered. Softer than AWS, apart from what the modules of the user pool and files.py say
of themselves: permissions are not checked (`make rehearse` and the grants in the templates are for that), mails
always arrive, nothing is throttled. A call that is not played raises NotEmulated, and no request leaves this
machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from local.answers import AwsError, refuse_the_rest, serve
from local.appconfig import AppConfig
from local.cloudformation import Assembly
from local.cognito import UserPool
from local.files import Files
from local.hosted import HostedPages
from local.hosted_codes import HostedCodes
from local.mail_templates import Mailer
from local.mailbox import Mailbox
from local.parameters import Parameters
from local.pool_parts import parts_of
from local.sessions import Client
from local.social import SimulatedProviders, providers_of
from local.storage import Storage
from local.templates import Templates
from local.templates import UserPool as DeclaredPool
from local.tokens import SigningKey, keep_secret

__all__ = ["Cloud"]

JSON = dict[str, Any]
Invoke = Callable[[str, Any], Any]


@dataclass(frozen=True, slots=True)
class _Paths:
    data: Path

    @property
    def storage(self) -> Path:
        return self.data / "accounts.db"

    @property
    def key(self) -> Path:
        return self.data / "keys" / "tokens.pem"

    @property
    def root_secret(self) -> Path:
        return self.data / "keys" / "root-secret"

    @property
    def files(self) -> Path:
        return self.data / "files"

    @property
    def flags(self) -> Path:
        return self.data / "flags.json"

    @property
    def settings(self) -> Path:
        return self.data / "settings.json"


class Cloud:
    """Everything but the runtime. `invoke` runs the user pool's trigger."""

    def __init__(self, templates: Templates, assembly: Assembly, data: Path, invoke: Invoke) -> None:
        paths = _Paths(data)
        (data / "keys").mkdir(parents=True, exist_ok=True)
        (data / "keys").chmod(0o700)
        self._templates = templates
        self._root_secret = keep_secret(paths.root_secret, lambda: token_urlsafe(48).encode()).decode()
        self.storage = Storage(paths.storage)
        self.mailbox = Mailbox(self.storage)
        self.key = SigningKey(paths.key)
        locked = (name for name, bucket in templates.buckets.items() if bucket.properties.get("ObjectLockEnabled"))
        self.files = Files(self.storage, paths.files, frozenset(templates.buckets), frozenset(locked))
        self._mailer = Mailer(templates.mail, self.mailbox)
        self._parameters = Parameters(paths.settings)
        self._flags = AppConfig(self.storage, paths.flags, _configuration(templates), _declared_flags())
        self.pools = [self._pool(pool, assembly, invoke) for pool in templates.pools]

    def install(self, events: Any) -> None:
        """Answer the calls of a session whose clients are made afterwards."""
        serve(events, "s3", self.files.operations())
        serve(events, "ses", self._mailer.operations())
        serve(events, "secrets-manager", {"GetSecretValue": self._secret})
        serve(events, "ssm", self._parameters.operations())
        serve(events, "appconfig", self._flags.operations())
        serve(events, "appconfigdata", self._flags.data_operations())
        if len(self.pools) > 1:
            raise ValueError("More than one user pool is not played on one machine.")
        for pool in self.pools:
            serve(events, "cognito-identity-provider", pool.operations())
        refuse_the_rest(events)

    def hosted_pages(self, assembly: Assembly, base_url: str) -> HostedPages | None:
        """The hosted pages of the pool, at `base_url`; None without a pool."""
        declared = assembly.of_type("AWS::Cognito::UserPoolIdentityProvider")
        for pool in self.pools:
            notes, simulated = HostedCodes(self.storage), SimulatedProviders(self.storage)
            return HostedPages(pool.parts, providers_of(declared, pool.id), notes, simulated, base_url)
        return None

    def close(self) -> None:
        self.storage.close()

    def _secret(self, asked: JSON) -> JSON:
        """Every secret of the templates is derived from the one that this data directory made for itself."""
        for secret in self._templates.secrets.values():
            if asked["SecretId"] in (secret.name, secret.arn) or asked["SecretId"].startswith(f"{secret.arn}-"):
                return {
                    "ARN": secret.arn,
                    "Name": secret.name,
                    "SecretString": f"{secret.name}:{self._root_secret}",
                    "VersionId": "local",
                    "VersionStages": ["AWSCURRENT"],
                    "CreatedDate": datetime.now(UTC),
                }
        raise AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")

    def _pool(self, pool: DeclaredPool, assembly: Assembly, invoke: Invoke) -> UserPool:
        parts = parts_of(
            pool.id,
            pool.properties,
            _clients(pool, assembly),
            storage=self.storage,
            mailbox=self.mailbox,
            key=self.key,
            triggers={name: partial(invoke, function) for name, function in pool.triggers.items()},
        )
        return UserPool(parts)


def _clients(pool: DeclaredPool, assembly: Assembly) -> dict[str, Client]:
    declared = assembly.of_type("AWS::Cognito::UserPoolClient")
    return {c.reference: Client.of(c.reference, c.lazily()) for c in declared if c.reference in pool.clients.values()}


def _configuration(templates: Templates) -> str:
    """Where functions are told to find the flags; any place will do if none asks."""
    told = [function.environment.get("FLAGS_CONFIGURATION", "") for function in templates.functions.values()]
    return next(filter(None, told), "none/none/none")


def _declared_flags() -> JSON:
    """What a person finds in the file at first: every flag as it was declared."""
    from declared.flags import FLAGS
    from flags.model import declared, feature

    return {name: feature(declared(name)) for name in FLAGS}
