"""Run a long command: its lines go to a log and a callback, and a failure shows the last ones."""

import os
import selectors
import subprocess
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from agent_serving.local.errors import LocalEngineError

Progress = Callable[[str], None]

SHOWN_LINES = 40


def run_logged(
    command: Sequence[str],
    *,
    what: str,
    log: Path,
    on_line: Progress,
    on_quiet: Callable[[], None],
    environment: Mapping[str, str] | None = None,
    quiet_seconds: float = 5.0,
) -> None:
    """Run ``command`` to its end, appending its output to ``log``.

    ``on_line`` gets every line; ``on_quiet`` is called after each ``quiet_seconds`` without one, so
    that a person can be shown that work goes on. The command does not outlive an exception
    raised here. Raises LocalEngineError, naming ``what`` and showing the last 40 lines, when it
    exits with another status than 0.
    """
    tail: deque[str] = deque(maxlen=SHOWN_LINES)
    with (
        log.open("a", encoding="utf-8") as record,
        subprocess.Popen(  # noqa: S603 - the command is built by this package, without a shell
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
        ) as process,
    ):
        try:
            for line in _lines(process, quiet_seconds):
                if line is None:
                    on_quiet()
                else:
                    tail.append(line)
                    record.write(line + "\n")
                    on_line(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        shown = "\n".join(f"  {line}" for line in tail)
        raise LocalEngineError(
            f"{what} failed with status {process.returncode}. Its last lines (all are in {log}):\n"
            f"{shown}"
        )


def _lines(process: subprocess.Popen[bytes], quiet_seconds: float) -> Iterator[str | None]:
    """Yield the lines of a process's output; None for each ``quiet_seconds`` without output."""
    assert process.stdout is not None
    pending = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(quiet_seconds):
                yield None
                continue
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            *complete, pending = (pending + chunk).split(b"\n")
            yield from (line.decode(errors="replace").rstrip() for line in complete)
    if pending:
        yield pending.decode(errors="replace").rstrip()


def tail_of(log: Path, lines: int = SHOWN_LINES) -> str:
    """Return the last ``lines`` lines of a log, indented; empty where there is none."""
    if not log.exists():
        return ""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"  {line}" for line in text)
