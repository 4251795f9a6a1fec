"""Who can sign in to the seeded store. The password is public: it opens nothing but a store on one's own machine."""

from dataclasses import dataclass

__all__ = ["CUSTOMERS", "PASSWORD", "STAFF", "Person"]

PASSWORD = "Local-Demo-Only-1"  # noqa: S105 - public on purpose, see above


@dataclass(frozen=True, slots=True)
class Person:
    email: str
    name: str
    password: str = PASSWORD


STAFF = Person("grace@example.com", "Grace Hopper")
CUSTOMERS = (Person("ada@example.com", "Ada Lovelace"), Person("alan@example.com", "Alan Turing"))
