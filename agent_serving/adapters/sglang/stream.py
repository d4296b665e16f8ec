"""SGLang's event stream, decoded: lines to frames, frames to what is new."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_serving.adapters.sglang.client import engine_words, refusal
from agent_serving.domain.errors import EngineUnavailable, VoidReply
from agent_serving.ports import Chunk


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: `text` and `tokens` as sent, so new ones only or all up to now. `finish` is the
    type of the finish reason, `stop` or `length`; None while the reply goes on."""

    text: str
    tokens: tuple[int, ...]
    meta: Mapping[str, Any]
    finish: str | None


def decode(line: str, worker: str) -> Frame | None:
    """The frame of a line; None for what is no event (blank lines, comments, the end mark).

    Raises what the engine reports in mid-stream under HTTP 200: InvalidRequest and
    ContextLengthExceeded for a refusal, else EngineUnavailable; that too for garbage.
    """
    if not line.startswith("data:"):
        return None
    data = line.removeprefix("data:").strip()
    if data == "[DONE]":
        return None
    try:
        body = json.loads(data)
    except ValueError as error:
        raise EngineUnavailable(
            f"The engine {worker} sent something that is not JSON in mid-stream: {data[:200]!r}"
        ) from error
    return _frame(body, worker)


def _frame(body: Any, worker: str) -> Frame:
    match body:
        case {"error": error}:
            status = error.get("code") if isinstance(error, dict) else None
            raise refusal(worker, status if isinstance(status, int) else None, engine_words(body))
        case {"text": str(text), "output_ids": list(tokens), "meta_info": dict(meta)}:
            pass
        case _:
            raise EngineUnavailable(
                f"The engine {worker} sent a frame without text, output_ids and meta_info: "
                f"{str(body)[:200]}"
            )
    match meta.get("finish_reason"):
        case None:
            finish = None
        case {"type": "stop" | "length" as finish}:
            pass
        case {"type": "abort", **rest}:
            status = rest.get("status_code")
            words = str(rest.get("message") or "aborted")
            raise refusal(worker, status if isinstance(status, int) else None, words)
        case other:
            raise EngineUnavailable(
                f"The engine {worker} ended a reply in a way that is not known: {other}"
            )
    return Frame(text=text, tokens=tuple(tokens), meta=meta, finish=finish)


class Deltas:
    """Cuts what is new out of each frame, for servers that send all up to now (the default) and
    for those that send what is new (--incremental-streaming-output). The engine's own count of
    tokens exposes a wrong guess before anything wrong gets out, or looks whole."""

    def __init__(self, worker: str, *, incremental: bool) -> None:
        self._worker = worker
        self._incremental = incremental
        self._text = ""
        self._tokens: list[int] = []

    @property
    def tokens(self) -> int:
        return len(self._tokens)

    def cut(self, frame: Frame) -> Chunk:
        text, tokens = frame.text, frame.tokens
        if not self._incremental:
            if not text.startswith(self._text) or list(tokens[: self.tokens]) != self._tokens:
                raise self._broken("took back what it had sent")
            text, tokens = text[len(self._text) :], tokens[self.tokens :]
            self._text = frame.text
        self._tokens += tokens
        counted = frame.meta.get("completion_tokens")
        exact = self._incremental or frame.finish is not None
        if exact and isinstance(counted, int) and counted != self.tokens:
            raise self._broken(f"counts {counted} tokens where {self.tokens} have arrived")
        return Chunk(text=text, tokens=tokens)

    def _broken(self, what: str) -> EngineUnavailable:
        how = "incremental" if self._incremental else "cumulative"
        # Each frame of an incremental stream is counted before it gets out.
        kind = EngineUnavailable if self._incremental else VoidReply
        return kind(
            f"The engine {self._worker} {what}. Its stream was read as {how}, as it was when last "
            "probed; it may have been restarted with another setting, and is probed again."
        )
