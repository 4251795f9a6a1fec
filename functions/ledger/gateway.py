"""The audit bucket: files are added and read; what is there stays as it is (S3 Object Lock)."""

from botocore.exceptions import ClientError

from market import config

_TAKEN = frozenset(("PreconditionFailed", "ConditionalRequestConflict"))


def keep(name: str, content: bytes) -> bytes:
    """Store a file under a new name; answers what is there, which is another content if the name was taken."""
    bucket = config.setting("AUDIT_BUCKET")
    try:
        config.client("s3").put_object(
            Bucket=bucket, Key=name, Body=content, ContentType="application/x-ndjson", IfNoneMatch="*"
        )
    except ClientError as refused:
        if refused.response["Error"]["Code"] not in _TAKEN:
            raise
        there: bytes = config.client("s3").get_object(Bucket=bucket, Key=name)["Body"].read()
        return there
    return content
