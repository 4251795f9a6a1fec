"""Behind the shop: a program with a key, a colleague who may do little, a lost phone; all of it is taken back again."""

import uuid
from collections.abc import Callable
from typing import Any

from demo.client import Answer, Client, until
from demo.shopper import Shopper, Untrue, expect
from store.people import CUSTOMERS, STAFF, Person
from store.stock import shops

Tell = Callable[[str], None]
StillIn = Callable[[], Answer]
"""One request of somebody who is to be let in no more."""

READING = "products.read"
KILLED = "/v1/admin/flags/custom-homepages/kill"


def behind_the_shop(url: str, tell: Tell) -> None:
    """Access is given, is good for what was given and for nothing else, is recorded, and is taken back."""
    client = Client(url)
    former = [part(client, tell) for part in (a_program, a_colleague, a_lost_phone)]
    for still_in in former:
        until(lambda ask=still_in: ask().status in (401, 403), "the end of what was taken back")  # type: ignore[misc]
    tell("Key, colleague and phone are all turned away now: whatever is taken back ends within half a minute.")


def a_program(client: Client, tell: Tell) -> StillIn:
    """A vendor gives a program a key, and revokes it."""
    shop, other = shops()[:2]
    seller, stranger = (_signed_in(client, Person(each.email, each.owner)) for each in (shop, other))
    vendor, elsewhere = (each.get("/v1/me")["vendorId"] for each in (seller, stranger))
    keys = f"/v1/vendors/{vendor}/api-keys"
    wish = {"name": "Price tags", "permissions": [READING]}
    made = seller.post(keys, wish, 201, **{"idempotency-key": uuid.uuid4().hex})

    def asks(what: str, vendor_id: str = vendor) -> Answer:
        return client.call("GET", f"/v1/api/vendors/{vendor_id}/{what}", headers={"api-key": made["secret"]})

    products = expect(asks("products"), 200, "the program reads products")["items"]
    expect(asks("orders"), 403, "orders, which the key was not made for")
    expect(asks("products", elsewhere), 404, "another vendor, of whom the key knows nothing")
    expect(client.call("DELETE", f"{keys}/{made['id']}", token=seller.token), 204, "the key is revoked")
    tell(f"{shop.name} makes a key for its price tags: it reads {len(products)} products, and opens nothing else.")
    return lambda: asks("products")


def a_colleague(client: Client, tell: Tell) -> StillIn:
    """Somebody joins the staff as support, is held to it, and leaves; the log knows."""
    boss, colleague = _signed_in(client, STAFF), _signed_in(client, CUSTOMERS[1])
    user_id = colleague.get("/v1/me")["id"]
    place = f"/v1/admin/staff/{user_id}"
    _refused(colleague, "GET", "/v1/admin/flags", "a customer among the flags")
    expect(client.call("PUT", place, {"roles": ["support"]}, token=boss.token), 200, "the appointment")
    colleague.log_in(CUSTOMERS[1].email, CUSTOMERS[1].password)
    flags = colleague.get("/v1/admin/flags")["items"]
    _refused(colleague, "POST", KILLED, "support that kills a flag")
    tell(f"{STAFF.name} appoints {colleague.name} to support: he sees {len(flags)} feature flags, and may turn none.")
    proof = _recorded(boss, user_id)
    tell(f"The audit log has it as link {proof['sequence']} of chain {proof['chain']}, with a hash that fits.")
    expect(client.call("DELETE", place, token=boss.token), 204, "the dismissal")
    return lambda: client.call("GET", "/v1/admin/flags", token=colleague.token)


def a_lost_phone(client: Client, tell: Tell) -> StillIn:
    """Somebody signs a device out from another one."""
    phone, laptop = (_signed_in(client, CUSTOMERS[0]) for _ in range(2))
    (lost,) = (session["id"] for session in phone.get("/v1/me/sessions")["items"] if session["present"])
    expect(client.call("DELETE", f"/v1/me/sessions/{lost}", token=laptop.token), 200, "the phone is signed out")
    left = {session["id"] for session in laptop.get("/v1/me/sessions")["items"]}
    if lost in left or not left:
        raise Untrue(f"sessions after one was ended: {left}")
    tell(f"{CUSTOMERS[0].name} has lost a phone and signs it out from another device, which stays signed in.")
    return lambda: client.call("GET", "/v1/me", token=phone.token)


def _signed_in(client: Client, person: Person) -> Shopper:
    made = Shopper(client, person.name)
    made.log_in(person.email, person.password)
    return made


def _refused(person: Shopper, method: str, path: str, what: str) -> None:
    expect(person.client.call(method, path, token=person.token), 403, what)


def _recorded(staff: Shopper, user_id: str) -> Any:
    """The newest entry of the log on this person's appointment, once it has arrived, with its proof."""

    def entry() -> str:
        for found in staff.get(f"/v1/admin/audit?subject=user:{user_id}")["items"]:
            if found["action"] == "access.put_staff":
                return str(found["id"])
        return ""

    proof = staff.get(f"/v1/admin/audit/{until(entry, 'the entry in the audit log')}")
    if not proof["sound"]:
        raise Untrue(f"an entry of the audit log whose hash is wrong: {proof}")
    return proof
