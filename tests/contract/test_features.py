"""The list of features and the tests agree; the tool tells the truth about both."""

from pathlib import Path

import pytest

from tools import contract

LIST = """# Features

## 7. Inventory

| id | feature | status |
|---|---|---|
| 7.1 | Stock per place | not yet |
| 7.2 | Holds | proved by 9 tests; open: the sweep |

## 8. Prices

| id | feature | status |
|---|---|---|
| 8.1 | Base price | not yet |
"""
OUTCOMES = {
    "7.1": {"tests/a.py::one": "passed"},
    "7.2": {"tests/a.py::one": "passed", "tests/a.py::two": "passed"},
    "8.1": {"tests/a.py::three": "skipped"},
}


def test_no_test_names_an_unknown_feature() -> None:
    found = list(contract.mistakes(contract.FEATURES.read_text(), contract.TESTS, None))

    assert not found, "\n" + "\n".join(found)


def test_every_section_and_feature_is_listed_once_and_in_order() -> None:
    listed = contract.features(contract.FEATURES.read_text())
    numbers = [tuple(map(int, feature.id.split("."))) for feature in listed]

    assert numbers == sorted(set(numbers))
    assert {section for section, _ in numbers} == set(range(1, 27))
    assert all(feature.section.split()[0] == feature.id.split(".")[0] for feature in listed)
    assert len({feature.text for feature in listed}) == len(listed)


def test_the_status_is_written_as_the_tests_left_it_and_remarks_stay() -> None:
    written = contract.with_statuses(LIST, OUTCOMES)

    assert "| 7.1 | Stock per place | proved by 1 test |" in written
    assert "| 7.2 | Holds | proved by 2 tests; open: the sweep |" in written
    assert "| 8.1 | Base price | not yet |" in written
    assert contract.with_statuses(written, OUTCOMES) == written


def test_a_failing_test_outweighs_passing_ones() -> None:
    assert contract.status({"a": "passed", "b": "failed"}) == "failing: 1 of 2 tests"
    assert contract.status({"a": "skipped"}) == contract.NOT_YET


def test_the_summary_counts_by_section() -> None:
    lines = list(contract.summary(LIST, OUTCOMES))

    assert [line for line in lines if not line.startswith(" ")] == [
        "7 Inventory: 2 of 2",
        "8 Prices: 0 of 1",
        "\n2 of 3 features have passing tests, 3 in all",
    ]


def test_an_unknown_feature_is_reported_with_its_place(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    mark = "pytest.mark." + "contract"
    (tests / "test_x.py").write_text(
        f'import pytest\n\n@{mark}("7.1", "7.9")\ndef test_x(): ...\npytestmark = {mark}(ID)\n'
    )

    assert list(contract.mistakes(LIST, tests, None)) == [
        "tests/test_x.py:3 names the feature 7.9, which docs/features.md does not list",
        "tests/test_x.py:5 names the feature ID, which docs/features.md does not list",
    ]


def test_a_claim_without_a_passing_test_is_reported(tmp_path: Path) -> None:
    (found,) = contract.mistakes(LIST, tmp_path, {"7.2": {"tests/a.py::one": "failed"}})

    assert found == "docs/features.md claims that 7.2 is proved by 9 tests; no passing test says so"


def test_without_a_report_the_tool_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert contract.main(["--report", str(tmp_path / "none.json")]) == 1
    assert "--contract-report" in capsys.readouterr().out
