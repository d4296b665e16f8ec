"""A server on loopback that answers like SGLang, and fails on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

END = 1
"""The id of <end>; every other character is its code point plus 10."""


@dataclass
class Reply:
    """`chunks` are written one by one as the body; `hang` keeps the connection open after them,
    until the request is aborted; `reset` drops it."""

    status: int = 200
    chunks: list[str] = field(default_factory=list)
    hang: bool = False
    reset: bool = False


def as_json(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, chunks=[json.dumps(body)])


def frame(
    text: str, ids: list[int], completed: int, *, finish: Any = None, prompt: int | None = 3
) -> str:
    meta = {"finish_reason": finish, "completion_tokens": completed, "prompt_tokens": prompt}
    return "data: " + json.dumps({"text": text, "output_ids": ids, "meta_info": meta}) + "\n\n"


DONE = "data: [DONE]\n\n"
STOP = {"type": "stop", "matched": END}


def whole_reply() -> Reply:
    return Reply(
        chunks=[frame("a", [5], 1), frame("b", [6, 7], 3), frame("", [END], 4, finish=STOP), DONE]
    )


def tokens_of(text: str) -> list[int]:
    pieces = text.split("<end>")
    ids = [ord(char) + 10 for char in pieces[0]]
    for piece in pieces[1:]:
        ids += [END, *(ord(char) + 10 for char in piece)]
    return ids


def plain_template(messages: list[dict[str, Any]]) -> str:
    turns = "".join(f"[{each['role']}]{each['content']}<end>\n" for each in messages)
    return turns + "[assistant]"


class FakeSglang:
    """`generate` answers POST /generate, `template` renders (raise ValueError to refuse).
    `calls` has the path and body of every request."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.generate: Callable[[dict[str, Any]], Reply] = lambda body: whole_reply()
        self.template: Callable[[list[dict[str, Any]]], str] = plain_template
        self.server_info: dict[str, Any] = {
            "version": "0.5.23",
            "startup_time": {"tokenizer_e2e": 1.0},
            "random_seed": 7,
            "page_size": 1,
            "max_total_num_tokens": 4096,
            "enable_metrics": True,
            "enable_cache_report": True,
            "enable_session_radix_cache": True,
            "incremental_streaming_output": True,
            "grammar_backend": "xgrammar",
            "enable_deterministic_inference": True,
        }
        self.model_info: dict[str, Any] = {
            "served_model_name": "fake",
            "model_path": "models/fake-7b",
            "architectures": ["FakeForCausalLM"],
            "is_generation": True,
        }
        self.vocabulary_size = 100
        self.tells_vocabulary = True
        self.asked = asyncio.Event()
        """Set when a generation has begun."""
        self.aborted = asyncio.Event()
        self.url = ""

    def answer(self, path: str, body: Any) -> Reply:
        match path:
            case "/server_info":
                return as_json(self.server_info)
            case "/model_info":
                return as_json(self.model_info)
            case "/v1/models":
                return as_json({"data": [{"id": "fake", "max_model_len": 64}]})
            case "/v1/tokenize":
                return self._tokenize(body)
            case "/abort_request":
                self.aborted.set()
                return Reply()
            case "/generate" if "logit_bias" in body["sampling_params"]:
                return self._vocabulary()
            case "/generate":
                self.asked.set()
                return self.generate(body)
            case _:
                return Reply()

    def sent(self, path: str) -> list[Any]:
        return [body for called, body in self.calls if called == path]

    def _vocabulary(self) -> Reply:
        if not self.tells_vocabulary:
            return as_json({"text": "", "output_ids": [], "meta_info": {}})
        last = self.vocabulary_size - 1
        words = f"logit_bias must has keys in [0, {last}], got -1."
        return as_json({"error": {"message": words}}, 400)

    def _tokenize(self, body: dict[str, Any]) -> Reply:
        if "prompt" in body:
            return as_json({"tokens": tokens_of(body["prompt"])})
        try:
            return as_json({"tokens": tokens_of(self.template(body["messages"]))})
        except ValueError as error:
            words = f"Internal server error during tokenization: {error}"
            return as_json({"object": "error", "message": words, "code": 500}, 500)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ", 2)[1].split("?")[0]
            length = next(
                (
                    int(line.split(":")[1])
                    for line in head.lower().split("\r\n")
                    if "content-length" in line
                ),
                0,
            )
            body = json.loads(await reader.readexactly(length)) if length else None
            self.calls.append((path, body))
            await self._write(writer, self.answer(path, body))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _write(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        writer.write(f"HTTP/1.1 {reply.status} X\r\nConnection: close\r\n".encode())
        writer.write(b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in filter(None, reply.chunks):
            data = chunk.encode()
            writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            await writer.drain()
        if reply.hang:
            await self.aborted.wait()
        if not reply.reset:
            writer.write(b"0\r\n\r\n")
            await writer.drain()
