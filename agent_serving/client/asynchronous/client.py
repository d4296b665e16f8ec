"""The client itself."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from agent_serving.client.asynchronous.agents import AsyncAgents
from agent_serving.client.asynchronous.batches import AsyncBatches
from agent_serving.client.asynchronous.catalog import (
    AsyncGrammars,
    AsyncModels,
    AsyncTools,
    AsyncUsages,
    capabilities,
)
from agent_serving.client.asynchronous.sessions import AsyncSessions
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.asynchronous.turns import (
    AsyncEvents,
    AsyncItems,
    AsyncSteps,
    AsyncTurns,
)
from agent_serving.client.models.catalog import Capabilities
from agent_serving.client.settings import ClientSettings


class AsyncAgentServing:
    """A client of one service.

    base_url     where it is; AGENT_SERVING_URL, or this machine's port 8080, where not given
    api_key      AGENT_SERVING_API_KEY where not given; a service without keys needs none
    timeout      seconds without an answer before a request counts as lost; a turn may take longer
    max_retries  how often a request is sent again that was lost or refused for now; each is done
                 once, however often it is sent
    http_client  an httpx client of the caller's own (proxies, certificates), who closes it
    """

    def __init__(
        self,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 3,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        settings = ClientSettings.of(base_url, api_key, timeout, max_retries)
        self._transport = AsyncTransport(settings, http_client)
        self.agents = AsyncAgents(self._transport)
        self.sessions = AsyncSessions(self._transport)
        self.batches = AsyncBatches(self._transport)
        self.turns = AsyncTurns(self._transport)
        self.steps = AsyncSteps(self._transport)
        self.items = AsyncItems(self._transport)
        self.events = AsyncEvents(self._transport)
        self.tools = AsyncTools(self._transport)
        self.grammars = AsyncGrammars(self._transport)
        self.models = AsyncModels(self._transport)
        self.usage = AsyncUsages(self._transport)

    @property
    def base_url(self) -> str:
        return self._transport.settings.base_url

    async def capabilities(self) -> Capabilities:
        """What was found of the engines and the store."""
        return await capabilities(self._transport)

    async def aclose(self) -> None:
        """Close the connections. No turn ends by it."""
        await self._transport.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
