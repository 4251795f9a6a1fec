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


def test_nobody_lists_the_other_buckets_or_deletes_files(prod: Assembly) -> None:
    found = _of_buckets(prod)
    assert {sid: set(as_list(statement["Action"])) for sid, statement in found.items() if sid != "Documents"} == {
        "Audit": FILES,
        "Media": FILES,
    }
