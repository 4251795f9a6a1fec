"""Codes as people write them, and how new ones are drawn. Pure but for the key that makes them unguessable."""

import hashlib
import hmac
import re

from market import config
from market.ids import ALPHABET

DRAWN = "#"
"""Stands for a drawn sign in a pattern such as `SPRING-########`."""
LEAST_DRAWN = 8
"""Signs, of 5 bits each: of a million codes and ten tries a minute, one is found in a thousand years."""
MAX_LENGTH = 40
_IGNORED = re.compile(r"[\s\-_\u2010-\u2015]+")
_CODE = re.compile(r"[A-Z0-9]{3,40}", re.ASCII)
_PATTERN = re.compile(r"[A-Za-z0-9#-]{8,40}", re.ASCII)


def normalised(text: str) -> str:
    """The code without spaces and dashes, in capitals; empty if it cannot be one."""
    if len(text) > 2 * MAX_LENGTH:
        return ""
    bare = _IGNORED.sub("", text).upper()
    return bare if _CODE.fullmatch(bare) else ""


def is_pattern(text: str) -> bool:
    return bool(_PATTERN.fullmatch(text)) and text.count(DRAWN) >= LEAST_DRAWN


def drawn(pattern: str, *seed: str) -> str:
    """A normalised code after the pattern: the same for the same seed, and nobody's guess without our key."""
    bits = int.from_bytes(hmac.new(config.key("coupon"), "|".join(seed).encode(), hashlib.sha512).digest())
    signs = []
    for sign in pattern:
        if sign == DRAWN:
            sign, bits = ALPHABET[bits & 31], bits >> 5
        signs.append(sign)
    return normalised("".join(signs))
