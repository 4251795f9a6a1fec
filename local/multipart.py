"""Uploads in parts, as S3 takes them: each part is kept until it is replaced, and nobody sees anything before the end.

Parts are files named by their hash beside those of whole objects. Softer than S3: uploads that nobody finishes stay,
and the parts' entity tags are not MD5 sums. As there: every part but the last has five megabytes, the order of arrival
does not matter, and an upload is over once it is finished or given up.
"""

import hashlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from local.answers import Answer, AwsError
from local.storage import Storage

__all__ = ["LEAST", "Multipart"]

JSON = dict[str, Any]
LEAST = 5 * 1024 * 1024
_MOST_PARTS = 10_000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS uploads (
    id TEXT PRIMARY KEY, bucket TEXT NOT NULL, key TEXT NOT NULL, type TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS parts (
    upload TEXT NOT NULL, number INTEGER NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (upload, number)) WITHOUT ROWID;
"""
Keep = Callable[[str, bytes], None]
Fetch = Callable[[str], bytes]
Put = Callable[[JSON], JSON]


class Multipart:
    """keep, fetch: of bytes by their hash; put: what `PutObject` does."""

    def __init__(self, storage: Storage, keep: Keep, fetch: Fetch, put: Put) -> None:
        self._storage, self._keep, self._fetch, self._put = storage, keep, fetch, put
        storage.declare(_SCHEMA)

    def operations(self) -> dict[str, Answer]:
        return {
            "CreateMultipartUpload": self._create,
            "UploadPart": self.part,
            "ListParts": self._list,
            "CompleteMultipartUpload": self._complete,
            "AbortMultipartUpload": self._abort,
        }

    def _create(self, asked: JSON) -> JSON:
        upload = uuid.uuid4().hex
        row = (upload, asked["Bucket"], asked["Key"], asked.get("ContentType", "binary/octet-stream"))
        with self._storage.transaction() as db:
            db.execute("INSERT INTO uploads VALUES (?,?,?,?)", row)
        return {"Bucket": asked["Bucket"], "Key": asked["Key"], "UploadId": upload}

    def part(self, asked: JSON) -> JSON:
        """Keep a part; sent again, it replaces the former one."""
        number = int(asked["PartNumber"])
        if not 1 <= number <= _MOST_PARTS:
            raise AwsError("InvalidArgument", "Part number must be an integer between 1 and 10000, inclusive")
        self._upload(asked)
        body = asked.get("Body", b"")
        content = bytes(body) if not hasattr(body, "read") else body.read()
        digest = hashlib.sha256(content).hexdigest()
        self._keep(digest, content)
        with self._storage.transaction() as db:
            self._upload(asked)
            row = (asked["UploadId"], number, digest, len(content))
            db.execute("INSERT OR REPLACE INTO parts VALUES (?,?,?,?)", row)
        return {"ETag": _etag(digest)}

    def _list(self, asked: JSON) -> JSON:
        self._upload(asked)
        after, most = int(asked.get("PartNumberMarker", 0)), int(asked.get("MaxParts", 1000))
        found = [part for number, part in sorted(self._parts(asked["UploadId"]).items()) if number > after]
        shown = found[:most]
        listed = [{"PartNumber": p["number"], "Size": p["size"], "ETag": _etag(p["digest"])} for p in shown]
        answer: JSON = {"UploadId": asked["UploadId"], "Parts": listed, "IsTruncated": len(found) > most}
        return answer | ({"NextPartNumberMarker": shown[-1]["number"]} if len(found) > most else {})

    def _complete(self, asked: JSON) -> JSON:
        upload, named = self._upload(asked), asked["MultipartUpload"]["Parts"]
        parts = self._parts(upload["id"])
        numbers = [int(part["PartNumber"]) for part in named]
        if numbers != sorted(set(numbers)):
            raise AwsError("InvalidPartOrder", "The list of parts was not in ascending order.")
        if not named or any(_etag(parts[n]["digest"]) != p["ETag"] if n in parts else True
                            for n, p in zip(numbers, named, strict=True)):  # fmt: skip
            raise AwsError("InvalidPart", "One or more of the specified parts could not be found.")
        if any(parts[number]["size"] < LEAST for number in numbers[:-1]):
            raise AwsError("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
        content = b"".join(self._fetch(parts[number]["digest"]) for number in numbers)
        put = self._put(
            {"Bucket": upload["bucket"], "Key": upload["key"], "Body": content, "ContentType": upload["type"]}
        )
        self._forget(upload["id"])
        return {"Bucket": upload["bucket"], "Key": upload["key"], "ETag": put["ETag"]}

    def _abort(self, asked: JSON) -> JSON:
        self._forget(self._upload(asked)["id"])
        return {}

    def _forget(self, upload: str) -> None:
        with self._storage.transaction() as db:
            db.execute("DELETE FROM parts WHERE upload = ?", (upload,))
            db.execute("DELETE FROM uploads WHERE id = ?", (upload,))

    def _upload(self, asked: Mapping[str, Any]) -> Any:
        """The upload of this id, if it is one of this key."""
        sql = "SELECT * FROM uploads WHERE id = ? AND bucket = ? AND key = ?"
        row = self._storage.one(sql, (asked["UploadId"], asked["Bucket"], asked["Key"]))
        if row is None:
            raise AwsError("NoSuchUpload", "The specified upload does not exist.", 404)
        return row

    def _parts(self, upload: str) -> dict[int, Any]:
        rows = self._storage.rows("SELECT * FROM parts WHERE upload = ?", (upload,))
        return {row["number"]: row for row in rows}


def _etag(digest: str) -> str:
    return f'"{digest[:32]}"'
