"""The reconciler beside a till: run by hand, over books that were changed behind everybody's back."""

import re
from datetime import timedelta
from typing import Any

from urllib3.exceptions import ProtocolError

from market import clock, config
from payments import discrepancies
from payments.schedule import handler
from tests import shop
from tests.sagas.checkout import GOOD, order_id
from tests.services.payments.till import STAFF, Till

JSON = dict[str, Any]
NOTHING = {"repaired": 0, "putOff": 0, "differing": 0}
REPAIRED = {"repaired": 1, "putOff": 0, "differing": 0}
TOLD = {"repaired": 0, "putOff": 0, "differing": 1}
FOR_GOOD = 10**6


class Dead(BaseException):
    """The function is killed: nothing catches it."""


class Silent:
    """A network on which nobody answers."""

    def request(self, *_: object, **__: object) -> Any:
        raise ProtocolError("nobody answers")


def reconcile() -> dict[str, int]:
    return handler({})


def alone(till: Till) -> None:
    """The reconciler's own schedule does not run; the tests run it."""
    till.break_("payments-schedule", "before", FOR_GOOD)


def sweep() -> dict[str, int]:
    """All runs of a sweep over the whole window; what they did together."""
    write("PRC#progress", "-", {"waiting": ["", "", "", ""]})
    done = reconcile()
    while discrepancies.progress(4).sweep:
        done = {name: count + done[name] for name, count in reconcile().items()}
    return done


def unheard(till: Till, card: str = GOOD) -> str:
    """An order whose customer has paid, of which we never heard."""
    till.break_("webhook", "before", FOR_GOOD)
    number = till.order()
    till.pay("ada", number, card)
    till.run()
    till.wait(130)
    assert shop.order_of("ada", number)["status"] == "pending_payment"
    return number


def timed_out(till: Till) -> str:
    """An order that nobody paid in time: cancelled, its payment voided here and there."""
    number = till.order()
    till.open("ada", number)
    till.wait(960)
    assert shop.order_of("ada", number)["status"] == "cancelled"
    assert till.provider_book(number) == ("voided", 0)
    return number


def stray(till: Till, number: str, *, card: str = "") -> str:
    """An intent for the order that the provider made without our record; its reference."""
    wish = {"orderId": order_id(number), "amount": 2490, "currency": "EUR"}
    made = till.provider("POST", "/payment_intents", wish, key=f"stray-{number}").json
    if card:
        till.break_("webhook", "before", FOR_GOOD)
        till.confirm({"intentId": made["id"], "clientSecret": made["clientSecret"]}, card)
    return str(made["id"])


def found(till: Till) -> list[tuple[str, bool]]:
    """(kind, repaired) of everything that staff can see, found last first."""
    answer = till.ask("GET", "/v1/admin/payments/discrepancies", **STAFF)
    assert answer.status == 200, answer
    return [(item["kind"], item["repaired"]) for item in answer.json["items"]]


def at_provider(till: Till, number: str, **fields: Any) -> None:
    """Change the provider's book."""
    change(f"SBX#{till._reference(number)}", "-", **fields)


def at_home(number: str, **fields: Any) -> None:
    """Change our book of the order's payment."""
    change(f"PAY#{order_id(number)}", "-", **fields)


def hours_ago(hours: int) -> str:
    return clock.iso(clock.now() - timedelta(hours=hours))


def change(pk: str, sk: str, **fields: Any) -> None:
    names = {f"#{name}": name for name in fields}
    values = {f":{name}": _typed(value) for name, value in fields.items()}
    config.client("dynamodb").update_item(
        TableName=config.setting("TABLE_NAME"),
        Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in fields),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
        ConditionExpression="attribute_exists(pk)",
    )


def write(pk: str, sk: str, fields: dict[str, Any]) -> None:
    config.client("dynamodb").put_item(
        TableName=config.setting("TABLE_NAME"),
        Item={"pk": {"S": pk}, "sk": {"S": sk}} | {name: _typed(value) for name, value in fields.items()},
    )


def remove(pk: str) -> None:
    config.client("dynamodb").delete_item(
        TableName=config.setting("TABLE_NAME"), Key={"pk": {"S": pk}, "sk": {"S": "-"}}
    )


def _typed(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"L": [_typed(part) for part in value]}
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def rung(printed: str) -> list[int]:
    """What the alarm's metric was set to, line by line."""
    return [int(count) for count in re.findall(r'"PaymentsDiffer":(\d+)', printed)]
