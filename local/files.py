"""Buckets as files: written through to the data directory; media are served at /<key>, as CloudFront does.

An object's bytes are a file named by their hash, its name and type are a row; so an object is there whole or
not at all. Presigned addresses are played in signed_files.py, uploads in parts in multipart.py; whoever set `created`
hears of every new object, as the bus does. Softer than S3: no versions, no lifecycle, one owner.
Harder: where S3 would keep an older version under Object Lock, writing over or deleting it is refused.
"""

import base64
import hashlib
import io
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from local.answers import Answer, AwsError
from local.multipart import Multipart
from local.storage import Storage

__all__ = ["Files", "Stored"]

JSON = dict[str, Any]
_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
    bucket TEXT NOT NULL, key TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL,
    cache TEXT NOT NULL, metadata TEXT NOT NULL, at TEXT NOT NULL, PRIMARY KEY (bucket, key)) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object without its bytes; those are in `path`."""

    key: str
    digest: str
    size: int
    type: str
    cache: str
    metadata: dict[str, str]
    at: datetime
    path: Path

    @property
    def etag(self) -> str:
        return f'"{self.digest[:32]}"'


class Files:
    """The buckets of the templates; others do not exist. `locked` are those with Object Lock."""

    def __init__(
        self, storage: Storage, directory: Path, buckets: frozenset[str], locked: frozenset[str] = frozenset()
    ) -> None:
        self._storage, self._directory, self._buckets, self._locked = storage, directory, buckets, locked
        self._multipart = Multipart(storage, self._write, lambda digest: self._path(digest).read_bytes(), self._put)
        self.created: Callable[[str, str, int], None] = _ignored
        storage.declare(_SCHEMA)
        directory.mkdir(parents=True, exist_ok=True)

    def find(self, bucket: str, key: str) -> Stored | None:
        row = self._storage.one("SELECT * FROM files WHERE bucket = ? AND key = ?", (bucket, key))
        return self._stored(row) if row else None

    def media(self, key: str) -> Stored | None:
        """The object of this key, from whichever bucket has it."""
        return next((found for bucket in sorted(self._buckets) if (found := self.find(bucket, key))), None)

    def operations(self) -> dict[str, Answer]:
        """The calls of `s3` that are played."""
        return {
            "PutObject": self._put,
            "GetObject": self._get,
            "HeadObject": self._head,
            "DeleteObject": self._delete,
            "DeleteObjects": self._delete_all,
            "ListObjectsV2": self._list,
            "CopyObject": self._copy,
            **self._multipart.operations(),
        }

    def _put(self, asked: JSON) -> JSON:
        body = asked.get("Body", b"")
        content = body.encode() if isinstance(body, str) else bytes(body) if not hasattr(body, "read") else body.read()
        if asked.get("IfNoneMatch") == "*" and self.find(self._bucket(asked), asked["Key"]):
            raise AwsError("PreconditionFailed", "At least one of the pre-conditions you specified did not hold", 412)
        self._require_unlocked(asked)
        if given := asked.get("ContentMD5"):
            computed = hashlib.md5(content, usedforsecurity=False).digest()
            if base64.b64encode(computed).decode() != given:
                raise AwsError("BadDigest", "The Content-MD5 you specified did not match what we received.")
        digest = hashlib.sha256(content).hexdigest()
        self._write(digest, content)
        self._remember(asked, digest, len(content))
        return {"ETag": f'"{digest[:32]}"'}

    def _write(self, digest: str, content: bytes) -> None:
        path = self._path(digest)
        if path.exists():
            return
        path.parent.mkdir(exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
        draft.write_bytes(content)
        draft.replace(path)

    def _remember(self, asked: JSON, digest: str, size: int) -> None:
        row = (
            self._bucket(asked),
            asked["Key"],
            digest,
            size,
            asked.get("ContentType", "binary/octet-stream"),
            asked.get("CacheControl", ""),
            orjson.dumps(asked.get("Metadata", {})).decode(),
            datetime.now(UTC).isoformat(),
        )
        with self._storage.transaction() as db:
            db.execute("INSERT OR REPLACE INTO files VALUES (?,?,?,?,?,?,?,?)", row)
        self.created(row[0], row[1], size)

    def _get(self, asked: JSON) -> JSON:
        from botocore.response import StreamingBody

        stored = self._found(asked, "NoSuchKey", "The specified key does not exist.")
        content = _ranged(stored.path.read_bytes(), asked.get("Range", ""))
        body = StreamingBody(io.BytesIO(content), len(content))
        return self._described(stored) | {"Body": body, "ContentLength": len(content)}

    def _head(self, asked: JSON) -> JSON:
        return self._described(self._found(asked, "404", "Not Found"))

    def _require_unlocked(self, asked: JSON) -> None:
        if asked["Bucket"] in self._locked and self.find(asked["Bucket"], asked["Key"]):
            raise AwsError("AccessDenied", "Access Denied because object protected by object lock.", 403)

    def _delete(self, asked: JSON) -> JSON:
        self._require_unlocked(asked)
        with self._storage.transaction() as db:
            db.execute("DELETE FROM files WHERE bucket = ? AND key = ?", (self._bucket(asked), asked["Key"]))
        return {}

    def _delete_all(self, asked: JSON) -> JSON:
        keys = [entry["Key"] for entry in asked["Delete"]["Objects"]]
        for key in keys:
            self._delete({"Bucket": asked["Bucket"], "Key": key})
        return {"Deleted": [{"Key": key} for key in keys]}

    def _list(self, asked: JSON) -> JSON:
        prefix, limit = asked.get("Prefix", ""), min(int(asked.get("MaxKeys", 1000)), 1000)
        after = asked.get("ContinuationToken") or asked.get("StartAfter", "")
        found = self._storage.rows(
            "SELECT * FROM files WHERE bucket = ? AND substr(key, 1, ?) = ? AND key > ? ORDER BY key LIMIT ?",
            (self._bucket(asked), len(prefix), prefix, after, limit + 1),
        )
        shown = [self._stored(row) for row in found[:limit]]
        answer: JSON = {
            "KeyCount": len(shown),
            "IsTruncated": len(found) > limit,
            "Contents": [{"Key": s.key, "Size": s.size, "ETag": s.etag, "LastModified": s.at} for s in shown],
        }
        return answer | ({"NextContinuationToken": shown[-1].key} if len(found) > limit else {})

    def _copy(self, asked: JSON) -> JSON:
        source = asked["CopySource"]
        bucket, _, key = source.partition("/") if isinstance(source, str) else (source["Bucket"], "", source["Key"])
        stored = self._found({"Bucket": bucket, "Key": key}, "NoSuchKey", "The specified key does not exist.")
        self._require_unlocked(asked)
        kept = {"ContentType": stored.type, "CacheControl": stored.cache, "Metadata": stored.metadata}
        self._remember(kept | asked, stored.digest, stored.size)
        return {"CopyObjectResult": {"ETag": stored.etag, "LastModified": datetime.now(UTC)}}

    def _found(self, asked: JSON, code: str, message: str) -> Stored:
        stored = self.find(self._bucket(asked), asked["Key"])
        if stored is None:
            raise AwsError(code, message, 404)
        return stored

    def _bucket(self, asked: JSON) -> str:
        if asked["Bucket"] not in self._buckets:
            raise AwsError("NoSuchBucket", "The specified bucket does not exist", 404)
        return str(asked["Bucket"])

    def _described(self, stored: Stored) -> JSON:
        described: JSON = {
            "ContentLength": stored.size,
            "ContentType": stored.type,
            "ETag": stored.etag,
            "LastModified": stored.at,
            "Metadata": stored.metadata,
        }
        return described | ({"CacheControl": stored.cache} if stored.cache else {})

    def _stored(self, row: Any) -> Stored:
        return Stored(
            key=row["key"],
            digest=row["digest"],
            size=row["size"],
            type=row["type"],
            cache=row["cache"],
            metadata=orjson.loads(row["metadata"]),
            at=datetime.fromisoformat(row["at"]),
            path=self._path(row["digest"]),
        )

    def _path(self, digest: str) -> Path:
        return self._directory / digest[:2] / digest


def _ranged(content: bytes, wanted: str) -> bytes:
    """What `bytes=<first>-<last>` asks for; a range that begins behind the end is an error, as on S3."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
    if not found:
        return content
    first = int(found[1])
    if first >= len(content):
        raise AwsError("InvalidRange", "The requested range is not satisfiable", 416)
    return content[first : int(found[2]) + 1 if found[2] else None]


def _ignored(_bucket: str, _key: str, _size: int) -> None:
    """Until somebody wants to hear of new objects."""
