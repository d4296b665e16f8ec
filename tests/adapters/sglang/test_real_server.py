"""What only the real SGLang server can show: grammars, aborts, and its own clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace

import httpx
import pytest

from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import EngineUnavailable, InvalidRequest, SchemaRejected
from agent_serving.ports import Chunk
from tests.contracts.engines import (
    LETTERS,
    collect,
    generation,
    opening,
    probed_sglang,
    qwen,
    unique,
)


@pytest.fixture
async def sglang(engine_url: str) -> AsyncIterator[SglangEngine]:
    async with probed_sglang(engine_url) as engine:
        yield engine


@pytest.fixture(scope="module")
def dialect() -> Dialect:
    return qwen()


Running = Callable[[], Awaitable[int]]


@pytest.fixture
async def running(engine_url: str) -> AsyncIterator[Running]:
    """How many requests the server has, waiting ones included."""
    async with httpx.AsyncClient(base_url=engine_url, trust_env=False, timeout=60) as client:

        async def running() -> int:
            loads = (await client.get("/v1/loads?include=core")).json()["loads"]
            return sum(each["num_running_reqs"] + each["num_waiting_reqs"] for each in loads)

        await wait_until(running, 0)  # what an earlier test left behind
        yield running


@pytest.fixture
async def slow(
    engine_url: str, running: Running, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Each token takes its time: a reply that nobody stops outlasts every wait for its end."""
    monkeypatch.setattr("agent_serving.adapters.sglang.exchange.LET_GO_SECONDS", 60.0)
    async with httpx.AsyncClient(base_url=engine_url, trust_env=False, timeout=60) as client:
        await sleeping(client, TOKEN_SECONDS)
        yield
        await sleeping(client, None)


async def sleeping(client: httpx.AsyncClient, seconds: float | None) -> None:
    told = await client.post("/slow_down", json={"forward_sleep_time": seconds})
    told.raise_for_status()


async def wait_until(running: Running, count: int) -> None:
    """The server publishes its load some milliseconds late."""
    async with asyncio.timeout(STOPPED_SECONDS):
        while await running() != count:
            await asyncio.sleep(0.005)


TOKEN_SECONDS = 0.5
"""The shortest replies have some ninety tokens."""
STOPPED_SECONDS = 20.0


async def test_a_reply_that_is_finished_ends_in_the_end_of_turn(sglang, dialect):
    prompt = await opening(sglang, dialect, unique("hello"))
    text, tokens, finished = await collect(
        sglang, generation(sglang, prompt, constraint=Constraint(kind="regex", value="[ab]{3}"))
    )
    assert finished.reason == "stop"
    assert tokens[-1] == await sglang.end_of_turn(dialect=dialect)
    assert tokens.count(tokens[-1]) == 1
    assert text == text[:3] + dialect.end_of_turn
    assert set(text[:3]) <= set("ab")


async def test_a_constraint_is_obeyed(sglang, dialect):
    prompt = await opening(sglang, dialect, unique("a choice"))
    schema = '{"enum":["left","right"],"type":"string"}'
    text, _, finished = await collect(
        sglang, generation(sglang, prompt, constraint=Constraint(kind="json_schema", value=schema))
    )
    assert finished.reason == "stop"
    assert text.removesuffix(dialect.end_of_turn).strip() in ('"left"', '"right"')


async def test_timings_fit_into_their_total(sglang, dialect):
    prompt = await opening(sglang, dialect, unique("hello"))
    *_, finished = await collect(sglang, generation(sglang, prompt, constraint=LETTERS))
    timings = finished.timings
    assert 0 < timings.ttft_ms <= timings.total_ms
    assert min(timings.engine_queue_ms, timings.prefill_ms, timings.decode_ms) >= 0
    assert timings.orchestration_ms >= 0
    assert timings.itl_p50_ms <= timings.itl_p99_ms


async def test_an_unknown_worker_is_unavailable(sglang, dialect):
    prompt = await opening(sglang, dialect, "hello")
    with pytest.raises(EngineUnavailable, match="nowhere"):
        await collect(sglang, replace(generation(sglang, prompt), worker="nowhere:1"))


async def test_a_reply_left_in_mid_stream_is_gone_from_the_engine(sglang, dialect, running, slow):
    prompt = await opening(sglang, dialect, unique("hello"))
    request = generation(sglang, prompt, max_new_tokens=600, constraint=LETTERS)
    async with aclosing(sglang.generate(request)) as stream:
        for _ in range(3):
            assert isinstance(await anext(stream), Chunk)
        await wait_until(running, 1)
        leaving = time.monotonic()
    assert time.monotonic() - leaving < STOPPED_SECONDS
    await wait_until(running, 0)


@pytest.mark.parametrize("after_ms", [0, 5, 40, 150])
async def test_a_cancelled_reply_is_gone_whenever_it_is_cancelled(
    sglang, dialect, running, slow, after_ms
):
    prompt = await opening(sglang, dialect, unique("hello"))
    request = generation(sglang, prompt, max_new_tokens=600, constraint=LETTERS)
    task = asyncio.create_task(collect(sglang, request))
    await asyncio.sleep(after_ms / 1000)
    task.cancel()
    await asyncio.wait({task}, timeout=STOPPED_SECONDS)
    assert task.cancelled()
    await wait_until(running, 0)


async def test_leaving_one_reply_leaves_the_others_alone(sglang, dialect):
    prompt = await opening(sglang, dialect, unique("hello"))
    other = asyncio.create_task(
        collect(sglang, generation(sglang, prompt, max_new_tokens=40, constraint=LETTERS))
    )
    request = generation(sglang, prompt, max_new_tokens=600, constraint=LETTERS)
    async with aclosing(sglang.generate(request)) as stream:
        await anext(stream)
    _, tokens, finished = await other
    assert finished.reason == "length"
    assert len(tokens) == 40


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("json_schema", '{"type":"nope"}', "nope"),
        ("regex", "[ab]{2", "repetition"),
        ("ebnf", "x", "root"),
        ("structural_tag", "{}", "structural_tag"),
    ],
)
async def test_a_constraint_that_does_not_compile_is_rejected_with_the_engines_words(
    sglang, kind, value, words
):
    for _ in range(2):
        with pytest.raises(SchemaRejected, match=words) as rejected:
            await sglang.check_constraint(Constraint(kind=kind, value=value), param="output")
        assert rejected.value.param == "output"


async def test_a_constraint_that_compiles_passes(sglang):
    await sglang.check_constraint(LETTERS, param="output")


async def test_a_bad_constraint_in_a_request_is_an_invalid_request(sglang, dialect):
    prompt = await opening(sglang, dialect, "hello")
    bad = Constraint(kind="regex", value="[ab]{2")
    with pytest.raises(InvalidRequest, match="repetition"):
        await collect(sglang, generation(sglang, prompt, constraint=bad))


async def test_a_reply_is_what_the_engine_says_without_streaming(sglang, dialect, engine_url):
    """Chunks concatenate to the very ids and text that one plain answer has."""
    prompt = await opening(sglang, dialect, unique("hello"))
    text, tokens, _ = await collect(sglang, generation(sglang, prompt, max_new_tokens=64))
    body = {
        "input_ids": list(prompt),
        "sampling_params": {
            "temperature": 0,
            "max_new_tokens": 64,
            "no_stop_trim": True,
            "skip_special_tokens": False,
        },
    }
    async with httpx.AsyncClient(base_url=engine_url, trust_env=False) as client:
        plain = (await client.post("/generate", json=body, timeout=60)).json()
    assert tokens == plain["output_ids"]
    assert text == plain["text"]


# --- a reply that goes on ---------------------------------------------------------------------


async def test_a_greedy_reply_that_goes_on_is_the_reply(sglang, dialect):
    prompt = await opening(sglang, dialect, "What is the capital of France?")
    text, tokens, whole = await collect(sglang, generation(sglang, prompt))
    assert len(tokens) > 6
    for cut in range(1, len(tokens), 3):
        spelled = await sglang.spell(tokens[:cut], behind=prompt)
        behind = [*prompt, *tokens[: spelled.tokens]]
        left = 24 - spelled.tokens
        rest, more, finished = await collect(
            sglang, generation(sglang, behind, max_new_tokens=left)
        )
        assert (spelled.text + rest, tokens[: spelled.tokens] + more) == (text, tokens)
        assert finished.reason == whole.reason
        assert finished.usage.input_tokens == len(prompt) + spelled.tokens


async def test_a_reply_that_is_cut_within_a_character_goes_on_in_whole_ones(sglang, dialect):
    """Characters of this tokenizer that take several tokens, cut behind each of them."""
    signs = Constraint(kind="regex", value="[🌍中é]{6}")
    prompt = await opening(sglang, dialect, unique("hello"))
    text, tokens, _ = await collect(
        sglang, generation(sglang, prompt, constraint=signs, max_new_tokens=64)
    )
    assert len(tokens) > 8, "a character takes more than one token"
    dropped = 0
    for cut in range(1, len(tokens) - 1):
        spelled = await sglang.spell(tokens[:cut], behind=prompt)
        assert text.startswith(spelled.text)
        dropped += cut - spelled.tokens
        behind = [*prompt, *tokens[: spelled.tokens]]
        rest, _, _ = await collect(sglang, generation(sglang, behind, constraint=signs))
        said = rest.partition("<|")[0].rstrip("\N{REPLACEMENT CHARACTER}")
        assert said
        assert set(said) <= set("🌍中é")
    assert dropped > 0
