"""Fixtures for tests of agents and tools: the whole service, without a model.

    def test_the_weather_is_looked_up(agent_service, agent_client):
        agent_service.says(call("weather", city="Rome"), "Sunny.")
        session = agent_client.sessions.create(tools=[weather])
        assert session.run("Rome?").text == "Sunny."

pytest loads this file by itself where agent-serving is installed, so it imports nothing before a
test asks for it. The service starts once; a test of it takes milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agent_serving.client import AgentServing
    from agent_serving.scripted_service import ScriptedService


@pytest.fixture(scope="session")
def agent_service_settings() -> dict[str, Any]:
    """The service's settings; a fixture of yours with this name replaces them."""
    return {}


@pytest.fixture(scope="session")
def running_agent_service(
    agent_service_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ScriptedService]:
    """The service that all tests share."""
    try:
        from agent_serving.scripted_service import ScriptedService
    except ModuleNotFoundError as error:
        pytest.fail(
            f"The service cannot start in this process: {error.name} is not installed. Install it "
            "for your tests: pip install 'agent-serving[server]'"
        )
    folder = tmp_path_factory.mktemp("agents")
    with ScriptedService(folder, **agent_service_settings) as service:
        yield service


@pytest.fixture
def agent_service(running_agent_service: ScriptedService) -> ScriptedService:
    """With a model that says OK, until the test has it say something else."""
    running_agent_service.says()
    return running_agent_service


@pytest.fixture(scope="session")
def agent_client(running_agent_service: ScriptedService) -> Iterator[AgentServing]:
    """A client of the service."""
    from agent_serving.client import AgentServing

    with AgentServing(base_url=running_agent_service.url) as client:
        yield client
