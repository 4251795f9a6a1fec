"""The audit log as files: for each day the new links of each chain as JSON lines, and a manifest over them. Pure.

The manifest names every file of its day by SHA-256, where each chain ends, and the manifest of the day before by its
SHA-256: so one sum, kept elsewhere, stands for all that went before it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from audit.model import Head, Link, canonical

WHAT = "audit"
NO_SUM = ""
"""In the place of a manifest's sum, before there is one."""


@dataclass(frozen=True, slots=True)
class Exported:
    """How far the export has come: the last day, its manifest's SHA-256, and the heads of all chains in it."""

    day: str
    sha256: str
    heads: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class File:
    """What one chain got in one day, and where it ends then. A day without entries has no content and no file."""

    chain: int
    lines: int
    content: bytes
    head: Head


def file_name(day: str, chain: int) -> str:
    """`audit/2026/11/21/chain-3.jsonl`"""
    return f"{_folder(day)}/chain-{chain}.jsonl"


def manifest_name(day: str) -> str:
    """`audit/2026/11/21/manifest.json`"""
    return f"{_folder(day)}/manifest.json"


def file_of(chain: int, before: Head, links: Iterable[Link]) -> File:
    """The file of a chain's links that come after `before`."""
    found = list(links)
    content = b"".join(canonical(asdict(link)) + b"\n" for link in found)
    return File(chain, len(found), content, found[-1].head if found else before)


def manifest_of(day: str, previous: Exported, files: Sequence[File]) -> bytes:
    """The manifest of a day, the same whenever it is made."""
    before = {"day": previous.day, "sha256": previous.sha256} if previous.sha256 != NO_SUM else None
    return canonical({"what": WHAT, "day": day, "previous": before, "chains": list(map(_told, files))}) + b"\n"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _told(file: File) -> dict[str, object]:
    return {
        "chain": file.chain,
        "lines": file.lines,
        "sha256": sha256(file.content) if file.lines else None,
        "sequence": file.head.sequence,
        "hash": file.head.hash,
    }


def _folder(day: str) -> str:
    return f"audit/{day.replace('-', '/')}"
