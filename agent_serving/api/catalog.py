"""What this deployment can do: tools, grammars, models, capabilities."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Path
from pydantic import Field

import agent_serving
from agent_serving.api.amounts import View
from agent_serving.api.context import Api, Context
from agent_serving.api.errors import documented
from agent_serving.api.paging import Page
from agent_serving.domain.errors import NotFound, StoreUnavailable
from agent_serving.domain.values import Effect, JsonSchema, Output
from agent_serving.ports import Worker

router = APIRouter(prefix="/v1", tags=["catalog"])


class Tool(View):
    """A server-side tool; an agent names it."""

    object: Literal["tool"] = "tool"
    name: str
    description: str
    parameters: JsonSchema = Field(description="JSON schema of the arguments.")
    effect: Effect = Field(
        description="What running it twice does: nothing, the same thing, or a second thing."
    )
    timeout_seconds: float
    requires_approval: bool = Field(description="Whether each call waits for somebody to agree.")
    server: str | None = Field(description="The MCP server that runs it; null for our own.")


class LeftOutTool(View):
    tool: str = Field(description="As the server names it.")
    why: str


class ToolServer(View):
    """An MCP server of this deployment. What an agent has of it answers with an error while it is
    not ready."""

    name: str
    transport: Literal["stdio", "http"]
    status: Literal["connecting", "ready", "down"]
    problem: str | None = Field(
        description="Why it is down. For keys that have the scope `metrics` too; else null."
    )
    tools: int = Field(description="Tools that it had when it was asked last.")
    left_out: list[LeftOutTool] = Field(description="What it has and cannot be served here.")


class ToolPage(Page[Tool]):
    servers: list[ToolServer]


class OutputGrammar(View):
    """What an answer may be held to: `{"type": "grammar", "name": …}`."""

    object: Literal["output_grammar"] = "output_grammar"
    name: str
    output: Output


class DialectGrammar(View):
    """How a model family writes tool calls."""

    object: Literal["dialect"] = "dialect"
    name: str
    description: str


class GrammarPage(Page[Annotated[OutputGrammar | DialectGrammar, Field(discriminator="object")]]):
    pass


class Model(View):
    id: str
    object: Literal["model"] = "model"
    created: int = Field(0, description="Not known; OpenAI's clients expect a number.")
    owned_by: str = "sglang"
    context_length: int | None


class ModelPage(Page[Model]):
    pass


class EngineReport(View):
    """One engine as it was probed last."""

    name: str
    url: str | None = Field(
        description="Without credentials. For keys that have the scope `metrics` too; else null."
    )
    ready: bool
    version: str | None
    model: str | None
    context_length: int | None
    vocabulary_size: int | None
    max_total_tokens: int | None
    metrics: bool
    cache_report: bool
    session_radix_cache: bool
    incremental_streaming: bool
    grammar_backend: str | None
    degraded: list[str] = Field(description="What is missing, and what that costs.")


class SpanReport(View):
    """Spans of this process since it started."""

    delivered: int = Field(description="What the collector took.")
    lost: int = Field(description="What neither the queue nor the collector took.")
    waiting: int


class InputLimits(View):
    max_body_bytes: int
    max_json_depth: int


class Capabilities(View):
    object: Literal["capabilities"] = "capabilities"
    version: str
    engines: list[EngineReport]
    store: dict[str, Any] | None = Field(
        description="Null while it cannot be reached. Its address is for keys that have the scope "
        "`metrics` too."
    )
    tools: list[str]
    output_grammars: list[str]
    dialects: list[str]
    limits: InputLimits
    spans: SpanReport | None = Field(description="Null where traces are not exported.")
    degraded: list[str] = Field(description="All that is missing here, in a sentence each.")
    deployment: dict[str, Any] = Field(description="What the operator lets you know.")


@router.get("/tools", response_model=ToolPage, summary="List tools", responses=documented())
async def list_tools(api: Context) -> ToolPage:
    tools = [
        Tool(
            name=spec.name,
            description=spec.description,
            parameters=spec.parameters,
            effect=spec.effect,
            timeout_seconds=spec.timeout_seconds,
            requires_approval=spec.requires_approval,
            server=spec.remote and spec.remote.server,
        )
        for spec in api.service.ports.tools.specs()
    ]
    ends = _ends([tool.name for tool in tools])
    return ToolPage(data=tools, servers=_servers(api), has_more=False, **ends)


def _servers(api: Api) -> list[ToolServer]:
    known = api.service.ports.tool_servers
    states = known.states() if known is not None else ()
    if not _operates(api):
        states = [dataclasses.replace(state, problem=None) for state in states]
    return [ToolServer.model_validate(dataclasses.asdict(state)) for state in states]


@router.get(
    "/grammars", response_model=GrammarPage, summary="List grammars", responses=documented()
)
async def list_grammars(api: Context) -> GrammarPage:
    """Output grammars, which an agent or a turn can name, and the dialects of tool calls, one of
    which is chosen by the model."""
    grammars = [OutputGrammar(name=name, output=output) for name, output in api.outputs.items()]
    dialects = [
        DialectGrammar(name=dialect.name, description=dialect.description)
        for dialect in api.service.ports.dialects.values()
    ]
    rows: list[OutputGrammar | DialectGrammar] = [*grammars, *dialects]
    return GrammarPage(data=rows, has_more=False, **_ends([row.name for row in rows]))


@router.get("/models", response_model=ModelPage, summary="List models", responses=documented())
async def list_models(api: Context) -> ModelPage:
    """The models that are served now."""
    found = _models(api)
    return ModelPage(data=list(found.values()), has_more=False, **_ends(list(found)))


@router.get(
    "/models/{model:path}",
    response_model=Model,
    summary="Read a model",
    responses=documented(NotFound),
)
async def get_model(
    model: Annotated[str, Path(max_length=512, description="Its id.", examples=["demo"])],
    api: Context,
) -> Model:
    found = _models(api)
    if model not in found:
        raise NotFound(
            f"No engine serves the model {model!r}. GET /v1/models lists those that are served.",
            param="model",
        )
    return found[model]


def _models(api: Api) -> dict[str, Model]:
    found: dict[str, Model] = {}
    for worker in api.service.ports.engine.workers():
        if worker.ready and worker.model is not None and worker.model not in found:
            found[worker.model] = Model(id=worker.model, context_length=worker.context_length)
    return found


@router.get(
    "/capabilities",
    response_model=Capabilities,
    summary="What was found of the engines and the store",
    responses=documented(),
)
async def get_capabilities(api: Context) -> Capabilities:
    """What each engine can do, as probed, and what is degraded."""
    engines = _engines(api)
    store, problem = await _store(api)
    return Capabilities(
        version=agent_serving.__version__,
        engines=engines,
        store=store,
        tools=[spec.name for spec in api.service.ports.tools.specs()],
        output_grammars=list(api.outputs),
        dialects=list(api.service.ports.dialects),
        limits=InputLimits(
            max_body_bytes=api.settings.max_body_bytes,
            max_json_depth=api.settings.max_json_depth,
        ),
        spans=_spans(api),
        degraded=[
            *(f"{engine.name}: {sentence}" for engine in engines for sentence in engine.degraded),
            *problem,
        ],
        deployment=dict(api.settings.capabilities),
    )


def _engines(api: Api) -> list[EngineReport]:
    shown = EngineReport.model_fields.keys()
    return [
        EngineReport.model_validate(
            {key: value for key, value in dataclasses.asdict(worker).items() if key in shown}
            | _whereabouts(worker, known=_operates(api))
        )
        for worker in api.service.ports.engine.workers()
    ]


def _operates(api: Api) -> bool:
    return api.identity is not None and api.identity.operates


def _whereabouts(worker: Worker, *, known: bool) -> dict[str, Any]:
    """What is degraded of one that is up is what it was started with; of one that is down, how it
    was sought and where."""
    if known:
        return {"url": _without_credentials(worker.url), "degraded": list(worker.degraded)}
    return {"url": None, "degraded": list(worker.degraded) if worker.ready else ["It is down."]}


def _spans(api: Api) -> SpanReport | None:
    tracer = api.service.ports.tracer
    return (
        None if tracer is None else SpanReport.model_validate(dataclasses.asdict(tracer.counts()))
    )


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def _store(api: Api) -> tuple[dict[str, Any] | None, list[str]]:
    known = _operates(api)
    try:
        found = await api.service.ports.store.ping()
    except StoreUnavailable as error:
        return None, [f"store: {error.message}" if known else "store: It cannot be used."]
    return {key: value for key, value in found.items() if known or key != "address"}, []


def _ends(names: Sequence[str]) -> dict[str, Any]:
    return {"first_id": names[0], "last_id": names[-1]} if names else {}
