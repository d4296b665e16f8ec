"""What comes in for a batch."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from agent_serving.api.bodies import AgentChoice, LimitsBody, Metadata, OutputBody
from agent_serving.api.messages import InputBody
from agent_serving.domain.values import Value

MAX_REQUESTS = 10_000


class BatchRequestBody(Value):
    custom_id: str = Field(
        min_length=1,
        max_length=64,
        description="Your name for the request; no other one of the batch may have it.",
        examples=["row-17"],
    )
    agent: AgentChoice | None = Field(
        None,
        description="As for a session; the batch's agent where not set.",
        examples=["helper"],
    )
    input: InputBody = Field(
        description="What the user says: a text, or a list of user messages.",
        examples=["What is 17 * 23?"],
    )
    output: OutputBody | None = Field(
        None, description="What the answer must look like; the agent's where not set."
    )
    limits: LimitsBody | None = Field(
        None, description="For the turn; what is left out is as the agent has it."
    )
    metadata: Metadata = Field(
        default_factory=dict, description="Up to 16 pairs, of the session and of its turn."
    )


class BatchBody(Value):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "agent": "helper",
                    "requests": [
                        {"custom_id": "row-1", "input": "What is 17 * 23?"},
                        {"custom_id": "row-2", "input": "How many feet are 3 miles?"},
                    ],
                    "metadata": {"customer": "c-1042"},
                }
            ]
        }
    )

    agent: AgentChoice | None = Field(
        None,
        description="For the requests that name none: an agent's id, its name, `name@version`, or "
        "an agent in full.",
        examples=["helper", "helper@2", {"tools": ["calculator"]}],
    )
    requests: list[BatchRequestBody] = Field(
        min_length=1,
        max_length=MAX_REQUESTS,
        description="Each is the first turn of a session of its own.",
    )
    metadata: Metadata = Field(default_factory=dict)
    ttl_seconds: int | None = Field(
        None,
        ge=1,
        le=31_536_000,
        description="After this time the batch and its sessions are gone, whatever became of them; "
        "they are kept where not set.",
        examples=[2_592_000],
    )
