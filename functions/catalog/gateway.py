"""The media bucket."""

from market import config

FOREVER = "public, max-age=31536000, immutable"


def keep(name: str, content: bytes, content_type: str) -> str:
    """Store a picture by its name; its address."""
    config.client("s3").put_object(
        Bucket=config.setting("MEDIA_BUCKET"),
        Key=f"media/{name}",
        Body=content,
        ContentType=content_type,
        CacheControl=FOREVER,
    )
    return f"{config.setting('MEDIA_URL')}/{name}"
