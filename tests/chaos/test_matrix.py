"""The matrix in the documents is one of all faults, and of a campaign without a loss."""

from __future__ import annotations

from pathlib import Path

from tests.chaos.campaign import Row
from tests.chaos.faults import FAULTS
from tests.chaos.matrix import HEAD, table

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
COLUMNS = [name.strip() for name in HEAD.splitlines()[0].strip("|").split("|")]
MUST_BE_ZERO = ("lost", "not completed", "duplicated", "unpaired", "gaps")


def documented() -> list[dict[str, str]]:
    lines = PAGE.read_text().split(HEAD)[1].split("\n\n")[0].strip().splitlines()
    cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def test_the_page_has_a_row_for_each_fault() -> None:
    assert [row["fault"] for row in documented()][: len(FAULTS)] == [f.name for f in FAULTS]


def test_the_page_tells_of_five_hundred_turns_and_of_no_loss() -> None:
    assert sum(int(row["turns"]) for row in documented()) >= 500
    assert {row[name] for row in documented() for name in MUST_BE_ZERO} == {"0"}
    assert all(int(row["times"]) > 0 for row in documented())


def test_a_row_is_shown_with_its_slowest_recovery() -> None:
    row = Row("a fault", 2, 12, 0, 0, 0, 0, 0, (0.5, 2.25), 3, 4)
    assert (
        table([row]).splitlines()[2] == "| a fault | 2 | 12 | 0 | 0 | 0 | 0 | 0 | 3 | 4 | 2.25 s |"
    )
