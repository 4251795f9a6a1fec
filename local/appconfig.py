"""AppConfig over a file that a person may edit: `flags.json` in the data directory counts as soon as it is asked for.

A deployment writes the file: what it brings takes the place of what was there of the same name, the rest stays. A file
that is broken is said so once, and the last good one counts. Played as on AWS: versions with a locking token, one
deployment at a time and after the one that was seen, tokens that are good for one poll. Softer: a deployment is
complete at once unless `bake` says otherwise, it is never rolled back, and no validator is asked.
"""

import hashlib
import io
import json
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson

from local.answers import Answer, AwsError
from local.storage import Storage

__all__ = ["AppConfig"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS flag_versions (number INTEGER PRIMARY KEY, content BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS flag_deployments (
    number INTEGER PRIMARY KEY, version INTEGER NOT NULL, content BLOB NOT NULL, at REAL NOT NULL);
"""
_MOST_VERSIONS = 100
_log = logging.getLogger("market.local")


class AppConfig:
    """One configuration, in `file`. `place` is its application, environment and profile, with slashes between.

    beginning: what the file holds at first. bake: seconds for which a deployment keeps others waiting, by `now`.
    """

    def __init__(
        self,
        storage: Storage,
        file: Path,
        place: str,
        beginning: Mapping[str, Any],
        *,
        bake: float = 0.0,
        now: Callable[[], float] = time.time,
    ) -> None:
        storage.declare(_SCHEMA)
        self._storage, self._file, self._bake, self._now = storage, file, bake, now
        self._application, self._environment, self._profile = place.split("/")
        self._tokens: dict[str, str] = {}
        self._good: bytes = b"{}"
        self._looked_at = ""
        if not file.exists():
            self._write(dict(beginning))

    def operations(self) -> dict[str, Answer]:
        """The calls of `appconfig` that are played."""
        return {
            "CreateHostedConfigurationVersion": self._create,
            "GetHostedConfigurationVersion": self._get,
            "ListHostedConfigurationVersions": self._list,
            "DeleteHostedConfigurationVersion": self._delete,
            "StartDeployment": self._deploy,
            "ListDeployments": self._deployments,
        }

    def data_operations(self) -> dict[str, Answer]:
        """The calls of `appconfigdata`."""
        return {"StartConfigurationSession": self._begin, "GetLatestConfiguration": self._poll}

    # -- versions

    def _create(self, asked: JSON) -> JSON:
        self._require_place(asked)
        with self._storage.transaction():
            latest = self._latest("flag_versions")
            if asked.get("LatestVersionNumber", latest) != latest:
                raise AwsError("ConflictException", "The latest version number is another one.", 409)
            if len(self._storage.rows("SELECT number FROM flag_versions")) >= _MOST_VERSIONS:
                raise AwsError("ServiceQuotaExceededException", "Too many hosted configuration versions.", 402)
            values = (latest + 1, bytes(asked["Content"]))
            self._storage.rows("INSERT INTO flag_versions VALUES (?, ?)", values)
        return {"VersionNumber": latest + 1, "ContentType": asked["ContentType"]}

    def _get(self, asked: JSON) -> JSON:
        self._require_place(asked)
        content = self._content(int(asked["VersionNumber"]))
        return {"VersionNumber": int(asked["VersionNumber"]), "Content": _stream(content)}

    def _list(self, asked: JSON) -> JSON:
        self._require_place(asked)
        size, start = int(asked.get("MaxResults", 50)), int(asked.get("NextToken") or 0)
        rows = self._storage.rows("SELECT number FROM flag_versions ORDER BY number DESC")
        more = {"NextToken": str(start + size)} if start + size < len(rows) else {}
        return {"Items": [{"VersionNumber": row["number"]} for row in rows[start : start + size]], **more}

    def _delete(self, asked: JSON) -> JSON:
        self._require_place(asked)
        self._content(int(asked["VersionNumber"]))
        self._storage.rows("DELETE FROM flag_versions WHERE number = ?", (int(asked["VersionNumber"]),))
        return {}

    def _content(self, version: int) -> bytes:
        row = self._storage.one("SELECT content FROM flag_versions WHERE number = ?", (version,))
        if row is None:
            raise AwsError("ResourceNotFoundException", "There is no such configuration version.", 404)
        return bytes(row["content"])

    # -- deployments

    def _deploy(self, asked: JSON) -> JSON:
        self._require_place(asked)
        content, version = self._content(int(asked["ConfigurationVersion"])), int(asked["ConfigurationVersion"])
        with self._storage.transaction():
            latest = self._latest("flag_deployments")
            running = self._storage.one("SELECT at FROM flag_deployments WHERE number = ?", (latest,))
            if running and self._now() < running["at"] + self._bake:
                raise AwsError("ConflictException", "A deployment is in progress.", 409)
            if asked.get("LatestDeploymentNumber", latest) != latest:
                raise AwsError("ConflictException", "The latest deployment number is another one.", 409)
            values = (latest + 1, version, content, self._now())
            self._storage.rows("INSERT INTO flag_deployments VALUES (?, ?, ?, ?)", values)
            self._write(orjson.loads(self._current()) | orjson.loads(content))
        return {"DeploymentNumber": latest + 1, "ConfigurationVersion": str(version), "State": "DEPLOYING"}

    def _deployments(self, asked: JSON) -> JSON:
        self._require_place(asked)
        rows = self._storage.rows(
            "SELECT number, version, at FROM flag_deployments ORDER BY number DESC LIMIT ?",
            (int(asked.get("MaxResults", 50)),),
        )
        return {
            "Items": [
                {
                    "DeploymentNumber": row["number"],
                    "ConfigurationVersion": str(row["version"]),
                    "State": "BAKING" if self._now() < row["at"] + self._bake else "COMPLETE",
                }
                for row in rows
            ]
        }

    def _latest(self, table: str) -> int:
        return int(self._storage.one(f"SELECT COALESCE(MAX(number), 0) AS latest FROM {table}")["latest"])  # noqa: S608

    # -- the configuration itself

    def _begin(self, asked: JSON) -> JSON:
        given = tuple(asked[f"{part}Identifier"] for part in ("Application", "Environment", "ConfigurationProfile"))
        if given != (self._application, self._environment, self._profile):
            raise AwsError("ResourceNotFoundException", "There is no such configuration.", 404)
        return {"InitialConfigurationToken": self._token("")}

    def _poll(self, asked: JSON) -> JSON:
        """Empty where the caller has it already. Raises BadRequestException for a token that was used before."""
        had = self._tokens.pop(asked["ConfigurationToken"], None)
        if had is None:
            raise AwsError("BadRequestException", "The configuration token is not valid.")
        content = self._current()
        digest = hashlib.sha256(content).hexdigest()
        return {
            "NextPollConfigurationToken": self._token(digest),
            "NextPollIntervalInSeconds": 15,
            "ContentType": "application/json",
            "Configuration": _stream(b"" if had == digest else content),
        }

    def _token(self, had: str) -> str:
        token = uuid4().hex
        self._tokens[token] = had
        return token

    def _current(self) -> bytes:
        """The file, or the last good one."""
        try:
            content = self._file.read_bytes()
        except OSError:
            content = b""
        digest = hashlib.sha256(content).hexdigest()
        if digest != self._looked_at:
            self._looked_at = digest
            if wrong := _fault(content):
                _log.error("%s does not count: %s. What it said before does.", self._file, wrong)
            else:
                self._good = content
        return self._good

    def _write(self, rules: JSON) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(rules, indent=2, ensure_ascii=False) + "\n")
        draft.replace(self._file)

    def _require_place(self, asked: JSON) -> None:
        wanted = {
            "ApplicationId": self._application,
            "EnvironmentId": self._environment,
            "ConfigurationProfileId": self._profile,
        }
        if any(asked.get(name, expected) != expected for name, expected in wanted.items()):
            raise AwsError("ResourceNotFoundException", "There is no such configuration.", 404)


def _fault(content: bytes) -> str:
    """What is wrong with the rules; empty if Powertools can use them."""
    from aws_lambda_powertools.utilities.feature_flags import SchemaValidator
    from aws_lambda_powertools.utilities.feature_flags.exceptions import SchemaValidationError

    try:
        rules = orjson.loads(content)
        if rules != {}:
            SchemaValidator(rules).validate()
    except (orjson.JSONDecodeError, SchemaValidationError) as fault:
        return str(fault)
    return ""


def _stream(content: bytes) -> Any:
    from botocore.response import StreamingBody

    return StreamingBody(io.BytesIO(content), len(content))
