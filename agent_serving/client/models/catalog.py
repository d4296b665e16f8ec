"""What a deployment can do."""

from __future__ import annotations

from typing import Any

from agent_serving.client.models.shape import Model


class ServerTool(Model):
    """A tool that the service runs; an agent names it. `effect` is pure, idempotent or once."""

    name: str
    description: str
    parameters: dict[str, Any]
    effect: str
    timeout_seconds: float


class Grammar(Model):
    """`object` is output_grammar (with its `output`) or dialect (with its `description`)."""

    object: str
    name: str
    output: dict[str, Any] | None = None
    description: str | None = None


class ServedModel(Model):
    id: str
    owned_by: str
    context_length: int | None = None


class Engine(Model):
    name: str
    url: str | None = None
    ready: bool
    version: str | None = None
    model: str | None = None
    context_length: int | None = None
    degraded: list[str] = []


class Capabilities(Model):
    version: str
    engines: list[Engine]
    store: dict[str, Any] | None = None
    tools: list[str]
    output_grammars: list[str]
    dialects: list[str]
    degraded: list[str]
    deployment: dict[str, Any]
