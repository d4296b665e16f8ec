"""Two replicas and one Redis, each a process: what dies, stops or restarts is taken over."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving.adapters.redis import EmbeddedRedis
from tests.e2e.replica import LEASE_SECONDS, STORY

ROOT = Path(__file__).parents[2]
TAKEN_OVER_SECONDS = 10.0
"""A lease and a bit, on a busy machine."""
TRANSFER = '''
import asyncio
from pathlib import Path

from agent_serving import tool


@tool(effect="once", timeout=60)
async def transfer() -> str:
    """Move the money."""
    with Path({witness!r}).open("a") as file:
        file.write("x")
    await asyncio.sleep({seconds})
    return "moved"
'''


class Replica:
    def __init__(self, redis: str, folder: Path, tools: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._command = [
            sys.executable,
            "-m",
            "tests.e2e.replica",
            redis,
            str(self.port),
            str(tools),
        ]
        self.lease_seconds = LEASE_SECONDS
        self._log = folder / f"replica-{self.port}.log"
        self.http = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=60,
            trust_env=False,
            limits=httpx.Limits(max_keepalive_connections=0),
        )
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._launch()
        assert self.process is not None
        async with asyncio.timeout(60):
            while self.process.poll() is None:
                with contextlib.suppress(httpx.HTTPError):
                    if (await self.http.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)
        raise AssertionError(self._log.read_text())

    def _launch(self) -> None:
        with self._log.open("a") as log:
            command = [*self._command, str(self.lease_seconds)]
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=ROOT, start_new_session=True
            )

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def stop(self) -> None:
        """In good order."""
        assert self.process is not None
        self.signal(signal.SIGTERM)
        assert await asyncio.to_thread(self.process.wait, 60) == 0, self._log.read_text()

    async def aclose(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            await asyncio.to_thread(self.process.wait, 20)
        await self.http.aclose()

    async def get(self, path: str) -> Any:
        answer = await self.http.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def begin(self, text: str) -> str:
        """The path of a turn that runs here, of a session of its own."""
        body = {"agent": {"tools": ["transfer"]}, "input": text, "mode": "background"}
        answer = await self.http.post("/v1/sessions", json=body)
        assert answer.status_code == 202, answer.text
        opened = answer.json()
        return f"/v1/sessions/{opened['id']}/turns/{opened['turn']['id']}"

    async def settled(self, path: str) -> Any:
        async with asyncio.timeout(60):
            while (turn := await self.get(path))["status"] in ("queued", "in_progress"):
                await asyncio.sleep(0.02)
            return turn

    async def events(self, path: str) -> list[Any]:
        return await self.listed(f"{path.rpartition('/turns/')[0]}/events", "sequence")

    async def listed(self, path: str, cursor: str = "id") -> list[Any]:
        """Everything in a list, whatever number of pages it takes."""
        everything: list[Any] = []
        after = ""
        while True:
            page = await self.get(f"{path}?limit=100{after}")
            everything += page["data"]
            if not page["has_more"]:
                return everything
            after = f"&after={everything[-1][cursor]}"


class Deployment:
    def __init__(self, redis: EmbeddedRedis, folder: Path) -> None:
        self.witness = folder / "witness"
        self.witness.touch()
        self._tools = folder / "tools"
        self._tools.mkdir()
        self.transfer_takes(60)
        self.replicas = [Replica(redis.url, folder, self._tools) for _ in range(2)]

    def transfer_takes(self, seconds: float) -> None:
        """Of replicas that are started from here on."""
        body = TRANSFER.format(witness=str(self.witness), seconds=seconds)
        (self._tools / "transfer.py").write_text(body)

    def leases_last(self, seconds: float) -> None:
        """Of replicas that are started from here on."""
        for replica in self.replicas:
            replica.lease_seconds = seconds

    async def start(self) -> list[Replica]:
        await asyncio.gather(*(replica.start() for replica in self.replicas))
        return self.replicas

    async def paid(self) -> None:
        async with asyncio.timeout(20):
            while not self.witness.read_text():
                await asyncio.sleep(0.01)


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    redis = EmbeddedRedis(tmp_path / "redis")
    await redis.start()
    made = Deployment(redis, tmp_path)
    yield made
    for replica in made.replicas:
        await replica.aclose()
    await redis.stop()


async def said(replica: Replica, path: str) -> str:
    """The text that a follower has in the end."""
    text = ""
    for event in await replica.events(path):
        if event["type"] == "step.restarted":
            text = ""
        elif event["type"] == "output_text.delta":
            text += event["data"]["delta"]
    return text


async def streaming(replica: Replica, path: str) -> None:
    async with asyncio.timeout(20):
        while not await said(replica, path):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_replica_that_dies_or_stops_in_mid_stream_is_taken_over_in_time(
    deployment: Deployment, number: int
) -> None:
    first, second = await deployment.start()
    path = await first.begin("tell slowly")
    await streaming(second, path)
    first.signal(number)
    stopped = time.monotonic()
    async with asyncio.timeout(60):
        while not [e for e in await second.events(path) if e["type"] == "step.restarted"]:
            await asyncio.sleep(0.02)
    assert time.monotonic() - stopped < TAKEN_OVER_SECONDS
    assert (await second.settled(path))["status"] == "completed"
    assert await said(second, path) == STORY
    before = await second.events(path)
    sequences = [event["sequence"] for event in before]
    assert sequences == sorted(set(sequences))
    if number == signal.SIGSTOP:
        first.signal(signal.SIGCONT)
        await asyncio.sleep(1)
        assert await first.events(path) == before
        assert (await first.settled(await first.begin("tell")))["status"] == "completed"


async def test_a_once_call_of_a_replica_that_stopped_longer_than_its_lease_is_not_run_again(
    deployment: Deployment,
) -> None:
    first, second = await deployment.start()
    path = await first.begin("pay")
    await deployment.paid()
    first.signal(signal.SIGSTOP)
    turn = await second.settled(path)
    assert turn["status"] == "waiting"
    [asked] = turn["required_inputs"]
    assert asked["type"] == "in_doubt"
    first.signal(signal.SIGCONT)
    said = {"type": "in_doubt", "call_id": asked["call_id"], "resolution": "result"}
    body = {"inputs": [said | {"output": "it was moved"}]}
    answer = await second.http.post(f"{path}/inputs", json=body)
    assert answer.status_code < 300, answer.text
    for replica in (first, second):
        assert (await replica.settled(path))["status"] == "completed"
    assert deployment.witness.read_text() == "x"


async def run_turn(deployment: Deployment, text: str) -> str:
    """A turn as a client has it that tries again, as OpenAI's does: its last status, or what it
    could not cope with. It knows two addresses and nothing of who restarts."""
    session = path = None
    async with asyncio.timeout(60):
        while True:
            replica = random.choice(deployment.replicas)
            try:
                if session is None:
                    body: Any = {"agent": {"tools": ["transfer"]}}
                    answer = await replica.http.post("/v1/sessions", json=body)
                    if answer.status_code == 201:
                        session = f"/v1/sessions/{answer.json()['id']}"
                elif path is None:
                    answer = await replica.http.post(f"{session}/turns", json={"input": text})
                    if answer.status_code in (201, 202):
                        path = f"{session}/turns/{answer.json()['id']}"
                else:
                    answer = await replica.http.get(path)
                    if answer.json().get("status") in ("completed", "failed", "waiting"):
                        return str(answer.json()["status"])
                    await asyncio.sleep(0.05)
            except httpx.TransportError:
                # Refused, or closed before it was served: had it been served, the turn would come
                # twice, or the session be busy.
                await asyncio.sleep(0.05)
                continue
            if answer.status_code == 503:
                assert answer.headers["retry-after"] == "1"
                await asyncio.sleep(0.2)
            elif not answer.is_success:
                return answer.text


async def test_a_rolling_restart_under_load_fails_no_request_and_runs_nothing_twice(
    deployment: Deployment,
) -> None:
    deployment.transfer_takes(0.3)
    deployment.leases_last(10)  # nobody dies here, also where the machine stands still
    await deployment.start()
    outcomes: list[str] = []
    restarted = asyncio.Event()

    async def client(number: int) -> None:
        while not restarted.is_set():
            outcomes.append(await run_turn(deployment, "pay" if number % 2 else "tell"))

    clients = [asyncio.create_task(client(number)) for number in range(6)]
    await asyncio.sleep(1)
    for replica in deployment.replicas:
        await replica.stop()
        await replica.start()
    restarted.set()
    await asyncio.gather(*clients)
    assert set(outcomes) == {"completed"}
    sessions = await deployment.replicas[0].listed("/v1/sessions")
    assert {s["turn_count"] for s in sessions} <= {0, 1}
    assert sum(s["turn_count"] for s in sessions) == len(outcomes)
    paid = 0
    for session in sessions:
        items = await deployment.replicas[0].listed(f"/v1/sessions/{session['id']}/items")
        calls = [item for item in items if item["type"] == "tool_call"]
        assert len(calls) == len([item for item in items if item["type"] == "tool_result"])
        paid += len(calls)
    assert deployment.witness.read_text() == "x" * paid


async def test_a_batch_whose_replica_is_killed_is_finished_by_another(
    deployment: Deployment,
) -> None:
    first, second = await deployment.start()
    requests = [{"custom_id": f"row-{n}", "input": f"tell {n}"} for n in range(60)]
    answer = await first.http.post("/v1/batches", json={"agent": {}, "requests": requests})
    assert answer.status_code == 201, answer.text
    path = f"/v1/batches/{answer.json()['id']}"
    async with asyncio.timeout(30):
        while not (await second.get(path))["request_counts"]["completed"]:
            await asyncio.sleep(0.05)
    first.signal(signal.SIGKILL)
    left = (await second.get(path))["request_counts"]
    assert left["in_progress"] > 0
    async with asyncio.timeout(120):
        while (batch := await second.get(path))["ended_at"] is None:
            await asyncio.sleep(0.2)
    assert batch["request_counts"]["completed"] == 60
    rows = await second.listed(f"{path}/results", "custom_id")
    assert [row["custom_id"] for row in rows] == [row["custom_id"] for row in requests]
    assert {row["turn"]["output_text"] for row in rows} == {STORY}
    sessions = await second.listed("/v1/sessions")
    assert [session["turn_count"] for session in sessions] == [1] * 60
