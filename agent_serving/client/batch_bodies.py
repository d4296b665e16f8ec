"""What the caller may say of a batch, and how it goes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Required, TypedDict

from agent_serving.client.bodies import (
    AgentChoice,
    Body,
    Input,
    LimitsSpec,
    TurnOptions,
    chosen,
    plain,
    turn_body,
)
from agent_serving.client.output_type import shape_of
from agent_serving.client.toolbox import Toolbox


class BatchRequest(TypedDict, total=False):
    """`custom_id` is the caller's name for the request, and no other one's of the batch. Without
    an `agent` it has the batch's; `output_type` is what the answer must look like."""

    custom_id: Required[str]
    input: Required[Input]
    agent: AgentChoice
    output_type: Any
    limits: LimitsSpec
    metadata: Mapping[str, str]


def batch_body(
    requests: Iterable[BatchRequest],
    agent: AgentChoice | None,
    metadata: Mapping[str, str] | None,
    ttl_seconds: int | None,
) -> Body:
    """Raises ToolDefinitionError, OutputError."""
    body: Body = {"metadata": metadata, "ttl_seconds": ttl_seconds}
    body["agent"] = None if agent is None else chosen(agent, Toolbox())[0]
    body["requests"] = [_request(request) for request in requests]
    return {key: plain(value) for key, value in body.items() if value is not None}


def _request(request: BatchRequest) -> Body:
    options: TurnOptions = {}
    if "limits" in request:
        options["limits"] = request["limits"]
    if "metadata" in request:
        options["metadata"] = request["metadata"]
    body = turn_body(request["input"], shape_of(request.get("output_type")), options)
    if "agent" in request:
        body["agent"] = chosen(request["agent"], Toolbox())[0]
    return body | {"custom_id": request["custom_id"]}
