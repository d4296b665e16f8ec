"""What every route stands on, and where it gets it from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from agent_serving.domain.values import Output
from agent_serving.ports.meter import Meter
from agent_serving.runtime.service import Service


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`jaeger_url` is the base URL that turns link their traces to. `capabilities` is shown as
    `deployment` in GET /v1/capabilities: no secrets."""

    tenant: str = "default"
    max_body_bytes: int = 1_048_576
    max_json_depth: int = 64
    page_size: int = 20
    event_page_size: int = 100
    ping_seconds: float = 15.0
    jaeger_url: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Api:
    """`outputs` are the named output grammars, as `{"type": "grammar", "name"}` finds them.
    `meter` is None where nothing is measured; there is no /metrics then."""

    service: Service
    settings: ApiSettings
    outputs: Mapping[str, Output]
    meter: Meter | None = None

    @property
    def tenant(self) -> str:
        return self.settings.tenant


async def _api(request: Request) -> Api:
    api = request.app.state.api
    assert isinstance(api, Api)
    return api


Context = Annotated[Api, Depends(_api)]

SessionId = Annotated[
    str,
    Path(description="Id of a session.", examples=["sess_01k0a3t9c4m8v2q6x5z7w1y3b9"]),
]
TurnId = Annotated[
    str, Path(description="Id of a turn.", examples=["turn_01k0a3v5e2n7p4r8s6t1w9x3c5"])
]
StepId = Annotated[
    str, Path(description="Id of a step.", examples=["step_01k0a3v6f8g2h4j6k8m1n3p5q7"])
]
AgentRef = Annotated[
    str,
    Path(description="Id or name of an agent.", examples=["agent_01k0a3s7b6c8d2e4f9g1h3j5k7"]),
]
