"""The Python client: `AgentServing`, and `AsyncAgentServing` for programs with an event loop.

with AgentServing() as client:
    session = client.sessions.create(agent={"tools": ["calculator"]})
    print(session.run("What is 17 * 23?").text)
"""

from __future__ import annotations

from agent_serving.client.answering import Happened, Resolution
from agent_serving.client.asynchronous.batches import AsyncBatch
from agent_serving.client.asynchronous.client import AsyncAgentServing
from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.session import AsyncSession
from agent_serving.client.asynchronous.turn import AsyncTurn
from agent_serving.client.asynchronous.turn_stream import AsyncTurnStream
from agent_serving.client.batch_bodies import BatchRequest
from agent_serving.client.bodies import (
    AgentChoice,
    AgentOptions,
    AgentSpec,
    BudgetSpec,
    Input,
    LimitsSpec,
    SamplingSpec,
    TurnOptions,
)
from agent_serving.client.errors import (
    AgentServingClientError,
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    BatchTimeoutError,
    BudgetReachedError,
    ConflictError,
    CursorExpiredError,
    InternalServerError,
    NotFoundError,
    OutputError,
    PermissionDeniedError,
    RateLimitError,
    TurnCancelledError,
    TurnError,
    TurnFailedError,
    TurnIncompleteError,
    TurnTimeoutError,
    TurnWaitingError,
    UnprocessableEntityError,
)
from agent_serving.client.models import RequiredInput
from agent_serving.client.result import Result
from agent_serving.client.synchronous.batches import Batch
from agent_serving.client.synchronous.client import AgentServing
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.session import Session
from agent_serving.client.synchronous.turn import Turn
from agent_serving.client.synchronous.turn_stream import TurnStream

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseError",
    "APIStatusError",
    "APITimeoutError",
    "AgentChoice",
    "AgentOptions",
    "AgentServing",
    "AgentServingClientError",
    "AgentSpec",
    "AsyncAgentServing",
    "AsyncBatch",
    "AsyncPages",
    "AsyncSession",
    "AsyncTurn",
    "AsyncTurnStream",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "BatchRequest",
    "BatchTimeoutError",
    "BudgetReachedError",
    "BudgetSpec",
    "ConflictError",
    "CursorExpiredError",
    "Happened",
    "Input",
    "InternalServerError",
    "LimitsSpec",
    "NotFoundError",
    "OutputError",
    "Pages",
    "PermissionDeniedError",
    "RateLimitError",
    "RequiredInput",
    "Resolution",
    "Result",
    "SamplingSpec",
    "Session",
    "Turn",
    "TurnCancelledError",
    "TurnError",
    "TurnFailedError",
    "TurnIncompleteError",
    "TurnOptions",
    "TurnStream",
    "TurnTimeoutError",
    "TurnWaitingError",
    "UnprocessableEntityError",
]
