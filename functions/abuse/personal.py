"""An account's abuse score, as a copy for its owner."""

import orjson

from abuse import service
from abuse.model import POINT
from market import config


def export(folder: str, user_id: str) -> None:
    """Write it as our part of an export. Repeated, it writes the file again."""
    score = service.score_of(user_id)
    held = {"points": score.hundredths // POINT, "level": score.level, "heard": dict(score.counts)}
    config.client("s3").put_object(
        Bucket=config.setting("DOCUMENTS_BUCKET"),
        Key=f"{folder}abuse.json",
        Body=orjson.dumps(held),
        ContentType="application/json",
    )
