"""A forger's workshop: tokens as no pool makes them, and requests that carry them where they do not belong."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

from local.harness import InProcess
from local.http_gateway import Request
from local.tokens import SigningKey

JSON = dict[str, Any]


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def packed(value: Any) -> str:
    """JSON as tokens carry it; text is taken as it is."""
    return b64(value.encode() if isinstance(value, str) else json.dumps(value, separators=(",", ":")).encode())


class Forge:
    """Knows everything that is public, one genuine token of a customer, and keys of its own.

    `signed_by_pool` is what only the pool could do: it shows that the claims themselves are looked at.
    """

    def __init__(self, shop: InProcess, genuine: str, identity: str, refresh: str) -> None:
        self.shop, self.genuine, self.identity, self.refresh = shop, genuine, identity, refresh
        self.key: SigningKey = shop.inside.cloud.key
        self.header: JSON = json.loads(self._part(0))
        self.claims: JSON = json.loads(self._part(1))
        self.own = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.curve = ec.generate_private_key(ec.SECP256R1())

    def _part(self, number: int) -> bytes:
        text = self.genuine.split(".")[number]
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    @property
    def signature(self) -> bytes:
        """The genuine token's."""
        return self._part(2)

    # -- ways to sign

    def signed_by_pool(self, *, without: str = "", **changes: Any) -> str:
        """The genuine claims, changed, with the pool's own signature."""
        return self.key.sign({name: value for name, value in (self.claims | changes).items() if name != without})

    def pool_signs(self, header: Any, claims: Any) -> str:
        """Any header and claims with the pool's own signature."""
        text = f"{packed(header)}.{packed(claims)}"
        return f"{text}.{b64(self.key._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def own_rsa(self, **header: Any) -> str:
        """Staff's claims, signed by a key of the forger's own."""
        text = f"{packed(self.header | header)}.{packed(self.promoted())}"
        return f"{text}.{b64(self.own.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def hmac(self, secret: bytes, algorithm: str = "HS256", **header: Any) -> str:
        digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]
        text = f"{packed(self.header | {'alg': algorithm} | header)}.{packed(self.promoted())}"
        return f"{text}.{b64(hmac.new(secret, text.encode(), digest).digest())}"

    def elliptic(self, **header: Any) -> str:
        text = f"{packed(self.header | {'alg': 'ES256'} | header)}.{packed(self.promoted())}"
        r, s = decode_dss_signature(self.curve.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def unsigned(self, signature: bytes = b"", **header: Any) -> str:
        """Staff's claims under any header, with a signature that is none."""
        return f"{packed(self.header | header)}.{packed(self.promoted())}.{b64(signature)}"

    def promoted(self, **changes: Any) -> JSON:
        """The genuine claims, made staff's."""
        return self.claims | {"roles": "customer staff", "permissions": "*"} | changes

    def altered(self, **changes: Any) -> str:
        """The genuine token with other claims under its old signature."""
        head, _, signature = self.genuine.split(".")
        return f"{head}.{packed(self.claims | changes)}.{signature}"

    # -- public things

    def public_pem(self) -> bytes:
        return self.key._public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def own_jwk(self) -> JSON:
        numbers = self.own.public_key().public_numbers()
        modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
        return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": self.key.id, "n": b64(modulus), "e": "AQAB"}

    def own_certificate(self) -> str:
        """A certificate that the forger gave himself, as `x5c` carries it."""
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cognito-idp.us-east-1.amazonaws.com")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.own.public_key())
            .serial_number(1)
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self.own, hashes.SHA256())
        )
        return base64.b64encode(made.public_bytes(serialization.Encoding.DER)).decode()


class Knocker:
    """Knocks at every route that asks for a token."""

    def __init__(self, shop: InProcess) -> None:
        routes = [route for route in shop.inside.templates.routes if route.protocol == "HTTP"]
        self._gateway = shop.inside.gateway
        self.protected = [_address(route.key) for route in routes if route.authorizer != "none"]
        self.open = [_address(route.key) for route in routes if route.authorizer == "none"]

    def opened(self, headers: list[tuple[str, str]], query: str = "", body: bytes = b"") -> list[str]:
        """The protected routes that let the request in, with their answers."""
        answers = {
            address: self._gateway.answer(Request(*address, query, list(headers), body)).status
            for address in self.protected
        }
        return [f"{method} {path}: {status}" for (method, path), status in answers.items() if status != 401]

    def at(self, prefix: str) -> list[tuple[str, str]]:
        """Routes without the gateway's authorizer below a path."""
        return [(method, path) for method, path in self.open if path.startswith(prefix)]


def _address(key: str) -> tuple[str, str]:
    """A method and path for a route: every parameter is `x1`."""
    method, _, path = key.partition(" ")
    return method, "/".join("x1" if part.startswith("{") else part for part in path.split("/"))
