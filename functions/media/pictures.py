"""The end of pictures that the catalog stored by a hash of their content.

Whoever sends the same content shares the file, so none of them can delete it; what is in no product, no version that
could come back and no brand goes two days after it was sent or claimed for the last time. A mark comes first: from then
on nobody claims the picture, and who sends it again stores it by another name. Only then the file goes, and an hour
later, once more, with the mark.
"""

from dataclasses import replace
from datetime import datetime

from market import clock
from media import deriving, gateway, store
from media.contract import DELETED
from media.model import LOOK_AGAIN, StoredPicture


def look_at(name: str) -> None:
    """What is due of one picture. Raises Changed."""
    picture = store.picture(name)
    if picture is None or not picture.due or picture.due > clock.timestamp():
        return
    if picture.status == DELETED:
        gateway.discard([gateway.picture_key(name)])
        store.forget(picture)
    else:
        _judge(picture)


def _judge(picture: StoredPicture) -> None:
    uses = store.uses(picture)
    match uses.how:
        case "kept":
            store.save_picture(picture, picture.looked_at(None))
        case "held":
            age = clock.now() - datetime.fromisoformat(picture.kept_at)
            after = LOOK_AGAIN if uses.unmet else max(deriving.kept_for(), age)
            store.save_picture(picture, picture.looked_at(after), unmet=uses.unmet)
        case _:
            store.save_picture(picture, replace(picture, status=DELETED).looked_at(LOOK_AGAIN))
            gateway.discard([gateway.picture_key(picture.id)])
