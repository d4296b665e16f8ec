"""The site of docs/ can be built, and every page is in it; what code can tell is generated."""

from __future__ import annotations

import runpy
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from agent_serving.domain.feed import EventType
from tests.pages.page import DOCS, ROOT


def build(configuration: Path, site: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    command += ["--config-file", str(configuration), "--site-dir", str(site)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_the_site_is_built_without_a_warning_and_has_every_page(tmp_path: Path) -> None:
    done = build(ROOT / "mkdocs.yml", tmp_path)
    assert done.returncode == 0, done.stderr
    pages = [path.relative_to(DOCS).with_suffix("") for path in DOCS.rglob("*.md")]
    assert len(pages) > 30
    names = [page.parent if page.name in ("index", "README") else page for page in pages]
    assert [name for name in names if not (tmp_path / name / "index.html").is_file()] == []


def test_a_page_that_is_not_in_the_navigation_or_a_link_to_nowhere_stops_it(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("# Here\n[nowhere](index.md#there)\n")
    (tmp_path / "docs" / "forgotten.md").write_text("# Forgotten\n")
    whole = (ROOT / "mkdocs.yml").read_text()
    (tmp_path / "mkdocs.yml").write_text(whole.partition("nav:\n")[0] + "nav:\n  - index.md\n")
    done = build(tmp_path / "mkdocs.yml", tmp_path / "site")
    assert done.returncode == 1
    assert "forgotten.md" in done.stderr
    assert "#there" in done.stderr


@pytest.mark.parametrize("name", ["cli", "errors", "events"])
def test_a_page_of_the_reference_is_current(name: str) -> None:
    page = runpy.run_path(str(DOCS / f"generate_{name}.py"))["page"]()
    assert (DOCS / "reference" / f"{name}.md").read_text() == page


def test_every_type_of_event_is_explained_and_shown() -> None:
    events = runpy.run_path(str(DOCS / "generate_events.py"))
    assert events["MEANING"].keys() == events["examples"]().keys() == set(get_args(EventType))
