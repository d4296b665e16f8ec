"""What comes in to start a turn and to answer it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from agent_serving.api.bodies import LimitsBody, Metadata, Mode, OutputBody
from agent_serving.api.messages import AnswerBody, InputBody
from agent_serving.domain.values import Budget, NamedTool, Value


def _kind_of_choice(value: Any) -> str:
    return "word" if isinstance(value, str) else "tool"


class TurnBody(Value):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"input": "What is 17 * 23?"},
                {
                    "input": [{"type": "message", "role": "user", "content": "And in hex?"}],
                    "mode": "stream",
                    "on_conflict": "queue",
                },
            ]
        }
    )

    input: InputBody = Field(
        description="What the user says: a text, or a list of user messages.",
        examples=["What is 17 * 23?"],
    )
    mode: Mode = "wait"
    on_conflict: Literal["reject", "queue", "steer", "interrupt"] = Field(
        "reject",
        description="When a turn is under way: refuse this one (409 `session_busy`), queue it "
        "behind, add its input to the turn under way (`steer` answers with that turn), or cancel "
        "that turn to make room.",
        examples=["reject"],
    )
    tool_choice: Annotated[
        Annotated[Literal["auto", "required", "none"], Tag("word")]
        | Annotated[NamedTool, Tag("tool")],
        Discriminator(_kind_of_choice),
    ] = Field(
        "auto",
        description="Which calls the first step may or must make.",
        examples=["auto", {"type": "function", "name": "calculator"}],
    )
    output: OutputBody | None = Field(
        None, description="What this turn's answer must look like; the agent's where not set."
    )
    limits: LimitsBody | None = Field(
        None, description="For this turn; what is left out is as the session has it."
    )
    budget: Budget = Field(
        default=Budget(),
        description="What this turn may spend before it pauses; it goes on when the budget is "
        "raised. A limit ends it.",
        examples=[{"max_cost": "0.20"}],
    )
    metadata: Metadata = Field(default_factory=dict)


class TurnPatch(Value):
    model_config = ConfigDict(json_schema_extra={"examples": [{"budget": {"max_cost": "0.50"}}]})

    budget: Budget = Field(
        description="Replaces the turn's budget: what is left out has no bound. A turn that waits "
        "for it goes on if there is room now."
    )


class InputsBody(Value):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "inputs": [
                        {
                            "type": "tool_result",
                            "call_id": "call_01k0a3v7g4j8m2p6q9s1t5w7x3",
                            "output": {"status": "shipped"},
                        }
                    ]
                }
            ]
        }
    )

    inputs: list[AnswerBody] = Field(
        min_length=1,
        max_length=256,
        description="Taken all or none, in this order.",
    )
    mode: Mode = Field(
        "background",
        description="How to answer once they are taken: at once, or as a turn that is started.",
    )
