"""Keys and webhooks in the whole marketplace: through gateway, bus and queues, to a server of the vendor's."""

import orjson
import pytest

from local.harness import marketplace
from tests.journeys.fair import Fair
from tests.services.developers.receiver import Receiver

pytestmark = pytest.mark.contract("23.3")


def test_a_vendors_program_hears_of_a_sale_and_fetches_it_with_its_key(receiver: Receiver) -> None:
    with marketplace() as inside:
        staff = inside.person("staff@example.com", roles=("customer", "staff"))
        fair = Fair(inside, staff)
        fair.open(inside)
        fair.sell("lights", "LAMP", 2_000, 10)
        fair.sell("wood", "STOOL", 8_000, 10)
        owner, place = fair.tokens["lights"], f"/v1/vendors/{fair.vendors['lights']}"
        wish = {"url": receiver.url, "events": ["order.paid"]}
        webhook = fair.ask("POST", f"{place}/webhooks", wish, token=owner, status=201)
        body = {"name": "Shop robot", "permissions": ["orders.read", "webhooks.read"]}
        key = fair.ask("POST", f"{place}/api-keys", body, token=owner, status=201, idempotency_key="first-key")[
            "secret"
        ]

        ada = inside.person("ada@example.com")
        order = fair.buy(ada, ("LAMP", 1), ("STOOL", 1))
        fair.pay(ada, order["orderNo"])
        inside.drain()

        (heard,) = receiver.heard
        event = orjson.loads(heard.body)
        assert (event["type"], event["data"]) == ("order.paid", {"orderNo": order["orderNo"]})
        programs = place.replace("/v1/", "/v1/api/", 1)
        fetched = fair.ask("GET", f"{programs}/orders/{event['data']['orderNo']}", api_key=key)
        assert [line["sku"] for line in fetched["lines"]] == ["LAMP"]
        (delivery,) = fair.ask("GET", f"{programs}/webhooks/{webhook['id']}/deliveries", api_key=key)["items"]
        assert delivery["status"] == "succeeded"
