"""Agents that are files: checked before anything starts, registered as soon as that can be."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from agent_serving.api import ApiSettings
from agent_serving.api.agents import draft
from agent_serving.api.bodies import AgentBody
from agent_serving.api.validation import explain
from agent_serving.config import Settings
from agent_serving.domain.errors import (
    AgentServingError,
    CapacityError,
    ConfigurationError,
    InvalidRequest,
)
from agent_serving.domain.values import Output
from agent_serving.plugins.agents import AgentFile, load_agent_files
from agent_serving.runtime.agents import AgentDraft, Agents

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class FiledAgent:
    file: AgentFile
    draft: AgentDraft


def filed_agents(settings: Settings, outputs: Mapping[str, Output]) -> list[FiledAgent]:
    """Those of the settings' folders, checked as the body of a request would be; `outputs` are the
    named output grammars. Raises ConfigurationError."""
    return [FiledAgent(file, _draft(file, outputs)) for file in load_agent_files(settings.agents)]


@asynccontextmanager
async def registered(agents: Agents, filed: Sequence[FiledAgent]) -> AsyncIterator[None]:
    """Registered inside the block; where the engine or the store is not up yet, as soon as both
    are. Raises ConfigurationError for an agent that is refused."""
    left: list[FiledAgent] = []
    for each in filed:
        try:
            await _register(agents, each)
        except CapacityError as error:
            log.info("the agent of %s waits: %s", each.file.source, error.message)
            left.append(each)
    later = asyncio.create_task(_register_later(agents, left), name="agent files")
    try:
        yield
    finally:
        later.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await later


def _draft(file: AgentFile, outputs: Mapping[str, Output]) -> AgentDraft:
    try:
        return draft(AgentBody.model_validate(file.body), outputs)
    except ValidationError as error:
        found = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        told = explain(RequestValidationError(found, body=file.body))
    except InvalidRequest as error:
        told = error
    raise file.wrong(told.message, told.param)


async def _register(agents: Agents, filed: FiledAgent) -> None:
    """Raises CapacityError where the engine or the store is not up, ConfigurationError."""
    file, tenant = filed.file, filed.file.tenant or ApiSettings().tenant
    try:
        made = await agents.apply(tenant, filed.draft)
    except CapacityError:
        raise
    except AgentServingError as error:
        raise file.wrong(error.message, error.param) from error
    if not made.replayed:
        name, version = made.value.name, made.value.version
        log.info("agent %s of %s has version %d, from %s", name, tenant, version, file.source)


async def _register_later(agents: Agents, left: Sequence[FiledAgent]) -> None:
    """An agent that is refused now cannot stop the start any more: it is logged."""
    waiting = deque(left)
    while waiting:
        try:
            await _register(agents, waiting[0])
        except CapacityError:
            await asyncio.sleep(RETRY_SECONDS)
            continue
        except ConfigurationError as error:
            log.error("an agent was refused: %s", error.message)  # noqa: TRY400  # it says where
        waiting.popleft()
