"""The documents say what the code says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from agent_serving.domain.session import OPEN, TERMINAL, TurnStatus

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])


def diagram() -> dict[str, set[str]]:
    """From each status to those that may follow, as docs/architecture.md draws it."""
    text = (DOCS / "architecture.md").read_text().split("## What a turn can be")[1].split("```")[1]
    rows = (line.split("->") for line in text.strip().splitlines())
    return {row[0].strip(): set(row[1].replace(" ", "").split(",")) for row in rows}


def test_the_diagram_has_every_status_of_a_turn_and_no_other() -> None:
    drawn = diagram()
    assert drawn.keys() - {"[new]"} == set(get_args(TurnStatus))
    assert set().union(*drawn.values()) - {"[end]"} <= set(get_args(TurnStatus))


def test_the_diagram_ends_where_a_turn_is_terminal() -> None:
    assert {status for status, after in diagram().items() if after == {"[end]"}} == TERMINAL


def test_in_the_diagram_a_turn_under_way_may_end_in_every_way() -> None:
    drawn = diagram()
    assert all(drawn[status] >= TERMINAL for status in OPEN)
    assert drawn["queued"] & TERMINAL == {"cancelled"}


def test_the_way_of_a_turn_has_eight_lines_and_names_files_that_exist() -> None:
    text = (DOCS / "architecture.md").read_text().split("## One turn")[1].split("##")[0]
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 8
    named = re.findall(r"`(agent_serving/[^`]+)`", text)
    assert len(named) >= 16
    assert [name for name in named if not (ROOT / name).is_file()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_the_documents_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_decision_is_in_the_index() -> None:
    records = {path.name for path in (DOCS / "adr").glob("[0-9]*.md")}
    assert records == set(re.findall(r"\((\d{4}-[^)]+)\)", (DOCS / "adr/README.md").read_text()))


def test_every_floor_of_the_contract_is_in_the_architecture() -> None:
    floors = re.search(r'id = "floors".*?layers = \[(.*?)\]', _pyproject(), re.DOTALL)
    assert floors is not None
    page = (DOCS / "architecture.md").read_text().split("```")[1]
    for name in re.findall(r"\w+", floors[1]):
        assert re.search(rf"^{name} ", page, re.MULTILINE), name


def _pyproject() -> str:
    return (ROOT / "pyproject.toml").read_text()


def test_the_page_on_security_names_tests_that_exist() -> None:
    page = (DOCS / "security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) >= 15
    assert [n for n in named if f"def {n[1]}(" not in (ROOT / n[0]).read_text()] == []


def test_the_page_on_reliability_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (DOCS / "reliability.md").read_text())
    assert len(named) >= 20
    assert [name for name in named if not (ROOT / name).exists()] == []
