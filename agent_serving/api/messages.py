"""What comes in for a turn: what to say, how to answer it, and what the agent asked for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from agent_serving.domain.values import Value
from agent_serving.runtime.inputs import (
    ApprovalInput,
    InDoubtInput,
    SteerInput,
    ToolResultInput,
)

MAX_MESSAGES = 256


class TextPart(Value):
    type: Literal["input_text", "text"] = Field(description="Only text can be read.")
    text: str = Field(description="Control spellings in it are text.", examples=["And in feet?"])


def _kind_of_content(value: Any) -> str:
    return "text" if isinstance(value, str) else "parts"


class MessageBody(Value):
    type: Literal["message"] = Field("message", description="Only messages are taken.")
    role: Literal["user"] = Field(description="Only the user speaks here.")
    content: Annotated[
        Annotated[str, Tag("text")]
        | Annotated[list[TextPart], Tag("parts"), Field(min_length=1, max_length=MAX_MESSAGES)],
        Discriminator(_kind_of_content),
    ] = Field(description="Text, or parts, which are joined by line breaks.", examples=["Hello"])

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content)


def _kind_of_input(value: Any) -> str:
    return "text" if isinstance(value, str) else "messages"


InputBody = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[list[MessageBody], Tag("messages"), Field(min_length=1, max_length=MAX_MESSAGES)],
    Discriminator(_kind_of_input),
]


def texts(given: str | list[MessageBody]) -> tuple[str, ...]:
    """One text per user message."""
    return (given,) if isinstance(given, str) else tuple(message.text for message in given)


# --- answers to the agent -------------------------------------------------------------------

CallId = Annotated[
    str,
    Field(
        max_length=128,
        description="The call, as `required_inputs` names it.",
        examples=["call_01k0a3v7g4j8m2p6q9s1t5w7x3"],
    ),
]


class ToolResultBody(ToolResultInput):
    """The result of a client-side call."""

    type: Literal["tool_result"] = Field(description="A client-side call has run.")
    call_id: CallId
    output: Any | None = Field(
        None,
        description="The result: text, or JSON, which the model sees as text.",
        examples=[{"status": "shipped"}],
    )
    error: str | None = Field(None, description="Instead of `output`: what went wrong.")


class ApprovalBody(ApprovalInput):
    """The answer to a call that asks for approval."""

    type: Literal["approval"] = Field(description="A call was looked at.")
    call_id: CallId
    approve: bool = Field(description="Whether the call may run.")


class InDoubtBody(InDoubtInput):
    """What became of a call whose process died while it ran."""

    type: Literal["in_doubt"] = Field(description="It is known what became of a call.")
    call_id: CallId
    resolution: Literal["result", "retry", "abandon"] = Field(
        description="`result`: it ran, and this is its `output`. `retry`: run it again. `abandon`: "
        "tell the model that nobody knows."
    )
    output: Any | None = Field(None, description="For `resolution=result`.", examples=["done"])


class SteerBody(SteerInput):
    """A message that the model sees before its next step."""

    type: Literal["steer"] = Field(description="There is more to say.")
    content: str = Field(min_length=1, description="The message.", examples=["In metres, please."])


AnswerBody = Annotated[
    ToolResultBody | ApprovalBody | InDoubtBody | SteerBody, Field(discriminator="type")
]
