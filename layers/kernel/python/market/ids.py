"""Prefixed identifiers that sort by time of birth, such as `prd_01kahz3m8x…`.

`new` is a ULID (48 bits of milliseconds, 80 random bits) in Crockford's base 32, lower case: 26 characters.
`short` is for identifiers that people read to each other: 40 bits of centiseconds since 2020, 40 random
bits, 16 characters.
"""

import secrets
from collections.abc import Callable

from market import clock

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SHORT_EPOCH_CS = 1_577_836_800 * 100  # 2020-01-01T00:00:00Z in centiseconds

randbits: Callable[[int], int] = secrets.randbits
"""Source of randomness for identifiers; replaced by seeded simulations."""


def new(prefix: str) -> str:
    return f"{prefix}_{ulid()}"


def ulid() -> str:
    milliseconds = int(clock.now().timestamp() * 1000)
    return _encode(milliseconds << 80 | randbits(80), 26)


def short(prefix: str) -> str:
    centiseconds = int(clock.now().timestamp() * 100) - _SHORT_EPOCH_CS
    return f"{prefix}_{_encode((centiseconds & (1 << 40) - 1) << 40 | randbits(40), 16)}"


def _encode(number: int, length: int) -> str:
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
