"""What identity holds of a person, as a copy for them: account and devices. No secrets, which are Cognito's."""

from typing import Any

import orjson

from identity import sessions, store
from market import config


def write(folder: str, user_id: str) -> None:
    """Write it as our part of an export. Repeated, it writes the file again; of somebody erased it writes nothing."""
    user, _ = store.whole(user_id)
    if user is None or user.erased:
        return
    held = {
        "account": {
            "id": user.id,
            "email": user.email,
            "name": user.name,
            "secondFactors": sorted(user.factors),
            "signedInAt": user.signed_in_at,
        },
        "devices": _devices(user_id),
    }
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}identity.json",
        Body=orjson.dumps(held),
        ContentType="application/json",
    )


def _devices(user_id: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page, cursor = sessions.page_of(user_id, limit=100, cursor=cursor, since=0)
        found += [
            {"device": one.visit.device, "network": one.visit.address, "since": one.made_at, "lastSeen": one.seen_at}
            for one in page
        ]
        if cursor is None:
            return found
