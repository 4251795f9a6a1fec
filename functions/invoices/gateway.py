"""The documents bucket, private: documents leave it only through our own routes."""

from botocore.exceptions import ClientError

from invoices.model import Document
from market import config


def keep(document: Document, pdf: bytes) -> None:
    """Store the PDF. It is made of the frozen document alone, so a repetition stores the same again."""
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"), Key=_name(document), Body=pdf, ContentType="application/pdf"
    )


def fetch(document: Document) -> bytes | None:
    """The PDF, if it was stored."""
    try:
        answer = config.client("s3").get_object(Bucket=config.setting("DOCUMENTS_BUCKET"), Key=_name(document))
    except ClientError as refused:
        if refused.response["Error"]["Code"] == "NoSuchKey":
            return None
        raise
    return bytes(answer["Body"].read())


def _name(document: Document) -> str:
    return f"invoices/{document.vendor_id}/{document.number}.pdf"
