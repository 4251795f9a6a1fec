"""A person's memberships, as a copy for them. Identity ends them, with the account, in one transaction."""

from typing import Any

import orjson

from access import store
from market import config


def export(folder: str, user_id: str) -> None:
    """Write it as our part of an export. Repeated, it writes the file again."""
    standing = store.standing(user_id)
    notes = store.notes_of(standing.grants, user_id) if standing.grants else {}
    held: list[dict[str, Any]] = [
        {
            "scope": scope,
            "roles": sorted(grant.roles),
            "allow": sorted(grant.allow),
            "deny": sorted(grant.deny),
            "since": notes.get(scope, {}).get("added_at", ""),
        }
        for scope, grant in sorted(standing.grants.items())
    ]
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}access.json",
        Body=orjson.dumps({"status": standing.status, "memberships": held}),
        ContentType="application/json",
    )
