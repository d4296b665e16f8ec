import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_serving.adapters.sglang.stream import Deltas, Frame, decode
from agent_serving.domain.errors import (
    ContextLengthExceeded,
    EngineUnavailable,
    InvalidRequest,
    VoidReply,
)

PIECES = st.lists(
    st.tuples(st.text(max_size=4), st.lists(st.integers(0, 9), max_size=3)), min_size=1, max_size=8
)


def line(body: object) -> str:
    return "data: " + json.dumps(body)


def frames(pieces, *, incremental: bool) -> list[Frame]:
    text, tokens, out = "", (), []
    for number, (more, ids) in enumerate(pieces):
        text, tokens = text + more, tokens + tuple(ids)
        meta = {"completion_tokens": len(tokens)}
        finish = "stop" if number == len(pieces) - 1 else None
        new = (more, tuple(ids)) if incremental else (text, tokens)
        out.append(Frame(text=new[0], tokens=new[1], meta=meta, finish=finish))
    return out


@given(PIECES, st.booleans())
def test_chunks_concatenate_exactly_in_both_ways_of_streaming(pieces, incremental):
    deltas = Deltas("w", incremental=incremental)
    chunks = [deltas.cut(frame) for frame in frames(pieces, incremental=incremental)]
    assert [(chunk.text, list(chunk.tokens)) for chunk in chunks] == pieces


@pytest.mark.parametrize("incremental", [True, False])
def test_a_stream_of_the_other_kind_is_noticed(incremental):
    deltas = Deltas("w", incremental=incremental)
    first, second = frames([("a", [1]), ("b", [2])], incremental=not incremental)
    deltas.cut(first)
    with pytest.raises(EngineUnavailable, match="restarted with another setting"):
        deltas.cut(second)


def test_a_reply_that_was_cut_wrongly_is_void():
    """What is new was read as all up to now, and began alike."""
    deltas = Deltas("w", incremental=False)
    *read, last = frames([("ha", [9]), ("haX", [9, 7]), ("", [1])], incremental=True)
    assert [deltas.cut(frame).text for frame in read] == ["ha", "X"]
    with pytest.raises(VoidReply, match="took back"):
        deltas.cut(last)


def test_a_lost_token_is_noticed():
    deltas = Deltas("w", incremental=True)
    with pytest.raises(EngineUnavailable, match="counts 3 tokens where 1"):
        deltas.cut(Frame(text="a", tokens=(1,), meta={"completion_tokens": 3}, finish=None))


@pytest.mark.parametrize("text", ["", ": ping", "event: x", "data: [DONE]", "data:[DONE]"])
def test_what_is_no_event_is_skipped(text):
    assert decode(text, "w") is None


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"error": {"message": "bad grammar", "code": 400}}, InvalidRequest),
        (
            {"error": {"message": "model's maximum context length", "code": 400}},
            ContextLengthExceeded,
        ),
        ({"error": {"message": "boom", "code": 500}}, EngineUnavailable),
        ({"error": "boom"}, EngineUnavailable),
        ({"text": "no ids"}, EngineUnavailable),
        ([], EngineUnavailable),
    ],
)
def test_errors_in_mid_stream_are_told_apart(body, error):
    with pytest.raises(error) as raised:
        decode(line(body), "10.0.0.1:30000")
    assert type(raised.value) is error
    assert "10.0.0.1:30000" in str(raised.value)


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ({"type": "abort", "message": "Failed to compile", "status_code": 400}, InvalidRequest),
        ({"type": "abort", "message": "queue is full", "status_code": 503}, EngineUnavailable),
        ({"type": "abort", "message": None, "status_code": None}, EngineUnavailable),
        ({"type": "exploded"}, EngineUnavailable),
    ],
)
def test_a_reply_that_ended_badly_is_an_error(reason, error):
    body = {"text": "", "output_ids": [], "meta_info": {"finish_reason": reason}}
    with pytest.raises(error) as raised:
        decode(line(body), "w")
    assert str(reason.get("message") or "") in str(raised.value)


def test_garbage_is_engine_unavailable():
    with pytest.raises(EngineUnavailable, match="not JSON"):
        decode("data: {oops", "w")
