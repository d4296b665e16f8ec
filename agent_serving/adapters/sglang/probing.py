"""What is found out about a worker, and what is said of it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent_serving.adapters.sglang.client import EngineClient
from agent_serving.domain.errors import InvalidRequest
from agent_serving.ports import Worker

PROBE_SECONDS = 5.0

_VOCABULARY = re.compile(r"keys in \[0, (\d+)\]")


@dataclass(frozen=True, slots=True)
class Findings:
    """The answers of one running process."""

    boot: str | None
    version: str | None
    model: str | None
    hints: tuple[str, ...]
    context_length: int | None
    vocabulary_size: int | None
    max_total_tokens: int | None
    metrics: bool
    cache_report: bool
    session_radix_cache: bool
    incremental_streaming: bool
    grammar_backend: str | None
    page_tokens: int
    generates: bool
    tokenizes: bool
    seeds: bool
    priority_sign: int
    """1: a larger `priority` goes first; -1: a smaller one; 0: the server takes none."""


async def ask(client: EngineClient) -> Findings:
    """Raises EngineUnavailable, InvalidRequest."""
    server = _mapping(await client.get("/server_info", seconds=PROBE_SECONDS))
    model = _mapping(await client.get("/model_info", seconds=PROBE_SECONDS))
    models = _mapping(await client.get("/v1/models", seconds=PROBE_SECONDS))
    return Findings(
        boot=boot_of(server),
        version=_text(server.get("version")),
        model=_text(model.get("served_model_name") or server.get("served_model_name")),
        hints=_hints(model),
        context_length=_length(models) or _number(server.get("context_length")),
        vocabulary_size=await _vocabulary(client),
        max_total_tokens=_number(server.get("max_total_num_tokens")),
        metrics=bool(server.get("enable_metrics")),
        cache_report=bool(server.get("enable_cache_report")),
        session_radix_cache=bool(server.get("enable_session_radix_cache")),
        incremental_streaming=bool(server.get("incremental_streaming_output")),
        grammar_backend=_backend(server.get("grammar_backend")),
        page_tokens=_number(server.get("page_size")) or 1,
        generates=model.get("is_generation") is not False,
        tokenizes=not server.get("skip_tokenizer_init"),
        seeds=bool(server.get("enable_deterministic_inference")),
        priority_sign=_priority_sign(server),
    )


async def ask_boot(client: EngineClient) -> str | None:
    """Raises EngineUnavailable, InvalidRequest."""
    return boot_of(_mapping(await client.get("/server_info", seconds=PROBE_SECONDS)))


def boot_of(server: Mapping[str, Any]) -> str | None:
    """Differs between two starts of a server. SGLang gives itself no id; but how long each part of
    its start took, to the nanosecond, and its random seed are never the same twice. The seed alone
    may be: it can be set. None where an old version does not tell its times."""
    took = server.get("startup_time")
    if not took:
        return None
    mark = json.dumps([took, server.get("random_seed")], sort_keys=True)
    return hashlib.blake2b(mark.encode(), digest_size=8).hexdigest()


def worker_of(name: str, url: str, found: Findings) -> Worker:
    return Worker(
        name=name,
        url=url,
        ready=found.generates and found.tokenizes,
        version=found.version,
        model=found.model,
        hints=found.hints,
        context_length=found.context_length,
        vocabulary_size=found.vocabulary_size,
        max_total_tokens=found.max_total_tokens,
        metrics=found.metrics,
        cache_report=found.cache_report,
        session_radix_cache=found.session_radix_cache,
        incremental_streaming=found.incremental_streaming,
        grammar_backend=found.grammar_backend,
        page_tokens=found.page_tokens,
        incarnation=found.boot,
        degraded=degraded(found),
    )


def degraded(found: Findings) -> tuple[str, ...]:
    """A sentence for each thing that is missing: what it is and what it costs."""
    missing = {
        "It serves an embedding model, which cannot generate: it is not used.": not found.generates,
        "It runs with --skip-tokenizer-init: nothing can be rendered or constrained, so it is "
        "not used.": not found.tokenizes,
        "Its vocabulary size could not be found out: a bad token id cannot be refused here, and "
        "would stop the server.": found.vocabulary_size is None,
        "Its context length could not be found out: a prompt that is too long is refused by the "
        "engine only.": found.context_length is None,
        "It runs without --enable-metrics: waiting in its queue cannot be told from prefill, and "
        "times are measured from outside.": not found.metrics,
        "It runs without --enable-cache-report: its OpenAI routes do not report cached tokens; "
        "/generate, which is used here, does.": not found.cache_report,
        "It runs without --enable-session-radix-cache: the cache of a closed session is not "
        "given up early, it ages like any other.": not found.session_radix_cache,
        "It runs without --incremental-streaming-output: each chunk repeats the whole reply, "
        "which costs time and bandwidth on long ones.": not found.incremental_streaming,
        "It runs without --enable-deterministic-inference: a sampling seed has no effect; only "
        "temperature 0 repeats itself.": not found.seeds,
        "It does not tell when it was started anew: the reason of a prefix that was lost on it is "
        "unknown.": found.boot is None,
        "It runs without a grammar backend: tool calls and outputs cannot be constrained, and "
        "requests that ask for it are refused.": found.grammar_backend is None,
    }
    return tuple(sentence for sentence, applies in missing.items() if applies)


async def _vocabulary(client: EngineClient) -> int | None:
    """No route tells it, but a refusal does: the tokenizer process checks `logit_bias` and names
    the valid range, so nothing ever runs. (-1 would be harmless even where nobody checks.)"""
    body = {"input_ids": [0], "sampling_params": {"max_new_tokens": 0, "logit_bias": {"-1": 0.0}}}
    try:
        await client.post("/generate", body, seconds=PROBE_SECONDS)
    except InvalidRequest as error:
        found = _VOCABULARY.search(error.message)
        return int(found[1]) + 1 if found else None
    return None


def _length(models: Mapping[str, Any]) -> int | None:
    match models.get("data"):
        case [{"max_model_len": int(length)}, *_]:
            return length
        case _:
            return None


def _hints(model: Mapping[str, Any]) -> tuple[str, ...]:
    architectures = model.get("architectures")
    names = [model.get("model_path"), *(architectures if isinstance(architectures, list) else [])]
    return tuple(name for name in names if isinstance(name, str) and name)


def _priority_sign(server: Mapping[str, Any]) -> int:
    if not server.get("enable_priority_scheduling"):
        return 0
    return -1 if server.get("schedule_low_priority_values_first") else 1


def _backend(value: Any) -> str | None:
    name = _text(value)
    return None if name == "none" else name


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
