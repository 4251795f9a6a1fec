"""`make import`: reads files of any shape, spreads rows over vendors, reports what was refused."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tools import import_catalogue
from tools.catalogue_mapping import BadLine, ColumnMapping, count_lines, read
from tools.catalogue_sellers import seller_of
from tools.client import Answer

pytestmark = pytest.mark.contract("5.5")

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
PLAIN = {
    "externalId": "1", "title": "Lamp", "description": "Bright", "category": "Home>Lamps", "price": "19.90",
    "currency": "eur", "sku": "LAMP", "stock": "4", "tag": "new",
}  # fmt: skip


class Marketplace:
    """Answers the routes that the tool uses, and keeps what it was sent."""

    def __init__(self) -> None:
        self.vendors = [f"ven_{n}" for n in range(3)]
        self.batches: list[tuple[str, list[Any]]] = []
        self.made: list[str] = []
        self.known: dict[str, Any] = {}
        self.expired = False

    def sign_in(self, email: str, password: str) -> str:
        return "fresh" if self.expired else "first"

    def ok(self, method: str, path: str, json: Any = None, token: str | None = None, raw: bytes | None = None) -> Any:
        return self.call(method, path, json, token).json

    def call(
        self, method: str, path: str, json: Any = None, token: str | None = None, raw: bytes | None = None
    ) -> Answer:
        if path.startswith("/v1/vendors?"):
            return Answer(200, {"items": [{"id": vendor, "name": vendor} for vendor in self.vendors]})
        if path == "/v1/admin/categories":
            if method == "GET":
                return Answer(200, {"items": [{"name": "Home", "path": "home", "children": []}]})
            self.made.append(f"{json.get('parent', '')}>{json['name']}")
            path = f"{json.get('parent', '')}>{json['name'].lower()}".strip(">")
            return Answer(409 if json["name"] == "Lamps" else 201, {"code": "category_exists", "path": path})
        assert path.endswith("/products/import")
        if self.expired and token != "fresh":
            return Answer(401, {"code": "unauthenticated"})
        self.batches.append((path.split("/")[3], json["rows"]))
        return Answer(200, {"rows": [self._outcome(n, row) for n, row in enumerate(json["rows"])]})

    def _outcome(self, number: int, row: dict[str, Any]) -> dict[str, Any]:
        outcome = {"row": number, "externalId": row["externalId"], "result": "created"}
        if row["title"] == "Wrong":
            return outcome | {"result": "rejected", "code": "validation_error", "reason": "title: wrong"}
        if self.known.get(row["externalId"]) == row:
            outcome["result"] = "unchanged"
        self.known[row["externalId"]] = row
        return outcome


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Marketplace:
    marketplace = Marketplace()
    monkeypatch.setattr(import_catalogue, "Client", lambda url: marketplace)
    monkeypatch.setenv("MARKET_EMAIL", "staff@example.com")
    monkeypatch.setenv("MARKET_PASSWORD", "x")
    return marketplace


def write(path: Path, *records: dict[str, Any] | str) -> Path:
    text = "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def plain(**changes: str) -> dict[str, str]:
    return PLAIN | changes


def test_a_line_becomes_a_row_by_its_mapping() -> None:
    mapped = ColumnMapping.load("plain").row(plain(colour="brass", compareAtPrice="25", image="/media/x.svg"))

    assert mapped.category == ("Home", "Lamps")
    assert mapped.row == {
        "externalId": "1", "title": "Lamp", "description": "Bright", "tags": ["new"], "attributes": {},
        "images": [{"url": "/media/x.svg", "alt": "Lamp"}],
        "variants": [
            {
                "sku": "LAMP", "stock": 4, "options": {"colour": "brass"}, "price": {"amount": 1990, "currency": "EUR"},
                "compareAtPrice": {"amount": 2500, "currency": "EUR"},
            }
        ],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"price": "cheap"}, "price"), ({"price": "19.999"}, "price"), ({"price": "-1"}, "price"),
        ({"price": ""}, "price"),
        ({"currency": "XXX"}, "price"), ({"stock": "many"}, "stock"), ({"category": ""}, "category"),
    ],
)  # fmt: skip
def test_a_line_that_cannot_become_a_row_says_why(changes: dict[str, str], why: str) -> None:
    with pytest.raises(BadLine, match=why):
        ColumnMapping.load("plain").row(plain(**changes))


def test_prices_are_read_in_minor_units_too_and_attributes_by_prefix() -> None:
    mapping = ColumnMapping(
        {
            "product": {"category": ["all"], "title": "{name:.4}"},
            "price": {"column": "{price}", "unit": "minor", "currency": "JPY"},
            "attributes": {"prefixes": ["attr_t_", "attr_n_"], "at_most": 2},
        }
    )
    record = {
        "id": 7,
        "name": "Lanterns",
        "price": 1200,
        "sku": "L",
        "attr_n_width": 56.0,
        "attr_t_wi_fi": True,
        "attr_t_x": "y",
    }

    row = mapping.row(record).row

    assert (row["externalId"], row["title"]) == ("7", "Lant")
    assert row["variants"][0]["price"] == {"amount": 1200, "currency": "JPY"}
    assert row["attributes"] == {"width": "56", "wi fi": "yes"}


@pytest.mark.parametrize("name", ["products.jsonl", "products.jsonl.gz"])
def test_json_lines_are_read_packed_or_not(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, {"a": 1}, "", "{broken", "[1]")

    assert [(line.number, line.error) for line in read(path)] == [(1, ""), (3, "not JSON"), (4, "not a JSON object")]
    assert count_lines(path) == 4


def test_csv_is_read_with_quotes_line_breaks_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_bytes('\ufeffid,title\n1,"two\nlines, one cell"\n2,x,too many\n'.encode())

    first, second = read(path)

    assert first.record == {"id": "1", "title": "two\nlines, one cell"}
    assert second.error


def test_rows_go_to_the_same_vendors_each_time_and_are_unchanged_the_second_time(
    there: Marketplace, tmp_path: Path
) -> None:
    path = write(tmp_path / "p.jsonl", *(plain(externalId=str(n), sku=f"S{n}") for n in range(450)))

    assert import_catalogue.main(["--file", str(path)]) == 0
    first = {row["externalId"]: vendor for vendor, rows in there.batches for row in rows}
    assert len(first) == 450
    assert set(first.values()) == set(there.vendors)
    assert all(seller_of(there.vendors, number) == vendor for number, vendor in first.items())
    assert max(len(rows) for _, rows in there.batches) == 100
    assert there.made == ["home>Lamps"]

    assert import_catalogue.main(["--file", str(path)]) == 0
    assert {row["externalId"] for _, rows in there.batches[-5:] for row in rows} <= set(first)


def test_refused_rows_are_reported_with_their_lines(there: Marketplace, tmp_path: Path, capsys: Any) -> None:
    path = write(
        tmp_path / "p.jsonl", plain(), "{broken", plain(externalId="3", title="Wrong"), plain(externalId="4", price="x")
    )
    report = tmp_path / "out" / "rejected.csv"

    assert import_catalogue.main(["--file", str(path), "--report", str(report)]) == 0

    with report.open() as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["line", "externalId", "code", "reason"]
    assert [row[:3] for row in rows[1:]] == [
        ["2", "", "unreadable"],
        ["3", "3", "validation_error"],
        ["4", "4", "unreadable"],
    ]
    assert "1 created, 0 updated, 0 unchanged, 3 rejected" in capsys.readouterr().out


def test_lines_of_the_same_product_become_its_variants(there: Marketplace, tmp_path: Path) -> None:
    path = write(
        tmp_path / "p.jsonl", plain(colour="red"), plain(colour="blue", sku="LAMP-2"), plain(externalId="2", sku="X")
    )

    import_catalogue.main(["--file", str(path)])

    rows = {row["externalId"]: row for _, batch in there.batches for row in batch}
    assert [variant["sku"] for variant in rows["1"]["variants"]] == ["LAMP", "LAMP-2"]
    assert len(rows) == 2


def test_an_expired_token_is_renewed(there: Marketplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = iter(["first", "fresh", "fresh"])
    monkeypatch.setattr(there, "sign_in", lambda email, password: next(tokens))
    there.expired = True

    assert import_catalogue.main(["--file", str(write(tmp_path / "p.jsonl", plain()))]) == 0
    assert len(there.batches) == 1


@pytest.mark.parametrize(
    "arguments", [["--mapping", "nowhere"], ["--file", "nowhere.jsonl"], ["--vendors", "nowhere.txt"]]
)
def test_what_is_not_there_is_named(there: Marketplace, tmp_path: Path, arguments: list[str], capsys: Any) -> None:
    path = write(tmp_path / "p.jsonl", plain())

    assert import_catalogue.main(["--file", str(path), *arguments]) == 1
    assert "nowhere" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mapping", "file"),
    [
        ("retail-demo-store", "catalogue-retail-demo-store/products.jsonl.gz"),
        ("search-chorus", "search-chorus/public/products.jsonl.gz"),
    ],
)
def test_real_catalogues_are_in_order_row_by_row(mapping: str, file: str) -> None:
    from catalog.forms import ImportRow

    path = DATA / file
    if not path.is_file():
        pytest.skip(f"{file} is not beside this repository")
    columns = ColumnMapping.load(mapping)
    for number, line in zip(range(500), read(path), strict=False):
        assert ImportRow.model_validate(columns.row(line.record).row | {"category": "all"}), number
