"""What happens to a bulk import: opened, started, split, brought in chunk by chunk, and its reports joined.

Every step may be done again: chunks and reports have names that do not change, rows are found again by their external
id and fingerprint, and a chunk is counted once. A step of an execution that was given up as dead, and came back after
the import was started again, does nothing: `attempt` is the start that it belongs to.
"""

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import IO, Any

import orjson

from catalog import bulk_files, bulk_reading, bulk_store, gallery, imports, pictures, sheets
from catalog.archives import Archive, PictureMissing
from catalog.bulk import (
    CHUNK_BYTES,
    CHUNK_ROWS,
    FileMissing,
    FileRefused,
    Format,
    ImportOver,
    Job,
    counted,
)
from catalog.bulk_reading import Row
from market import config, log
from market.errors import Problem

REPORT = ("row", "result", "externalId", "productId", "code", "reason")
"""Columns of the report; `row` is the line of the file at which the row begins."""
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_IN_MEMORY = 8 * 1024 * 1024


def open_import(vendor_id: str, format_: Format, size: int) -> Job:
    """Raises VendorNotActive."""
    return bulk_store.new_job(vendor_id, format_, size, partial(bulk_files.begin_upload, vendor_id))


def start(vendor_id: str, import_id: str) -> Job:
    """Let the state machine begin, once for each attempt. One that is under way goes on.

    Raises FileMissing, ImportRunning, ImportOver, VendorNotActive or NotFound.
    """
    job = bulk_store.get(vendor_id, import_id)
    if job.over:
        raise ImportOver("It has ended; open a new import for another file.")
    if not job.under_way:
        if missing := bulk_files.missing_parts(job):
            raise FileMissing("Send the parts to their addresses, which the import shows.", parts=missing)
        bulk_files.finish_upload(job)
        if not bulk_files.is_whole(job):
            raise FileMissing(
                "Its upload was given up before it was finished. Open a new import.", parts=sorted(job.parts)
            )
        job = bulk_store.begin(job)
    _execute(job)
    return job


def split(vendor_id: str, import_id: str, attempt: int | None) -> str | None:
    """Cut the file into chunks; the name of their list, or None where the file is refused as a whole, or nothing is to
    be done any more.
    """
    job = bulk_store.get(vendor_id, import_id)
    if not job.is_at(attempt):
        return None
    try:
        with bulk_files.fetched(job) as file:
            job = job.model_copy(update={"sha256": hashlib.file_digest(file, "sha256").hexdigest()})
            file.seek(0)
            chunks = _cut(job, file)
    except FileRefused as refused:
        bulk_store.end(job, "refused", code=refused.code, reason=refused.detail)
        return None
    bulk_files.keep_list(job, chunks)
    bulk_store.split_into(job, chunks)
    return bulk_files.list_name(job)


def bring_in(vendor_id: str, import_id: str, attempt: int | None, chunk: int) -> None:
    """Bring the rows of a chunk in and keep what became of them. Raises VendorNotActive."""
    job = bulk_store.get(vendor_id, import_id)
    if not job.is_at(attempt):
        return
    outcomes = bulk_files.part(job, chunk)
    if outcomes is None:
        with bulk_store.on_behalf(job):
            outcomes = _brought_in(vendor_id, bulk_files.chunk(job, chunk))
        bulk_files.keep_part(job, chunk, outcomes)
    bulk_store.count(vendor_id, import_id, chunk, counted(outcomes))


def report(vendor_id: str, import_id: str, attempt: int | None) -> bool:
    """Join what became of the rows; False, and the job may be started again, where a chunk is missing."""
    job = bulk_store.get(vendor_id, import_id)
    if not job.is_at(attempt):
        return job.status == "finished"
    missing = _join(job)
    if job.chunks_done < job.chunks - missing:
        job = bulk_store.get(vendor_id, import_id)  # counted anew
        if not job.is_at(attempt):
            return job.status == "finished"
    if missing:
        reason = f"{missing} of {job.chunks} parts are not in yet. Start the import again."
        bulk_store.end(job, "failed", code="incomplete", reason=reason)
        return False
    bulk_store.end(job, "finished")
    log.info("import finished", vendor_id=vendor_id, import_id=import_id, **job.counts)
    return True


def give_up(vendor_id: str, import_id: str, attempt: int | None) -> None:
    """A step failed for good: what went in stays in, and the job may be started again."""
    job = bulk_store.get(vendor_id, import_id)
    if not job.is_at(attempt):
        return
    bulk_store.end(job, "failed", code="interrupted", reason="The import was interrupted. Start it again.")


def _execute(job: Job) -> None:
    states = config.client("stepfunctions")
    given = {"vendorId": job.vendor_id, "importId": job.id, "attempt": job.attempt, "correlationId": job.id}
    try:
        states.start_execution(
            stateMachineArn=config.setting("IMPORT_ARN"), name=job.execution, input=orjson.dumps(given).decode()
        )
    except states.exceptions.ExecutionAlreadyExists:
        return


def _cut(job: Job, file: IO[bytes]) -> int:
    if job.format != "zip":
        return _keep_chunks(job, bulk_reading.rows(file, job.format))
    archive = Archive(file)
    with archive.table() as table:
        return _keep_chunks(job, map(_Illustrator(archive), bulk_reading.rows(table, archive.kind)))


def _keep_chunks(job: Job, rows: Iterator[Row]) -> int:
    """Write the rows in chunks of at most CHUNK_ROWS and about CHUNK_BYTES; how many there are."""
    number, size = 0, 0
    together: list[dict[str, Any]] = []
    for row in rows:
        entry: dict[str, Any] = {"line": row.line, "row": row.row if not row.code else {"externalId": row.external_id}}
        entry |= {"code": row.code, "reason": row.reason} if row.code else {}
        length = len(orjson.dumps(entry))
        if together and (len(together) == CHUNK_ROWS or size + length > CHUNK_BYTES):
            bulk_files.keep_chunk(job, number, together)
            number, size, together = number + 1, 0, []
        together.append(entry)
        size += length
    bulk_files.keep_chunk(job, number, together)
    return number + 1


class _Illustrator:
    """Puts addresses in place of the names of pictures in the archive; each is stored when it is first named.

    Remembered are those that the archive holds, which are few; a file may name millions that it does not.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._known: dict[str, str | Problem] = {}

    def __call__(self, row: Row) -> Row:
        if row.code:
            return row
        try:
            return Row(row.line, self._with_addresses(row.row))
        except Problem as problem:
            return Row(row.line, row.row, problem.code, problem.detail or problem.title)

    def _with_addresses(self, row: dict[str, Any]) -> dict[str, Any]:
        changed = dict(row)
        if isinstance(row.get("images"), list):
            changed["images"] = [_changed(image, "url", self._address) for image in row["images"]]
        if isinstance(row.get("variants"), list):
            changed["variants"] = [_changed(variant, "image", self._address) for variant in row["variants"]]
        return changed

    def _address(self, name: str) -> str:
        if name.startswith(("http://", "https://", "/")):
            return name
        if name not in self._known:
            self._known[name] = self._stored(name)
        found = self._known[name]
        if isinstance(found, Problem):
            raise found
        return found

    def _stored(self, name: str) -> str | Problem:
        """The address, or what is wrong with the picture. Raises PictureMissing."""
        try:
            content = self._archive.picture(name)
            return gallery.keep(content, pictures.kind_of(content))
        except PictureMissing:
            raise
        except (pictures.NotAPicture, pictures.UnsafePicture) as problem:
            return problem


def _changed(given: Any, name: str, change: Callable[[str], str]) -> Any:
    if isinstance(given, dict) and isinstance(given.get(name), str) and given[name]:
        return given | {name: change(given[name])}
    return given


def _brought_in(vendor_id: str, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    sound = [entry for entry in entries if "code" not in entry]
    outcomes = imports.bring_in(vendor_id, [entry["row"] for entry in sound]) if sound else []
    told = [
        {
            "row": sound[outcome.row]["line"], "result": outcome.result, "externalId": outcome.external_id,
            "productId": outcome.product_id, "code": outcome.code, "reason": outcome.reason,
        }
        for outcome in outcomes
    ]  # fmt: skip
    told += [
        {
            "row": entry["line"], "result": "rejected", "externalId": entry["row"]["externalId"], "productId": "",
            "code": entry["code"], "reason": entry["reason"],
        }
        for entry in entries
        if "code" in entry
    ]  # fmt: skip
    return sorted(told, key=lambda outcome: int(outcome["row"]))


def _join(job: Job) -> int:
    """Write both reports of what there is; how many chunks are missing."""
    missing = 0
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as table, tempfile.SpooledTemporaryFile(_IN_MEMORY) as lines:
        table.write(sheets.written([REPORT]).encode())
        for number in range(job.chunks):
            outcomes = bulk_files.part(job, number)
            if outcomes is None:
                missing += 1
                continue
            if job.chunks_done < job.chunks:  # somebody may have died between a part and its count
                bulk_store.count(job.vendor_id, job.id, number, counted(outcomes))
            table.write(sheets.written([str(outcome[name]) for name in REPORT] for outcome in outcomes).encode())
            lines.write(b"".join(orjson.dumps(outcome) + b"\n" for outcome in outcomes))
        bulk_files.keep_report(job, "csv", table, _TYPES["csv"])
        bulk_files.keep_report(job, "jsonl", lines, _TYPES["jsonl"])
    return missing
