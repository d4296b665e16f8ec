"""How much of the known prefix the engine finds in its cache: this service against a client that
keeps messages and re-renders them with chat completions.

    python benchmarks/prefix_reuse.py --engine http://127.0.0.1:30000
    python benchmarks/prefix_reuse.py                # starts an engine with the demo model first

Both sides hold the same number of conversations of the same shape on the same engine, one side
after the other, each with a flushed cache: a system prompt, tools, and user messages whose first
step must call a tool and whose later ones end in a choice. The known prefix of a step is the
prompt and the output of the step before it in its session; only an engine that is sent exactly
those tokens again can find them all. The demo model does not know these tools and samples, so it
writes JSON as a model in the wild may: with blanks here and there, which re-rendering does not
reproduce.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from agent_serving.bootstrap import build, local_engine, served_by
from agent_serving.cli.server import serving
from agent_serving.config import Settings
from agent_serving.domain.constraint import step_constraint
from agent_serving.domain.reply import parse_reply
from agent_serving.domain.values import ChoiceOutput, ToolCallItem, ToolSpec
from agent_serving.plugins.grammars import choose_dialect, load_dialects
from agent_serving.plugins.locations import shipped

Json = dict[str, Any]

TOOLS: list[Json] = [
    {
        "type": "function",
        "name": "set_light",
        "description": "Set a light.",
        "parameters": {
            "type": "object",
            "properties": {
                "room": {"enum": ["kitchen", "hall", "attic"]},
                "percent": {"type": "integer", "minimum": 0, "maximum": 100},
                "warm": {"type": "boolean"},
            },
            "required": ["room", "percent", "warm"],
            "additionalProperties": False,
        },
    }
]
RESULT = '{"ok": true, "changed": ["light"]}'
CHOICES = ("done", "not done", "partly done")
QUESTIONS = (
    "Dim the hall.",
    "Brighter, please.",
    "And the attic?",
    "Off everywhere.",
    "As before.",
)
MAX_TOKENS = 120
"""Of a reply: ten of them, with their results, fit the demo model's context."""


@dataclass
class Reuse:
    """Sums over all steps but the first of each session."""

    known: int = 0
    cached: int = 0
    steps: int = 0

    def add(self, known: int, cached: int) -> None:
        self.known += known
        self.cached += min(cached, known)
        self.steps += 1

    @property
    def share(self) -> float:
        return self.cached / self.known if self.known else 0.0


def instructions(number: int) -> str:
    """Each session's own, so that sessions do not warm the cache for one another."""
    return f"House {number}. You look after the lights and report what you did."


# --- this service ---------------------------------------------------------------------------


async def ours(http: httpx.AsyncClient, number: int, steps: int, reuse: Reuse) -> None:
    agent = {
        "name": "lights",
        "instructions": instructions(number),
        "tools": TOOLS,
        "output": {"type": "choice", "choices": CHOICES},
        "sampling": {"temperature": 0.8, "max_output_tokens": MAX_TOKENS},
    }
    session = await _post(http, "/v1/sessions", {"agent": agent})
    done, question = 0, 0
    while done < steps:
        body = {"input": QUESTIONS[question % len(QUESTIONS)], "tool_choice": "required"}
        turn = await _post(http, f"/v1/sessions/{session['id']}/turns", body)
        while turn["status"] == "waiting":
            answers = [
                {"type": "tool_result", "call_id": call["call_id"], "output": RESULT}
                for call in turn["required_inputs"]
            ]
            path = f"/v1/sessions/{session['id']}/turns/{turn['id']}"
            await _post(http, f"{path}/inputs", {"inputs": answers})
            turn = await _settled(http, path)
        question += 1
        path = f"/v1/sessions/{session['id']}/turns/{turn['id']}/steps?limit=100"
        for step in (await http.get(path)).json()["data"]:
            if step["kind"] == "model" and done < steps:
                done += 1
                if step["prefix"]["expected_tokens"]:
                    reuse.add(step["prefix"]["expected_tokens"], step["usage"]["cached_tokens"])


async def _settled(http: httpx.AsyncClient, path: str) -> Json:
    while True:
        turn: Json = (await http.get(path)).json()
        if turn["status"] not in ("in_progress", "queued"):
            return turn
        await asyncio.sleep(0.01)


# --- re-rendered chat completions -----------------------------------------------------------


async def rerendered(
    http: httpx.AsyncClient, model: str, number: int, steps: int, reuse: Reuse
) -> None:
    dialect = choose_dialect(load_dialects([shipped("grammars")]), model, "qwen")
    assert dialect is not None
    specs = [ToolSpec(**{k: v for k, v in tool.items() if k != "type"}) for tool in TOOLS]
    output = ChoiceOutput(choices=CHOICES)
    messages: list[Json] = [{"role": "system", "content": instructions(number)}]
    done, question, known, must_call = 0, 0, 0, True
    messages.append({"role": "user", "content": QUESTIONS[0]})
    while done < steps:
        constraint = step_constraint(dialect, specs, "required" if must_call else "auto", output)
        assert constraint is not None
        body = {
            "model": model,
            "messages": messages,
            "tools": [_as_function(tool) for tool in TOOLS],
            "temperature": 0.8,
            "max_tokens": MAX_TOKENS,
            "response_format": json.loads(constraint.value),
        }
        answer = await _post(http, "/v1/chat/completions", body)
        usage = answer["usage"]
        if known:
            reuse.add(known, (usage["prompt_tokens_details"] or {}).get("cached_tokens", 0))
        done += 1
        known = usage["prompt_tokens"] + usage["completion_tokens"]
        choice = answer["choices"][0]
        text = choice["message"]["content"] or ""
        calls = [
            item
            for item in parse_reply(dialect, text, "stop")
            if isinstance(item, ToolCallItem) and item.status == "completed"
        ]
        messages.append(_as_message(text, calls))
        if calls:
            must_call = False
            messages += [
                {"role": "tool", "tool_call_id": call.call_id, "content": RESULT} for call in calls
            ]
        else:
            must_call = True
            question += 1
            content = QUESTIONS[question % len(QUESTIONS)]
            messages.append({"role": "user", "content": content})


def _as_function(tool: Json) -> Json:
    return {"type": "function", "function": {k: v for k, v in tool.items() if k != "type"}}


def _as_message(text: str, calls: list[ToolCallItem]) -> Json:
    """A reply as a chat client keeps it: calls taken out of the text and their arguments parsed."""
    if not calls:
        return {"role": "assistant", "content": text}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": call.call_id,
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": json.dumps(json.loads(call.arguments)),
                },
            }
            for call in calls
        ],
    }


# --- both -----------------------------------------------------------------------------------


async def _post(http: httpx.AsyncClient, path: str, body: Json) -> Json:
    answer = await http.post(path, json=body)
    if answer.is_error:
        raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
    found: Json = answer.json()
    return found


@asynccontextmanager
async def service(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    with tempfile.TemporaryDirectory() as data:
        async with (
            build(settings.but(data_dir=Path(data))) as running,
            serving(running.app, "127.0.0.1", 0) as url,
            httpx.AsyncClient(base_url=url, timeout=300, trust_env=False) as http,
        ):
            yield http


async def measure(
    settings: Settings, sessions: int, steps: int, parallel: int
) -> tuple[Reuse, Reuse]:
    mine, theirs = Reuse(), Reuse()
    gate = asyncio.Semaphore(parallel)
    key = settings.engine_api_key
    headers = {} if key is None else {"authorization": f"Bearer {key.get_secret_value()}"}
    [engine] = settings.engines
    direct = httpx.AsyncClient(base_url=engine, headers=headers, timeout=300, trust_env=False)
    async with direct, service(settings) as http:
        model = (await direct.get("/v1/models")).json()["data"][0]["id"]

        async def one(side: str, number: int) -> None:
            async with gate:
                if side == "ours":
                    await ours(http, number, steps, mine)
                else:
                    await rerendered(direct, model, number, steps, theirs)
                print(f"{side} {number + 1}/{sessions}", file=sys.stderr)

        for side in ("ours", "rerendered"):
            (await direct.post("/flush_cache")).raise_for_status()
            await asyncio.gather(*(one(side, number) for number in range(sessions)))
    return mine, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", help="URL of a running SGLang server; one is started without")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--steps", type=int, default=10, help="model steps of each session")
    parser.add_argument("--parallel", type=int, default=4, help="sessions at a time")
    options = parser.parse_args()
    with ExitStack() as stack:
        key = os.environ.get("AGENT_SERVING_ENGINE_API_KEY")
        settings = Settings(engine_port=0, engine_api_key=key)
        if options.engine is None:
            engine = stack.enter_context(
                local_engine(settings, lambda text: print(text, file=sys.stderr))
            )
            settings = served_by(settings, engine)
        else:
            settings = settings.but(engines=(options.engine.rstrip("/"),))
        mine, theirs = asyncio.run(
            measure(settings, options.sessions, options.steps, options.parallel)
        )
    print(f"{options.sessions} sessions of {options.steps} model steps")
    print(f"{'':24}{'steps':>8}{'known':>10}{'cached':>10}{'cached/known':>14}")
    for name, reuse in (("agent-serving", mine), ("re-rendered chat", theirs)):
        print(f"{name:24}{reuse.steps:8}{reuse.known:10}{reuse.cached:10}{reuse.share:14.4f}")
    print(f"ratio of the shares: {mine.share / theirs.share:.3f}")
    again = [reuse.known - reuse.cached for reuse in (mine, theirs)]
    print(f"known tokens computed again: {again[0]} against {again[1]}")
    if mine.share < 0.99:
        raise SystemExit("agent-serving found less than 0.99 of the known prefix")


if __name__ == "__main__":
    main()
