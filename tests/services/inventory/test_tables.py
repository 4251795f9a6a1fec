"""Stock as a table: sent as CSV, line by line with what became of each, and read in the form in which it is sent."""

import csv
import io
from typing import Any

import pytest

from inventory import api, tables
from tests import shop
from tests.http import Response, call
from tests.services.inventory import depots
from tests.services.inventory.books import VENDOR, present
from tests.services.inventory.test_upkeep import vendor

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.contract("7.4", "7.5")]
PATH = f"/v1/vendors/{VENDOR}/inventory/table"


def send(table: str, query: dict[str, Any] | None = None, **who: Any) -> Response:
    who = who or {"caller": "usr_ada", "roles": "vendor", "vendor_id": VENDOR}
    return call(api.handler, "POST", PATH, table, query=query, headers={"content-type": "text/csv"}, **who)


def told(answer: Response) -> list[tuple[Any, ...]]:
    assert answer.status == 200, answer
    return [
        (one["row"], one["sku"], one["outcome"], one.get("available", one.get("code"))) for one in answer.json["items"]
    ]


def test_each_line_of_a_table_stands_alone() -> None:
    for sku in ("LAMP", "CHAIR", "DESK"):
        shop.stock(sku, 5)
    shop.stock("VASE", 5, vendor="ven_bob")
    table = (
        "\ufeffsku,available,expected,adjust,reason,reference\r\n"
        'LAMP,9,5,,"counted, ""twice""\r\nby hand",\r\n'
        "\r\n"
        "CHAIR,,,'-3,,delivery-7\r\n"
        "DESK,7,6,,,\r\n"
        "VASE,,,1,,\r\n"
        "DESK,many,,,,\r\n"
        "=HYPERLINK(1),1,,,,\r\n"
        "DESK,,,,,\r\n"
        "DESK,1,,,,,too much\r\n"
        "DESK,-1,,,,\r\n"
        "DESK,1,,1,,\r\n"
    )
    expected = [
        (0, "LAMP", "refused", "bad_line"),
        (1, "CHAIR", "changed", 2),
        (2, "DESK", "refused", "stock_changed"),
        (3, "VASE", "refused", "not_found"),
        (4, "DESK", "refused", "bad_line"),
        (5, "=HYPERLINK(1)", "refused", "bad_line"),
        *((number, "DESK", "refused", "bad_line") for number in range(6, 10)),
    ]
    answer = send(table)
    assert told(answer) == expected
    assert "available: 'many' is not a whole number" in [one.get("detail") for one in answer.json["items"]]
    assert (present("LAMP").available, present("CHAIR").available, present("DESK").available) == (5, 2, 5)
    again = send(table.replace("\r\nby hand", " by hand").replace(",", ";").replace('"counted; ', '"counted, '))
    assert told(again)[:2] == [(0, "LAMP", "changed", 9), (1, "CHAIR", "unchanged", None)]
    assert vendor("GET", "inventory/LAMP/journal").json["items"][0]["reason"] == 'counted, "twice" by hand'


def test_a_table_is_read_in_the_form_in_which_it_is_sent_back() -> None:
    shop.stock("LAMP", 10)
    shop.stock("CHAIR", 3)
    depots.store("LAMP", wh_a=4)
    answer = vendor("GET", "inventory", query={"format": "csv", "limit": "1"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rest = vendor("GET", "inventory", query={"format": "csv", "cursor": answer.headers["next-cursor"]})
    table = answer.body + rest.body
    lines = list(csv.reader(io.StringIO(table)))
    assert lines == [
        ["sku", "place", "available", "expected"],
        ["CHAIR", "", "3", "3"],
        ["LAMP", "", "6", "6"],
        ["LAMP", "wh_a", "4", "4"],
    ]
    assert "next-cursor" not in rest.headers
    assert told(send(table))[:2] == [(0, "CHAIR", "changed", 3), (1, "LAMP", "changed", 10)]
    assert told(send(table.replace("6,6", "7,5")))[1] == (1, "LAMP", "refused", "stock_changed")


def test_a_long_table_is_worked_off_a_hundred_lines_a_request() -> None:
    shop.stock("LAMP", 0)
    table = "sku,adjust,reference\n" + "".join(f"LAMP,1,box-{number}\n" for number in range(103))
    first = send(table)
    assert (len(first.json["items"]), first.json["nextRow"]) == (100, 100)
    last = send(table, {"row": "100"})
    assert told(last) == [(100, "LAMP", "changed", 101), (101, "LAMP", "changed", 102), (102, "LAMP", "changed", 103)]
    assert "nextRow" not in last.json
    assert told(send(table, {"row": "103"})) == []


def test_what_is_no_table_is_refused_as_a_whole() -> None:
    hostile = (
        b"",
        b"sku,available\n",
        b"available\n1\n",
        b"sku,available,price\nLAMP,1,2\n",
        b"sku,sku\nLAMP,LAMP\n",
        b"LAMP,1\n",
        "sku,available\nLAMP,1\n".encode("utf-16"),
        b"sku,available\nLAMP\xff,1\n",
        b'sku,available,reason\nLAMP,5,"broken\nSHADE,7,\n',
        b'sku,available\n"' + b"A" * 140_000 + b'",1\n',
        b"\0" * 1_000,
    )
    for table in hostile:
        with pytest.raises(tables.NotATable):
            tables.read(table, first=0, limit=100)
    answer = send('{"rows": [{"sku": "LAMP", "adjust": 1}]}')
    assert (answer.status, answer.json["code"]) == (422, "not_a_table"), answer


def test_a_table_too_large_is_refused_unread() -> None:
    assert send("sku,available\n" + "LAMP,1\n" * 40_000).status == 413


def test_only_the_vendor_and_staff_send_one_and_only_to_warehouses_that_are_there() -> None:
    shop.stock("LAMP", 5)
    table = f"sku,place,adjust\nLAMP,wh_{'0' * 26},1\nLAMP,,2\n"
    assert told(send(table)) == [(0, "LAMP", "refused", "not_found"), (1, "LAMP", "changed", 7)]
    assert send(table, caller="usr_bob", roles="vendor", vendor_id="ven_bob").status == 404
