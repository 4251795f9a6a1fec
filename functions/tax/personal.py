"""A person's certificates: a copy for them, and their end. What was sold under them stays in the orders."""

import orjson

from market import config, log
from tax import store


def export(folder: str, user_id: str) -> None:
    """Write the certificates as our part of an export. Repeated, it writes the file again."""
    held, _ = store.certificates(user_id)
    told = [
        {
            "kind": one.kind,
            "number": one.number,
            "jurisdiction": one.jurisdiction,
            "validFrom": one.valid_from,
            "validUntil": one.valid_until,
            "reason": one.reason,
            "document": one.document,
            "status": one.status,
            "submittedAt": one.submitted_at,
        }
        for one in held
    ]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}tax.json",
        Body=orjson.dumps({"certificates": told}),
        ContentType="application/json",
    )


def erase(user_id: str) -> None:
    """Repeated, it changes nothing."""
    store.forget_customer(user_id)
    log.info("tax certificates erased", user_id=user_id)
