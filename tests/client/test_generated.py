"""The client without an event loop is the other one, without its awaits."""

from __future__ import annotations

import inspect

from agent_serving import AgentServing, AsyncAgentServing
from agent_serving.client import generate


def test_the_generated_files_are_current() -> None:
    made = dict(generate.written())
    assert made
    assert {path: path.read_text() for path in made} == made
    there = {path for path in generate.TARGET.glob("*.py") if path.name != generate.BY_HAND}
    assert there == made.keys()


def test_nothing_in_them_waits_for_an_event_loop() -> None:
    for text in dict(generate.written()).values():
        assert "await " not in text
        assert "Async" not in text
        assert "async " not in text


def test_both_clients_have_the_same_resources_and_methods() -> None:
    def shape(client: object) -> dict[str, list[str]]:
        return {
            name: [method for method, _ in inspect.getmembers(part, inspect.ismethod)]
            for name, part in vars(client).items()
            if not name.startswith("_")
        }

    assert shape(AgentServing()) == shape(AsyncAgentServing())
