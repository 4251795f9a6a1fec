"""A bulk import as a job: a vendor's file, what became of it so far, and whether it may be started (again).

waiting --start--> running ----> finished      every row has its outcome
   (for the file)   |   ^  +---> refused       the file is none that can be read; nothing of it went in
                    v   | start
                   failed                      some rows have no outcome yet; what went in stays in
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from market import clock
from market.errors import Conflict, Forbidden, Unprocessable

Format = Literal["csv", "jsonl", "zip"]
Status = Literal["waiting", "running", "finished", "refused", "failed"]
RESULTS = ("created", "updated", "unchanged", "rejected")

MAX_FILE = 256 * 1024 * 1024
PART = 8 * 1024 * 1024
"""Bytes of each part that the file is sent in, but for the last; S3 wants at least 5 MiB."""
MAX_ROWS = 200_000
MAX_ROW = 256 * 1024
"""Bytes of a row; a product of the catalog has at most 180,000."""
CHUNK_ROWS, CHUNK_BYTES = 100, 1024 * 1024
KEPT = timedelta(days=30)
"""How long a job and its files are kept; a lifecycle rule of the bucket says the same."""
SILENT = timedelta(minutes=30)
"""A running job that was not heard of for so long has lost its execution: no step of it takes longer than this."""


class BulkUploadOff(Forbidden):
    """The flag `bulk-upload` is off for this vendor or caller."""

    code, title = "bulk_upload_off", "Bulk upload is switched off"


class FileRefused(Unprocessable):
    """The file cannot be read as what it should be; the text says what to change. Nothing of it went in."""

    code, title = "file_refused", "File refused"


class WrongEncoding(FileRefused):
    code, title = "wrong_encoding", "Not UTF-8"


class UnknownColumns(FileRefused):
    """The table has columns that mean nothing here; a misspelt name would otherwise be lost in silence."""

    code, title = "unknown_columns", "Unknown columns"


class FileTooLarge(FileRefused):
    """Too many bytes or too many rows; split the file."""

    code, title = "file_too_large", "File too large"


class UnsafeArchive(FileRefused):
    """The archive leads outside of itself, is encrypted, or unpacks to far more than it is."""

    code, title = "unsafe_archive", "Unsafe archive"


class FileMissing(Conflict):
    """Parts of the file did not arrive yet; `parts` names them. Send them first, then start."""

    code, title = "file_missing", "No file yet"


class ImportRunning(Conflict):
    """Another import of the vendor is under way; `importId` is the one to wait for."""

    code, title = "import_running", "Another import is running"


class ImportOver(Conflict):
    """The import has ended; a new one takes a new file."""

    code, title = "import_over", "Import has ended"


class Job(BaseModel):
    """`size` is what the file was said to have, in bytes; `chunks` is 0, and `sha256` empty, until the file was split.
    Counters are of rows. `attempt` counts the starts: a step of an earlier one has nothing to do any more. `started_as`
    (`user` or `key`) and `started_by` say who asked for it, if that was kept when it was started.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    vendor_id: str
    format: Format
    size: int
    upload_id: str
    status: Status = "waiting"
    created_at: str
    heard_at: str
    started_at: str | None = None
    ended_at: str | None = None
    attempt: int = 0
    started_as: str = "system"
    started_by: str = "import"
    sha256: str = ""
    chunks: int = 0
    chunks_done: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    code: str = ""
    reason: str = ""

    @property
    def over(self) -> bool:
        return self.status in ("finished", "refused")

    @property
    def under_way(self) -> bool:
        """Whether an execution is at work on it, as far as can be known."""
        return self.status == "running" and clock.now() < datetime.fromisoformat(self.heard_at) + SILENT

    @property
    def parts(self) -> dict[int, int]:
        """Bytes of each part that the file is sent in, by its number, from 1."""
        last, number = self.size % PART, -(-self.size // PART)
        return {n: PART if n < number or not last else last for n in range(1, number + 1)}

    def is_at(self, attempt: int | None) -> bool:
        """Whether the execution of this attempt is the one that is to go on with it.

        Executions, or their maps, that a release found under way may name none: they go on with what there is.
        """
        return self.status == "running" and attempt in (None, self.attempt)

    @property
    def counts(self) -> dict[str, int]:
        return {name: getattr(self, name) for name in RESULTS}

    @property
    def execution(self) -> str:
        """The name of its present execution: each start has one of its own, and no start has two."""
        return f"{self.id}-{self.attempt}"


def counted(outcomes: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows had which result; those without any are left out."""
    return dict(Counter(str(outcome["result"]) for outcome in outcomes))
