"""The whole marketplace in one object: templates, functions, runtime, cloud and gateway, over one data directory.

The front, the background process and the test harness each make one; they differ in what they start. Making one
sets the environment of the functions and the clients' session for this process, so there is one at a time.
"""

import os
from pathlib import Path
from typing import Any

import orjson

from local import direct, hooks
from local.authorizer import Authorizer
from local.cloud import Cloud
from local.cloudformation import Assembly
from local.functions import Functions, environment_of, restore_environment, set_environment
from local.hosted import Entrance
from local.loopback import Loopback
from local.runtime import Runtime
from local.templates import Templates, of
from local.workflows.distributed import READER

__all__ = ["Marketplace"]

_ALWAYS = {
    "AWS_ACCESS_KEY_ID": "local",
    "AWS_SECRET_ACCESS_KEY": "local",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "FLAGS_CACHE_SECONDS": "2",  # who edits the files in the data directory does not want to wait
    "SETTINGS_CACHE_SECONDS": "2",
    "WEBHOOK_LOOPBACK": "on",  # vendors' servers may run on this machine, too
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""No profile and no credentials of this machine are used, nor could they be: see answers.py."""


class Marketplace:
    """One process's view. `assembly` is a cdk.out directory, `database_url` where dynoxide answers."""

    def __init__(
        self,
        assembly: Path,
        data: Path,
        *,
        base_url: str,
        database_url: str,
        log_level: str = "INFO",
        retry_scale: float = 1.0,
    ) -> None:
        data.mkdir(parents=True, exist_ok=True)
        data.chmod(0o700)
        self.data, self.base_url = data, base_url
        declared = Assembly.read(assembly, {})
        self.templates: Templates = of(declared, api_url=base_url)
        settings = environment_of(self.templates) | _ALWAYS
        settings |= {"AWS_ENDPOINT_URL_DYNAMODB": database_url, "LOG_LEVEL": log_level}
        settings |= {"AWS_ENDPOINT_URL_S3": f"{base_url}/s3"}
        settings |= {"USER_POOL_DOMAIN": base_url} if settings.get("USER_POOL_DOMAIN") else {}
        self._before = set_environment(settings)
        self.functions = Functions(self.templates)
        self.cloud = Cloud(self.templates, declared, data, self.functions.invoke)
        self.runtime = Runtime(
            self.templates,
            data / "journal.db",
            self.functions.invoke,
            retry_scale=retry_scale,
            integrations={READER: lambda asked: self.cloud.files.operations()["GetObject"](asked)["Body"].read()},
        )
        self.cloud.files.created = self._tell_of_file
        self._connect(database_url)
        self.gateway = Entrance(
            self.templates.routes, Authorizer(self.cloud.key), self.functions.invoke, _cors(declared)
        )
        self.gateway.pages = self.cloud.hosted_pages(declared, base_url)
        self._answer_ourselves()

    @property
    def mailbox(self) -> Any:
        return self.cloud.mailbox

    @property
    def table(self) -> str:
        (table,) = self.templates.tables.values()
        return table.name

    def api_functions(self) -> list[str]:
        return sorted({route.function for route in self.templates.routes})

    def watch_outbox(self) -> None:
        """Let the runtime also find what was announced while nobody listened."""
        from market import config

        self.runtime.watch_outbox(config.client("dynamodb"), self.table)

    def close(self) -> None:
        """Stop the runtime, close the files, and give the process its environment back."""
        from market import config

        self.runtime.close()
        self.cloud.close()
        restore_environment(self._before)
        config.forget()

    def _tell_of_file(self, bucket: str, key: str, size: int) -> None:
        """A bucket's news goes to the account's default bus, if the bucket says so; rules say whom it concerns."""
        notices = self.templates.buckets[bucket].properties.get("NotificationConfiguration") or {}
        if "EventBridgeConfiguration" in notices:
            detail = orjson.dumps({"bucket": {"name": bucket}, "object": {"key": key, "size": size}}).decode()
            self.runtime.bus.put([{"Source": "aws.s3", "DetailType": "Object Created", "Detail": detail}])

    def _answer_ourselves(self) -> None:
        from market import config

        config.use_http(Loopback(self.base_url, self.gateway))

    def _connect(self, database_url: str) -> None:
        from market import config

        config.forget()
        session = config.session()
        hooks.install(session, self.runtime)
        direct.install(session.events, database_url)
        self.cloud.install(session.events)


def _cors(assembly: Assembly) -> dict[str, Any]:
    """The CORS settings of the one HTTP API."""
    apis = [api for api in assembly.of_type("AWS::ApiGatewayV2::Api") if api.get("ProtocolType") == "HTTP"]
    return dict(apis[0].get("CorsConfiguration") or {}) if apis else {}
