"""Who takes part in the stories, and what is none of their business."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from orders.api import handler as orders
from orders.staff_api import handler as desk
from payments.api import handler as payments
from refunds.api import handler as refunds
from tests import shop

JSON = dict[str, Any]
Call = tuple[Callable[..., Any], str, str]
"""A handler, a method and a path."""


@dataclass(eq=False)
class Person:
    """A customer, or, with a token, a guest. name, street, email and ip stand in no log, event or other's answer."""

    number: int
    token: str = ""
    id: str = ""

    def __post_init__(self) -> None:
        self.id = self.id or self.token.partition(".")[0] or f"customer{self.number:02}"
        self.name, self.street = f"Canary{self.number:02} Quillfeather", f"{self.number:02} Ploverdown Mews"
        self.email, self.ip = f"canary{self.number:02}@quillfeather.example", f"198.51.100.{100 + self.number}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """What only this person, and who sells to them, may read."""
        return (f"Canary{self.number:02}", self.street, f"canary{self.number:02}@", self.ip)

    def path(self, path: str) -> str:
        return path.replace("/v1/", "/v1/guest/", 1) if self.token else path

    def who(self, **headers: str) -> JSON:
        headers |= {"x-forwarded-for": self.ip}
        if self.token:
            return {"headers": headers | {"guest-token": self.token}}
        return {"caller": self.id, "headers": headers}

    def address(self) -> JSON:
        country = ("GB", "DE", "FR")[self.number % 3]
        return shop.ADDRESS | {"name": self.name, "line1": self.street, "postalCode": "10115", "country": country}


CUSTOMERS = [Person(number) for number in range(16)]
GUESTS = 4
STAFF = {"caller": "sam", "roles": "staff"}


def seller(vendor: str) -> JSON:
    return {"caller": f"owner-of-{vendor}", "roles": "customer vendor", "vendor_id": vendor}


def others(number: str, vendor: str) -> list[Call]:
    return [
        (orders, "GET", f"/v1/orders/{number}"),
        (orders, "POST", f"/v1/orders/{number}/cancellation"),
        (orders, "POST", f"/v1/orders/{number}/parts/{vendor}/cancellation"),
        (refunds, "GET", f"/v1/orders/{number}/refunds"),
        (payments, "GET", f"/v1/payments/{number}"),
        (payments, "POST", "/v1/payments/intent"),
    ]


def of_other_vendors(number: str, vendor: str, theirs: str) -> list[Call]:
    """A vendor without a part in the order, at its own door and at another vendor's."""
    return [
        (desk, "GET", f"/v1/vendors/{vendor}/orders/{number}"),
        (desk, "GET", f"/v1/vendors/{theirs}/orders/{number}"),
        (desk, "GET", f"/v1/vendors/{theirs}/orders"),
        (desk, "POST", f"/v1/vendors/{vendor}/orders/{number}/cancellation"),
        (desk, "POST", f"/v1/vendors/{theirs}/orders/{number}/cancellation"),
        (refunds, "GET", f"/v1/vendors/{vendor}/orders/{number}/refunds"),
        (refunds, "POST", f"/v1/vendors/{vendor}/orders/{number}/refunds"),
        (refunds, "POST", f"/v1/vendors/{theirs}/orders/{number}/refunds"),
    ]
