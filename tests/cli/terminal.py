"""A command in a terminal of its own, as a person has it: what they type, and what they see."""

from __future__ import annotations

import asyncio
import codecs
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.cli.conftest import COMMAND, clean_environment

CTRL_C, CTRL_D, UP, ENTER, ALT_ENTER = "\x03", "\x04", "\x1b[A", "\r", "\x1b\r"
PROMPT = r"you $"
SECONDS = 60
"""After which nothing more is expected."""
SAMPLES = 15


class Terminal:
    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self.seen = ""
        self._at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def say(self, text: str) -> None:
        self.type(text + ENTER)

    async def until(self, pattern: str) -> str:
        """What was written since the last time, up to the end of the pattern."""
        while (found := re.compile(pattern).search(self.seen, self._at)) is None:
            read = await asyncio.to_thread(self._read)
            assert read, f"{pattern!r} was not written:\n{self.seen[self._at :]}"
            self.seen += read
        begin, self._at = self._at, found.end()
        return self.seen[begin : self._at]

    async def waits_for_a_key(self) -> None:
        """Once it sleeps, and goes on sleeping: who is busy, or gets no processor, does not."""
        asleep, stat = 0, Path(f"/proc/{self.process.pid}/stat")
        async with asyncio.timeout(SECONDS):
            while asleep < SAMPLES:
                asleep = asleep + 1 if stat.read_text().rpartition(")")[2].split()[0] == "S" else 0
                await asyncio.sleep(0.02)

    async def ended(self) -> str:
        """What was written last; the program is over."""
        rest = self.seen[self._at :]
        while read := await asyncio.to_thread(self._read):
            rest += read
        await asyncio.to_thread(self.process.wait, SECONDS)
        return rest

    def _read(self) -> str:
        """Empty where nobody writes any more, or has written for a long time."""
        text = ""
        while not text and select.select([self._master], [], [], SECONDS)[0]:
            try:
                text = self._decoder.decode(os.read(self._master, 65_536))
            except OSError:  # nobody has the other end
                break
        # What readline writes to tell pasted text, and to begin a line, is not seen.
        return re.sub(r"\x1b\[\?2004[hl]\r?", "", text).replace("\r\n", "\n")


def _started(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], slave: int
) -> subprocess.Popen[bytes]:
    """The first terminal that the leader of a session opens is the one whose Ctrl-C it gets."""
    opening = 'tty="$1"; shift; exec "$@" < "$tty" > "$tty" 2>&1'
    return subprocess.Popen(
        ["sh", "-c", opening, "sh", os.ttyname(slave), *COMMAND, *arguments],
        stdin=slave,
        cwd=folder,
        env=clean_environment(TERM="xterm", **environment),
        start_new_session=True,
    )


def plain(text: str) -> str:
    """Without colours and the like."""
    return re.sub(r"\x1b\[[\d;]*m", "", text)


@asynccontextmanager
async def terminal(*arguments: str, folder: Path, **environment: str) -> AsyncIterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    process = _started(arguments, folder, environment, slave)
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(master)
