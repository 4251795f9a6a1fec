"""Tax companies as the tests use them: simulators behind our one seam for HTTP, and our credentials for them."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from market import config
from market.money import Money
from payments.simulators.network import Lost, Network, TimedOut
from tax.categories import Destination
from tax.inquiry import AVALARA, TAXJAR, Asked, Question
from tax.simulators.avalara import AvalaraSimulator
from tax.simulators.company import Company
from tax.simulators.taxjar import TaxJarSimulator

CREDENTIALS = {
    AVALARA: {"account": "2000001", "license_key": "license", "company": "MARKET"},
    TAXJAR: {"token": "token-1"},
}
_BASES = {AVALARA: "https://rest.avatax.com", TAXJAR: "https://api.taxjar.com"}
BEVERLY_HILLS = Destination("US", "CA", "90210")


def company(provider: str, **options: Any) -> Company:
    if provider == AVALARA:
        return AvalaraSimulator(**CREDENTIALS[AVALARA], **options)
    return TaxJarSimulator(**CREDENTIALS[TAXJAR], **options)


def connected(environment: pytest.MonkeyPatch, provider: str, made: Company) -> None:
    """Let the provider work out and file our taxes."""
    environment.setenv("TAX_PROVIDER", provider)
    config.client("secretsmanager").create_secret(Name="market/tax", SecretString=json.dumps(CREDENTIALS))
    config.use_http(Network({_BASES[provider]: reached(made)}))


def reached(made: Company) -> Callable[[str, str, Mapping[str, str], bytes], tuple[int, Mapping[str, str], bytes]]:
    """The company at the far end of a network that loses answers in its own words."""

    def handle(method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        try:
            return made.handle(method, path, headers, body)
        except TimeoutError:
            raise TimedOut from None
        except ConnectionError:
            raise Lost from None

    return handle


def dollars(cents: int) -> Money:
    return Money(cents, "USD")


def question(*cents: int, destination: Destination = BEVERLY_HILLS, **changes: Any) -> Question:
    """A line for each amount, under the id of one order."""
    lines = [
        Asked(number=str(number), category="standard", amount=dollars(amount), sku=f"SKU-{number}")
        for number, amount in enumerate(cents, 1)
    ]
    told = {
        "code": "ord_1", "at": "2026-11-21T12:00:00.000Z", "customer": "usr_ada", "destination": destination,
        "lines": lines, "city": "Beverly Hills", "street": "1 Rodeo Dr",
    }  # fmt: skip
    return Question(**(told | changes))
