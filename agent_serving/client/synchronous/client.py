"""The client itself."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx

from agent_serving.client.models.catalog import Capabilities
from agent_serving.client.settings import ClientSettings
from agent_serving.client.synchronous.agents import Agents
from agent_serving.client.synchronous.batches import Batches
from agent_serving.client.synchronous.catalog import (
    Grammars,
    Models,
    Tools,
    Usages,
    capabilities,
)
from agent_serving.client.synchronous.sessions import Sessions
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.synchronous.turns import (
    Events,
    Items,
    Steps,
    Turns,
)


class AgentServing:
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
        http_client: httpx.Client | None = None,
    ) -> None:
        settings = ClientSettings.of(base_url, api_key, timeout, max_retries)
        self._transport = Transport(settings, http_client)
        self.agents = Agents(self._transport)
        self.sessions = Sessions(self._transport)
        self.batches = Batches(self._transport)
        self.turns = Turns(self._transport)
        self.steps = Steps(self._transport)
        self.items = Items(self._transport)
        self.events = Events(self._transport)
        self.tools = Tools(self._transport)
        self.grammars = Grammars(self._transport)
        self.models = Models(self._transport)
        self.usage = Usages(self._transport)

    @property
    def base_url(self) -> str:
        return self._transport.settings.base_url

    def capabilities(self) -> Capabilities:
        """What was found of the engines and the store."""
        return capabilities(self._transport)

    def close(self) -> None:
        """Close the connections. No turn ends by it."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
