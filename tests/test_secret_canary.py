"""A tool that has a secret and lets it slip wherever it can: it is found nowhere."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from agent_serving import bootstrap
from agent_serving.adapters.otel import counted
from agent_serving.adapters.redis import EmbeddedRedis
from agent_serving.cli.logs import JsonLines
from agent_serving.config import Settings
from agent_serving.testing import ScriptedEngine
from tests.runtime.talk import call
from tests.tracing import collecting

CANARY = "canary-7f3a9c51d2"

TOOLS = '''
import logging

from agent_serving import ToolContext, ToolError, tool

log = logging.getLogger("a.tool")


@tool(effect="pure")
def look_up(context: ToolContext) -> dict:
    """Look something up."""
    key = context.secrets["LOOK_UP_KEY"]
    log.warning("asking with %s", key)
    try:
        raise ValueError(key)
    except ValueError:
        log.exception("that was %s", context)
    return {"asked_with": key, "context": str(context.secrets)}


@tool(effect="pure")
async def fail(context: ToolContext) -> str:
    """Fail."""
    raise RuntimeError("refused: " + context.secrets["LOOK_UP_KEY"])


@tool(effect="pure")
async def fail_politely(context: ToolContext) -> str:
    """Fail in words for the model."""
    await context.memory.put("found", context.secrets["LOOK_UP_KEY"])
    raise ToolError("the key is " + context.secrets["LOOK_UP_KEY"])
'''
NAMES = ("look_up", "fail", "fail_politely")


@pytest.mark.parametrize("source", ["file", "environment"])
async def test_a_secret_is_in_no_event_span_log_or_key_of_redis(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    (folder / "leaky.py").write_text(TOOLS)
    file = tmp_path / "secrets.toml"
    file.write_text(f'LOOK_UP_KEY = "{CANARY}"' if source == "file" else "")
    if source == "environment":
        monkeypatch.setenv("LOOK_UP_KEY", CANARY)
    logged = io.StringIO()
    handler = logging.StreamHandler(logged)
    handler.setFormatter(JsonLines())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    redis = EmbeddedRedis(tmp_path / "redis")
    await redis.start()
    try:
        with collecting() as collector:
            monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
            monkeypatch.setenv(
                "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "SPAN_AND_EVENT"
            )
            # Nothing is lost on a busy machine: a secret is looked for in all that is sent.
            monkeypatch.setattr(counted, "FLUSH_SECONDS", 20.0)
            settings = Settings(
                redis_url=redis.url,
                tools=(folder,),
                tool_secrets=dict.fromkeys(NAMES, ("LOOK_UP_KEY",)),
                secrets_file=file,
            )
            seen = await converse(settings)
            spans = str(collector.requests)
        stored = await everything(redis.url)
    finally:
        await redis.stop()
    assert seen.count("[hidden]") > 3
    assert "asking with [hidden]" in logged.getvalue()
    assert "execute_tool look_up" in spans
    assert "[hidden]" in spans
    assert b"[hidden]" in stored
    for where in (seen, spans, logged.getvalue(), stored.decode("latin-1")):
        assert CANARY not in where


async def converse(settings: Settings) -> str:
    """All that the API says of a turn in which each tool is called."""
    calls = "\n".join(call(name, "{}") for name in NAMES)
    async with bootstrap.build(settings, engine=ScriptedEngine([calls, "Done."])) as running:
        transport = httpx.ASGITransport(app=running.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
            body = {"agent": {"tools": list(NAMES)}, "input": "Go.", "mode": "stream"}
            streamed = await http.post("/v1/sessions", json=body)
            assert "turn.completed" in streamed.text
            session = streamed.headers["x-session-id"]
            turn = streamed.headers["x-turn-id"]
            paths = [
                f"/v1/sessions/{session}/{what}"
                for what in ("items", "events", "usage", f"turns/{turn}", f"turns/{turn}/steps")
            ]
            paths += [f"/v1/sessions/{session}/turns/{turn}/trace", "/v1/capabilities", "/metrics"]
            answers = [await http.get(path) for path in paths]
            assert {answer.status_code for answer in answers} == {200}
            return streamed.text + "".join(answer.text for answer in answers)


async def everything(url: str) -> bytes:
    """The whole of a Redis, as it would write it to disk and as it would list it."""
    client = Redis.from_url(url)
    found = b""
    try:
        async for key in client.scan_iter("*"):
            match await client.type(key):
                case b"hash":
                    value = await client.hgetall(key)
                case b"stream":
                    value = await client.xrange(key)
                case b"list":
                    value = await client.lrange(key, 0, -1)
                case b"zset":
                    value = await client.zrange(key, 0, -1)
                case _:
                    value = await client.get(key)
            found += key + repr(value).encode()
    finally:
        await client.aclose()
    return found
