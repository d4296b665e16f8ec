"""Where a reply can go on, by a server that decodes UTF-8 bytes."""

from __future__ import annotations

from typing import Any

import pytest

from agent_serving.adapters.sglang.engine import SglangEngine
from agent_serving.domain.errors import EngineUnavailable, InvalidRequest
from agent_serving.ports import Spelled
from tests.adapters.sglang.fake_server import FakeSglang, Reply, as_json
from tests.adapters.sglang.test_faults import collect

PROMPT = tuple(b"assistant\n")


@pytest.fixture(autouse=True)
def bytewise(fake: FakeSglang, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = fake.answer

    def detokenizing(path: str, body: Any) -> Any:
        if path == "/v1/detokenize":
            assert body["skip_special_tokens"] is False
            return as_json({"text": bytes(body["tokens"]).decode(errors="replace")})
        return answer(path, body)

    monkeypatch.setattr(fake, "answer", detokenizing)


async def spelled(engine: SglangEngine, said: bytes) -> Spelled:
    await engine.probe()
    return await engine.spell(tuple(said), behind=PROMPT)


@pytest.mark.parametrize("missing", [1, 2, 3])
async def test_a_part_of_a_character_is_left_out(engine: SglangEngine, missing: int) -> None:
    said = "Hé 🌍".encode()[:-missing]
    assert await spelled(engine, said) == Spelled(len("Hé ".encode()), "Hé ")


async def test_whole_characters_are_spelled_at_once(engine: SglangEngine, fake: FakeSglang) -> None:
    assert await spelled(engine, "Hé".encode()) == Spelled(3, "Hé")
    assert len(fake.sent("/v1/detokenize")) == 2, "the prompt's end, and all of it"


async def test_a_reply_that_is_but_a_part_of_a_character_begins_anew(engine: SglangEngine) -> None:
    assert await spelled(engine, "🌍".encode()[:2]) == Spelled(0, "")


async def test_a_character_that_the_model_wrote_as_no_character_stays(engine: SglangEngine) -> None:
    said = b"bad " + b"\xff" * 5
    assert await spelled(engine, said) == Spelled(9, said.decode(errors="replace"))


@pytest.mark.parametrize("reply", [as_json({"detail": "Not Found"}, 404), as_json({"words": "?"})])
async def test_a_server_that_cannot_spell_says_so(
    engine: SglangEngine, fake: FakeSglang, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    await engine.probe()
    monkeypatch.setattr(fake, "answer", lambda path, body: reply)
    with pytest.raises((InvalidRequest, EngineUnavailable), match=r"/v1/detokenize|Not Found"):
        await engine.spell((1, 2), behind=PROMPT)


async def test_the_rest_is_asked_for_behind_prompt_and_partial_output(
    engine: SglangEngine, fake: FakeSglang
) -> None:
    await engine.probe()
    partial = (8, 9)
    with pytest.raises(EngineUnavailable, match="counts 3 prompt tokens where 5 were sent"):
        await collect(engine, prompt=(5, 6, 7, *partial), max_new_tokens=6)
    [body] = [b for b in fake.sent("/generate") if "stream" in b]
    assert body["input_ids"] == [5, 6, 7, 8, 9]
    assert body["sampling_params"]["max_new_tokens"] == 6
