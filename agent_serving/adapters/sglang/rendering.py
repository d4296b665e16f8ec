"""Messages to token ids, by the chat template that the engine itself has loaded.

An opening is one rendering. A delta is cut out of the rendering of a dummy conversation; how many
end-of-turn tokens that dummy has is established once for each start of a worker, by renderings
that differ in known places.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from agent_serving.adapters.sglang.pool import Member, Pool
from agent_serving.adapters.sglang.spelling import spell
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import EngineUnavailable, InvalidRequest
from agent_serving.domain.transcript import cut_delta, turn_ends_of_dummy
from agent_serving.domain.values import Message, ToolCall, ToolSpec
from agent_serving.ports import Spelled

Wire = dict[str, Any]
T = TypeVar("T")

_TEMPLATE_FAILED = "during tokenization"
"""In the words of a 500: the template raised, so another try ends the same way."""

_DUMMY_CALL_ID = "call00000"
_DUMMY_TOOL = "lookup"
# They differ in their last character, so the last token of one is never that of the other.
_REPLIES = ("alpha", "bravo")
_CONTENTS = ("kilo", "lima")


@dataclass(frozen=True, slots=True)
class Seam:
    """Where deltas of one template begin: after the `turn_ends`-th end-of-turn token. `calls`:
    the dummy's reply has to call a tool before a tool can answer."""

    turn_ends: int
    calls: bool


Kind = Literal["user", "assistant", "tool"]


class Renderer:
    """Renders on any ready worker, the next one where the first is unreachable."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._seams: dict[tuple[tuple[str, str], str, Kind], Seam | InvalidRequest] = {}
        self._ends: dict[tuple[tuple[str, str], str], int] = {}

    async def opening(
        self,
        *,
        dialect: Dialect,
        instructions: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
    ) -> tuple[int, ...]:
        system = [{"role": "system", "content": dialect.break_controls(instructions)}]
        wire = (system if instructions else []) + [on_wire(each, dialect) for each in messages]
        offered = [tool_on_wire(tool, dialect) for tool in tools]
        return await self._anywhere(lambda member: _render(member, wire, offered))

    async def delta(self, *, dialect: Dialect, messages: Sequence[Message]) -> tuple[int, ...]:
        async def on(member: Member) -> tuple[int, ...]:
            end = await self._end(member, dialect)
            seam = await self._seam(member, dialect, end, _kind(messages))
            wire = _dummy(_REPLIES[0], seam.calls) + [on_wire(each, dialect) for each in messages]
            delta = cut_delta(await _render(member, wire), end, seam.turn_ends)
            if delta is None:
                raise _unfit(member, "it dropped the end of the reply before these messages")
            return delta

        return await self._anywhere(on)

    async def end_of_turn(self, *, dialect: Dialect) -> int:
        return await self._anywhere(lambda member: self._end(member, dialect))

    async def spell(self, tokens: Sequence[int], *, behind: Sequence[int]) -> Spelled:
        return await self._anywhere(lambda member: spell(member, tokens, behind))

    async def _anywhere(self, render: Callable[[Member], Awaitable[T]]) -> T:
        lost: EngineUnavailable | None = None
        for member in self._pool.any_ready():
            try:
                return await render(member)
            except EngineUnavailable as error:
                self._pool.doubt(member.worker.name)
                lost = error
        assert lost is not None
        raise lost

    async def _end(self, member: Member, dialect: Dialect) -> int:
        key = (member.incarnation, dialect.end_of_turn)
        if key not in self._ends:
            self._forget_other_starts(member)
            body = {"prompt": dialect.end_of_turn, "add_special_tokens": False}
            tokens = await _tokenize(member, body)
            if len(tokens) != 1:
                raise InvalidRequest(
                    f"The end-of-turn token {dialect.end_of_turn!r} of the dialect is "
                    f"{len(tokens)} tokens to the engine {member.worker.name}, where it must be "
                    f"one; choose the dialect that fits the model {member.worker.model}."
                )
            self._ends[key] = tokens[0]
        return self._ends[key]

    async def _seam(self, member: Member, dialect: Dialect, end: int, kind: Kind) -> Seam:
        key = (member.incarnation, dialect.end_of_turn, kind)
        if key not in self._seams:
            self._seams[key] = await _find_seam(member, end, kind)
        match self._seams[key]:
            case InvalidRequest() as error:
                raise InvalidRequest(error.message)
            case seam:
                return seam

    def _forget_other_starts(self, member: Member) -> None:
        name = member.worker.name
        for ends in [key for key in self._ends if key[0][0] == name]:
            if ends[0] != member.incarnation:
                del self._ends[ends]
        for seams in [key for key in self._seams if key[0][0] == name]:
            if seams[0] != member.incarnation:
                del self._seams[seams]


async def _find_seam(member: Member, end: int, kind: Kind) -> Seam | InvalidRequest:
    """The first dummy that the template takes: some insist on a call before a tool's answer."""
    refused: list[str] = []
    for calls in (False, True) if kind == "tool" else (False,):
        try:
            return await _try_seam(member, end, kind, calls=calls)
        except InvalidRequest as error:
            refused.append(error.message)
    return _unfit(member, f"{kind} messages: {' — '.join(refused)}")


async def _try_seam(member: Member, end: int, kind: Kind, *, calls: bool) -> Seam:
    answer = _dummy_answer(kind, _CONTENTS[0])
    first, second, other_answer = await asyncio.gather(
        _render(member, [*_dummy(_REPLIES[0], calls), answer]),
        _render(member, [*_dummy(_REPLIES[1], calls), answer]),
        _render(member, [*_dummy(_REPLIES[0], calls), _dummy_answer(kind, _CONTENTS[1])]),
    )
    turn_ends = turn_ends_of_dummy(first, second, end, directly=not calls)
    if turn_ends is None:
        raise InvalidRequest("its reply is not closed by the end-of-turn token")
    delta = cut_delta(first, end, turn_ends)
    if not delta or delta == cut_delta(other_answer, end, turn_ends):
        raise InvalidRequest("it leaves the message out")
    return Seam(turn_ends=turn_ends, calls=calls)


def on_wire(message: Message, dialect: Dialect) -> Wire:
    """Contents are data: no spelling in them may become a control token."""
    wire: Wire = {"role": message.role, "content": dialect.break_controls(message.content)}
    if message.name is not None:
        wire["name"] = dialect.break_controls(message.name)
    if message.call_id is not None:
        wire["tool_call_id"] = dialect.break_controls(message.call_id)
    if message.calls:
        wire["tool_calls"] = [_call_on_wire(call, dialect) for call in message.calls]
    return wire


def _call_on_wire(call: ToolCall, dialect: Dialect) -> Wire:
    function = {
        "name": dialect.break_controls(call.name),
        "arguments": dialect.break_controls(call.arguments),
    }
    return {"id": dialect.break_controls(call.call_id), "type": "function", "function": function}


def tool_on_wire(tool: ToolSpec, dialect: Dialect) -> Wire:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": dialect.break_controls(tool.description),
            "parameters": _broken(tool.parameters, dialect),
        },
    }


def _broken(value: Any, dialect: Dialect) -> Any:
    match value:
        case str():
            return dialect.break_controls(value)
        case dict():
            return {dialect.break_controls(key): _broken(of, dialect) for key, of in value.items()}
        case list() | tuple():
            return [_broken(item, dialect) for item in value]
        case _:
            return value


def _kind(messages: Sequence[Message]) -> Kind:
    """By what comes behind the dummy's reply. A template may make one message of it and an
    assistant's next one, so those have a seam of their own."""
    if any(message.role == "tool" for message in messages):
        return "tool"
    return "assistant" if messages and messages[0].role == "assistant" else "user"


def _dummy(reply: str, calls: bool) -> list[Wire]:
    asked: Wire = {"role": "user", "content": "hotel"}
    if not calls:
        return [asked, {"role": "assistant", "content": reply}]
    function = {"name": _DUMMY_TOOL, "arguments": f'{{"key": "{reply}"}}'}
    call = {"id": _DUMMY_CALL_ID, "type": "function", "function": function}
    return [asked, {"role": "assistant", "content": "", "tool_calls": [call]}]


def _dummy_answer(kind: Kind, content: str) -> Wire:
    if kind != "tool":
        return {"role": kind, "content": content}
    return {
        "role": "tool",
        "content": content,
        "name": _DUMMY_TOOL,
        "tool_call_id": _DUMMY_CALL_ID,
    }


async def _render(
    member: Member, messages: Sequence[Wire], tools: Sequence[Wire] = ()
) -> tuple[int, ...]:
    body: Wire = {"messages": list(messages), "add_generation_prompt": True}
    if tools:
        body["tools"] = list(tools)
    return await _tokenize(member, body)


async def _tokenize(member: Member, body: Mapping[str, Any]) -> tuple[int, ...]:
    worker = member.worker
    try:
        answer = await member.client.post("/v1/tokenize", {"model": worker.model or "", **body})
    except EngineUnavailable as error:
        if _TEMPLATE_FAILED in error.message:
            raise _unfit(member, error.message) from error
        raise
    match answer:
        case {"tokens": list(tokens)}:
            return tuple(tokens)
        case _:
            raise EngineUnavailable(
                f"The engine {worker.name} answered /v1/tokenize without tokens: "
                f"{str(answer)[:200]}"
            )


def _unfit(member: Member, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The chat template of {member.worker.model} on {member.worker.name} cannot render this: "
        f"{why}. Start the engine with a template that can (--chat-template)."
    )
