"""What functions may do with files: read and write them, and learn that one is missing where their code asks that."""

from typing import Any

import pytest

from tests.infra.assembly import Assembly, as_list

FILES = {"s3:GetObject", "s3:PutObject"}
pytestmark = pytest.mark.contract("25.1")


def _of_buckets(assembly: Assembly) -> dict[str, dict[str, Any]]:
    """Statements of functions about files, by their id."""
    return {
        statement["Sid"]: statement
        for _, properties in assembly.properties("AWS::IAM::Policy")
        for statement in properties["PolicyDocument"]["Statement"]
        if FILES & set(as_list(statement["Action"])) and "Sid" in statement
    }


def test_an_invoice_that_was_never_drawn_is_missing_and_not_forbidden(prod: Assembly) -> None:
    """Without the right to list, S3 answers 403 for what is not there, and no invoice could ever be drawn."""
    statement = _of_buckets(prod)["Documents"]
    assert set(as_list(statement["Action"])) == FILES | {"s3:ListBucket"}
    bucket, files = (str(resource) for resource in as_list(statement["Resource"]))
    assert ["-documents-" in arn for arn in (bucket, files)] == [True, True]
    assert ["*" in arn for arn in (bucket, files)] == [False, True]


OF_PEOPLE = {
    "Avatars": ("media/avatars/*", "uploads/avatars/*"),
    "Exports": ("exports/*",),
    "ExportPart": ("exports/*",),
}
OF_VENDORS = {"Imports", "MediaFiles", "Shown", "Uploads"}
"""Catalogues that come and go, and media: see `test_machines.py` and `test_media.py`."""


def test_nobody_lists_the_other_buckets_or_deletes_files(prod: Assembly) -> None:
    found = {sid: statement for sid, statement in _of_buckets(prod).items() if sid not in OF_VENDORS.union(OF_PEOPLE)}
    assert {sid: set(as_list(statement["Action"])) for sid, statement in found.items() if sid != "Documents"} == {
        "Audit": FILES | {"s3:PutObjectRetention"},
        "Media": {"s3:PutObject"},
    }


@pytest.mark.parametrize("sid", OF_PEOPLE)
def test_what_people_can_have_deleted_lies_in_folders_of_its_own(prod: Assembly, sid: str) -> None:
    statement = _of_buckets(prod)[sid]
    files = [arn for arn in map(str, as_list(statement["Resource"])) if "*" in arn]
    assert [any(folder in arn for folder in OF_PEOPLE[sid]) for arn in files] == [True] * len(OF_PEOPLE[sid])
    deletes = FILES | {"s3:DeleteObject", "s3:ListBucket"}
    assert set(as_list(statement["Action"])) == ({"s3:PutObject"} if sid == "ExportPart" else deletes)


def test_uploads_and_exports_end_by_themselves(prod: Assembly) -> None:
    rules = {
        rule["Prefix"]: rule
        for _, bucket in prod.properties("AWS::S3::Bucket")
        for rule in bucket.get("LifecycleConfiguration", {}).get("Rules", ())
        if "Prefix" in rule
    }
    assert rules["uploads/"]["ExpirationInDays"] == 1
    assert rules["exports/"]["ExpirationInDays"] == 7
    assert rules["imports/"]["ExpirationInDays"] == 30
    kept = {prefix: rules[prefix]["NoncurrentVersionExpiration"]["NoncurrentDays"] for prefix in rules}
    ours = dict.fromkeys(("evidence/", "media/avatars/", "media/med_", "media/pic_", "originals/"), 7)
    ended = dict.fromkeys(("uploads/", "exports/", "imports/"), 1)
    assert kept == ended | ours, "what was deleted is gone soon after"
