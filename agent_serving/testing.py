"""An engine without a model, for tests: it says what its script says, one character a token.

    engine = ScriptedEngine(["Hello!", Say("a long story", delay=0.01), Break("half a rep")])

It keeps the Engine contract (tests/contracts runs it beside the real SGLang): token-exact
transcripts, prefix reuse, length cuts, aborts and lost attempts behave as they do there.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agent_serving.domain.constraint import Constraint
from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import (
    ContextLengthExceeded,
    EngineUnavailable,
    InvalidRequest,
    SchemaRejected,
)
from agent_serving.domain.values import Message, Timings, ToolSpec, Usage
from agent_serving.ports import Chunk, Finished, Generation, Spelled, Worker

FIRST_CONTROL_TOKEN = 0x110000
"""Text is its code points; control tokens are numbered from here."""


@dataclass(frozen=True, slots=True)
class Say:
    """A whole reply. `delay` is seconds between chunks of `chunk` characters."""

    text: str
    delay: float = 0.0
    chunk: int = 5


@dataclass(frozen=True, slots=True)
class Break:
    """A reply whose engine dies behind `text`."""

    text: str = ""


Line = str | Say | Break
Script = Iterable[Line] | Callable[[str], Line]


def call(name: str, /, **arguments: Any) -> str:
    """A tool call, as the scripted model writes it; a line may have several, and words before."""
    written = json.dumps({"name": name, "arguments": arguments})
    return f"<tool_call>\n{written}\n</tool_call>"


_Tree = dict[int, "_Tree"]
"""Token → what came behind it."""


class ScriptedEngine:
    """`script` is the replies in order (the last one again and again), or a function from the
    prompt's text to a reply."""

    def __init__(
        self,
        script: Script = ("OK.",),
        *,
        model: str = "scripted",
        context_length: int = 32_768,
        end_of_turn: str = "<|im_end|>",
    ) -> None:
        self.follow(script)
        self._controls = [end_of_turn, "<|im_start|>"]
        self._seen: _Tree = {}
        self._worker = Worker(
            name="scripted",
            url="scripted://",
            ready=True,
            version="scripted",
            model=model,
            hints=("qwen",),
            context_length=context_length,
            vocabulary_size=FIRST_CONTROL_TOKEN + len(self._controls),
            metrics=True,
            cache_report=True,
            session_radix_cache=True,
            incremental_streaming=True,
            incarnation="1",
        )
        self._start = 1
        self.requests: list[Generation] = []
        self.aborted: list[str] = []
        self.closed_sessions: list[str] = []
        self.asked_incarnations = 0
        self.rejected_constraints: dict[str, str] = {}
        """Constraint value → why the engine's grammar refuses it."""

    # --- the port ---------------------------------------------------------------------------

    def workers(self) -> Sequence[Worker]:
        return (self._worker,)

    async def probe(self) -> None:
        self._worker = replace(self._worker, incarnation=str(self._start))

    async def incarnation(self, worker: str) -> str | None:
        self.asked_incarnations += 1
        return str(self._start)

    async def render_opening(
        self,
        *,
        dialect: Dialect,
        instructions: str,
        tools: Sequence[ToolSpec],
        messages: Sequence[Message],
    ) -> tuple[int, ...]:
        self._require_up()
        listing = "".join(f"\n{json.dumps(t.parameters, sort_keys=True)} {t.name}" for t in tools)
        system = self._turn(dialect, "system", instructions + listing)
        return system + self._messages(dialect, messages)

    async def render_delta(
        self, *, dialect: Dialect, messages: Sequence[Message]
    ) -> tuple[int, ...]:
        self._require_up()
        return (*self.encode("\n"), *self._messages(dialect, messages))

    async def end_of_turn(self, *, dialect: Dialect) -> int:
        self._require_up()
        return FIRST_CONTROL_TOKEN

    async def spell(self, tokens: Sequence[int], *, behind: Sequence[int]) -> Spelled:
        self._require_up()
        return Spelled(len(tokens), self.decode(tokens))

    async def generate(self, generation: Generation) -> AsyncGenerator[Chunk | Finished, None]:
        self._require_up()
        self._check(generation)
        self.requests.append(generation)
        prompt = tuple(generation.prompt)
        line = self._line(prompt)
        say = Say(line) if isinstance(line, str) else line
        whole = self.encode(say.text)
        if isinstance(say, Say):
            whole = (*whole, FIRST_CONTROL_TOKEN)
        output = whole[: generation.max_new_tokens]
        done = False
        try:
            size, delay = (say.chunk, say.delay) if isinstance(say, Say) else (5, 0.0)
            for start in range(0, len(output), size):
                tokens = output[start : start + size]
                if delay or not start:
                    await asyncio.sleep(delay)
                yield Chunk(self.decode(tokens), tokens)
            done = True
        finally:
            if not done:
                self.aborted.append(generation.rid)
        if isinstance(say, Break) and len(output) == len(whole):
            raise EngineUnavailable("scripted: the connection broke in mid-stream")
        cached = self._cached(prompt)
        self._remember((*prompt, *output))
        yield Finished(
            reason="stop" if output[-1:] == (FIRST_CONTROL_TOKEN,) else "length",
            usage=Usage(input_tokens=len(prompt), cached_tokens=cached, output_tokens=len(output)),
            timings=Timings(prefill_ms=0.0, decode_ms=0.0),
        )

    async def check_constraint(self, constraint: Constraint, *, param: str) -> None:
        for value, reason in self.rejected_constraints.items():
            if value in constraint.value:
                raise SchemaRejected(reason, path="$", param=param)

    async def close_session(self, session_id: str) -> None:
        self.closed_sessions.append(session_id)

    async def aclose(self) -> None:
        return

    # --- for tests --------------------------------------------------------------------------

    def follow(self, script: Script) -> None:
        """Another script, from the next reply on."""
        self._answer = script if callable(script) else None
        self._lines = [] if callable(script) else list(script)

    def go_down(self) -> None:
        self._worker = replace(self._worker, ready=False)

    def come_up(self) -> None:
        self._worker = replace(self._worker, ready=True)

    def forget(self) -> None:
        """The cache is empty, as after evictions or a flush."""
        self._seen.clear()

    def restart(self) -> None:
        """Another start of the same engine: the cache is empty. It is noticed when it is probed,
        or asked."""
        self.forget()
        self._start += 1

    def encode(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def decode(self, tokens: Iterable[int]) -> str:
        return "".join(
            chr(token)
            if token < FIRST_CONTROL_TOKEN
            else self._controls[token - FIRST_CONTROL_TOKEN]
            for token in tokens
        )

    # --- inside -----------------------------------------------------------------------------

    def _line(self, prompt: Iterable[int]) -> Line:
        if self._answer is not None:
            return self._answer(self.decode(prompt))
        return self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]

    def _require_up(self) -> None:
        if not self._worker.ready:
            raise EngineUnavailable("scripted: the engine is down")

    def _check(self, generation: Generation) -> None:
        size = self._worker.vocabulary_size or 0
        ends = (min(generation.prompt, default=0), max(generation.prompt, default=0))
        bad = next((token for token in ends if not 0 <= token < size), None)
        if bad is not None:
            raise InvalidRequest(f"token id {bad} is outside the vocabulary of {size}")
        length = len(generation.prompt) + generation.max_new_tokens
        if self._worker.context_length is not None and length > self._worker.context_length:
            raise ContextLengthExceeded(
                f"{length} tokens do not fit the context of {self._worker.context_length}"
            )

    def _turn(self, dialect: Dialect, role: str, content: str) -> tuple[int, ...]:
        start = FIRST_CONTROL_TOKEN + 1
        body = self.encode(f"{role}\n{dialect.break_controls(content)}")
        return (start, *body, FIRST_CONTROL_TOKEN, *self.encode("\n"))

    def _messages(self, dialect: Dialect, messages: Sequence[Message]) -> tuple[int, ...]:
        turns = [token for m in messages for token in self._turn(dialect, m.role, _written(m))]
        return (*turns, FIRST_CONTROL_TOKEN + 1, *self.encode("assistant\n"))

    def _cached(self, prompt: tuple[int, ...]) -> int:
        """The longest known prefix, less the last token, which is always computed."""
        longest, known = 0, self._seen
        for token in prompt:
            if token not in known:
                break
            known = known[token]
            longest += 1
        return max(0, min(longest, len(prompt) - 1))

    def _remember(self, tokens: Iterable[int]) -> None:
        known = self._seen
        for token in tokens:
            known = known.setdefault(token, {})


def _written(message: Message) -> str:
    calls = (f"<tool_call>{call.model_dump_json()}</tool_call>" for call in message.calls)
    return message.content + "".join(calls)
