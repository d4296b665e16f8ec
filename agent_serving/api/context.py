"""What every route stands on, and where it gets it from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

from fastapi import Depends, Path, Request

from agent_serving.domain.access import EVERYTHING, Identity
from agent_serving.domain.hosts import OwnHosts
from agent_serving.domain.values import Output
from agent_serving.ports.meter import Meter
from agent_serving.runtime.access import Access
from agent_serving.runtime.service import Service


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """`jaeger_url` is the base URL that turns link their traces to. `capabilities` is shown as
    `deployment` in GET /v1/capabilities: no secrets. `hosts` are the names of this service, for
    an app that has `access`."""

    tenant: str = "default"
    max_body_bytes: int = 1_048_576
    max_json_depth: int = 64
    page_size: int = 20
    event_page_size: int = 100
    ping_seconds: float = 15.0
    jaeger_url: str | None = None
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    hosts: OwnHosts = field(default_factory=OwnHosts)


@dataclass(frozen=True, slots=True)
class Api:
    """`outputs` are the named output grammars, as `{"type": "grammar", "name"}` finds them.
    `meter` is None where nothing is measured; there is no /metrics then. `access` is None where
    the caller of `create_app` answers for who comes in; everybody is the one tenant then.
    `identity` is that of the request."""

    service: Service
    settings: ApiSettings
    outputs: Mapping[str, Output]
    meter: Meter | None = None
    access: Access | None = None
    identity: Identity | None = None

    @property
    def tenant(self) -> str:
        """Whose objects the request sees; every other tenant's are not there."""
        assert self.identity is not None
        return self.identity.tenant


async def _api(request: Request) -> Api:
    api = request.app.state.api
    assert isinstance(api, Api)
    if api.access is None:
        tenant = api.settings.tenant
        return replace(api, identity=Identity(tenant=tenant, actor="", scopes=EVERYTHING))
    return replace(api, identity=request.scope["state"].get("identity"))


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
