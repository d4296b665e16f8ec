"""The application: routes, middleware, and what the OpenAPI document says of it all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

import agent_serving
from agent_serving.api import (
    agents,
    batches,
    catalog,
    docs,
    errors,
    events,
    examples,
    explorer,
    forks,
    health,
    inputs,
    items,
    mcp,
    metrics,
    scopes,
    sessions,
    steps,
    traces,
    turns,
    usage,
)
from agent_serving.api.context import Api, ApiSettings
from agent_serving.api.crash import CrashGuard
from agent_serving.api.guard import AccessGuard
from agent_serving.api.identity import RequestIdentity
from agent_serving.api.limits import RequestLimits
from agent_serving.api.metrics import RequestMeter
from agent_serving.api.openai import chat, conversations, responses
from agent_serving.api.server_span import ServerSpan
from agent_serving.domain.values import Output
from agent_serving.ports.meter import Meter
from agent_serving.runtime.access import Access
from agent_serving.runtime.service import Service

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

DESCRIPTION = """\
Durable, token-exact, tool-using agent sessions on SGLang.

A **session** is an agent's conversation. A **turn** is what a user says and everything the agent
does until it has answered: model **steps** and tool steps, each a row of the ledger. Every fact is
durable before it is shown, and is told as an **event**.

Times are RFC 3339 in UTC with microseconds, durations are milliseconds. Unknown fields are refused;
OpenAI's routes ignore them, and say so in the header `warning`.
Errors have OpenAI's envelope: `{"error": {"message", "type", "code", "param", "request_id",
"details"}}`. Every answer has the header `x-request-id` (yours, where you send one), and
`x-trace-id` where it shows a turn or the request had a `traceparent`.

Where the service has keys, each request under `/v1` needs one, as `Authorization: Bearer ask_…`.
What a key's tenant does not own is not there (404). `x-required-scope` of an operation says what
its key has to be allowed: `admin` includes `run`, `run` includes `read`.
"""

TAGS = [
    {"name": "agents", "description": "Versioned agents; a session freezes a version."},
    {"name": "sessions", "description": "Conversations: their life, transcript, forks, usage."},
    {"name": "turns", "description": "Start, follow, answer and cancel turns; the step ledger."},
    {"name": "batches", "description": "Many turns that may take their time."},
    {"name": "usage", "description": "What was used, and what it cost."},
    {"name": "events", "description": "Everything that happens to a session, resumable."},
    {"name": "catalog", "description": "What this deployment can do."},
    {"name": "openai", "description": "OpenAI's API over the same sessions, for its clients."},
    {"name": "health", "description": "For load balancers, supervisors and Prometheus."},
]


class Application(FastAPI):
    def openapi(self) -> dict[str, Any]:
        """FastAPI's, with examples of answers, out of which it would drop every null."""
        if self.openapi_schema is None:
            written = super().openapi()
            schemas = written["components"]["schemas"]
            for name, example in examples.ANSWERS.items():
                schemas[name]["examples"] = [example]
            scopes.document(written)
        document = self.openapi_schema
        assert document is not None
        return document


def create_app(
    service: Service,
    *,
    settings: ApiSettings | None = None,
    outputs: Mapping[str, Output] | None = None,
    lifespan: Lifespan | None = None,
    meter: Meter | None = None,
    access: Access | None = None,
) -> FastAPI:
    """`service` is started and closed by the caller, or by `lifespan`. `outputs` are the named
    output grammars. `meter` is told of every request, and shown at /metrics. `access` says
    who a request comes from; without it whoever reaches the app may do everything."""
    settings = settings or ApiSettings()
    app = Application(
        title="agent-serving",
        version=agent_serving.__version__,
        summary="Durable agent sessions on SGLang",
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=TAGS,
        servers=[{"url": "/"}],
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        dependencies=[Depends(scopes.permitted)],
    )
    app.state.api = Api(service, settings, outputs or {}, meter, access)
    for module in (
        agents, sessions, turns, inputs, steps, traces, items, events, forks, batches, usage,
        catalog, health, responses, conversations, chat,
    ):  # fmt: skip
        app.include_router(module.router)
    if meter is not None:
        app.include_router(metrics.router)
    docs.install(app)
    explorer.install(app)
    mcp.install(app, app.state.api)
    errors.install(app)
    # The last one added is the first to see a request.
    app.add_middleware(
        RequestLimits, max_bytes=settings.max_body_bytes, max_depth=settings.max_json_depth
    )
    if access is not None:
        app.add_middleware(AccessGuard, access=access, quotas=service.quotas, hosts=settings.hosts)
    app.add_middleware(CrashGuard)
    if service.ports.tracer is not None:
        app.add_middleware(ServerSpan, tracer=service.ports.tracer)
    app.add_middleware(RequestIdentity)
    if meter is not None:
        app.add_middleware(RequestMeter, meter=meter)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
