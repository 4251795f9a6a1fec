"""Buckets: uploads and avatars in the one for media, exports in the private one for documents.

uploads/avatars/<user>/<upload>    what a browser sent by itself; a lifecycle rule deletes it after a day
media/avatars/<upload>             what everybody may see; the name tells nothing of the person
exports/<request>/…                deleted by a lifecycle rule after a week
"""

from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from market import config
from profiles.pictures import MAX_BYTES

UPLOAD_SECONDS = DOWNLOAD_SECONDS = 15 * 60
_SHOWN_FOR = "public, max-age=86400"
"""Not for ever: a picture that was erased is gone from caches a day later."""


def offer_upload(name: str, content_type: str) -> dict[str, Any]:
    """`url` and `fields` of a form that S3 takes for 15 minutes: this name, this type, this many bytes at most."""
    offer: dict[str, Any] = _s3().generate_presigned_post(
        Bucket=_media(),
        Key=name,
        Fields={"Content-Type": content_type},
        Conditions=[{"Content-Type": content_type}, ["content-length-range", 1, MAX_BYTES]],
        ExpiresIn=UPLOAD_SECONDS,
    )
    return offer


def uploaded(name: str) -> bytes | None:
    """What was sent; None where nothing was. One byte more than is allowed is read at most."""
    return _content(_media(), name, Range=f"bytes=0-{MAX_BYTES}")


def publish(name: str, content: bytes, content_type: str) -> None:
    _s3().put_object(Bucket=_media(), Key=name, Body=content, ContentType=content_type, CacheControl=_SHOWN_FOR)


def discard(names: Iterable[str]) -> None:
    """Delete uploads and avatars. What is not there is no error."""
    for name in names:
        _s3().delete_object(Bucket=_media(), Key=name)


def keep(name: str, content: bytes, content_type: str) -> None:
    """Store a part of an export, or all of it."""
    _s3().put_object(Bucket=_documents(), Key=name, Body=content, ContentType=content_type)


def fetch(name: str) -> bytes | None:
    return _content(_documents(), name)


def names_below(prefix: str) -> list[str]:
    """Names of an export's files: as many as there are services, and a few archives."""
    answer = _s3().list_objects_v2(Bucket=_documents(), Prefix=prefix)
    return [entry["Key"] for entry in answer.get("Contents", ())]


def offer_download(name: str, filename: str) -> str:
    """An address that gives the file to whoever has it, for 15 minutes."""
    asked = {"Bucket": _documents(), "Key": name, "ResponseContentDisposition": f'attachment; filename="{filename}"'}
    return str(_s3().generate_presigned_url("get_object", Params=asked, ExpiresIn=DOWNLOAD_SECONDS))


def withdraw(names: Iterable[str]) -> None:
    """Delete files of an export."""
    for name in names:
        _s3().delete_object(Bucket=_documents(), Key=name)


def _content(bucket: str, name: str, **how: str) -> bytes | None:
    try:
        answer = _s3().get_object(Bucket=bucket, Key=name, **how)
    except ClientError as refused:
        match refused.response["Error"]["Code"]:
            case "NoSuchKey":
                return None
            case "InvalidRange":  # of an empty file there is no first byte
                return b""
        raise
    return bytes(answer["Body"].read())


def _s3() -> Any:
    return config.client("s3")


def _media() -> str:
    return config.setting("MEDIA_BUCKET")


def _documents() -> str:
    return config.setting("DOCUMENTS_BUCKET")
