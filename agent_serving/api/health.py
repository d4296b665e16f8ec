"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import Field

from agent_serving.api.amounts import View
from agent_serving.api.context import Api, Context
from agent_serving.domain.errors import StoreUnavailable

router = APIRouter(tags=["health"])

STORE_SECONDS = 2.0


class Health(View):
    status: Literal["ok"] = "ok"


class Readiness(View):
    status: Literal["ready", "not_ready"]
    reasons: list[str] = Field(description="Why not; empty when ready.")
    details: list[str] = Field(description="What else is down; turns can be taken without it.")


@router.get("/healthz", response_model=Health, summary="Whether the process lives")
async def get_health() -> Health:
    return Health()


@router.get(
    "/readyz",
    response_model=Readiness,
    summary="Whether turns can be taken",
    responses={
        503: {
            "model": Readiness,
            "description": "The store or every engine is down, or this replica is about to end.",
        }
    },
)
async def get_readiness(api: Context, response: Response) -> Readiness:
    """Sessions can be read while no engine is up."""
    reasons = [*_ending(api), *_engines(api), *await _store(api)]
    details = _tool_servers(api)
    if api.access is not None and api.access.required:
        # Whoever may connect may ask: where things are is for those who have a key.
        reasons, details = _brief(reasons), _brief(details)
    if reasons:
        response.status_code = 503
    return Readiness(status="not_ready" if reasons else "ready", reasons=reasons, details=details)


def _brief(sentences: list[str]) -> list[str]:
    return [f"{sentence.partition(' (')[0].rstrip('.')}." for sentence in sentences]


def _tool_servers(api: Api) -> list[str]:
    known = api.service.ports.tool_servers
    return [
        f"The MCP server {state.name} is not connected ({state.problem or 'not yet'})."
        for state in (known.states() if known is not None else ())
        if state.status != "ready"
    ]


def _ending(api: Api) -> list[str]:
    return ["This replica is shutting down."] if api.service.draining else []


def _engines(api: Api) -> list[str]:
    workers = api.service.ports.engine.workers()
    if any(worker.ready for worker in workers):
        return []
    down = "; ".join(
        f"{worker.name}: {' '.join(worker.degraded) or 'does not answer'}" for worker in workers
    )
    return [f"No engine is up ({down or 'none is configured'})."]


async def _store(api: Api) -> list[str]:
    try:
        async with asyncio.timeout(STORE_SECONDS):
            await api.service.ports.store.ping()
    except TimeoutError:
        return [f"The store did not answer within {STORE_SECONDS:g} s."]
    except StoreUnavailable as error:
        return [f"The store cannot be used ({error.message})."]
    return []
