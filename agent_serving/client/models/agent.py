"""Agents, and what bounds their turns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic import Field

from agent_serving.client.models.shape import Model


class FunctionTool(Model):
    """A client-side tool, as the model sees it."""

    type: str = "function"
    name: str
    description: str = ""
    parameters: dict[str, Any]


class Sampling(Model):
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: int | None = None
    seed: int | None = None


class Limits(Model):
    max_steps: int | None = None
    max_tool_calls: int | None = None
    max_output_tokens: int | None = None
    max_seconds: float | None = None
    max_cost: Decimal | None = None


class Budget(Model):
    """None is no bound."""

    max_tokens: int | None = None
    max_cost: Decimal | None = None
    max_seconds: float | None = None
    max_steps: int | None = None


class Agent(Model):
    """One version of an agent. Server-side tools are names."""

    id: str
    name: str
    version: int
    model: str
    instructions: str
    tools: list[str | FunctionTool]
    output: dict[str, Any] | None
    sampling: Sampling
    limits: Limits
    service_class: str = Field(alias="class")
    dialect: str


class AgentSummary(Model):
    id: str
    name: str
    version: int
