"""What a file may weigh, by its kind; settings, so that a stage can change them."""

from market import config


def most_bytes(kind: str) -> int:
    """How many bytes a file of this kind may have. Raises KeyError for an unknown kind."""
    return _LIMITS[kind]()


_LIMITS = {
    "image": lambda: config.number("MEDIA_MAX_IMAGE_BYTES"),
    "model": lambda: config.number("MEDIA_MAX_MODEL_BYTES"),
    "video": lambda: config.number("MEDIA_MAX_VIDEO_BYTES"),
}
