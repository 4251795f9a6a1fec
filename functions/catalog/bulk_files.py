"""Files of bulk imports, in the private bucket; a lifecycle rule deletes them after 30 days.

imports/<vendor id>/<import id>/file                 what the vendor sent
                                /chunks.json         the list of chunks, which the state machine reads
                                /chunks/<n>.json     rows on their way in, with their lines
                                /parts/<n>.json      what became of them
                                /report.csv, report.jsonl
"""

import io
import tempfile
from typing import IO, Any

import orjson
from botocore.exceptions import ClientError

from catalog.bulk import Job
from market import config

UPLOAD_SECONDS = 60 * 60
DOWNLOAD_SECONDS = 15 * 60
_MISSING = ("NoSuchKey", "404")
_OVER = "NoSuchUpload"


def begin_upload(vendor_id: str, import_id: str) -> str:
    """An upload in parts; one that is never finished is forgotten by the bucket after two days."""
    key = f"imports/{vendor_id}/{import_id}/file"
    return str(_s3().create_multipart_upload(Bucket=_bucket(), Key=key)["UploadId"])


def missing_parts(job: Job) -> list[int]:
    """Parts that did not arrive yet, or not whole."""
    found = _arrived(job)
    return (
        [] if found is None else [number for number, size in job.parts.items() if found.get(number, ("", 0))[1] != size]
    )


def offer_part(job: Job, number: int) -> str:
    """Where to PUT this part within the hour: exactly as many bytes as it has."""
    asked = _upload(job) | {"PartNumber": number, "ContentLength": job.parts[number]}
    return str(_s3().generate_presigned_url("upload_part", Params=asked, ExpiresIn=UPLOAD_SECONDS, HttpMethod="PUT"))


def finish_upload(job: Job) -> None:
    """Put the parts together, which must be there; done again it changes nothing."""
    found = _arrived(job)
    if found is None:
        return
    parts = [{"PartNumber": number, "ETag": found[number][0]} for number in job.parts]
    try:
        _s3().complete_multipart_upload(**_upload(job), MultipartUpload={"Parts": parts})
    except ClientError as refused:
        if refused.response["Error"]["Code"] != _OVER:
            raise


def is_whole(job: Job) -> bool:
    """Whether the file is there; it is not where the upload was forgotten before it was finished."""
    try:
        _s3().head_object(Bucket=_bucket(), Key=_name(job, "file"))
    except ClientError as refused:
        if refused.response["Error"]["Code"] in _MISSING:
            return False
        raise
    return True


def _arrived(job: Job) -> dict[int, tuple[str, int]] | None:
    """ETag and bytes of the parts that are there; None where the upload is over."""
    try:
        told = _s3().list_parts(**_upload(job)).get("Parts", ())
    except ClientError as refused:
        if refused.response["Error"]["Code"] == _OVER:
            return None
        raise
    return {part["PartNumber"]: (part["ETag"], part["Size"]) for part in told}


def _upload(job: Job) -> dict[str, Any]:
    return {"Bucket": _bucket(), "Key": _name(job, "file"), "UploadId": job.upload_id}


def fetched(job: Job) -> io.BufferedRandom:
    """The vendor's file on the function's own disk; it is gone when closed."""
    body = _s3().get_object(Bucket=_bucket(), Key=_name(job, "file"))["Body"]
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    for piece in body.iter_chunks(1024 * 1024):
        file.write(piece)
    file.seek(0)
    return file


def keep_chunk(job: Job, number: int, rows: list[dict[str, Any]]) -> None:
    _put(_name(job, f"chunks/{number:05}.json"), orjson.dumps(rows))


def chunk(job: Job, number: int) -> list[dict[str, Any]]:
    return list(orjson.loads(_content(_name(job, f"chunks/{number:05}.json")) or b"[]"))


def keep_list(job: Job, chunks: int) -> None:
    _put(list_name(job), orjson.dumps([{"chunk": number} for number in range(chunks)]))


def list_name(job: Job) -> str:
    """The key of the list of chunks."""
    return _name(job, "chunks.json")


def keep_part(job: Job, number: int, outcomes: list[dict[str, Any]]) -> None:
    _put(_name(job, f"parts/{number:05}.json"), orjson.dumps(outcomes))


def part(job: Job, number: int) -> list[dict[str, Any]] | None:
    """What became of the rows of a chunk; None as long as nothing did."""
    found = _content(_name(job, f"parts/{number:05}.json"))
    return None if found is None else list(orjson.loads(found))


def keep_report(job: Job, kind: str, file: IO[bytes], content_type: str) -> None:
    """`kind` is `csv` or `jsonl`; the file is read from its beginning."""
    file.seek(0)
    _s3().put_object(Bucket=_bucket(), Key=_name(job, f"report.{kind}"), Body=file, ContentType=content_type)


def offer_report(job: Job, kind: str) -> str:
    """An address that gives the report to whoever has it, for 15 minutes."""
    disposition = f'attachment; filename="import-report.{kind}"'
    asked = {"Bucket": _bucket(), "Key": _name(job, f"report.{kind}"), "ResponseContentDisposition": disposition}
    return str(_s3().generate_presigned_url("get_object", Params=asked, ExpiresIn=DOWNLOAD_SECONDS))


def _put(name: str, content: bytes) -> None:
    _s3().put_object(Bucket=_bucket(), Key=name, Body=io.BytesIO(content), ContentType="application/json")


def _content(name: str) -> bytes | None:
    try:
        return bytes(_s3().get_object(Bucket=_bucket(), Key=name)["Body"].read())
    except ClientError as refused:
        if refused.response["Error"]["Code"] in _MISSING:
            return None
        raise


def _name(job: Job, rest: str) -> str:
    return f"imports/{job.vendor_id}/{job.id}/{rest}"


def _s3() -> Any:
    return config.client("s3")


def _bucket() -> str:
    return config.setting("DOCUMENTS_BUCKET")
