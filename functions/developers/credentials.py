"""API keys as texts: `mk_<id>_<secret>`, recognisable by everybody who finds one, in a file or in a log.

    mk_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{39}

The secret is 160 random bits in 32 characters of Crockford's base 32; the last seven are the CRC-32 of all that
stands before them, so that a scanner tells a key from something that only looks like one without asking us.
"""

import re
from zlib import crc32

from market import ids

PATTERN = re.compile(r"mk_[0-9a-hjkmnp-tv-z]{16}_[0-9a-hjkmnp-tv-z]{39}", re.ASCII)
_BITS, _SIGNS, _CHECK = 160, 32, 7


def new_id() -> str:
    """A key's id: 16 characters, sorted by time."""
    return ids.short("key").removeprefix("key_")


def new_secret(key_id: str) -> str:
    """A key to show once."""
    text = f"mk_{key_id}_{_base32(ids.randbits(_BITS), _SIGNS)}"
    return text + _checksum(text)


def is_ours(text: str) -> bool:
    """Whether it has the form and checksum of a key; not whether it is a good one."""
    return bool(PATTERN.fullmatch(text)) and text[-_CHECK:] == _checksum(text[:-_CHECK])


def id_of(text: str) -> str:
    return text.split("_")[1]


def _checksum(text: str) -> str:
    return _base32(crc32(text.encode()), _CHECK)


def _base32(number: int, length: int) -> str:
    return "".join(ids.ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
