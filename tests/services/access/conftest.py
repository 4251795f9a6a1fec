"""People, vendors and teams, and requests with the tokens that their standing gives them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from access import api, consumer, store
from access.contract import MANIFEST as ACCESS
from access.contract import PLATFORM, claims_of, scopes_in_token, standing_key
from access.model import assignable
from identity.contract import MANIFEST as IDENTITY
from identity.contract import user_key
from market.guard.standing import memory
from market.manifest import Manifest
from market.table import Item, Key, Table, put
from tests.http import Response, call
from tests.services.outbox import announced, message
from vendors.contract import MANIFEST as VENDORS
from vendors.contract import vendor_key

LAMPS, CHAIRS = "ven_lamps", "ven_chairs"
TESTS = Manifest(
    service="tests", prefixes=(*ACCESS.prefixes, *IDENTITY.prefixes, *VENDORS.prefixes), functions=(), uses=()
)


@dataclass
class House:
    """The marketplace of these tests: root is its super_admin, ann the vendor_admin of the lamps."""

    table: Table = field(default_factory=lambda: Table(TESTS))

    def person(self, user_id: str, **more: Any) -> str:
        self.table.write(put(user_key(user_id), {"email": f"{user_id}@example.com", "name": user_id.title()} | more))
        return user_id

    def vendor(self, vendor_id: str, owner: str = "ann", status: str = "active") -> str:
        item = {"name": vendor_id, "slug": vendor_id, "status": status, "support_email": "s@example.com"}
        self.table.write(put(vendor_key(vendor_id), item | {"owner_id": owner}))
        return vendor_id

    def member(self, user_id: str, scope: str, *roles: str) -> str:
        self.person(user_id)
        found = store.situation(scope, user_id)
        store.change(found, user_id, assignable(found, roles), by="tests")
        return user_id

    def send(self, caller: str, method: str, path: str, body: Any = None, **options: Any) -> Response:
        return call(api.handler, method, path, body, caller=caller, claims=self.token(caller), **options)

    def token(self, user_id: str) -> dict[str, str]:
        """What the person's token says, if it is made now."""
        standing = store.standing(user_id)
        roles = store.roles_of(scopes_in_token(standing)) if standing.grants else {}
        return claims_of(standing, {scope: roles[scope].custom for scope in roles})

    def grants(self, user_id: str) -> dict[str, set[str]]:
        """Roles by scope."""
        return {scope: set(grant.roles) for scope, grant in store.standing(user_id).grants.items()}

    def size(self, scope: str) -> dict[str, int]:
        item = self.table.get(Key(f"TEA#{scope}#size"), consistent=True) or {}
        return {name: item.get(name, 0) for name in ("owners", "members")}

    def standing_item(self, user_id: str) -> Item | None:
        return self.table.get(standing_key(user_id), consistent=True)


@pytest.fixture
def house(database: str) -> House:
    memory.forget()
    house = House()
    house.member("root", PLATFORM, "super_admin")
    house.vendor(LAMPS)
    house.member("ann", LAMPS, "vendor_admin")
    return house


Told = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def told(database: str) -> Told:
    """The data of all events of a type that were announced."""
    return lambda kind: [event["data"] for event in announced() if event["type"] == kind]


def hear(event_type: str, **data: str) -> list[str]:
    """Deliver an event to access; the ids of what failed."""
    batch = {"Records": [message(event_type, data, "e1")]}
    return [failed["itemIdentifier"] for failed in consumer.handler(batch)["batchItemFailures"]]
