"""The tutorial goes as it is told, with the demo model on the real SGLang."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.conftest import COMMAND, clean_environment, read_until
from tests.pages.page import blocks
from tests.pages.reader import Reader
from tests.pages.test_pages import runs


def test_the_tutorial_goes_as_it_is_told(tmp_path: Path, engine_url: str) -> None:
    @contextmanager
    def serving(folder: Path) -> Iterator[str]:
        [up] = [b.code for b in blocks("tutorial.md") if b.code.startswith("agent-serving up ")]
        flags = up.removeprefix("agent-serving up ").split()
        with subprocess.Popen(
            [*COMMAND, "serve", "--engine", engine_url, "--port", "0", *flags],
            cwd=folder,
            env=clean_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield read_until(process, r"serving (http://[\d.:]+)")[1]
            finally:
                process.terminate()

    Reader(tmp_path / "here", serving).follow(filter(runs, blocks("tutorial.md")))
