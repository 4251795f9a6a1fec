"""Where bulk imports are remembered, and the conditions that keep each step from counting twice.

IMJ#<vendor id> / <import id>             the job; ids are in the order of time
IMJ#<vendor id> / running                 which job is the one that may run
IMJ#<vendor id> / part#<import id>#<n>    that chunk n was brought in and counted
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace

from catalog.bulk import KEPT, Format, ImportOver, ImportRunning, Job, Status
from catalog.events import ImportFinished
from catalog.manifest import MANIFEST
from inventory.contract import MANIFEST as INVENTORY
from market import clock, ids, log
from market.errors import Conflict, NotFound
from market.events import announce
from market.guard import audit
from market.table import NEW, Item, Key, Page, Table, Write, delete, put, update
from media.contract import MANIFEST as MEDIA
from promotions.contract import MANIFEST as PROMOTIONS
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import must_be_active

_table = Table(MANIFEST, INVENTORY, MEDIA, PROMOTIONS, VENDORS)


class _Counted(Conflict):
    """The chunk was counted before."""


class _Taken(Conflict):
    """Another job has the place of this one, which had fallen silent."""


def job_key(vendor_id: str, import_id: str) -> Key:
    return Key(f"IMJ#{vendor_id}", import_id)


def new_job(vendor_id: str, format_: Format, size: int, begin: Callable[[str], str]) -> Job:
    """A new job that waits for its file; `begin` begins the upload of an import, and gives its id.

    Raises VendorNotActive.
    """
    now, id_ = clock.timestamp(), ids.new("imp")
    job = Job(
        id=id_, vendor_id=vendor_id, format=format_, size=size, upload_id=begin(id_), created_at=now, heard_at=now
    )
    _table.transact(must_be_active(vendor_id), put(job_key(vendor_id, job.id), _item(job), when=NEW))
    return job


def get(vendor_id: str, import_id: str) -> Job:
    """The job as last written. Raises NotFound, also for another vendor's."""
    found = _table.get(job_key(vendor_id, import_id), consistent=True) if import_id.startswith("imp_") else None
    if found is None:
        raise NotFound("There is no such import.")
    return Job.model_validate(found)


def of_vendor(vendor_id: str, *, limit: int, cursor: str | None) -> tuple[list[Job], str | None]:
    """Newest first, and a cursor unless that is the end."""
    page: Page = _table.query(f"IMJ#{vendor_id}", begins="imp_", newest_first=True, limit=limit, cursor=cursor)
    return [Job.model_validate(item) for item in page.items], page.next


def begin(job: Job) -> Job:
    """The job under way, in its next attempt. Raises ImportRunning, VendorNotActive, or Conflict if it was just begun.

    The vendor's one place is taken over from a job that has ended or fell silent. Whoever acts now is who started it.
    """
    now, acting = clock.timestamp(), log.scope()
    place = Key(f"IMJ#{job.vendor_id}", "running")
    holder = (_table.get(place, consistent=True) or {}).get("job", "")
    if holder and holder != job.id and _holds(job.vendor_id, holder):
        raise ImportRunning(f"{holder} is under way.", importId=holder)
    after = job.model_copy(
        update={
            "status": "running", "attempt": job.attempt + 1, "started_at": job.started_at or now, "heard_at": now,
            "ended_at": None, "code": "", "reason": "", "started_as": acting.actor_type, "started_by": acting.actor_id,
        }
    )  # fmt: skip
    _table.transact(
        must_be_active(job.vendor_id),
        put(
            place,
            {"job": job.id, "expires_at": clock.epoch(KEPT)},
            when=f"{NEW} OR job = :holder",
            values={":holder": holder or job.id},
            otherwise=ImportRunning("Another import was started at the same moment."),
        ),
        _as_seen(job, after),
    )
    return after


@contextmanager
def on_behalf(job: Job) -> Iterator[None]:
    """Whatever is changed in the block is announced and recorded as done by whoever started the job."""
    whose = audit.Trail(
        action="catalog.import", permission="products.import", actor_type=job.started_as, actor_id=job.started_by,
        scope=job.vendor_id, subject={"vendor_id": job.vendor_id, "import_id": job.id}, address="", agent="",
    )  # fmt: skip
    with log.acting(replace(log.scope(), actor_type=job.started_as, actor_id=job.started_by)), audit.off():
        audit.on(whose)
        yield


def split_into(job: Job, chunks: int) -> None:
    """The file was read: this many chunks are to be brought in. Raises ImportOver for a start that is not the last."""
    _table.write(
        update(
            job_key(job.vendor_id, job.id),
            "SET chunks = :chunks, sha256 = :sha256, heard_at = :now",
            {
                ":chunks": chunks,
                ":sha256": job.sha256,
                ":now": clock.timestamp(),
                ":running": "running",
                ":attempt": job.attempt,
            },
            when="status = :running AND attempt = :attempt",
            otherwise=ImportOver("The import is not under way."),
        )
    )


def count(vendor_id: str, import_id: str, chunk: int, counts: Mapping[str, int]) -> None:
    """A chunk was brought in. Counting it again changes nothing."""
    values = {f":{name}": number for name, number in counts.items()}
    sums = "".join(f", {name} :{name}" for name in counts)
    try:
        _table.transact(
            put(
                Key(f"IMJ#{vendor_id}", f"part#{import_id}#{chunk:05}"),
                {"expires_at": clock.epoch(KEPT)},
                when=NEW,
                otherwise=_Counted(),
            ),
            update(
                job_key(vendor_id, import_id),
                f"SET heard_at = :now ADD chunks_done :one{sums}",
                values | {":now": clock.timestamp(), ":one": 1},
            ),
        )
    except _Counted:
        return


def end(job: Job, status: Status, *, code: str = "", reason: str = "") -> None:
    """The job's present attempt is over, is announced and recorded once, and the vendor's place is free.

    A job that is not under way stays as it is.
    """
    after = job.model_copy(update={"status": status, "ended_at": clock.timestamp(), "code": code, "reason": reason})
    if job.status != "running":
        return
    place = Key(f"IMJ#{job.vendor_id}", "running")
    leave = delete(place, when=f"{NEW} OR job = :job", values={":job": job.id}, otherwise=_Taken())
    with on_behalf(job):
        ending = (_ended(job, after), announce(_finished(after), by=MANIFEST), _recorded(after))
        with suppress(ImportOver):
            try:
                _table.transact(*ending, leave)
            except _Taken:
                _table.transact(*ending)


def _finished(job: Job) -> ImportFinished:
    return ImportFinished(
        import_id=job.id, vendor_id=job.vendor_id, started_by=job.started_by if job.started_as == "user" else "",
        status=job.status, code=job.code, sha256=job.sha256, **job.counts,
    )  # fmt: skip


def _recorded(job: Job) -> Write:
    """One entry that sums up what the entries of the chunks say one by one."""
    told = {"status": job.status, "code": job.code, "sha256": job.sha256, "size": job.size, **job.counts}
    return audit.entry(MANIFEST, action="catalog.end_import", subject={"import_id": job.id}, after=told)


def _ended(job: Job, after: Job) -> Write:
    return update(
        job_key(job.vendor_id, job.id),
        "SET status = :status, ended_at = :at, code = :code, reason = :reason, sha256 = :sha256",
        {
            ":status": after.status, ":at": after.ended_at, ":code": after.code, ":reason": after.reason,
            ":sha256": after.sha256,
            ":running": "running", ":attempt": job.attempt,
        },
        when="status = :running AND attempt = :attempt",
        otherwise=ImportOver("The import is not under way."),
    )  # fmt: skip


def _as_seen(job: Job, after: Job) -> Write:
    return update(
        job_key(job.vendor_id, job.id),
        "SET status = :status, attempt = :attempt, started_at = :started, heard_at = :now, code = :no, reason = :no,"
        " started_as = :as, started_by = :by REMOVE ended_at",
        {
            ":status": after.status, ":attempt": after.attempt, ":started": after.started_at, ":now": after.heard_at,
            ":no": "", ":was": job.status, ":seen": job.attempt, ":as": after.started_as, ":by": after.started_by,
        },
        when="status = :was AND attempt = :seen",
        otherwise=Conflict("The import was started meanwhile."),
    )  # fmt: skip


def _holds(vendor_id: str, import_id: str) -> bool:
    try:
        return get(vendor_id, import_id).under_way
    except NotFound:
        return False


def _item(job: Job) -> Item:
    return job.model_dump(exclude_none=True) | {"expires_at": clock.epoch(KEPT)}
