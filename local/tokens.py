"""Access and id tokens of the local user pool: RS256, signed with a key that belongs to this data directory alone.

The authorizer verifies with the public half, as API Gateway does with the pool's published key set.
"""

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

__all__ = ["BadToken", "SigningKey", "keep_secret"]

JSON = dict[str, Any]
_LONGEST = 8192
_ALGORITHM = "RS256"


class BadToken(Exception):
    """Not a token that this key has signed."""


class SigningKey:
    """An RSA key kept under mode 0600; made when there is none."""

    def __init__(self, file: Path | None) -> None:
        """Without a file the key lives as long as the process."""
        pem = keep_secret(file, _new_key) if file else _new_key()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, rsa.RSAPrivateKey)
        self._key, self._public = key, key.public_key()
        self.id = _b64(hashlib.sha256(self._numbers()[0]).digest()[:12])
        self._header = _b64(orjson.dumps({"kid": self.id, "alg": _ALGORITHM}))

    def key_set(self) -> JSON:
        """The public key as Cognito publishes it at /.well-known/jwks.json."""
        modulus, exponent = self._numbers()
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.id, "n": _b64(modulus), "e": _b64(exponent)}
        return {"keys": [key]}

    def sign(self, claims: JSON) -> str:
        text = f"{self._header}.{_b64(orjson.dumps(claims))}"
        return f"{text}.{_b64(self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def verify(self, token: str, now: float | None = None) -> JSON:
        """The claims of a token that this key signed and that has not expired (by `now`). Raises BadToken.

        Only what `sign` writes is taken: this algorithm and key, no further headers, one spelling of each byte, no
        claim twice. So nothing in a token can ask for another way to check it.
        """
        parts = token.split(".") if len(token) <= _LONGEST else []
        if len(parts) != 3:
            raise BadToken("not a token")
        head, body, signature = parts
        if _object(head) != {"kid": self.id, "alg": _ALGORITHM}:
            raise BadToken("wrong algorithm or key")
        try:
            self._public.verify(_bytes(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise BadToken("wrong signature") from None
        claims = _object(body)
        if type(claims.get("exp")) is not int or claims["exp"] <= (time.time() if now is None else now):
            raise BadToken("expired")
        return claims

    def _numbers(self) -> tuple[bytes, bytes]:
        numbers = self._public.public_numbers()
        return tuple(n.to_bytes((n.bit_length() + 7) // 8, "big") for n in (numbers.n, numbers.e))  # type: ignore[return-value]


def keep_secret(file: Path, make: Any) -> bytes:
    """The content of a file only its owner may read; `make()` gives it the first time. Two processes agree on one."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{os.urandom(4).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(make())
            out.flush()
            os.fsync(out.fileno())
        try:
            os.link(draft, file)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    file.chmod(0o600)
    return file.read_bytes()


def _new_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    """Raises BadToken also for another spelling of the same bytes."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise BadToken("not base64") from None
    if _b64(data) != text:
        raise BadToken("not base64")
    return data


def _object(text: str) -> JSON:
    try:
        value = json.loads(_bytes(text).decode(), object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise BadToken("not JSON") from None
    if not isinstance(value, dict):
        raise BadToken("not an object")
    return value


def _once(pairs: list[tuple[str, Any]]) -> JSON:
    """An object in which no name occurs twice: readers differ in which one they believe."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
