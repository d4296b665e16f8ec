"""Where things are, a tenant is not told: addresses, paths, and why something is down."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent_serving import bootstrap
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.config import Settings
from agent_serving.domain.access import Scope
from agent_serving.domain.mcp import McpServer
from agent_serving.testing import ScriptedEngine
from tests.api.conftest import Serve, error_of
from tests.api.keyed import keyed

PROGRAM = "/no/such/program"
ENGINE = "http://10.9.8.7:30000/inside"
LISTING = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/list",
    "params": {"_meta": {"io.modelcontextprotocol/protocolVersion": "2025-06-18"}},
}


@asynccontextmanager
async def deployed(
    folder: Path, *scopes: Scope, up: bool = True
) -> AsyncIterator[httpx.AsyncClient]:
    """A service with keys, an engine with an address and an MCP server that is down, as who has a
    key with these scopes sees it."""
    engine = ScriptedEngine()
    engine._worker = replace(
        engine.workers()[0],
        url=ENGINE,
        ready=up,
        degraded=("No metrics.",) if up else (f"Nobody listens at {ENGINE}.",),
    )
    settings = Settings(
        data_dir=folder, require_keys=True, mcp_servers={"gone": McpServer(command=PROGRAM)}
    )
    async with bootstrap.build(settings, engine=engine) as running:
        async with bootstrap.key_desk(settings) as desk:
            _, secret = await desk.create("acme", scopes, actor="cli:test")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(running.app),
            base_url="http://localhost",
            headers={"authorization": f"Bearer {secret}"},
        ) as http:
            yield http


async def seen(http: httpx.AsyncClient) -> list[Any]:
    agent = {"name": "one", "tools": [{"type": "mcp", "server": "gone"}]}
    answers = [
        await http.get("/v1/tools"),
        await http.get("/v1/capabilities"),
        await http.get("/readyz"),
        await http.post("/v1/agents", json=agent),
        await http.post("/v1/sessions", json={"agent": agent}),
    ]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    assert [answer.status_code for answer in answers[3:]] == [503, 503]
    return answers


@pytest.mark.parametrize("up", [True, False])
async def test_a_tenant_is_told_what_is_down_and_not_where_it_is(tmp_path: Path, up: bool) -> None:
    async with deployed(tmp_path, "admin", up=up) as http:
        answers = await seen(http)
    for answer in answers:
        for inside in (PROGRAM, "10.9.8.7", str(tmp_path), "redis.sock", "FileNotFound"):
            assert inside not in answer.text, (answer.url, inside)
    [server] = answers[0].json()["servers"]
    assert (server["name"], server["status"], server["problem"]) == ("gone", "down", None)
    found = answers[1].json()
    [engine] = found["engines"]
    assert (engine["ready"], engine["url"]) == (up, None)
    told = "No metrics." if up else "It is down."
    assert (engine["degraded"], found["degraded"]) == ([told], [f"scripted: {told}"])
    assert found["store"].keys() == {"version", "persistence", "embedded"}


async def test_who_may_see_the_figures_of_all_is_told_where_things_are(tmp_path: Path) -> None:
    async with deployed(tmp_path, "admin", "metrics", up=False) as http:
        tools, capabilities, *_ = await seen(http)
    [server] = tools.json()["servers"]
    assert PROGRAM in server["problem"]
    found = capabilities.json()
    assert found["engines"][0]["url"] == ENGINE
    assert found["degraded"] == [f"scripted: Nobody listens at {ENGINE}."]
    assert "redis.sock" in found["store"]["address"]


async def test_a_store_that_is_down_is_not_told_where_it_is(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    redis = EmbeddedRedis(tmp_path)
    await redis.start()
    try:
        api = await keyed(serve, redis_url=redis.url)
        async with api.tenant("acme") as acme:
            assert (await acme.get("/v1/sessions")).status_code == 200
            await redis.stop()
            for method, path in (("GET", "/v1/sessions"), ("POST", "/mcp"), ("GET", "/readyz")):
                answer = await acme.request(method, path, json=LISTING)
                assert answer.status_code == 503, path
                assert str(tmp_path) not in answer.text
                if path != "/readyz":
                    assert error_of(answer)[1] == "store_unavailable"
    finally:
        await redis.stop()
    assert "redis.sock" in caplog.text
