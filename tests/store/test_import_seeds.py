"""Import files of other shops: what is sound goes in, what is not is refused by line, no product goes in by half."""

import csv
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.catalog.conftest import ADA, Market
from tools.catalogue_mapping import ColumnMapping
from tools.catalogue_saleor import variants
from tools.client import Answer
from tools.import_catalogue import Importer, Report

SEEDS = Path(__file__).resolve().parents[3] / "shared" / "data" / "catalogue-seeds"
pytestmark = [
    pytest.mark.contract("5.5"),
    pytest.mark.skipif(not SEEDS.is_dir(), reason=f"{SEEDS} is not here"),
]

MEDUSA = "integration-tests/http/__tests__/product/admin/__fixtures__"
BAGISTO = "packages/Webkul/Admin/tests/e2e-pw/data/data-transfer"
Run = Callable[[str, str, str], tuple[Report, list[Any]]]


class _Direct:
    """A client that calls the handlers, as staff where a route is of staff."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def sign_in(self, email: str, password: str) -> str:
        return "token"

    def ok(self, method: str, path: str, json: Any = None, token: str | None = None) -> Any:
        return self.call(method, path, json, token).json

    def call(self, method: str, path: str, json: Any = None, token: str | None = None) -> Answer:
        answer = (self._market.staff if "/admin/" in path else self._market.vendor)(method, path, json)
        return Answer(answer.status, answer.json)


class _Staff:
    def token(self, client: Any) -> str:
        return "token"


@pytest.fixture
def run(embedded_table: str, tmp_path: Path) -> Run:
    """Import a member of an archive with a mapping: the report, and the products that there are then."""
    market = Market()

    def bring_in(archive: str, member: str, mapping: str) -> tuple[Report, list[Any]]:
        with tarfile.open(SEEDS / f"{archive}.tar.gz") as packed:
            found = packed.extractfile(member)
            assert found
            path = tmp_path / Path(member).name
            path.write_bytes(found.read())
        client: Any = _Direct(market)
        staff: Any = _Staff()
        report = Importer(client, staff, ColumnMapping.load(mapping), [ADA]).run(path)
        cards = market.vendor("GET", f"/v1/vendors/{ADA}/products?limit=100").json["items"]
        return report, [market.vendor("GET", market.path(card)).json for card in cards]

    return bring_in


def _reasons(report: Report) -> dict[int, tuple[str, str]]:
    return {line: (code, reason) for line, _, code, reason in report.refusals}


def test_spree_with_variants_sizes_and_weights(run: Run) -> None:
    report, products = run("spree-seed", "spree/core/db/sample_data/products.csv", "spree")

    assert report.counts == {"created": 37, "rejected": 87}, report.refusals
    assert {reason for _, reason in _reasons(report).values()} == {"currency: 'EUR' is not brought in, only USD"}
    machine = next(one for one in products if one["slug"] == "automatic-espresso-machine")
    assert machine["category"] == "kitchen>coffee-machines"
    assert machine["tags"][:2] == ["coffee", "espresso"]
    assert machine["attributes"]["wattage"] == "1400W"
    assert [variant["options"]["Color"] for variant in machine["variants"]] == ["Matte Black", "Silver", "White"]
    first = machine["variants"][0]
    assert (first["price"], first["weightGrams"]) == ({"amount": 87999, "currency": "USD"}, 8982)
    assert first["dimensions"] == {"lengthMm": 300, "widthMm": 351, "heightMm": 399}

    again, _ = run("spree-seed", "spree/core/db/sample_data/products.csv", "spree")
    assert again.counts == {"unchanged": 37, "rejected": 87}


@pytest.mark.parametrize("name", ["exported-products-comma.csv", "exported-products-semicolon.csv"])
def test_medusas_exports_with_commas_or_semicolons(run: Run, name: str) -> None:
    report, products = run("medusa-import-fixtures", f"{MEDUSA}/{name}", "medusa")

    assert dict(report.counts) == {"created": 2}, report.refusals
    base = next(one for one in products if one["slug"] == "base-product")
    assert base["description"] == "test-product-description\ntest line 2"
    assert base["tags"] == ["123", "456"]
    assert [(one["price"]["amount"], one["options"]) for one in base["variants"]] == [
        (10000, {"size": "large", "color": "green"}),
        (20000, {"size": "small", "color": "green"}),
    ]


@pytest.mark.parametrize(
    "name", ["filtered-products.csv", "unrelated-column.csv", "prices-with-region.csv", "product-with-categories.csv"]
)
def test_medusas_columns_that_mean_nothing_here_do_no_harm(run: Run, name: str) -> None:
    report, products = run("medusa-import-fixtures", f"{MEDUSA}/{name}", "medusa")

    assert (dict(report.counts), len(products)) == ({"created": 1}, 1), report.refusals


def test_a_product_of_which_one_line_has_no_price_stays_out_whole(run: Run) -> None:
    report, products = run("medusa-import-fixtures", f"{MEDUSA}/v1-template.csv", "medusa-v1")

    assert [one["slug"] for one in products] == ["test-product-product-1-1", "test-product-product-1"]
    assert report.counts == {"created": 2, "rejected": 3}
    reasons = _reasons(report)
    assert reasons[6] == ("unreadable", "price: '' is not an amount in 'USD'")
    assert reasons[4] == reasons[5] == ("unreadable", "line 6 of the same product cannot be read")


def test_medusas_price_list_is_no_list_of_products(run: Run) -> None:
    folder = "integration-tests/api/__tests__/batch-jobs/price-list"
    for name in ("invalid-format.csv", "price-list-import-template.csv"):
        report, products = run("medusa-import-fixtures", f"{folder}/{name}", "medusa")
        assert products == []
        assert set(report.counts) == {"rejected"}
        assert {code for code, _ in _reasons(report).values()} == {"unreadable"}


def test_bagisto_with_what_is_not_sold_by_itself_refused(run: Run) -> None:
    report, products = run("bagisto-import-samples", f"{BAGISTO}/products.csv", "bagisto")

    assert report.counts == {"created": 8, "rejected": 3}
    assert {reason for _, reason in _reasons(report).values()} == {
        f"type: '{kind}' is not brought in, only simple, virtual" for kind in ("grouped", "bundle", "configurable")
    }
    beanie = next(one for one in products if one["externalId"] == "SP-001")
    assert (beanie["category"], beanie["variants"][0]["weightGrams"]) == ("imported>men>winter-wear", 1230)


def test_bagistos_file_with_errors(run: Run) -> None:
    report, products = run("bagisto-import-samples", f"{BAGISTO}/products-with-errors.csv", "bagisto")

    assert [one["externalId"] for one in products] == ["E2E-VALID-001"]
    ((line, external_id, code, reason),) = report.refusals
    assert (line, external_id, code) == (3, "E2E-INVALID-001", "unreadable")
    assert reason == "type: 'not-a-product-type' is not brought in, only simple, virtual"


def test_customers_and_tax_rates_are_no_products(run: Run) -> None:
    for name in ("customers.csv", "tax-rates.csv"):
        report, products = run("bagisto-import-samples", f"{BAGISTO}/{name}", "bagisto")
        assert (products, set(report.counts)) == ([], {"rejected"})


def test_a_json_array_of_groceries(run: Run) -> None:
    path = "backend/product-mock-service/product_list.json"
    report, products = run("aws-shopping-cart-products", path, "aws-shopping-cart")

    assert dict(report.counts) == {"created": 20}, report.refusals
    berries = next(one for one in products if one["title"] == "packaged strawberries")
    assert (berries["category"], berries["variants"][0]["price"]["amount"]) == ("groceries>fruit", 716)
    assert berries["tags"][0] == "mollit"


def test_saleors_dump_of_objects_that_name_each_other(run: Run) -> None:
    report, products = run("saleor-seed", "saleor/static/populatedb_data.json", "saleor")

    assert dict(report.counts) == {"created": 32}, report.refusals
    shoes = next(one for one in products if one["slug"] == "white-plimsolls")
    assert shoes["category"] == "apparel>sneakers"
    assert [one["options"] for one in shoes["variants"]] == [{"Shoe size": str(size)} for size in range(39, 46)]
    assert {one["price"]["currency"] for one in shoes["variants"]} == {"USD"}
    juice = next(one for one in products if one["slug"] == "banana-juice")
    assert juice["attributes"] == {"type": "Juice", "Brand": "Frutello", "Flavor": "Banana"}
    assert run("saleor-seed", "saleor/static/populatedb_data.json", "saleor")[0].counts == {"unchanged": 32}


def test_what_a_dump_names_and_does_not_hold_is_refused_by_variant() -> None:
    variant = {"sku": "A", "weight": "0.5:kg"}
    listing = {"variant": 1, "currency": "USD", "price_amount": "3.00"}
    tree = {"name": "Cups", "parent": None}
    product = {"name": "Mug", "slug": "mug", "description_plaintext": "", "product_type": 1, "category": 1}
    objects = [
        {"model": "product.productvariant", "pk": 1, "fields": variant | {"product": 1}},
        "no object",
        {"model": "product.productvariant", "pk": 2, "fields": variant | {"product": 2}},
        {"model": "product.productvariant", "pk": 3, "fields": variant | {"product": 3}},
        {"model": "product.product", "pk": 1, "fields": product},
        {"model": "product.product", "pk": 3, "fields": product | {"category": 2}},
        {"model": "product.producttype", "pk": 1, "fields": {"name": "Ware"}},
        {"model": "product.category", "pk": 1, "fields": tree},
        {"model": "product.category", "pk": 2, "fields": tree | {"parent": 2}},
        {"model": "product.productvariantchannellisting", "pk": 1, "fields": listing},
    ]

    mug, missing, endless = variants(objects)

    assert isinstance(mug[1], dict)
    row = ColumnMapping.load("saleor").row(mug[1]).row
    assert row["variants"][0] == {"sku": "A", "price": {"amount": 300, "currency": "USD"}, "weightGrams": 500}
    assert (missing[0], str(missing[1])) == (3, "product.product 2 is not in the file")
    assert (endless[0], str(endless[1])) == (4, "product.category 2 has no top")


def test_a_tables_lines_are_read_by_the_separator_of_its_header(tmp_path: Path) -> None:
    from tools.catalogue_mapping import read

    for separator in ",;\t":
        path = tmp_path / "x.csv"
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter=separator).writerows([("id", "name"), ("1", "a,b;c\td")])
        assert [dict(line.record) for line in read(path)] == [{"id": "1", "name": "a,b;c\td"}]
