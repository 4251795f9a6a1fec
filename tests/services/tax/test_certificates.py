"""Customers hand in certificates, staff decide on them, and only what was approved frees from tax."""

from threading import Barrier, Thread
from typing import Any

import orjson
import pytest

from market import config
from tax import api, consumer, store
from tax.contract import Destination, rate_of
from tests.http import Response, call
from tests.services.outbox import message

pytestmark = [pytest.mark.contract("13.1"), pytest.mark.usefixtures("database")]

VAT_NUMBER = {
    "kind": "vat_id",
    "number": "de 136 695 976",
    "jurisdiction": "DE",
    "validFrom": "2026-01-01",
    "validUntil": "2030-12-31",
}
RESALE = VAT_NUMBER | {"kind": "exemption", "number": "SR-GH-101", "jurisdiction": "US-CA", "reason": "Resale"}


def own(method: str, path: str = "", body: Any = None, customer: str = "usr_ada") -> Response:
    return call(api.handler, method, f"/v1/me/tax-certificates{path}", body, caller=customer)


def staff(method: str, path: str, body: Any = None, **options: Any) -> Response:
    options = {"caller": "grace", "roles": "staff"} | options
    return call(api.handler, method, f"/v1/admin/tax/certificates{path}", body, **options)


def decide(certificate_id: str, decision: str = "approved", customer: str = "usr_ada") -> Response:
    return staff("POST", f"/{certificate_id}/decision", {"customerId": customer, "decision": decision})


def handed_in(body: dict[str, Any] = VAT_NUMBER, customer: str = "usr_ada") -> str:
    answer = own("POST", body=body, customer=customer)
    assert answer.status == 201, answer
    return str(answer.json["certificateId"])


def exemption() -> str:
    held, _ = store.certificates("usr_ada")
    return rate_of("standard", Destination("DE"), at="2026-11-21", certificates=held).exemption


def test_a_vat_number_frees_from_tax_once_staff_have_approved_it() -> None:
    certificate_id = handed_in()
    before = exemption()
    approved = decide(certificate_id)

    assert (before, approved.status, approved.json["status"]) == ("", 200, "approved")
    assert exemption() == "reverse_charge"
    assert own("GET").json["items"][0]["number"] == "DE136695976"


@pytest.mark.parametrize(
    ("country", "number", "good"),
    [
        ("DE", "DE136695976", True),
        ("DE", "DE136695977", False),
        ("FR", "40303265045", True),
        ("FR", "40303265046", False),
        ("GR", "EL 094259216", True),
        ("NL", "NL004495445B01", True),
        ("XI", "XI980780684", True),
        ("XI", "XI123456789", False),
        ("IT", "IT00743110157", True),
        ("US", "12-3456789", False),
    ],
)
def test_vat_numbers_are_checked_by_the_rules_of_their_country(country: str, number: str, good: bool) -> None:
    answer = own("POST", body=VAT_NUMBER | {"jurisdiction": country, "number": number})

    assert answer.status == (201 if good else 422), answer


def test_the_same_certificate_twice_is_one() -> None:
    assert handed_in() == handed_in()
    assert len(own("GET").json["items"]) == 1


def test_certificates_that_come_at_once_are_all_kept() -> None:
    together, numbers = Barrier(4), ["A-1", "A-2", "A-3", "A-4"]

    def submit(number: str) -> None:
        together.wait()
        own("POST", body=RESALE | {"number": number})

    threads = [Thread(target=submit, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    kept = {item["number"] for item in own("GET").json["items"]}
    told_no = set(numbers) - kept
    assert len(kept) == len(own("GET").json["items"]), "none is kept twice"
    for number in told_no:
        handed_in(RESALE | {"number": number})
    assert {item["number"] for item in own("GET").json["items"]} == set(numbers)


def test_a_customer_has_room_for_twenty() -> None:
    for number in range(20):
        handed_in(RESALE | {"number": f"N-{number}"})

    refused = own("POST", body=RESALE | {"number": "N-20"})

    assert (refused.status, refused.json["code"]) == (409, "too_many_certificates")


@pytest.mark.parametrize(
    ("decisions", "last"),
    [
        (["approved", "approved", "expired"], "expired"),
        (["rejected", "approved"], "approved"),
        (["approved", "expired", "approved"], "expired"),
        (["expired"], "waiting"),
        (["approved", "rejected"], "approved"),
    ],
)
def test_a_certificate_goes_only_where_its_status_leads(decisions: list[str], last: str) -> None:
    certificate_id = handed_in()

    answers = [decide(certificate_id, decision) for decision in decisions]

    assert {answer.status for answer in answers} <= {200, 409}
    assert own("GET").json["items"][0]["status"] == last


def test_staff_see_who_waits_and_no_one_once_all_is_decided() -> None:
    first, second = handed_in(), handed_in(RESALE, "usr_bob")
    waiting = staff("GET", "").json["items"]

    decide(first)
    decide(second, "rejected", "usr_bob")

    assert [item["customerId"] for item in waiting] == ["usr_ada", "usr_bob"]
    assert staff("GET", "").json["items"] == []
    (asked,) = staff("GET", "", query={"customerId": "usr_bob"}).json["items"]
    assert asked["items"][0]["status"] == "rejected"


def test_what_a_customer_takes_back_no_longer_counts() -> None:
    certificate_id = handed_in()
    decide(certificate_id)

    assert own("DELETE", f"/{certificate_id}").status == 204
    assert exemption() == ""
    assert own("DELETE", f"/{certificate_id}").status == 404
    assert decide(certificate_id).status == 404


def test_nobody_sees_or_withdraws_another_persons_certificate() -> None:
    certificate_id = handed_in()

    assert own("GET", customer="usr_eve").json["items"] == []
    assert own("DELETE", f"/{certificate_id}", customer="usr_eve").status == 404
    assert len(own("GET").json["items"]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"validUntil": "2025-12-31"},
        {"number": "x"},
        {"jurisdiction": "Germany"},
        {"kind": "exemption", "jurisdiction": "AQ"},
        {"kind": "promise"},
        {"document": "../../etc passwd"},
    ],
)
def test_nonsense_is_refused(change: dict[str, str]) -> None:
    assert own("POST", body=VAT_NUMBER | change).status == 422
    assert own("GET").json["items"] == []


@pytest.mark.contract("3.1")
def test_a_person_gets_a_copy_and_an_end_of_their_certificates(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DOCUMENTS_BUCKET", "documents")
    config.client("s3").create_bucket(Bucket="documents")
    handed_in()
    asked = {"folder": "exports/req_1/", "user_id": "usr_ada", "request_id": "req_1"}

    records = [message("profile.export_requested", asked), message("profile.erasure_requested", {"user_id": "usr_ada"})]
    heard = [consumer.handler({"Records": [record]}) for record in (*records, records[1])]

    file = config.client("s3").get_object(Bucket="documents", Key="exports/req_1/tax.json")["Body"].read()
    assert orjson.loads(file)["certificates"][0]["number"] == "DE136695976"
    assert all(answer == {"batchItemFailures": []} for answer in heard)
    assert own("GET").json["items"] == []
    assert staff("GET", "").json["items"] == []
