"""Where verifiers find archived files: in a copy of the audit bucket, in the bucket itself, or on this machine."""

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Read = Callable[[], bytes]


@dataclass
class Archive:
    """Files by name, in the order of their names, each read when it is asked for.

    `wrong`: what the place itself tells of files that were touched.
    """

    files: dict[str, Read] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def add_places(parser: argparse.ArgumentParser) -> None:
    """Let the command line name a place; whoever parses it demands one, and no two."""
    parser.add_argument("folder", nargs="?", type=Path, help="a copy of the audit bucket, or of the part that is read")
    parser.add_argument("--bucket", help="the audit bucket's name")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the data directory of a local marketplace")


def places(given: argparse.Namespace) -> int:
    """How many places the command line names."""
    return sum(bool(place) for place in (given.folder, given.bucket, given.data))


def in_place(given: argparse.Namespace, prefix: str) -> Archive:
    """The part `prefix` of the archive at the place that the command line names."""
    if given.bucket:
        return in_bucket(given.bucket, prefix)
    return on_this_machine(given.data, prefix) if given.data else in_directory(given.folder, prefix)


def in_directory(folder: Path, prefix: str) -> Archive:
    """A copy of the whole bucket, or of its part `prefix` alone."""
    base = folder / prefix if (folder / prefix).is_dir() else folder
    found = {f"{prefix}/{path.relative_to(base).as_posix()}": path for path in base.rglob("*") if path.is_file()}
    return Archive({name: found[name].read_bytes for name in sorted(found)})


def on_this_machine(data: Path, prefix: str) -> Archive:
    """What a local marketplace keeps in its data directory."""
    from local.storage import Storage

    storage = Storage(data / "accounts.db")
    rows: Iterable[Mapping[str, Any]] = storage.rows(
        "SELECT key, digest FROM files WHERE bucket LIKE ? AND key LIKE ? ORDER BY key", ("%-audit-%", f"{prefix}/%")
    )
    found = {str(row["key"]): str(row["digest"]) for row in rows}
    storage.close()
    return Archive({name: (data / "files" / digest[:2] / digest).read_bytes for name, digest in found.items()})


def in_bucket(bucket: str, prefix: str) -> Archive:
    """With the operator's AWS credentials. Of a file with several versions the oldest is ours, and it is told.

    S3 lists a file's versions from the one stored last to the one stored first. Their times do not tell them apart:
    they are whole seconds, and for a file sent in parts the moment when somebody began to send it.
    """
    import boto3

    s3 = boto3.client("s3")
    versions: dict[str, list[str]] = {}
    archive = Archive()
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=f"{prefix}/"):
        for version in page.get("Versions", ()):
            versions.setdefault(version["Key"], []).append(version["VersionId"])
        archive.wrong += [f"{marker['Key']} was deleted" for marker in page.get("DeleteMarkers", ())]
    for name, known in sorted(versions.items()):
        if len(known) > 1:
            archive.wrong.append(f"{name} was written over: it has {len(known)} versions")
        archive.files[name] = _version(s3, bucket, name, known[-1])
    return archive


def _version(s3: Any, bucket: str, name: str, version: str) -> Read:
    def read() -> bytes:
        content: bytes = s3.get_object(Bucket=bucket, Key=name, VersionId=version)["Body"].read()
        return content

    return read
