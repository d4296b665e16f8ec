"""A reader who does what a page says, block by block, in one folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from tests.pages.page import ROOT, Block

ADDRESS = "http://127.0.0.1:8080"

COMMANDS = {
    "agent-serving": "from agent_serving.cli import main; main()",
    "pytest": "import sys, pytest; sys.exit(pytest.main())",
}
"""What a reader has on PATH, as Python."""

ASKS = re.compile(r"(agent-serving (?:trace|cost|chat|compare|soak|agents \w+))\b")
"""Commands that talk to a service; by default to the one at ADDRESS."""

Serving = Callable[[Path], AbstractContextManager[str]]
"""From the folder that the page's files are in to the address of a service that has them."""


class Reader:
    """`folder` is where files go and commands run. The service starts in front of the first thing
    that is run, with the files that are there by then."""

    def __init__(self, folder: Path, serving: Serving) -> None:
        folder.mkdir()
        self.folder = folder
        self.url: str | None = None
        self._serving = serving
        self._programs = folder.parent / "bin"
        self._programs.mkdir()
        for name, code in COMMANDS.items():
            program = self._programs / name
            program.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c '{code}' \"$@\"\n")
            program.chmod(0o755)

    def follow(self, page: Iterable[Block]) -> None:
        with ExitStack() as stack:
            for block in page:
                if block.name is not None:
                    self.write(block)
                    continue
                self.url = self.url or stack.enter_context(self._serving(self.folder))
                written = self.run(block)
                if block.printed is not None:
                    assert matches(block.printed, written), f"{block.place} wrote:\n{written}"
            # Files that are shown last have to be right, too.
            if self.url is None:
                stack.enter_context(self._serving(self.folder))

    def write(self, block: Block) -> None:
        assert block.name is not None
        path = self.folder / block.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code)

    def run(self, block: Block) -> str:
        """What the block writes to its output. Fails where it fails, or complains."""
        code = block.code.replace(ADDRESS, self.url or ADDRESS)
        if block.language == "bash":
            code = ASKS.sub(rf"\1 --url {self.url}", code)
        command = {
            "python": [sys.executable, "-W", "error", "-c", code],
            "bash": ["bash", "-euo", "pipefail", "-c", code],
        }[block.language]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True
        )
        assert done.returncode == 0, f"{block.place}\n{done.stdout}\n{done.stderr}"
        assert block.language == "bash" or done.stderr == "", f"{block.place}\n{done.stderr}"
        return done.stdout

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AGENT_SERVING", "PYTHON", "PYTEST", "OTEL"))
        }
        more = {
            "PATH": f"{self._programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTEST_ADDOPTS": "-p agent_serving.pytest_plugin -p no:cacheprovider",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }
        return kept | more | ({"AGENT_SERVING_URL": self.url} if self.url else {})


def matches(printed: str, written: str) -> bool:
    """Whether it is the same, where `…` stands for anything."""
    pattern = ".*".join(map(re.escape, printed.split("…")))
    return re.fullmatch(pattern, written, re.DOTALL) is not None
