"""What the pages show works as it is shown: files are loaded, programs and commands are run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent_serving.config import load
from tests.pages.page import DOCS, Block, blocks
from tests.pages.reader import Reader, matches
from tests.pages.script import scripted

PAGES = ["tutorial.md"]

NOT_RUN = {
    "tutorial.md": {
        "python3 -m venv .venv": "installs from the index",
        "agent-serving up --tools tools --agents agents": "the test starts what it starts",
        ". .venv/bin/activate": "the test's environment is active",
    },
}
"""By page, the first lines of the blocks that no test runs, each with the reason."""


def runs(block: Block) -> bool:
    return block.first_line not in NOT_RUN.get(block.page, {})


@pytest.mark.parametrize("page", PAGES)
def test_who_does_what_a_page_says_gets_what_it_shows(page: str, tmp_path: Path) -> None:
    Reader(tmp_path / "here", scripted).follow(filter(runs, blocks(page)))


@pytest.mark.parametrize("page", NOT_RUN)
def test_what_is_not_run_is_there(page: str) -> None:
    assert {block.first_line for block in blocks(page)} >= NOT_RUN[page].keys()
