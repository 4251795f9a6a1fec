"""AppConfig, where flags are published: hosted versions of one configuration, and deployments of them, one at a time.

Both are fenced. A version is only made after the one that was seen last, and a deployment is only started after the
one that was seen last, so what was composed from older items never follows what was composed from younger ones.
"""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from market import config
from market.errors import Unavailable

KEPT_VERSIONS = 40
"""Of the 100 that AppConfig keeps for a configuration."""


class NotYet(Unavailable):
    """Another publication came first or is still being watched over; this one must be tried again."""

    code, title = "publication_running", "A publication is running"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The latest deployment, and the version that it brought; 0 where there is none."""

    number: int = 0
    version: int = 0


def latest_deployment() -> Deployment:
    """AppConfig lists the latest first."""
    found = _client().list_deployments(**_environment(), MaxResults=50).get("Items", [])
    known = [Deployment(entry["DeploymentNumber"], int(entry["ConfigurationVersion"])) for entry in found]
    return max(known, key=lambda one: one.number, default=Deployment())


def versions() -> list[int]:
    """The numbers of all versions that are kept, the oldest first."""
    found: list[int] = []
    more: dict[str, str] = {}
    while True:
        page = _client().list_hosted_configuration_versions(**_profile(), MaxResults=50, **more)
        found += [entry["VersionNumber"] for entry in page.get("Items", [])]
        if not page.get("NextToken"):
            return sorted(found)
        more = {"NextToken": page["NextToken"]}


def content(version: int) -> bytes:
    answer = _client().get_hosted_configuration_version(**_profile(), VersionNumber=version)
    return bytes(answer["Content"].read())


def create(text: bytes, *, after: int) -> int:
    """The number of a new version. Raises NotYet if `after` is not the latest any more."""
    fence = {"LatestVersionNumber": after} if after else {}
    given = {"Content": text, "ContentType": "application/json"}
    made = _fenced("create_hosted_configuration_version", _profile(), fence, **given)
    return int(made["VersionNumber"])


def deploy(version: int, *, after: int) -> None:
    """Let everybody have a version. Raises NotYet while a deployment runs, or if there was one since `after`."""
    fence = {"LatestDeploymentNumber": after} if after else {}
    strategy, wanted = config.setting("FLAGS_STRATEGY"), str(version)
    place = _environment() | _profile()
    _fenced("start_deployment", place, fence, DeploymentStrategyId=strategy, ConfigurationVersion=wanted)


def prune(present: list[int]) -> None:
    """Delete the oldest versions, so that there is always room."""
    for version in present[:-KEPT_VERSIONS]:
        _client().delete_hosted_configuration_version(**_profile(), VersionNumber=version)


def _fenced(operation: str, place: dict[str, str], fence: dict[str, int], **options: Any) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = getattr(_client(), operation)(**place, **fence, **options)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "ConflictException":
            raise
        raise NotYet("Another publication comes first.") from None
    return answer


def _environment() -> dict[str, str]:
    application, environment, _ = _place()
    return {"ApplicationId": application, "EnvironmentId": environment}


def _profile() -> dict[str, str]:
    application, _, profile = _place()
    return {"ApplicationId": application, "ConfigurationProfileId": profile}


def _place() -> list[str]:
    return config.setting("FLAGS_CONFIGURATION").split("/")


def _client() -> Any:
    return config.client("appconfig")
