"""A hundred requests in people's own words, written without a look at the generator.

They measure a trained model and are never trained on. Each line: `tools` offered, `memory` kept
beforehand, and `turns` with the steps of `calls` that are right ({"any_of": […]} where several
are) and what the answer has to contain.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_serving.domain import schema
from agent_serving.domain.tool_schema import spec_of
from agent_serving.plugins.locations import shipped
from agent_serving.plugins.tools import load_tools

LINES = [
    json.loads(line)
    for line in (Path(__file__).parent / "handwritten.jsonl").read_text().splitlines()
]


def _first(value: Any) -> Any:
    return value["any_of"][0] if isinstance(value, dict) and "any_of" in value else value


def test_there_are_a_hundred_of_all_kinds_and_no_two_alike() -> None:
    assert len(LINES) == 100
    assert {line["kind"] for line in LINES} == {
        "single",
        "chain",
        "parallel",
        "follow_up",
        "error",
        "missing",
        "refusal",
        "small_talk",
    }
    said = [tuple(turn["user"] for turn in line["turns"]) for line in LINES]
    assert len(set(said)) == 100


def test_every_call_is_one_that_the_shipped_tools_take() -> None:
    tools = load_tools([shipped("tools")])
    specs = {name: spec_of(tool.function) for name, tool in tools.items()}
    for line in LINES:
        for turn in line["turns"]:
            for call in (call for step in turn["calls"] for call in step):
                assert call["name"] in line["tools"], line["id"]
                arguments = {key: _first(value) for key, value in call["arguments"].items()}
                problem = schema.problem(specs[call["name"]].parameters, json.dumps(arguments))
                assert problem is None, (line["id"], problem)
