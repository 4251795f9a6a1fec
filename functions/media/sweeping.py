"""Every hour: ends what nobody goes on with, and what nobody shows.

| what is due | what becomes of it |
|---|---|
| an upload that was not completed within a day | deleted; if the file is whole after all, processed |
| a file whose news got lost | processed |
| a refused file, two days later | deleted |
| ready, and shown by nobody | deleted |
| ready, and in a draft or by a vendor's name only | looked at again, each time after twice as long |
| ready, and on sale once | kept, not looked at again |
| a picture by hash | as `pictures` says |
| a mark of what was deleted | its files deleted once more, then taken away |

What cannot be swept comes again after all the others.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice

from market import clock, log
from media import deriving, gateway, pictures, service, store
from media.contract import PICTURE, PICTURES, READY
from media.model import LOOK_AGAIN, Media
from media.store import Changed

MOST = 500
"""In one run, of media and of pictures by hash each, so that neither waits for the other; the next goes on."""


def sweep() -> dict[str, int]:
    """How many were looked at, and how many of them failed and come again."""
    looked, failed = 0, 0
    for media_id in [*islice(store.due(), MOST), *islice(store.due(PICTURES), MOST)]:
        looked += 1
        try:
            look_at(media_id)
        except Changed:
            failed += 1  # somebody just works with it
        except Exception as error:  # one that cannot be swept must not keep the others
            failed += 1
            log.error("media not swept", error, media_id=media_id)
            with suppress(Changed):
                store.postpone(media_id)
    log.info("media swept", looked=looked, failed=failed)
    return {"looked": looked, "failed": failed}


def look_at(media_id: str) -> None:
    """What is due of one medium or picture by hash. Raises Changed."""
    if media_id.startswith(PICTURE):
        pictures.look_at(media_id)
        return
    media = store.find(media_id)
    if media is None or not media.due or media.due > clock.timestamp():
        return
    if media.status == "deleted":
        service.purge(media)
        store.forget(media)
    elif media.status == "refused":
        service.remove(media)
    elif media.waits:
        _push(media)
    else:
        _judge(media)


def _push(media: Media) -> None:
    if media.status == READY or gateway.size(gateway.upload_key(media.id)) is not None:
        gateway.ask_for_processing(media.id)
        store.save(media, media.looked_at(LOOK_AGAIN))
    elif media.status == "uploading":
        service.remove(media)
    else:
        deriving.give_up(media, "upload_gone")


def _judge(media: Media) -> None:
    uses = store.uses(media)
    match uses.how:
        case "kept":
            store.save(media, media.looked_at(None))
        case "held":
            after = LOOK_AGAIN if uses.unmet else max(deriving.kept_for(), _age(media))
            store.save(media, media.looked_at(after), unmet=uses.unmet)
        case _:
            service.remove(media)


def _age(media: Media) -> timedelta:
    return clock.now() - datetime.fromisoformat(media.created_at)
