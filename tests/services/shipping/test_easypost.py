"""What is said to EasyPost and read of its answers, held against recordings of the real one."""

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from market.money import Money
from shipping import easypost
from shipping.easypost import Rated, Unreadable
from shipping.model import Destination, Origin, Parcel, Piece
from shipping.rating import parcel_of
from tests.services.shipping.shelves import DRAWN

pytestmark = pytest.mark.contract("13.2")

RECORDINGS = Path(__file__).resolve().parents[4] / "shared/data/contracts/easypost-cassettes.tar.gz"
SAN_FRANCISCO = Origin(country="US", region="CA", postal_code="94107", city="San Francisco")
REDONDO_BEACH = Destination("US", "CA", "90277", "Redondo Beach")


@pytest.fixture(scope="module")
def recorded() -> dict[str, list[dict[str, Any]]]:
    """Requests and answers by the recording's name."""
    if not RECORDINGS.exists():
        pytest.skip("the recordings of EasyPost are not on this machine")
    with tarfile.open(RECORDINGS) as archive:
        names = [member for member in archive.getmembers() if member.name.endswith(".yaml")]
        return {
            Path(member.name).stem: yaml.load(file, Loader=yaml.CSafeLoader)["interactions"]
            for member in names
            if (file := archive.extractfile(member))
        }


def exchanges(recorded: dict[str, list[dict[str, Any]]], path: str) -> Iterator[dict[str, Any]]:
    for interactions in recorded.values():
        yield from (
            one for one in interactions if one["request"]["uri"].endswith(path) and one["request"]["method"] == "POST"
        )


def answer_of(exchange: dict[str, Any]) -> easypost.Answer:
    response = exchange["response"]
    return easypost.read(response["status"]["code"], response["body"]["string"].encode())


def sent(grams: int, *sides: int) -> Parcel:
    return parcel_of([Piece(quantity=1, total=1, weight_grams=grams, size_mm=sides)], "EUR")


def test_the_question_is_one_that_was_recorded(recorded: dict[str, list[dict[str, Any]]]) -> None:
    (exchange,) = recorded["test_shipment_create"]
    theirs = orjson.loads(exchange["request"]["body"])["shipment"]
    ours = orjson.loads(easypost.question(SAN_FRANCISCO, REDONDO_BEACH, sent(436, 254, 203, 101), 500))["shipment"]
    assert exchange["request"]["uri"].endswith(easypost.PATH)
    for address in ("from_address", "to_address"):
        assert ours[address].items() <= theirs[address].items()
        assert set(ours[address]) == {"city", "state", "zip", "country"}, "nothing of a person"
    assert ours["parcel"] == theirs["parcel"] == {"length": 10, "width": 8, "height": 4, "weight": 15.4}


def test_the_recorded_rates_are_read_to_the_cent(recorded: dict[str, list[dict[str, Any]]]) -> None:
    expected = (
        Rated(carrier="USPS", service="Express", price=Money(3_415, "USD"), days=1),
        Rated(carrier="USPS", service="Priority", price=Money(742, "USD"), days=2),
        Rated(carrier="USPS", service="GroundAdvantage", price=Money(607, "USD"), days=3),
    )
    assert answer_of(recorded["test_shipment_create"][0]).rates == expected
    assert answer_of(recorded["test_beta_retrieve_stateless_rates"][0]).rates == expected, "and without a shipment"


def test_every_recorded_shipment_is_understood(recorded: dict[str, list[dict[str, Any]]]) -> None:
    made = [one for one in exchanges(recorded, "/v2/shipments") if one["response"]["status"]["code"] == 201]
    assert len(made) > 20
    for exchange in made:
        theirs = orjson.loads(exchange["response"]["body"]["string"])
        assert len(answer_of(exchange).rates) == len(theirs["rates"])


def test_every_recorded_refusal_is_one(recorded: dict[str, list[dict[str, Any]]]) -> None:
    refused = [one for each in recorded.values() for one in each if one["response"]["status"]["code"] in (404, 422)]
    assert len(refused) >= 8
    for exchange in refused:
        code = orjson.loads(exchange["response"]["body"]["string"])["error"]["code"]
        assert answer_of(exchange) == easypost.Answer(refusal=code)


def test_weights_and_sides_are_rounded_up() -> None:
    assert [easypost.ounces(grams) for grams in (1, 28, 29, 454, 1_000)] == [0.1, 1.0, 1.1, 16.1, 35.3]
    assert [easypost.inches(mm) for mm in (1, 25, 26, 254, 1_000)] == [0.1, 1.0, 1.1, 10.0, 39.4]


def test_one_parcel_holds_everything() -> None:
    pieces = [
        Piece(quantity=3, total=1, weight_grams=200, size_mm=(100, 300, 50)),
        Piece(quantity=1, total=1, size_mm=(200, 20, 20)),
    ]
    parcel = parcel_of(pieces, "EUR")
    length, width, height = easypost.box(parcel)
    assert (length, width) == (300, 100)
    assert length * width * height >= parcel.volume_mm3 > length * width * (height - 1)
    asked = orjson.loads(easypost.question(SAN_FRANCISCO, REDONDO_BEACH, parcel, 400))["shipment"]
    assert asked["parcel"]["weight"] == easypost.ounces(1_000), "with the default for what nobody weighed"


def test_without_sizes_only_the_weight_is_said() -> None:
    asked = orjson.loads(easypost.question(SAN_FRANCISCO, REDONDO_BEACH, sent(100), 500))["shipment"]
    assert asked["parcel"] == {"weight": 3.6}


@pytest.mark.parametrize(
    ("currency", "rate", "amount"), [("JPY", "1200.00", 1_200), ("KWD", "1.234", 1_234), ("USD", "6.0700", 607)]
)
def test_prices_are_read_in_the_currencys_own_units(currency: str, rate: str, amount: int) -> None:
    said = orjson.dumps({"rates": [{"carrier": "C", "service": "S", "rate": rate, "currency": currency}]})
    assert easypost.read(200, said).rates == (Rated(carrier="C", service="S", price=Money(amount, currency)),)


@pytest.mark.parametrize(
    "changes",
    [
        {"rate": "-1.00"},
        {"rate": "1.005"},
        {"rate": "1e9"},
        {"rate": "NaN"},
        {"rate": None},
        {"currency": "XXX"},
        {"currency": None},
        {"carrier": ""},
        {"rate": "99999999999999.00"},
        {"delivery_days": -3},
        {"delivery_days": "soon"},
        {"delivery_days": 999},
    ],
)
def test_a_rate_that_cannot_be_a_price_is_left_out(changes: dict[str, Any]) -> None:
    good = {"carrier": "C", "service": "S", "rate": "1.00", "currency": "USD"}
    said = orjson.dumps({"rates": [good | changes, good, None, 7, "x"]})
    assert [rate.price for rate in easypost.read(201, said).rates] == [Money(100, "USD")]


def test_carriers_that_failed_are_counted() -> None:
    message = {"type": "rate_error", "message": "down"}
    rate = {"carrier": "B", "service": "S", "rate": "1.00", "currency": "USD"}
    said = {"rates": [rate], "messages": [message | {"carrier": "A"}, message | {"carrier": "B"}, {"type": "other"}]}
    assert easypost.read(201, orjson.dumps(said)).silent == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"7", b"{}", b'{"rates": 7}', b'{"rates": [], "messages": 7}'])
def test_what_is_no_answer_is_not_taken_for_one(body: bytes) -> None:
    with pytest.raises(Unreadable):
        easypost.read(200, body)


@DRAWN
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.sampled_from(["rates", "messages", "rate", "currency", "carrier", "error"]), inner)
        ),
    ),
    st.sampled_from([200, 201, 404, 422]),
)
def test_no_answer_is_too_strange_to_be_read_or_refused(said: Any, status: int) -> None:
    try:
        found = easypost.read(status, orjson.dumps(said))
    except Unreadable:
        return
    assert all(rate.price.amount >= 0 for rate in found.rates)
