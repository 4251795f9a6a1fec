"""What clients are told: the public flags, as they are for whoever asks."""

from typing import Any

import pytest

from declared.flags import FLAGS
from flags import api
from market.http import new_guest
from tests.http import Response, call
from tests.services.flags.published import Published

pytestmark = pytest.mark.contract("26.5")
PUBLIC = {name for name, flag in FLAGS.items() if flag.public}


def ask(path: str = "/v1/flags", **options: Any) -> Response:
    return call(api.handler, "GET", path, **options)


def for_some(key: str, action: str, wanted: Any) -> dict[str, Any]:
    conditions = [{"action": action, "key": key, "value": wanted}]
    return {"default": False, "rules": {"1": {"when_match": True, "conditions": conditions}}}


def test_anyone_is_told_the_public_flags_and_no_other(published: Published) -> None:
    published.says({"mfa-required": {"default": True}, "guest-chat": {"default": True}})
    told = ask().json["flags"]

    assert set(told) == PUBLIC
    assert not {"mfa-required", "sms-alerts", "review-moderation-queue"} & set(told)
    assert (told["guest-chat"], told["new-checkout"], told["return-window"]) == (True, False, 30)
    assert told["multi-auth-providers"] == ["google", "github", "oidc"]


def test_a_person_is_told_what_is_on_for_them(published: Published) -> None:
    published.says({"new-checkout": for_some("user", "KEY_IN_VALUE", ["ada"])})

    assert ask("/v1/me/flags", caller="ada").json["flags"]["new-checkout"] is True
    assert ask("/v1/me/flags", caller="alan").json["flags"]["new-checkout"] is False
    assert ask().json["flags"]["new-checkout"] is False
    assert ask("/v1/me/flags").status == 401


def test_guests_have_their_share_of_a_percentage_and_keep_it(published: Published) -> None:
    published.says({"new-checkout": for_some("bucket", "KEY_LESS_THAN_VALUE", 100)})
    token = new_guest()
    seen = [ask("/v1/guest/me/flags", headers={"Guest-Token": token}).json["flags"]["new-checkout"] for _ in range(2)]

    assert seen == [True, True]
    assert ask().json["flags"]["new-checkout"] is False, "nobody knows who that is"
    assert ask("/v1/guest/me/flags").status == 401


def test_a_vendors_page_and_a_product_have_flags_of_their_own(published: Published) -> None:
    rule = {"when_match": 60, "conditions": [{"action": "KEY_IN_VALUE", "key": "product", "value": ["prd_1"]}]}
    published.says(
        {
            "custom-store-themes": for_some("vendor", "KEY_IN_VALUE", ["ven_1"]),
            "return-window": {"default": 14, "boolean_type": False, "rules": {"1": rule}},
        }
    )
    told = ask(query={"vendorId": "ven_1", "productId": "prd_1"}).json["flags"]

    assert (told["custom-store-themes"], told["return-window"]) == (True, 60)
    assert ask(query={"vendorId": "ven_2"}).json["flags"]["custom-store-themes"] is False


@pytest.mark.parametrize("vendor", ["", "v 1", "x" * 65, "../1", "ven_1\n", "nonsense", "prd_1"])
def test_an_id_that_cannot_be_one_is_refused(published: Published, vendor: str) -> None:
    assert ask(query={"vendorId": vendor}).status == 422


def test_a_country_is_believed_of_the_edge_only(published: Published, environment: pytest.MonkeyPatch) -> None:
    from market import config

    published.says({"buy-now-pay-later": for_some("country", "KEY_IN_VALUE", ["DE"])})
    claims = {"CloudFront-Viewer-Country": "DE"}
    assert ask(headers=claims).json["flags"]["buy-now-pay-later"] is False

    environment.setenv("ORIGIN_SECRET", "market/root")
    config.origin_secret.cache_clear()
    through = claims | {"X-Origin-Verify": config.origin_secret()}
    assert ask(headers=through).json["flags"]["buy-now-pay-later"] is True
    assert ask(headers=claims).status == 403


def test_clients_are_answered_while_appconfig_is_away(published: Published) -> None:
    published.away = True

    assert ask().json["flags"]["bulk-upload"] is True
    assert ask("/v1/me/flags", caller="ada").status == 200
