"""The text that a reply's tokens have, where it is not at hand any more."""

from __future__ import annotations

from collections.abc import Sequence

from agent_serving.adapters.sglang.pool import Member
from agent_serving.domain.errors import EngineUnavailable
from agent_serving.ports import Spelled

_PARTIAL = "\N{REPLACEMENT CHARACTER}"
"""How a tokenizer shows bytes that are no character, or not one yet."""
_LONGEST_CHARACTER = 4
"""Bytes in UTF-8, and so the most tokens that spell one character."""
_CONTEXT = 5
"""Tokens of the prompt that the engine decodes a reply's beginning with."""


async def spell(member: Member, tokens: Sequence[int], behind: Sequence[int]) -> Spelled:
    """Raises EngineUnavailable."""
    before = list(behind[-_CONTEXT:])
    start = len(await _detokenize(member, before))
    whole, texts = len(tokens), []
    for count in range(whole, max(whole - _LONGEST_CHARACTER, -1), -1):
        text = (await _detokenize(member, [*before, *tokens[:count]]))[start:]
        if not text.endswith(_PARTIAL):
            return Spelled(count, text)
        texts.append(text)
    return Spelled(whole, texts[0])  # the model wrote that character itself


async def _detokenize(member: Member, tokens: Sequence[int]) -> str:
    if not tokens:
        return ""
    worker = member.worker
    answer = await member.client.post(
        "/v1/detokenize",
        {"model": worker.model or "", "tokens": list(tokens), "skip_special_tokens": False},
    )
    match answer:
        case {"text": str(text)}:
            return text
        case _:
            raise EngineUnavailable(
                f"The engine {worker.name} answered /v1/detokenize without a text: "
                f"{str(answer)[:200]}"
            )
