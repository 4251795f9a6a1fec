"""The media bucket."""

import hashlib

from market import config
from media.contract import Format

FOREVER = "public, max-age=31536000, immutable"


def keep(content: bytes, kind: Format) -> str:
    """Store a picture under the hash of its content, so that the same picture is one object; its address."""
    name = f"{hashlib.sha256(content).hexdigest()[:32]}.{kind.suffix}"
    config.client("s3").put_object(
        Bucket=config.setting("MEDIA_BUCKET"),
        Key=f"media/{name}",
        Body=content,
        ContentType=kind.content_type,
        CacheControl=FOREVER,
    )
    return f"{config.setting('MEDIA_URL')}/{name}"
