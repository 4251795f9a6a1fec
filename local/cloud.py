"""What the marketplace uses of AWS besides the table, queues, bus and state machines: accounts, mails, files, the
root secret.

Played in process over one SQLite file in the data directory, so that front and background see the same and kill
-9 loses nothing that was answered. Softer than AWS, apart from what accounts.py, sessions.py and files.py say
of themselves: permissions are not checked (`make rehearse` and the grants in the templates are for that), mails
always arrive, nothing is throttled. A call that is not played raises NotEmulated, and no request leaves this
machine.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from local.accounts import Accounts, Policy
from local.answers import AwsError, refuse_the_rest, serve
from local.cloudformation import Assembly
from local.cognito import UserPool
from local.files import Files
from local.mail_templates import Mailer
from local.mailbox import Mailbox
from local.sessions import Client, Sessions
from local.storage import Storage
from local.templates import Templates
from local.templates import UserPool as DeclaredPool
from local.tokens import SigningKey, keep_secret

__all__ = ["Cloud"]

JSON = dict[str, Any]
Invoke = Callable[[str, Any], Any]
_TRIGGER = "PreTokenGeneration"
_SENDER = "no-reply@verificationemail.com"


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
        self.pools = [self._pool(pool, assembly, invoke) for pool in templates.pools]

    def install(self, events: Any) -> None:
        """Answer the calls of a session whose clients are made afterwards."""
        serve(events, "s3", self.files.operations())
        serve(events, "ses", self._mailer.operations())
        serve(events, "secrets-manager", {"GetSecretValue": self._secret})
        if len(self.pools) > 1:
            raise ValueError("More than one user pool is not played on one machine.")
        for pool in self.pools:
            serve(events, "cognito-identity-provider", pool.operations())
        refuse_the_rest(events)

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
        function = pool.triggers.get(_TRIGGER)
        accounts = Accounts(self.storage, self.mailbox, Policy.of(pool.properties), _SENDER)
        sessions = Sessions(
            self.storage,
            accounts,
            self.key,
            issuer_of(pool.id),
            (lambda event: invoke(function, event)) if function else None,
        )
        return UserPool(pool.id, _clients(pool, assembly), accounts, sessions)


def issuer_of(pool_id: str) -> str:
    return f"https://cognito-idp.{pool_id.partition('_')[0]}.amazonaws.com/{pool_id}"


def _clients(pool: DeclaredPool, assembly: Assembly) -> dict[str, Client]:
    declared = assembly.of_type("AWS::Cognito::UserPoolClient")
    return {c.reference: Client.of(c.reference, c.lazily()) for c in declared if c.reference in pool.clients.values()}
