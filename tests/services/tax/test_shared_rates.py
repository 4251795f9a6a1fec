"""Every dated rate that others wrote down is ours too, on its first day, in its middle and on its last.

Where the sources contradict each other, or the law, one of them was chosen: each such row is named here, with why.
"""

import pytest

from tests.services.tax import shared
from tests.services.tax.shared import Row

_LOCAL_TAX = "the source knows VAT of the mother country only; the place has a tax of its own"
_SHARED_CODE = "the postal code is that of towns inside the VAT area too; the exempt one has a code of its own now"
_FROZEN = "the source was not kept up: the rate has changed since"
_AZORES = "18 % from 2014 on, 16 % before and again since 2021-07-01 (regional decree 15-A/2021/A)"
_IGIC = "the Canary Islands' own tax is not VAT, and not ours to collect"
_STATE = "the source was not kept up; the state's department of revenue says another rate"
_NOT_BEGUN = "the Gulf states agreed on 5 %, but here it has not begun"

KDELDYCKE = {
    "AI 2011-01-04": _LOCAL_TAX,
    "AW 2012-10-01": _LOCAL_TAX,
    "CW 2012-10-01": _LOCAL_TAX,
    "IT-22060 2013-10-01": _SHARED_CODE,
    "IT-23030 2013-10-01": _SHARED_CODE,
    "JE 2011-01-04": _LOCAL_TAX,
    "NL-AW 2012-10-01": _LOCAL_TAX,
    "NL-CW 2012-10-01": _LOCAL_TAX,
    "PT-20 2011-01-01": _AZORES,
    "PT-30 2011-01-01": "Madeira went from 16 % to 22 % on 2012-04-01",
    "RU 2017-01-01": _FROZEN,
    "ZA 2014-06-01": _FROZEN,
}
IBERICODE = {
    "Azores PT-95000 2025-09-01": _AZORES,
    "Azores PT-96000 2025-09-01": _AZORES,
    "Azores PT-97000 2025-09-01": _AZORES,
    "Azores PT-98000 2025-09-01": _AZORES,
    "Azores PT-99000 2025-09-01": _AZORES,
    "parking LU 2015-01-01": "the parking rate was 14 % from 2015 to 2022",
    "parking LU 2016-01-01": "the parking rate was 14 % from 2015 to 2022",
    "reduced1 GR 2015-12-31": "6.5 % ended on 2015-07-20",
    "reduced2 GR 2016-01-01": "13 %; 13.5 % is Ireland's",
}
SALES_TAX = {
    **dict.fromkeys((f"{country} 2025-09-01" for country in ("BH", "BS", "EC", "LI", "LK", "PK")), _FROZEN),
    **dict.fromkeys(("ES-GC 2025-09-01", "ES-TF 2025-09-01"), _IGIC),
    **dict.fromkeys(("KW 2025-09-01", "QA 2025-09-01"), _NOT_BEGUN),
    **dict.fromkeys(
        (f"US-{state} 2025-09-01" for state in ("AR", "AZ", "CA", "CT", "LA", "ME", "NC", "NJ", "NM", "OH", "SD")),
        _STATE,
    ),
    **dict.fromkeys(("US-UT 2025-09-01", "US-VA 2025-09-01"), "what counts in the whole state belongs to it"),
    "RO 2025-08-01": "law 141/2025 is in force from the 1st of August, not the 2nd",
    "TH 2023-09-01": "10 % by law, but 7 % by decrees that are renewed every year",
}


@pytest.mark.contract("13.1")
def test_every_dated_rate_of_the_kdeldycke_table_is_ours() -> None:
    _compare("kdeldycke", shared.kdeldycke(), KDELDYCKE, least=300)


@pytest.mark.contract("13.1")
def test_every_rate_and_exception_of_the_ibericode_table_is_ours() -> None:
    _compare("ibericode", shared.ibericode(), IBERICODE, least=200)


@pytest.mark.contract("13.1")
def test_every_country_state_and_earlier_rate_of_the_sales_tax_table_is_ours() -> None:
    rows = shared.sales_tax()
    states = {row.place.region for row in rows if row.place.country == "US" and row.place.region}
    assert (len({row.place.country for row in rows}), len(states)) == (128, 46), "the other states have no sales tax"
    _compare("sales-tax", rows, SALES_TAX, least=180)


def _compare(source: str, rows: list[Row], known: dict[str, str], *, least: int) -> None:
    """The differing rows are exactly those that are known; an exception that is none any more is struck out."""
    assert len(rows) >= least, "the source is not whole"

    differing = {str(row): list(row.differences()) for row in rows if any(row.differences())}

    excused = {f"{source} {name}" for name in known}
    surprises = [line for name, lines in differing.items() if name not in excused for line in lines]
    assert not surprises, "\n".join(surprises)
    assert excused <= differing.keys(), f"no longer different: {sorted(excused - differing.keys())}"
