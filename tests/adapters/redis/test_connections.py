"""What the Redis adapter does when connections break, answers get lost, or passwords are wrong."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from agent_serving.adapters.redis import EmbeddedRedis, RedisSessionStore, gateway
from agent_serving.domain.errors import InvalidRequest, StaleWriter, StoreUnavailable
from agent_serving.ports import LiveEntry
from tests.contracts.appends import fact, new_session
from tests.contracts.stores import Server, TcpRedis, system_server


class Wire:
    """A socket in front of the server that can swallow an answer and hang up."""

    def __init__(self, server: Path, path: Path) -> None:
        self._server = server
        self._path = path
        self._listener: asyncio.Server | None = None
        self.swallow = False
        self.swallowed = 0
        self._open = 0

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    async def __aenter__(self) -> Wire:
        self._listener = await asyncio.start_unix_server(self._serve, self._path)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._listener is not None
        self._listener.close()
        for _ in range(2000):
            if not self._open:
                return
            await asyncio.sleep(0.01)
        raise AssertionError("a connection is still open")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_unix_connection(self._server)
        self._open += 1

        async def ask() -> None:
            while data := await reader.read(65536):
                up_writer.write(data)
            up_writer.close()

        asking = asyncio.create_task(ask())
        try:
            while data := await up_reader.read(65536):
                if self.swallow:
                    self.swallow = False
                    self.swallowed += 1
                    break
                writer.write(data)
        finally:
            asking.cancel()
            for each in (up_writer, writer):
                each.close()
                with contextlib.suppress(OSError):
                    await each.wait_closed()
            self._open -= 1


@pytest.fixture(scope="module")
async def embedded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRedis]:
    redis = EmbeddedRedis(tmp_path_factory.mktemp("wire"))
    await redis.start()
    yield redis
    await redis.stop()


@pytest.fixture
async def wire(embedded: EmbeddedRedis, tmp_path: Path) -> AsyncIterator[Wire]:
    async with Wire(embedded.socket, tmp_path / "wire.sock") as wire:
        yield wire


@pytest.fixture
async def frail(wire: Wire, prefix: str) -> AsyncIterator[RedisSessionStore]:
    """A store whose answers can get lost."""
    store = RedisSessionStore.connect(wire.url, prefix=prefix)
    await store.ping()
    yield store
    await store.aclose()


async def test_an_append_whose_answer_was_lost_is_there_once(
    frail: RedisSessionStore, wire: Wire
) -> None:
    session = new_session()
    for version in range(4):
        wire.swallow = True
        append = fact(session, version, width=2, tokens=(version,), open=version % 2 == 0)
        assert await frail.append(append) == 1 + 2 * version
    assert wire.swallowed == 4
    stored = await frail.load(session)
    assert stored is not None
    assert stored.facts == tuple(fact(session, version).fact for version in range(4))
    assert await frail.tokens(session) == [0, 1, 2, 3]
    assert await frail.open_sessions() == []


async def test_a_lost_answer_does_not_let_an_equal_fact_of_another_writer_pass_for_ours(
    frail: RedisSessionStore, wire: Wire
) -> None:
    session = new_session()
    await frail.append(fact(session, 0))
    wire.swallow = True
    with pytest.raises(StaleWriter):
        await frail.append(fact(session, 0))
    assert wire.swallowed == 1


async def test_deltas_and_agents_whose_answer_was_lost_are_there_once(
    frail: RedisSessionStore, wire: Wire
) -> None:
    session = new_session()
    await frail.append(fact(session, 0))
    wire.swallow = True
    await frail.publish(session, [b"a", b"b"])
    assert await frail.read(session, 1) == [LiveEntry(2, b"a"), LiveEntry(3, b"b")]
    for version in (1, 2):
        wire.swallow = True
        put = frail.put_agent("acme", b"same", agent_id="agent_1", name="clerk")
        assert (await put).version == version
    assert wire.swallowed == 3
    assert len(await frail.agent_versions("acme", "clerk")) == 2


async def test_a_server_that_hangs_is_reported_in_time(
    embedded: EmbeddedRedis, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway, "_SOCKET_TIMEOUT", 0.2)
    store = RedisSessionStore.connect(embedded.url, prefix=prefix)
    session = new_session()
    await store.append(fact(session, 0))
    pid = embedded.pid
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.load(session)
        with pytest.raises(StoreUnavailable):
            await store.read(session, 1, block_ms=100)
        assert time.monotonic() - started < 20
    finally:
        os.kill(pid, signal.SIGCONT)
    assert await store.load(session) is not None
    await store.aclose()


async def test_more_calls_than_connections_wait_their_turn(
    embedded: EmbeddedRedis, prefix: str
) -> None:
    store = RedisSessionStore.connect(embedded.url, prefix=prefix, max_connections=2)
    sessions = [new_session() for _ in range(100)]
    await asyncio.gather(*(store.append(fact(session, 0)) for session in sessions))
    loaded = await asyncio.gather(*(store.load(session) for session in sessions))
    assert all(loaded)
    await store.aclose()


async def test_a_url_may_have_what_a_pool_that_waits_takes(
    embedded: EmbeddedRedis, prefix: str
) -> None:
    store = RedisSessionStore.connect(f"{embedded.url}?timeout=3", prefix=prefix)
    assert await store.append(fact(new_session(), 0)) == 1
    await store.aclose()


async def test_a_wrong_password_is_named_but_not_shown(tmp_path: Path) -> None:
    server = TcpRedis(tmp_path)
    await server.start()
    wrong = server.url.replace("correct", "hunter2")
    store = RedisSessionStore.connect(wrong)
    with pytest.raises(StoreUnavailable, match="refused the user or the password") as refused:
        await store.ping()
    assert "hunter2" not in refused.value.message
    await store.aclose()
    await server.stop()


@pytest.mark.parametrize(
    "url",
    [
        "http://x:hunter2@y",
        "",
        "redis://x:hunter2@y:port",
        "redis://:hunter2@y?db=x",
        "redis://:hunter2@y?nonsense=1",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(InvalidRequest, match="URL cannot be read") as refused:
        RedisSessionStore.connect(url)
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize("protocol", [2, 3])
async def test_a_client_of_either_protocol_serves(
    server: Server, prefix: str, protocol: int
) -> None:
    store = RedisSessionStore(Redis.from_url(server.url, protocol=protocol), prefix)
    session = new_session()
    await store.append(fact(session, 0, open=True))
    await store.publish(session, [b"a"])
    assert [entry.sequence for entry in await store.read(session, 0)] == [1, 2]
    assert await store.read(session, 2, block_ms=20) == []
    assert len(await store.read(session, 1, block_ms=20)) == 1
    assert await store.open_sessions() == [session]
    assert (await store.ping())["persistence"]["appendonly"] is True
    await store.aclose()


async def test_a_client_that_decodes_is_refused(server: Server) -> None:
    client = Redis.from_url(server.url, decode_responses=True)
    with pytest.raises(InvalidRequest, match="decode_responses"):
        RedisSessionStore(client)
    await client.aclose()


def tls_server(folder: Path, port: int, certificate: Path) -> subprocess.Popen[bytes]:
    """A `redis-server` that speaks only TLS, with a certificate made for it."""
    key = folder / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(
        [*make, *names, "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    tls = ["--tls-port", str(port), "--tls-cert-file", str(certificate)]
    tls += ["--tls-key-file", str(key), "--tls-auth-clients", "no"]
    command = [system_server(), "--port", "0", "--bind", "127.0.0.1", *tls, "--save", ""]
    return subprocess.Popen([*command, "--dir", str(folder)], stdout=subprocess.DEVNULL)


async def test_tls_is_spoken_where_the_url_says_so(tmp_path: Path, prefix: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    certificate = tmp_path / "certificate.pem"
    process = tls_server(tmp_path, port, certificate)
    store = RedisSessionStore.connect(
        f"rediss://127.0.0.1:{port}?ssl_ca_certs={certificate}", prefix=prefix
    )
    stranger = RedisSessionStore.connect(f"rediss://127.0.0.1:{port}", prefix=prefix)
    try:
        assert await _address_once_up(store) == f"rediss://127.0.0.1:{port}/0"
        assert await store.append(fact(new_session(), 0)) == 1
        with pytest.raises(StoreUnavailable, match="certificate"):
            await stranger.ping()
    finally:
        await store.aclose()
        await stranger.aclose()
        process.terminate()
        process.wait(10)


async def _address_once_up(store: RedisSessionStore) -> str:
    for _ in range(50):
        try:
            return str((await store.ping())["address"])
        except StoreUnavailable:
            await asyncio.sleep(0.05)
    return "it did not come up"


async def test_a_caller_that_is_cancelled_is_never_answered_instead(
    store: RedisSessionStore,
) -> None:
    """At whatever moment it comes: a cancellation that gets lost leaves a task that never ends."""
    seen = {"cancelled": 0, "lost": 0}
    session = new_session()
    await store.append(fact(session, 0))
    for round_number in range(2000):
        call = asyncio.create_task(store.acquire_lease(session, "me", 1000))
        for _ in range(round_number % 13):
            await asyncio.sleep(0)
        if round_number % 2:
            await asyncio.sleep((round_number % 97) * 1e-5)
        if not call.cancel():
            continue
        await asyncio.wait({call})
        seen["cancelled" if call.cancelled() else "lost"] += 1
    assert seen["cancelled"] > 100
    assert seen["lost"] == 0
