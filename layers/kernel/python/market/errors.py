"""What can go wrong, as RFC 9457 problem details.

    Problem                    status  code
    ├── Invalid                400     invalid
    │   └── Unprocessable      422     validation_error
    ├── Unauthenticated        401     unauthenticated
    ├── Forbidden              403     forbidden
    ├── NotFound               404     not_found
    ├── Conflict               409     conflict
    ├── PreconditionFailed     412     precondition_failed
    ├── TooLarge               413     too_large
    ├── UnsupportedMediaType   415     unsupported_media_type
    ├── TooManyRequests        429     too_many_requests
    └── Unavailable            503     unavailable

A service names its own by subclassing the nearest one and giving it a `code`; state machines match the class name.
Details are shown to callers: no personal data, no internals.
"""

from dataclasses import dataclass
from typing import Any, ClassVar


class Problem(Exception):
    """An answer other than success. `extra` members are shown beside the standard ones."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "", *, errors: list[dict[str, Any]] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors or []
        self.extra = extra
        self.also: list[Problem] = []
        """Further refusals of the same transaction, where several of its conditions failed."""

    def document(self, request_id: str = "") -> dict[str, Any]:
        """The `application/problem+json` body."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = self.errors
        if request_id:
            body["requestId"] = request_id
        return self.extra | body


class Invalid(Problem):
    """The request cannot be understood, or asks for what makes no sense."""

    status, code, title = 400, "invalid", "Invalid request"


class Unprocessable(Invalid):
    """The request is well-formed, but its fields are not; `errors` names them."""

    status, code, title = 422, "validation_error", "Validation failed"


class Unauthenticated(Problem):
    status, code, title = 401, "unauthenticated", "Authentication required"


class Forbidden(Problem):
    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(Problem):
    """There is no such thing, or it is not the caller's to know of."""

    status, code, title = 404, "not_found", "Not found"


class Conflict(Problem):
    """The present state does not allow it."""

    status, code, title = 409, "conflict", "Conflict"


class PreconditionFailed(Problem):
    status, code, title = 412, "precondition_failed", "Changed by someone else"


class TooLarge(Problem):
    status, code, title = 413, "too_large", "Too large"


class UnsupportedMediaType(Problem):
    status, code, title = 415, "unsupported_media_type", "Unsupported media type"


class TooManyRequests(Problem):
    status, code, title = 429, "too_many_requests", "Too many requests"


class Unavailable(Problem):
    """Nothing was changed; trying again later may work."""

    status, code, title = 503, "unavailable", "Temporarily unavailable"


class MissingIdempotencyKey(Invalid):
    code, title = "idempotency_key_required", "Idempotency-Key required"


class IdempotencyKeyReused(Unprocessable):
    """The same key came with another request."""

    code, title = "idempotency_key_reused", "Idempotency-Key reused"


@dataclass(frozen=True, slots=True)
class Idempotency:
    """The caller's `Idempotency-Key`, hashed with caller and route, and a fingerprint of what was asked of what."""

    key: str
    fingerprint: str
