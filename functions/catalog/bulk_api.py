"""Routes of bulk imports and of the export. A function of its own: only it may start the state machine."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import Field

from catalog import bulk_files, bulk_store, bulk_work, exports
from catalog.bulk import MAX_FILE, PART, BulkUploadOff, FileMissing, Format, ImportOver, ImportRunning, Job, Status
from catalog.manifest import MANIFEST
from market.guard import flags
from market.http import KEY, STAFF, VENDOR, Body, Cursor, Limit, Response, ServiceApi, View, reply
from vendors.contract import VendorNotActive

api = ServiceApi(MANIFEST)
handler = api.handler

_CALLERS = (VENDOR, STAFF, KEY)
_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


class NewImport(Body):
    """csv or jsonl: a table in UTF-8; zip: one such table and the pictures that its rows name. size: in bytes."""

    format: Format
    size: Annotated[int, Field(strict=True, ge=1, le=MAX_FILE)]


class UploadPart(View):
    """PUT these `size` bytes of the file to `url` within the hour."""

    number: int
    size: int
    url: str


class Upload(View):
    """The parts that did not arrive yet. Each but the last has `partSize` bytes; ask again for new addresses."""

    part_size: int
    parts: list[UploadPart]


class Counts(View):
    created: int
    updated: int
    unchanged: int
    rejected: int


class Reports(View):
    """Addresses of the same report in two forms, good for 15 minutes: a line for each row of the file."""

    csv: str
    jsonl: str


class ImportView(View):
    """`parts` are how many pieces the file was cut into; `code` and `reason` say why it was refused or has failed."""

    id: str
    vendor_id: str
    format: Format
    status: Status
    created_at: str
    started_at: str | None = None
    ended_at: str | None = None
    parts: int
    parts_done: int
    counts: Counts
    code: str | None = None
    reason: str | None = None
    upload: Upload | None = None
    report: Reports | None = None


class ImportList(View):
    items: list[ImportView]
    next_cursor: str | None = None


@api.post(
    "/v1/vendors/<vendor_id>/imports",
    callers=_CALLERS,
    needs="products.import",
    problems=[BulkUploadOff, VendorNotActive],
    limit="upload",
    status=201,
)
def open_import(vendor_id: str, asked: NewImport) -> Response[ImportView]:
    """Open an import of a file of at most 256 MB and 200,000 rows; the answer says where to send its parts."""
    _require_flag(vendor_id)
    return reply(_view(bulk_work.open_import(vendor_id, asked.format, asked.size)), status=201)


@api.get("/v1/vendors/<vendor_id>/imports", callers=[VENDOR, STAFF], needs="products.import")
def list_imports(vendor_id: str, limit: Limit = 20, cursor: Cursor = None) -> Response[ImportList]:
    """Imports of the last 30 days, newest first."""
    jobs, following = bulk_store.of_vendor(vendor_id, limit=limit, cursor=cursor)
    return reply(ImportList(items=[_view(job, addresses=False) for job in jobs], next_cursor=following))


@api.get("/v1/vendors/<vendor_id>/imports/<import_id>", callers=_CALLERS, needs="products.import")
def show_import(vendor_id: str, import_id: str) -> Response[ImportView]:
    """An import: how far it is, where to send its file, or what became of the rows."""
    return reply(_view(bulk_store.get(vendor_id, import_id)))


@api.post(
    "/v1/vendors/<vendor_id>/imports/<import_id>/start",
    callers=_CALLERS,
    needs="products.import",
    problems=[BulkUploadOff, FileMissing, ImportOver, ImportRunning, VendorNotActive],
    status=202,
)
def start_import(vendor_id: str, import_id: str) -> Response[ImportView]:
    """Begin, once the file is there; begin again after a failure. Asking again for one under way changes nothing."""
    _require_flag(vendor_id)
    return reply(_view(bulk_work.start(vendor_id, import_id)), status=202)


@api.get("/v1/vendors/<vendor_id>/products/export", callers=_CALLERS, needs="products.read")
def export_products(
    vendor_id: str,
    format: Annotated[Literal["csv", "jsonl"], Query(description="A table, or JSON lines.")] = "jsonl",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Response[str]:
    """All products as an import takes them; the `Link` header leads to the next page, which belongs below this one."""
    text, following = exports.page(vendor_id, format, limit=limit, cursor=cursor)
    headers: dict[str, str | list[str]] = {}
    if following:
        query = urlencode({"format": format, "limit": limit, "cursor": following})
        headers = {"link": f'<?{query}>; rel="next"', "x-next-cursor": following}
    return Response(status_code=200, content_type=_TYPES[format], body=text, headers=headers)


def _require_flag(vendor_id: str) -> None:
    if not flags.on("bulk-upload", flags.about(api.caller, vendor=vendor_id)):
        raise BulkUploadOff("Products can be brought in one at a time for now.")


def _upload(job: Job) -> Upload:
    parts = [
        UploadPart(number=number, size=job.parts[number], url=bulk_files.offer_part(job, number))
        for number in bulk_files.missing_parts(job)
    ]
    return Upload(part_size=PART, parts=parts)


def _view(job: Job, *, addresses: bool = True) -> ImportView:
    upload = _upload(job) if addresses and job.status == "waiting" else None
    kinds = ("csv", "jsonl") if addresses and job.chunks and job.status in ("finished", "failed") else ()
    told: dict[str, Any] = {kind: bulk_files.offer_report(job, kind) for kind in kinds}
    return ImportView(
        id=job.id,
        vendor_id=job.vendor_id,
        format=job.format,
        status=job.status,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        parts=job.chunks,
        parts_done=job.chunks_done,
        counts=Counts(created=job.created, updated=job.updated, unchanged=job.unchanged, rejected=job.rejected),
        code=job.code or None,
        reason=job.reason or None,
        upload=upload,
        report=Reports(**told) if told else None,
    )
