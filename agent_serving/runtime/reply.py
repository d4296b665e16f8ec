"""A reply in the making: what one attempt has streamed so far, and what it amounts to."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Literal

from agent_serving.domain.dialect import Dialect
from agent_serving.domain.errors import AgentServingError
from agent_serving.domain.events import Attempt
from agent_serving.domain.feed import Public, delta
from agent_serving.domain.partial import Ending, Head, Partial
from agent_serving.domain.reply import ItemDone, Piece, ReplyParser
from agent_serving.domain.step import ModelStep
from agent_serving.domain.values import (
    Failure,
    PrefixReason,
    ReplyItem,
    Timings,
    ToolCall,
    ToolCallItem,
    Usage,
)
from agent_serving.ports import Chunk, Clock, Finished, Grant, Spelled, Worker
from agent_serving.runtime.tool_step import SoFar

Finish = Literal["stop", "length", "cancelled", "interrupted"]


class Torn(Exception):
    """The text that followers have seen is not what the tokens spell: there is no place in it from
    which the engine could go on."""


class Reply:
    """One attempt at a step. Item and call ids derive from the step and the attempt that began to
    speak, so deltas, facts and a later replay name the same things. Without `calls` (none was
    offered) all is text. `partial` is what earlier attempts have said, if this one goes on.
    """

    def __init__(
        self,
        dialect: Dialect,
        step: ModelStep,
        attempt: int,
        clock: Clock,
        *,
        calls: bool,
        partial: Partial | None = None,
    ) -> None:
        suffix = step.id.removeprefix("step_")
        self._began = attempt if partial is None else partial.head.began
        mark = "" if self._began == 1 else f"r{self._began}"
        self.step = step
        self.rid = secrets.token_hex(16)
        self.worker = ""
        self.incarnation: str | None = None
        self.page_tokens = 1
        self.prefix_reason: PrefixReason | None = None
        self.tokens: list[int] = []
        self.text: list[str] = []
        self.base = 0
        """How many of the tokens earlier attempts have brought."""
        self.end_of_turn: int | None = None
        self._number = attempt
        self._clock = clock
        self._parser = ReplyParser(
            dialect,
            item_id=lambda n: f"item_{suffix}{mark}_{n}",
            call_id=lambda n: f"call_{suffix}{mark}_{n}",
            calls=calls,
        )
        self._end: Finished | None = None
        self._taken: Finish | None = None
        self._kept: tuple[ReplyItem, ...] | None = None
        self._begun = clock.monotonic()
        self._started_at = clock.now()
        self._sent: float | None = None
        self._first: float | None = None
        self._admission_ms = 0.0
        self._whole_calls = 0
        """Invariant: the first so many tokens end with the last complete call."""
        if partial is not None:
            self._hear(partial.text, partial.tokens)
            self.base = len(self.tokens)
            self.end_of_turn = partial.head.end_of_turn

    def admitted(self, grant: Grant, workers: Sequence[Worker]) -> None:
        self.worker = grant.worker
        for worker in workers:
            if worker.name == grant.worker:
                self.incarnation, self.page_tokens = worker.incarnation, worker.page_tokens
        self._admission_ms = grant.waited_ms
        self._sent = self._clock.monotonic()

    def take(self, part: Chunk | Finished) -> list[Piece]:
        if isinstance(part, Finished):
            self._end = part
            return self._parser.close(part.reason)
        if part.tokens and self._first is None:
            self._first = self._clock.monotonic()
        return self._hear(part.text, part.tokens)

    def _hear(self, text: str, tokens: Sequence[int]) -> list[Piece]:
        self.tokens.extend(tokens)
        self.text.append(text)
        pieces = self._parser.feed(text)
        if complete_calls(pieces):
            self._whole_calls = len(self.tokens)
        return pieces

    def respell(self, spelled: Spelled) -> list[Piece]:
        """Before the engine goes on: tokens behind the last whole character are dropped, and text
        that had not come out yet comes. Raises Torn."""
        known = "".join(self.text)
        if not spelled.text.startswith(known):
            raise Torn
        del self.tokens[spelled.tokens :]
        self.base = len(self.tokens)
        return self._hear(spelled.text[len(known) :], ())

    def head(self) -> Head:
        return Head(
            step_id=self.step.id,
            began=self._began,
            attempt=self.attempt("failed"),
            end_of_turn=self.end_of_turn,
            finish=self.finish,
        )

    def take_whole(self, finish: Ending) -> None:
        """Nothing is missing, though the engine has not said so."""
        self._taken = finish
        self._parser.close(finish)

    def cut(self, kind: Literal["cancelled", "interrupted"]) -> None:
        if self._end is None:
            self._taken = kind
            self._parser.close(kind)

    def keep_whole_calls(self) -> None:
        """The engine is gone, but calls of this reply have started: the reply ends behind the
        last complete one, so that call and result still pair up."""
        self.cut("interrupted")
        self._kept = self.so_far(0).items
        del self.tokens[self._whole_calls :]

    def so_far(self, known: int) -> SoFar:
        """The reply down to its last complete call; the first `known` ids are in the transcript
        already."""
        items = list(self._parser.items)
        while items and not (
            isinstance(items[-1], ToolCallItem) and items[-1].status == "completed"
        ):
            items.pop()
        return SoFar(tuple(items), tuple(self.tokens[known : self._whole_calls]))

    @property
    def items(self) -> tuple[ReplyItem, ...]:
        return self._parser.items if self._kept is None else self._kept

    @property
    def open(self) -> bool:
        """Whether the end-of-turn token is still to come."""
        return not self.tokens or self.tokens[-1] != self.end_of_turn

    @property
    def cached_tokens(self) -> int | None:
        """None until the engine has said."""
        return self._end.usage.cached_tokens if self._end else None

    @property
    def finish(self) -> Ending | None:
        """What the engine said; None until it has."""
        return self._end.reason if self._end else None

    @property
    def ending(self) -> Finish | None:
        """How the reply has ended, whoever ended it."""
        return self.finish or self._taken

    def deltas(self, turn_id: str, pieces: Iterable[Piece]) -> list[Public]:
        now = self._clock.now()
        events = (delta(turn_id, self.step.id, piece, now) for piece in pieces)
        return [event for event in events if event is not None]

    def attempt(
        self,
        status: Literal["completed", "failed", "cancelled"],
        error: AgentServingError | None = None,
    ) -> Attempt:
        return Attempt(
            number=self._number,
            rid=self.rid,
            worker=self.worker,
            incarnation=self.incarnation,
            page_tokens=self.page_tokens,
            prefix_reason=self.prefix_reason,
            status=status,
            started_at=self._started_at,
            usage=self._usage(status),
            timings=self._timings(),
            error=Failure(code=error.code, message=error.message) if error else None,
        )

    def _usage(self, status: str) -> Usage:
        steps = 0 if status == "failed" else 1
        if self._end is not None:
            return self._end.usage.but(model_steps=steps)
        seen = self.step.prompt_tokens + self.base if self._first is not None else 0
        said = len(self.tokens) - self.base
        return Usage(input_tokens=seen, output_tokens=said, model_steps=steps)

    def _timings(self) -> Timings:
        now = self._clock.monotonic()
        total = (now - self._begun) * 1000
        if self._end is not None:
            return self._end.timings.but(admission_ms=self._admission_ms, total_ms=total)
        if self._sent is None:
            return Timings(admission_ms=total, total_ms=total)
        first = self._first or now
        return Timings(
            admission_ms=self._admission_ms,
            prefill_ms=(first - self._sent) * 1000,
            decode_ms=(now - first) * 1000,
            ttft_ms=None if self._first is None else (first - self._sent) * 1000,
            total_ms=total,
        )


def complete_calls(pieces: Iterable[Piece]) -> list[ToolCall]:
    return [
        piece.item.call
        for piece in pieces
        if isinstance(piece, ItemDone)
        and isinstance(piece.item, ToolCallItem)
        and piece.item.status == "completed"
    ]
