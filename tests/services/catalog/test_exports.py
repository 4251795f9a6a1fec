"""Export: all products as rows of an import, which changes nothing; and cells that no spreadsheet calculates with."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import exports, sheets
from tests.services.catalog.bulk_parts import Bulk, codes, lines, played
from tests.services.catalog.conftest import BOB, Market, row, variant
from tests.services.catalog.test_imports import writes

pytestmark = pytest.mark.contract("5.5")


@pytest.fixture
def bulk(environment: pytest.MonkeyPatch, embedded_table: str, tmp_path: Path) -> Iterator[Bulk]:
    with played(environment, tmp_path / "journal") as found:
        yield found


@pytest.fixture
def market(bulk: Bulk) -> Market:
    return Market()


FULL = row(
    1,
    title="=SUM(A1:A9)",
    slug="the-full-one",
    description="-1 is\nbelow zero, isn't it; \"yes\"",
    category="home>lamps>desk-lamps",
    brand="'Quoted",
    tags=["+new", "a|b", "[x]"],
    attributes={"material": "@brass", "height": "-5 cm"},
    images=[{"url": "/media/a.png", "alt": "Front | back"}, {"url": "https://cdn.example/b.png"}],
    seo={"title": "'=A1", "description": "''x", "keywords": ["lamp", "desk"]},
    translations={"de": {"title": "Lampe", "description": "Hell"}},
    variants=[
        variant(
            "FULL-1", 1999, options={"colour": "red", "size": "S"}, compareAtPrice={"amount": 2500, "currency": "EUR"},
            taxCategory="reduced", weightGrams=400, dimensions={"lengthMm": 1, "widthMm": 2, "heightMm": 3},
            barcode="4006381333931", image="/media/c.png", stock=7,
        ),
        variant("FULL-2", 2100, options={"colour": "red", "size": "L"}, isActive=False),
    ],
)  # fmt: skip


def _stocked(market: Market) -> None:
    """Products from an import, some changed since, and some made by hand."""
    report = market.import_rows([row(n) for n in range(30)] + [FULL | {"externalId": "full"}])
    assert report["created"] == 31, report
    product = {"id": report["rows"][3]["productId"]}
    assert market.change(product, {"title": "By hand", "tags": ["handmade"]}).status == 200
    assert market.change({"id": report["rows"][4]["productId"]}, {"variants": [variant("ROW-NEW", 5)]}).status == 200
    made = market.create(title="Made by hand", status="draft")
    assert made.status == 201
    archived = market.create(title="Old", variants=[variant("OLD-1", stock=2)]).json
    assert market.change(archived, {"status": "archived"}).status == 200


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("limit", [7, 100])
def test_an_export_that_is_imported_again_changes_nothing(market: Market, bulk: Bulk, kind: str, limit: int) -> None:
    _stocked(market)
    text = bulk.exported(kind, limit)

    seen = writes()
    ended = bulk.brought_in(kind, text)

    assert ended["counts"] == {"created": 0, "updated": 0, "unchanged": 33, "rejected": 0}, bulk.report(ended["id"])
    assert "BatchWriteItem" not in seen
    assert bulk.exported(kind, limit) == text


def test_an_export_goes_into_an_empty_shop_and_comes_out_the_same(market: Market, bulk: Bulk) -> None:
    market.import_rows([FULL])
    (told,) = [json.loads(line) for line in bulk.exported("jsonl").splitlines()]

    assert told == {
        "externalId": "ext-1", "title": "=SUM(A1:A9)", "slug": "the-full-one", "status": "active", "brand": "'Quoted",
        "description": "-1 is\nbelow zero, isn't it; \"yes\"", "category": "home>lamps>desk-lamps",
        "tags": ["+new", "a|b", "[x]"], "attributes": {"material": "@brass", "height": "-5 cm"},
        "images": [{"url": "/media/a.png", "alt": "Front | back"}, {"url": "https://cdn.example/b.png", "alt": ""}],
        "seo": {"title": "'=A1", "description": "''x", "keywords": ["lamp", "desk"]},
        "translations": {"de": {"title": "Lampe", "description": "Hell"}},
        "variants": [
            {
                "sku": "FULL-1", "options": {"colour": "red", "size": "S"},
                "price": {"amount": 1999, "currency": "EUR"}, "compareAtPrice": {"amount": 2500, "currency": "EUR"},
                "taxCategory": "reduced", "weightGrams": 400, "barcode": "4006381333931", "image": "/media/c.png",
                "dimensions": {"lengthMm": 1, "widthMm": 2, "heightMm": 3}, "isActive": True, "stock": 7,
            },
            {
                "sku": "FULL-2", "options": {"colour": "red", "size": "L"},
                "price": {"amount": 2100, "currency": "EUR"}, "isActive": False,
            },
        ],
    }  # fmt: skip


def test_what_was_sold_since_is_not_put_back(market: Market, bulk: Bulk) -> None:
    market.import_rows([row(1)])
    text = bulk.exported("csv")
    market.sold("ROW-1", left=2)

    assert bulk.brought_in("csv", text)["counts"]["unchanged"] == 1
    assert market.anyone("GET", "/v1/products/lamp-no-1").json["variants"][0]["available"] == 2


def test_a_changed_cell_changes_its_product_and_no_other(market: Market, bulk: Bulk) -> None:
    _stocked(market)
    text = bulk.exported("csv").replace("Made by hand", "Made with care")

    ended = bulk.brought_in("csv", text)

    assert ended["counts"] == {"created": 0, "updated": 1, "unchanged": 32, "rejected": 0}
    assert "Made with care" in bulk.exported("jsonl")


def test_what_waits_for_review_is_unchanged_too(market: Market, bulk: Bulk) -> None:
    market.review("listing")
    market.import_rows([row(1), row(2)])

    assert bulk.brought_in("jsonl", bulk.exported("jsonl"))["counts"]["unchanged"] == 2


def test_nobody_reaches_anothers_product_by_its_id(market: Market, bulk: Bulk) -> None:
    product = market.create(title="Made by hand").json
    text = bulk.exported("jsonl").replace("LAMP-1", "BOB-1")

    report = market.import_rows([json.loads(text)], BOB)

    assert report["rows"][0]["productId"] != product["id"]
    assert market.vendor("GET", market.path(product)).json["title"] == "Made by hand"


def test_a_row_without_stock_leaves_stock_alone(market: Market, bulk: Bulk) -> None:
    market.import_rows([row(1)])
    silent = row(1, title="Renamed", variants=[variant("ROW-1", 1001)])

    assert market.import_rows([silent])["updated"] == 1
    assert market.anyone("GET", "/v1/products/lamp-no-1").json["variants"][0]["available"] == 5


def test_no_cell_of_an_export_is_a_formula(market: Market, bulk: Bulk) -> None:
    _stocked(market)

    for line in csv.reader(io.StringIO(bulk.exported("csv"))):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in line)


def test_an_export_is_the_vendors_own_and_its_cursor_is_signed(market: Market, bulk: Bulk) -> None:
    market.import_rows([row(n) for n in range(3)])

    assert bulk.call("GET", "products/export", vendor_id=BOB).status == 404
    answer = bulk.call("GET", "products/export?limit=2")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["link"].endswith('; rel="next"')
    assert bulk.call("GET", f"products/export?cursor={answer.headers['x-next-cursor'][:-3]}xyz").status == 400
    assert bulk.call("GET", "products/export?format=xml").status == 422


def test_a_page_that_would_be_too_large_is_shorter(market: Market, bulk: Bulk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "LARGEST", 2_000)
    market.import_rows([row(n, description="x" * 500) for n in range(20)])

    assert len(bulk.call("GET", "products/export").body) < 3_000
    assert len(bulk.exported("jsonl").splitlines()) == 20


def test_a_report_shows_no_formula(market: Market, bulk: Bulk) -> None:
    ended = bulk.brought_in("jsonl", lines(row(1, externalId="=1+1", title="")))

    assert codes(bulk.report(ended["id"])) == ["validation_error"]
    assert b",'=1+1," in bulk.file(ended["id"], "report.csv")


LINE = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs", "Zl", "Zp")), max_size=12)
CELL = st.one_of(
    LINE, st.sampled_from(["=1", "'", "''", "'=", "''=", "+", "-1", "@x", "'tis", "|", "[", '["a"]', "a|b"])
)


@given(texts=st.lists(CELL, min_size=1, max_size=5))
def test_every_text_comes_back_from_its_cell(texts: list[str]) -> None:
    written = sheets.written([texts])

    (cells,) = csv.reader(io.StringIO(written, newline=""))
    assert [sheets.plain("description", cell) for cell in cells] == texts
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


@given(
    tags=st.lists(CELL.filter(str.strip).map(str.strip), max_size=4, unique=True),
    alts=st.lists(CELL.map(str.strip), max_size=4),
    options=st.dictionaries(CELL.filter(str.strip), CELL.filter(str.strip), max_size=3),
    title=CELL.filter(str.strip).map(str.strip),
    amount=st.integers(1, 10**9),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
)
def test_every_row_comes_back_from_its_lines(
    tags: list[str], alts: list[str], options: dict[str, str], title: str, amount: int, currency: str
) -> None:
    one: dict[str, Any] = {"externalId": "x", "title": title, "category": "home>lamps"}
    price = {"amount": amount, "currency": currency}
    one |= {"variants": [{"sku": "A", "price": price} | ({"options": options} if options else {}), variant("B")]}
    one |= {"tags": tags} if tags else {}
    one |= {"images": [{"url": f"/media/{n}.png", "alt": alt} for n, alt in enumerate(alts)]} if alts else {}

    text = sheets.written([list(sheets.COLUMNS), *sheets.lines_of(one)])

    header, *cells = csv.reader(io.StringIO(text, newline=""))
    told = [{name: sheets.plain(name, cell) for name, cell in zip(header, line, strict=True)} for line in cells]
    assert sheets.row_of(told) == one
