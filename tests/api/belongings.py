"""One of everything that a tenant can have, with a text of its own in all that it says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import httpx

from agent_serving.api.openai.ids import ResponseId, conversation_id
from agent_serving.domain.tool import tool
from agent_serving.testing import Say, ScriptedEngine
from tests.api.generated import Ids
from tests.runtime.talk import call

LOOK_UP = {
    "type": "function",
    "name": "look_up",
    "parameters": {"type": "object", "properties": {"key": {"type": "string"}}},
}
MODEL = "scripted"
SLOWLY = "Say something that takes an hour."
IDEMPOTENCY_KEY = "the-same-for-everybody"


@tool(effect="pure")
def calculator(expression: str) -> str:
    """Say what was to be computed."""
    return f"It is {expression}."


@tool(effect="pure")
def convert_units(value: float, unit: str) -> str:
    """Convert nothing."""
    return f"{value} {unit}"


TOOLS = (calculator, convert_units)
"""Those that the document's examples name."""


@dataclass(frozen=True)
class Belongings:
    """Ids by the names that paths and bodies give them. The turn of `idle` is over; those of
    `waiting` and `another` wait for the result of `call_id`."""

    idle: Ids
    waiting: Ids
    another: Ids
    said: Ids
    """A response that is over, in a conversation."""
    asked: Ids
    """One that runs."""
    fresh: Ids
    """A conversation without a response."""
    opened: dict[str, Any]
    """The body of the request that opened the session of `idle`, with IDEMPOTENCY_KEY."""


def talkative() -> ScriptedEngine:
    """Uses a tool wherever the user says its name, then repeats what it was told."""

    def reply(prompt: str) -> str | Say:
        # The reply's own beginning is the last.
        role, _, said = prompt.split("<|im_start|>")[-2].partition("\n")
        said = said.partition("<|im_end|>")[0].strip()
        if role == "user" and said == SLOWLY:
            return Say("." * 3_600, delay=1.0, chunk=1)
        for name, argument in (("look_up", "key"), ("calculator", "expression")):
            if role == "user" and said.startswith(name):
                text = said.removeprefix(name).strip()
                return call(name, f'{{"{argument}": "{text}"}}')
        return f"You said: {said[-200:]}"

    return ScriptedEngine(reply)


async def belongings(http: httpx.AsyncClient, mark: str) -> Belongings:
    """`mark` is in instructions, inputs, outputs, arguments, results, metadata."""
    agent = {"name": "helper", "instructions": f"Keep {mark} to yourself.", "tools": ["calculator"]}
    registered = await _made(http, "/v1/agents", agent)
    body = {"agent": registered["id"], "input": f"calculator {mark}", "metadata": {"mark": mark}}
    idle = await _made(http, "/v1/sessions", body, {"idempotency-key": IDEMPOTENCY_KEY})
    assert mark in idle["turn"]["output_text"]
    fork = {"metadata": {"mark": mark}}
    await _made(http, f"/v1/sessions/{idle['id']}/fork", fork)
    batch = await _batch(http, registered["id"], mark)
    waiting = await _waiting(http, registered["id"], mark)
    return Belongings(
        idle=await _ids(http, registered["id"], idle["id"], idle["turn"]) | batch,
        waiting=waiting | await _batch(http, registered["id"], mark),
        another=await _waiting(http, registered["id"], mark),
        said=await _response(http, mark, await _conversation(http, mark)),
        asked=await _response(http, mark, await _conversation(http, mark), wait=False),
        fresh={"agent": MODEL, "conversation_id": await _conversation(http, mark)},
        opened=body,
    )


async def _batch(http: httpx.AsyncClient, agent_id: str, mark: str) -> Ids:
    """One that is under way."""
    requests = [
        {"custom_id": mark, "input": f"Say {mark}.", "metadata": {"mark": mark}},
        {"custom_id": "slow", "input": SLOWLY},
    ]
    body = {"agent": agent_id, "requests": requests, "metadata": {"mark": mark}}
    path = f"/v1/batches/{(await _made(http, '/v1/batches', body))['id']}"
    async with asyncio.timeout(20):
        while not await _is_at_the_slow_one(http, path):
            await asyncio.sleep(0.05)
    return {"batch_id": path.rpartition("/")[2]}


async def _is_at_the_slow_one(http: httpx.AsyncClient, path: str) -> bool:
    counts = (await http.get(path)).json()["request_counts"]
    _, slow = (await http.get(f"{path}/results")).json()["data"]
    if counts["completed"] < 1 or slow["turn"] is None:
        return False
    return bool((await http.get(slow["turn"]["steps_url"])).json()["data"])


async def _conversation(http: httpx.AsyncClient, mark: str) -> str:
    answer = await http.post("/v1/conversations", json={"metadata": {"mark": mark}})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _response(
    http: httpx.AsyncClient, mark: str, conversation: str, *, wait: bool = True
) -> Ids:
    body = {
        "model": MODEL,
        "input": f"Say {mark}." if wait else SLOWLY,
        "conversation": conversation,
        "background": not wait,
    }
    answer = await http.post("/v1/responses", json=body)
    assert answer.status_code == 200, answer.text
    items = (await http.get(f"/v1/conversations/{conversation}/items")).json()["data"]
    return {
        "agent": MODEL,
        "model": MODEL,
        "conversation_id": conversation,
        "response_id": answer.json()["id"],
        "item_id": items[0]["id"],
    }


async def _waiting(http: httpx.AsyncClient, agent_id: str, mark: str) -> Ids:
    """A session whose first turn was answered, and whose second waits."""
    inline = {"instructions": mark, "tools": [LOOK_UP]}
    session = await _made(http, "/v1/sessions", {"agent": inline, "metadata": {"mark": mark}})
    turns = f"/v1/sessions/{session['id']}/turns"
    answered = await _made(http, turns, {"input": f"look_up {mark}", "metadata": {"mark": mark}})
    result = {"type": "tool_result", "call_id": _call_of(answered), "output": f"found {mark}"}
    given = await http.post(f"{turns}/{answered['id']}/inputs", json={"inputs": [result]})
    assert given.status_code == 200, given.text
    async with http.stream(
        "GET",
        f"/v1/sessions/{session['id']}/events",
        params={"turn_id": answered["id"]},
        headers={"accept": "text/event-stream"},
    ) as events:
        assert mark in "".join([text async for text in events.aiter_text()])
    waiting = await _made(http, turns, {"input": f"look_up {mark}"})
    ids = await _ids(http, agent_id, session["id"], waiting)
    return ids | {"call_id": _call_of(waiting)}


async def _ids(http: httpx.AsyncClient, agent: str, session_id: str, turn: dict[str, Any]) -> Ids:
    steps = (await http.get(turn["steps_url"])).json()["data"]
    return {
        "agent": agent,
        "session_id": session_id,
        "turn_id": turn["id"],
        "step_id": steps[0]["id"],
        "response_id": str(ResponseId(session_id, turn["id"])),
        "conversation_id": conversation_id(session_id),
        "item_id": turn["items"][0]["id"],
        "model": MODEL,
    }


def _call_of(turn: dict[str, Any]) -> str:
    assert turn["status"] == "waiting"
    return str(turn["required_inputs"][0]["call_id"])


async def _made(
    http: httpx.AsyncClient, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    answer = await http.post(path, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made
