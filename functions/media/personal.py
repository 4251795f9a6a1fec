"""Files that a customer uploaded: a copy of what we know of them for their owner, and their end."""

from typing import Any

import orjson

from market import log
from media import gateway, service, store
from media.model import Media


def export(folder: str, user_id: str) -> None:
    """Write what a person uploaded as our part of an export. Repeated, it writes the file again."""
    held = map(store.find, store.ids_of(service.customer_owner(user_id)))
    gateway.export(folder, orjson.dumps({"media": [_told(media) for media in held if media]}))


def erase(user_id: str) -> None:
    """Delete all that a person uploaded. Repeated, it changes nothing. Raises Changed, and is then repeated."""
    for media_id in list(store.ids_of(service.customer_owner(user_id))):
        media = store.find(media_id)
        if media is not None and media.status != "deleted":
            service.remove(media)
    log.info("media erased", user_id=user_id)


def _told(media: Media) -> dict[str, Any]:
    return {
        "id": media.id,
        "name": media.name,
        "kind": media.kind,
        "purpose": media.purpose,
        "bytes": media.size,
        "status": media.status,
        "uploadedAt": media.created_at,
        "alts": media.alts,
        "seeAt": f"/v1/media/{media.id}",
    }
