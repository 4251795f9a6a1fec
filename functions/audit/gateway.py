"""The audit bucket: files are added and read; what is there stays as it is (S3 Object Lock)."""

from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from market import clock, config

_TAKEN = frozenset(("PreconditionFailed", "ConditionalRequestConflict"))


def keep(name: str, content: bytes) -> bytes:
    """Store a file under a new name, locked for AUDIT_DAYS; answers what is there.

    That is another content if the name was taken.
    """
    where: dict[str, Any] = {"Bucket": config.setting("AUDIT_BUCKET"), "Key": name}
    until = clock.now() + timedelta(days=config.number("AUDIT_DAYS"))
    try:
        config.client("s3").put_object(
            **where,
            Body=content,
            ContentType="application/x-ndjson",
            IfNoneMatch="*",
            ObjectLockMode="GOVERNANCE",
            ObjectLockRetainUntilDate=until,
        )
    except ClientError as refused:
        if refused.response["Error"]["Code"] not in _TAKEN:
            raise
        there: bytes = config.client("s3").get_object(**where)["Body"].read()
        return there
    return content
