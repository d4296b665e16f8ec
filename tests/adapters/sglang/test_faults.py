"""How failures of the engine come out, with a server that fails on demand."""

import asyncio
import socket
import time
from contextlib import aclosing

import pytest

from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.errors import (
    ContextLengthExceeded,
    EngineUnavailable,
    InvalidRequest,
    SchemaRejected,
    VoidReply,
)
from agent_serving.domain.values import Sampling
from agent_serving.ports import Chunk, Finished, Generation
from tests.adapters.sglang.fake_server import DONE, STOP, Reply, as_json, frame, whole_reply


def generation(engine: SglangEngine, **changes) -> Generation:
    fields = {
        "rid": "0" * 32,
        "session_id": "sess_1",
        "prompt": (5, 6, 7),
        "max_new_tokens": 8,
        "sampling": Sampling(),
        "constraint": None,
        "worker": engine.workers()[0].name,
        "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
    }
    return Generation(**{**fields, **changes})


async def collect(engine: SglangEngine, **changes) -> list[Chunk | Finished]:
    return [piece async for piece in engine.generate(generation(engine, **changes))]


async def test_a_reply_arrives_whole(fake, engine):
    await engine.probe()
    *chunks, finished = await collect(engine)
    assert [token for chunk in chunks for token in chunk.tokens] == [5, 6, 7, 1]
    assert "".join(chunk.text for chunk in chunks) == "ab"
    assert finished.reason == "stop"
    assert finished.usage.output_tokens == 4


async def test_the_request_asks_for_exact_tokens(fake, engine):
    await engine.probe()
    await collect(engine, sampling=Sampling(temperature=0.5, seed=7))
    [_, body] = fake.sent("/generate")
    assert body["rid"] == "0" * 32
    assert body["session_id"] == "sess_1"
    assert body["input_ids"] == [5, 6, 7]
    assert body["stream"] is True
    assert "priority" not in body
    assert body["sampling_params"] == {
        "no_stop_trim": True,
        "skip_special_tokens": False,
        "spaces_between_special_tokens": False,
        "max_new_tokens": 8,
        "temperature": 0.5,
        "sampling_seed": 7,
    }


async def test_tenants_share_no_prefix_where_they_are_isolated(fake, engine):
    isolating = SglangEngine([fake.url], isolate_tenants=True)
    for asked in (engine, isolating):
        await asked.probe()
        await collect(asked, tenant="acme")
    await isolating.aclose()
    keys = [call.get("extra_key") for call in fake.sent("/generate")]
    assert keys[-1] == "acme"
    assert keys[-2] is None


async def test_a_session_id_is_only_sent_where_it_is_understood(fake, engine):
    fake.server_info["enable_session_radix_cache"] = False
    await engine.probe()
    await collect(engine)
    assert "session_id" not in fake.sent("/generate")[-1]
    await engine.close_session("sess_1")
    assert fake.sent("/close_session") == []


async def test_priority_follows_the_servers_own_order(fake, engine):
    fake.server_info |= {
        "enable_priority_scheduling": True,
        "schedule_low_priority_values_first": True,
    }
    await engine.probe()
    await collect(engine, priority="online")
    await collect(engine, priority="batch")
    online, batch = (body["priority"] for body in fake.sent("/generate")[-2:])
    assert online < batch


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (
            as_json({"error": {"message": "The request queue is full."}}, 503),
            EngineUnavailable,
            "full",
        ),
        (as_json({"error": "boom"}, 500), EngineUnavailable, "boom"),
        (as_json({"detail": "no such route"}, 404), EngineUnavailable, "no such route"),
        (as_json({"error": {"message": "bad seed"}}, 400), InvalidRequest, "bad seed"),
        (
            as_json({"error": {"message": "the context length is"}}, 400),
            ContextLengthExceeded,
            "is",
        ),
        (Reply(chunks=[frame("a", [5], 1)]), EngineUnavailable, "middle of a reply"),
        (Reply(chunks=[frame("a", [5], 1)], reset=True), EngineUnavailable, "reached"),
        (Reply(chunks=[frame("a", [5], 1), "data: {ga\n\n"]), EngineUnavailable, "not JSON"),
        (
            Reply(chunks=[frame("a", [5], 1), 'data: {"error": {"message": "lost"}}\n\n', DONE]),
            EngineUnavailable,
            "lost",
        ),
        (
            Reply(
                chunks=[
                    frame("a", [5], 1),
                    frame("", [], 1, finish={"type": "abort", "message": "evicted"}),
                    DONE,
                ]
            ),
            EngineUnavailable,
            "evicted",
        ),
        (
            Reply(chunks=[frame("", [1], 1, finish={"type": "stop"}, prompt=99), DONE]),
            VoidReply,
            "changed the prompt",
        ),
    ],
)
async def test_a_failed_attempt_says_where_and_why(fake, engine, reply, error, words):
    await engine.probe()
    fake.generate = lambda body: reply
    with pytest.raises(error, match=words) as raised:
        await collect(engine)
    assert type(raised.value) is error
    assert engine.workers()[0].name in str(raised.value)


@pytest.mark.parametrize("counts", [(2, 2), (None, 2), (None, None)])
async def test_a_void_reply_never_looks_whole(fake, engine, counts):
    """Its last token would have it taken, were the process to die before it is found out."""
    await engine.probe()
    first, last = counts
    told = [frame("a", [5], 1, prompt=first), frame("b", [1], 2, finish=STOP, prompt=last)]
    fake.generate = lambda body: Reply(chunks=[*told, DONE])
    stream = engine.generate(generation(engine))
    if first is None:
        assert await anext(stream) == Chunk("a", (5,))
    with pytest.raises(VoidReply, match="changed the prompt"):
        await anext(stream)


async def test_the_engine_is_used_again_after_a_failure(fake, engine):
    await engine.probe()
    fake.generate = lambda body: as_json({"error": "boom"}, 500)
    with pytest.raises(EngineUnavailable):
        await collect(engine)
    fake.generate = lambda body: whole_reply()
    assert isinstance((await collect(engine))[-1], Finished)


async def test_a_server_that_is_not_there_is_not_ready_and_says_why():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    engine = SglangEngine([f"http://127.0.0.1:{port}"])
    await engine.probe()
    [worker] = engine.workers()
    assert not worker.ready
    assert str(port) in " ".join(worker.degraded)
    with pytest.raises(EngineUnavailable, match=str(port)):
        await collect(engine)
    await engine.close_session("sess_1")
    await engine.check_constraint(Constraint(kind="regex", value="a"), param="output")
    await engine.aclose()


async def test_a_silent_engine_is_given_up_in_time(fake):
    async with aclosing(SglangEngine([fake.url], chunk_seconds=2.0)) as engine:
        await engine.probe()
        fake.generate = lambda body: Reply(chunks=[frame("a", [5], 1)], hang=True)
        with pytest.raises(EngineUnavailable):
            await collect(engine)


async def test_leaving_early_aborts_the_request(fake, engine):
    await engine.probe()
    fake.generate = lambda body: Reply(chunks=[frame("a", [5], 1)], hang=True)
    async with aclosing(engine.generate(generation(engine))) as stream:
        async for _ in stream:
            break
    assert {body["rid"] for body in fake.sent("/abort_request")} == {"0" * 32}


async def test_cancelling_before_the_first_chunk_aborts_the_request(fake, engine):
    await engine.probe()
    fake.generate = lambda body: Reply(hang=True)
    task = asyncio.create_task(collect(engine))
    await fake.asked.wait()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert fake.sent("/abort_request")


async def test_a_finished_request_is_not_aborted(fake, engine):
    await engine.probe()
    await collect(engine)
    assert fake.sent("/abort_request") == []


async def test_an_engine_that_ignores_the_abort_is_left_in_time(fake, engine, monkeypatch):
    monkeypatch.setattr("agent_serving.adapters.sglang.exchange.LET_GO_SECONDS", 2.0)
    await engine.probe()
    fake.aborted.set = lambda: None
    fake.generate = lambda body: Reply(chunks=[frame("a", [5], 1)], hang=True)
    started = time.monotonic()
    async with aclosing(engine.generate(generation(engine))) as stream:
        await anext(stream)
    assert 1.9 < time.monotonic() - started < 20
    assert len(fake.sent("/abort_request")) > 1
    del fake.aborted.set


async def test_a_bad_token_id_never_leaves(fake, engine):
    await engine.probe()
    for bad in (-1, 100):
        with pytest.raises(InvalidRequest, match="position 1"):
            await collect(engine, prompt=(5, bad, 6))
    assert len(fake.sent("/generate")) == 1  # the probe's own


async def test_a_prompt_that_cannot_fit_never_leaves(fake, engine):
    await engine.probe()
    with pytest.raises(ContextLengthExceeded, match="64"):
        await collect(engine, prompt=(5,) * 60, max_new_tokens=5)
    assert len(fake.sent("/generate")) == 1


async def test_a_constraint_that_takes_too_long_is_refused_and_aborted(fake):
    constraint = Constraint(kind="regex", value="a")

    def slow_with_grammar(body):
        slow = "regex" in body["sampling_params"]
        return Reply(hang=True) if slow else one_token()

    fake.generate = slow_with_grammar
    async with aclosing(SglangEngine([fake.url], compile_seconds=0.3)) as engine:
        await engine.probe()
        with pytest.raises(SchemaRejected, match=r"more than 0\.3 s"):
            await engine.check_constraint(constraint, param="output")
    assert fake.sent("/abort_request")


async def test_a_refused_constraint_is_refused_in_the_engines_words_and_remembered(fake, engine):
    await engine.probe()
    fake.generate = lambda body: as_json({"error": {"message": "no lookahead"}}, 400)
    for _ in range(2):
        with pytest.raises(SchemaRejected, match="no lookahead") as refused:
            await engine.check_constraint(Constraint(kind="regex", value="a"), param="output")
        assert refused.value.path == "$"
        assert refused.value.param == "output"
    assert len(fake.sent("/generate")) == 2  # the probe's own, and one for both checks


async def test_a_compiled_constraint_is_not_asked_for_again(fake, engine):
    await engine.probe()
    fake.generate = lambda body: one_token()
    for _ in range(3):
        await engine.check_constraint(Constraint(kind="regex", value="a"), param="output")
    assert len(fake.sent("/generate")) == 2


def one_token() -> Reply:
    length = {"type": "length", "length": 1}
    return Reply(chunks=[frame("a", [5], 1, finish=length, prompt=1), DONE])
