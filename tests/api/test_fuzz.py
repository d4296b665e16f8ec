"""Malformed bodies by the thousand: each is a 4xx with our envelope, and nothing grows.

The corpus is made from valid bodies by a seeded generator, so it is the same in every run;
`AGENT_SERVING_TEST_FUZZ=2000` takes all of it.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.api.conftest import Served

CORPUS = int(os.environ.get("AGENT_SERVING_TEST_FUZZ", "400"))
WARM_UP = 200
GROWTH_BYTES = 24 * 1024 * 1024
AT_ONCE = 8

VALID: dict[str, dict[str, Any]] = {
    "/v1/agents": {
        "name": "fuzz",
        "instructions": "Be brief.",
        "tools": ["add", {"type": "function", "name": "ask", "parameters": {"type": "object"}}],
        "output": {"type": "json_schema", "schema": {"type": "object", "properties": {}}},
        "sampling": {"temperature": 0.5},
        "limits": {"max_steps": 3},
    },
    "/v1/sessions": {"agent": {"tools": ["add"]}, "metadata": {"a": "b"}, "ttl_seconds": 60},
    "/v1/sessions/{id}/turns": {
        "input": [{"type": "message", "role": "user", "content": "hi"}],
        "mode": "background",
        "budget": {"max_steps": 1},
    },
    "/v1/sessions/{id}/turns/turn_1/inputs": {
        "inputs": [{"type": "tool_result", "call_id": "call_1", "output": {"a": 1}}]
    },
    "/v1/sessions/{id}/fork": {"metadata": {"a": "b"}},
    "/v1/batches": {
        "agent": {"tools": ["add"]},
        "requests": [
            {"custom_id": "a", "input": "hi", "limits": {"max_steps": 1}},
            {"custom_id": "b", "input": "hi", "output": {"type": "regex", "pattern": "a"}},
        ],
        "ttl_seconds": 60,
    },
}

Garble = Callable[[random.Random, dict[str, Any]], bytes]


def _text(body: Any) -> bytes:
    return json.dumps(body).encode()


def cut(chance: random.Random, body: dict[str, Any]) -> bytes:
    whole = _text(body)
    return whole[: chance.randrange(1, len(whole) - 1)]


def not_utf8(chance: random.Random, body: dict[str, Any]) -> bytes:
    whole = _text(body)
    place = chance.randrange(1, len(whole))
    return whole[:place] + bytes([chance.choice((0xFF, 0xC0, 0xF8))]) + whole[place:]


def noise(chance: random.Random, _: dict[str, Any]) -> bytes:
    return b"\xff" + chance.randbytes(chance.randrange(1, 2000))


def deep(chance: random.Random, _: dict[str, Any]) -> bytes:
    depth = chance.choice((65, 1000, 100_000))
    return b'{"a":' * depth + b"1" + b"}" * depth


def unknown_field(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _text({**body, f"x{chance.randrange(10**9)}": chance.choice((None, 1, "x", [], {}))})


def wrong_type(chance: random.Random, body: dict[str, Any]) -> bytes:
    field = chance.choice(sorted(body))
    return _text({**body, field: chance.choice((-1, 1e300, [[1]], {"\u2603": {}}))})


def not_an_object(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _text(chance.choice(([], [body], "text", 1, -0.0, True, [None] * 100)))


def unspeakable(chance: random.Random, body: dict[str, Any]) -> bytes:
    field = chance.choice(sorted(body))
    return _text({**body, field: chance.choice(("\x00", "\ud800", "a\udfffb"))})


def no_number(chance: random.Random, body: dict[str, Any]) -> bytes:
    word = chance.choice((b"NaN", b"Infinity", b"-Infinity", b"1e999", b"9" * 5000, b"0x10"))
    return _text(body)[:-1] + b', "n": ' + word + b"}"


def huge(chance: random.Random, body: dict[str, Any]) -> bytes:
    return _text({**body, "metadata": {"a": "x" * chance.randrange(1_048_577, 1_200_000)}})


GARBLES: tuple[Garble, ...] = (
    cut, not_utf8, noise, deep, unknown_field, wrong_type, not_an_object, unspeakable, no_number,
    huge,
)  # fmt: skip


def corpus(session_id: str, size: int) -> Iterator[tuple[str, str, bytes]]:
    chance = random.Random(20260101)
    for number in range(size):
        garble = GARBLES[number % len(GARBLES)]
        path = chance.choice(sorted(VALID))
        yield garble.__name__, path.format(id=session_id), garble(chance, VALID[path])


def resident() -> int:
    """Bytes that the process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


async def refuse_all(api: Served, session_id: str, size: int) -> int:
    """Send so many malformed bodies, none kept longer than its answer takes; how many were."""
    sent = corpus(session_id, size)
    headers = {"content-type": "application/json"}

    async def work() -> int:
        done = 0
        for kind, path, body in sent:
            check(kind, path, body, await api.http.post(path, content=body, headers=headers))
            done += 1
        return done

    return sum(await asyncio.gather(*(work() for _ in range(AT_ONCE))))


def check(kind: str, path: str, body: bytes, answer: httpx.Response) -> None:
    what = f"{kind} to {path}: {body[:200]!r} gave {answer.status_code} {answer.text[:200]}"
    assert 400 <= answer.status_code < 500, what
    error = answer.json()["error"]
    assert error["message"], what
    assert error["code"], what
    assert len(answer.content) < 64 * 1024, what


async def test_every_malformed_body_is_a_4xx_and_memory_stays_flat(api: Served) -> None:
    session_id = await api.open()
    await refuse_all(api, session_id, WARM_UP)
    gc.collect()
    before = resident()
    assert await refuse_all(api, session_id, CORPUS) == CORPUS
    gc.collect()
    assert resident() - before < GROWTH_BYTES
    assert (await api.get("/v1/agents"))["data"] == []
    assert (await api.get(f"/v1/sessions/{session_id}"))["turn_count"] == 0
    assert [s["id"] for s in (await api.get("/v1/sessions"))["data"]] == [session_id]
