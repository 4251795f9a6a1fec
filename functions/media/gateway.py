"""The media bucket: uploads in parts by addresses that we sign, originals, and what is made of them.

uploads/media/<id>                what a browser sends by itself; the bucket forgets it after a day
originals/<id>/<digest>           private, for another crop; holds what the sender's camera wrote of place and time
media/pic_<hash>.<type>           public, written by the catalog and named by their content
media/<id>/<name>                 public; caches keep it for good, that of reviews for minutes, as it may be taken down
evidence/<id>/<name>              the same of disputes, private: shown by addresses that end after 15 minutes
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from market import config
from media.blots import Blot, blotted, touched
from media.model import Media

UPLOAD_SECONDS = 60 * 60
SHOWN_SECONDS = 15 * 60
FOREVER, BRIEFLY, NEVER = "public, max-age=31536000, immutable", "public, max-age=300", "private, no-store"
_CHUNK, _STRIDE = 64 * 1024, 1024 * 1024
_COPIED = 64 * 1024 * 1024
"""Bytes of a file that are copied, or held in memory, at once."""
_UPLOADS = "uploads/media/"
_REPLACED = frozenset({"InvalidPart", "EntityTooSmall"})
"""What S3 says of a list of parts of which one was sent again, of whatever size, since it was made."""


class PartReplaced(Exception):
    """S3 has another part by now than was listed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One that has arrived."""

    size: int
    etag: str


@dataclass(frozen=True, slots=True)
class File:
    """One that we write. cached: what caches are told."""

    key: str
    content_type: str
    cached: str

    def told(self) -> dict[str, str]:
        """As S3 is told of it."""
        return {"Key": self.key, "ContentType": self.content_type, "CacheControl": self.cached}


def upload_key(media_id: str) -> str:
    return f"{_UPLOADS}{media_id}"


def uploaded_id(key: str) -> str:
    """The medium whose upload has this key; empty for any other key."""
    return key.removeprefix(_UPLOADS) if key.startswith(_UPLOADS) and "/" not in key.removeprefix(_UPLOADS) else ""


def original_key(media: Media) -> str:
    return f"originals/{media.id}/{media.digest}"


def public_key(media: Media, name: str) -> str:
    return f"{'evidence' if media.private else 'media'}/{media.id}/{name}"


def picture_key(name: str) -> str:
    """Of a picture by hash."""
    return f"media/{name}"


def original(media: Media, content_type: str) -> File:
    return File(original_key(media), content_type, NEVER)


def public(media: Media, name: str, content_type: str) -> File:
    """What is shown; of disputes to its owner and staff only."""
    cached = NEVER if media.private else BRIEFLY if media.purpose == "review" else FOREVER
    return File(public_key(media, name), content_type, cached)


def begin(media_id: str) -> str:
    """A new upload in parts; its id, which stays with us."""
    answer = _s3().create_multipart_upload(
        Bucket=_bucket(), Key=upload_key(media_id), ContentType="application/octet-stream"
    )
    return str(answer["UploadId"])


def part_address(media: Media, number: int) -> str:
    """Where to PUT this part within the hour: exactly as many bytes as it has."""
    asked = {
        "Bucket": _bucket(),
        "Key": upload_key(media.id),
        "UploadId": media.upload_id,
        "PartNumber": number,
        "ContentLength": media.parts[number],
    }
    return str(_s3().generate_presigned_url("upload_part", Params=asked, ExpiresIn=UPLOAD_SECONDS, HttpMethod="PUT"))


def parts(media: Media) -> dict[int, Part] | None:
    """What has arrived, by number; None where the upload is over, finished or given up."""
    try:
        answer = _s3().list_parts(Bucket=_bucket(), Key=upload_key(media.id), UploadId=media.upload_id, MaxParts=1000)
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "NoSuchUpload":
            return None
        raise
    return {part["PartNumber"]: Part(part["Size"], part["ETag"]) for part in answer.get("Parts", ())}


def finish(media: Media, found: dict[int, Part]) -> bool:
    """Put the parts together; False where somebody did, or gave up, meanwhile. Raises PartReplaced."""
    listed = [{"PartNumber": number, "ETag": found[number].etag} for number in sorted(found)]
    try:
        _s3().complete_multipart_upload(
            Bucket=_bucket(), Key=upload_key(media.id), UploadId=media.upload_id, MultipartUpload={"Parts": listed}
        )
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
        if code == "NoSuchUpload":
            return False
        if code in _REPLACED:
            raise PartReplaced from None
        raise
    return True


def abort(media: Media) -> None:
    """Give an upload up. Repeated, or of one that is over, it changes nothing."""
    try:
        _s3().abort_multipart_upload(Bucket=_bucket(), Key=upload_key(media.id), UploadId=media.upload_id)
    except ClientError as refused:
        if refused.response["Error"]["Code"] != "NoSuchUpload":
            raise


def size(key: str) -> int | None:
    """Bytes; None where there is nothing."""
    try:
        return int(_s3().head_object(Bucket=_bucket(), Key=key)["ContentLength"])
    except ClientError as refused:
        if refused.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None
        raise


def read(key: str) -> bytes:
    return bytes(_s3().get_object(Bucket=_bucket(), Key=key)["Body"].read())


def read_part(key: str, offset: int, length: int) -> bytes:
    """So many bytes, fewer at the end."""
    try:
        answer = _s3().get_object(Bucket=_bucket(), Key=key, Range=f"bytes={offset}-{offset + length - 1}")
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "InvalidRange":
            return b""
        raise
    return bytes(answer["Body"].read())


class Window:
    """Reads a file by offset and fetches 64 kB at once, since headers lie close together.

    Who goes on a little way behind what was fetched gets more: looked through step by step, a file takes no longer than
    its bytes, however many parts it has.
    """

    def __init__(self, key: str) -> None:
        self._key, self._start, self._held = key, 0, b""

    def __call__(self, offset: int, length: int) -> bytes:
        if not self._start <= offset <= offset + length <= self._start + len(self._held):
            onward = 0 <= offset - self._start - len(self._held) < _STRIDE
            chunk = _STRIDE if self._held and onward else _CHUNK
            self._start, self._held = offset, read_part(self._key, offset, max(length, chunk))
        return self._held[offset - self._start : offset - self._start + length]


def keep(file: File, content: bytes) -> None:
    _s3().put_object(Bucket=_bucket(), Body=content, **file.told())


def copy(source: str, file: File) -> None:
    """The same bytes as another file; nothing passes through us."""
    _s3().copy_object(
        Bucket=_bucket(), CopySource={"Bucket": _bucket(), "Key": source}, MetadataDirective="REPLACE", **file.told()
    )


def copy_blotted(source: str, file: File, *, size: int, blots: Sequence[Blot]) -> None:
    """The same with blots on it: only the parts that they touch pass through us. Repeated, it writes the same file."""
    upload = _s3().create_multipart_upload(Bucket=_bucket(), **file.told())["UploadId"]
    named = {"Bucket": _bucket(), "Key": file.key, "UploadId": upload}
    try:
        parts = []
        for number, start in enumerate(range(0, size, _COPIED), start=1):
            span = range(start, min(start + _COPIED, size))
            tag = _copied(source, span, blots, named | {"PartNumber": number})
            parts.append({"PartNumber": number, "ETag": tag})
        _s3().complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    except Exception:
        _s3().abort_multipart_upload(**named)
        raise


def _copied(source: str, span: range, blots: Sequence[Blot], part: dict[str, Any]) -> str:
    """One part of the new file; its tag."""
    if touched(blots, span.start, span.stop):
        content = blotted(read_part(source, span.start, len(span)), span.start, blots)
        return str(_s3().upload_part(**part, Body=content)["ETag"])
    held = f"bytes={span.start}-{span.stop - 1}"
    copied = _s3().upload_part_copy(**part, CopySource={"Bucket": _bucket(), "Key": source}, CopySourceRange=held)
    return str(copied["CopyPartResult"]["ETag"])


def discard(keys: Iterable[str]) -> None:
    for key in keys:
        _s3().delete_object(Bucket=_bucket(), Key=key)


def discard_all(media_id: str) -> None:
    """Everything of one medium. Repeated, it changes nothing."""
    discard([upload_key(media_id)])
    for folder in ("originals", "media", "evidence"):
        discard(list(_names(f"{folder}/{media_id}/")))


def shown_address(key: str) -> str:
    """An address that shows a private file to whoever has it, for 15 minutes, and that no cache keeps."""
    asked = {"Bucket": _bucket(), "Key": key, "ResponseCacheControl": NEVER}
    return str(_s3().generate_presigned_url("get_object", Params=asked, ExpiresIn=SHOWN_SECONDS))


def export(folder: str, content: bytes) -> None:
    """Leave our part of somebody's export."""
    _s3().put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}media.json",
        Body=content,
        ContentType="application/json",
    )


def ask_for_processing(media_id: str) -> None:
    """Have the files made that are missing."""
    config.client("sqs").send_message(
        QueueUrl=config.setting("MEDIA_QUEUE_URL"), MessageBody=f'{{"media":"{media_id}"}}'
    )


def _names(prefix: str) -> Iterator[str]:
    asked: dict[str, Any] = {"Bucket": _bucket(), "Prefix": prefix}
    while True:
        answer = _s3().list_objects_v2(**asked)
        yield from (entry["Key"] for entry in answer.get("Contents", ()))
        if not answer.get("IsTruncated"):
            return
        asked["ContinuationToken"] = answer["NextContinuationToken"]


def _s3() -> Any:
    return config.client("s3")


def _bucket() -> str:
    return config.setting("MEDIA_BUCKET")
