"""What comes in for responses and conversations. What is not known is let through, and named in a
header of the answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, JsonValue, Tag

from agent_serving.api.bodies import Metadata

MAX_ITEMS = 4096
"""Of one request."""


class Lenient(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")


class ContentPart(Lenient):
    type: str = Field(description="`input_text`, `output_text` or `text`; only text can be read.")
    text: str | None = Field(None, description="The text.")
    refusal: str | None = Field(None, description="Of a part of type `refusal`.")


Content = str | list[ContentPart]


class InputItem(Lenient):
    """By `type`: `message` (`role`, `content`), `function_call` (`call_id`, `name`, `arguments`),
    `function_call_output` (`call_id`, `output`), `mcp_approval_response` (`approval_request_id`,
    `approve`), `mcp_call`; `reasoning` and `mcp_approval_request` are passed over."""

    type: str = Field("message", description="What it is.", examples=["message"])
    id: str | None = Field(None, max_length=256, description="Items get new ids here.")
    role: Literal["user", "assistant", "system", "developer"] | None = Field(
        None, description="Who speaks. System and developer messages come first."
    )
    content: Content | None = Field(None, description="What is said.")
    call_id: str | None = Field(None, max_length=256, description="Which call.")
    name: str | None = Field(None, max_length=64, description="The function that is called.")
    arguments: str | None = Field(None, description="JSON text.")
    server_label: str | None = Field(None, max_length=64, description="Of an `mcp_call`.")
    output: Content | None = Field(None, description="What the call gave.")
    approval_request_id: str | None = Field(
        None, max_length=256, description="Of the `mcp_approval_request` that this answers."
    )
    approve: bool | None = Field(None, description="Whether the call may run.")


class ToolFilter(Lenient):
    tool_names: tuple[str, ...] = Field(
        (), max_length=512, description="Tools as their server names them."
    )


class ApprovalFilter(Lenient):
    """What is named in neither list needs none."""

    always: ToolFilter = ToolFilter()
    never: ToolFilter = ToolFilter()


class Tool(Lenient):
    """A `function` that the caller runs. With neither `description` nor `parameters`, a tool of
    this deployment, which runs here. Or `mcp`: tools of an MCP server that the deployment has."""

    type: str = Field(description="`function` or `mcp`.", examples=["function"])
    name: str | None = Field(None, description="What the model calls it.", examples=["look_up"])
    description: str | None = Field(None, max_length=8192, description="What it does.")
    parameters: dict[str, JsonValue] | None = Field(
        None, description="JSON schema of the arguments."
    )
    strict: bool | None = Field(None, description="Arguments always fit the schema here.")
    server_label: str | None = Field(
        None, max_length=32, description="Of an MCP server of the deployment: GET /v1/tools."
    )
    allowed_tools: Annotated[tuple[str, ...], Field(max_length=512)] | ToolFilter | None = Field(
        None, description="Of the MCP server; all of them where not set."
    )
    require_approval: Literal["always", "never"] | ApprovalFilter = Field(
        "never",
        description="Which calls of the MCP server wait until somebody agrees: the response ends "
        "with an `mcp_approval_request` for each. The deployment may ask for more.",
    )
    server_url: str | None = Field(None, description="Refused: servers are configured.")
    connector_id: str | None = Field(None, description="Refused: servers are configured.")


class NamedChoice(Lenient):
    type: str = Field(description="Only `function` can be served.", examples=["function"])
    name: str | None = Field(None, description="The tool that must be called.")


class Format(Lenient):
    type: str = Field(
        description="`text`, `json_object` or `json_schema`.", examples=["json_schema"]
    )
    name: str | None = Field(None, description="Says nothing to the model.")
    description: str | None = Field(None, description="Says nothing to the model.")
    schema_: dict[str, JsonValue] | None = Field(
        None, alias="schema", description="JSON schema of the answer; the grammar enforces it."
    )
    strict: bool | None = Field(None, description="Answers always fit the schema here.")


class Text(Lenient):
    format: Format | None = Field(None, description="What the answer must look like.")


class StreamOptions(Lenient):
    include_obfuscation: bool | None = Field(None, description="Nothing is ever padded here.")


class ConversationRef(Lenient):
    id: str = Field(max_length=128, description="Id of a conversation.")


Conversation = str | ConversationRef


def _kind_of_input(value: Any) -> str:
    return "text" if isinstance(value, str) else "items"


Input = Annotated[
    Annotated[str, Tag("text")]
    | Annotated[list[InputItem], Tag("items"), Field(max_length=MAX_ITEMS)],
    Discriminator(_kind_of_input),
]
Temperature = Annotated[float | None, Field(None, ge=0, le=2, description="0 is greedy.")]


class ResponseBody(Lenient):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"input": "What is 17 * 23?", "instructions": "Be brief."}]}
    )

    model: str | None = Field(
        None,
        max_length=512,
        description="A model of GET /v1/models, or a registered agent: `agent:support@3`. The one "
        "that is served where not set.",
        examples=["agent:support@3"],
    )
    input: Input | None = Field(None, description="What is said: a text, or items.")
    instructions: str | None = Field(None, max_length=262_144, description="The system message.")
    tools: list[Tool] | None = Field(None, max_length=128, description="What the model may call.")
    tool_choice: Literal["auto", "required", "none"] | NamedChoice | None = Field(
        None, description="Which calls the first reply may or must make."
    )
    parallel_tool_calls: bool | None = Field(
        None, description="Models call in parallel as they were trained to."
    )
    text: Text | None = Field(None, description="What the answer must look like.")
    max_output_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Of the whole tool loop."
    )
    max_tool_calls: int | None = Field(None, ge=0, le=10_000, description="Of the tool loop.")
    temperature: Temperature
    top_p: float | None = Field(None, gt=0, le=1, description="Probability mass to draw from.")
    seed: int | None = Field(
        None, ge=0, lt=2**63, description="Makes drawing repeatable; OpenAI's has it not."
    )
    include: list[str] | None = Field(
        None, max_length=32, description="`agent_serving.steps` adds the step ledger."
    )
    metadata: Metadata | None = Field(None, description="Pairs of your own.")
    store: bool | None = Field(None, description="With `false` nothing is kept once it is told.")
    stream: bool | None = Field(None, description="Answer with server-sent events.")
    stream_options: StreamOptions | None = Field(None, description="Of no effect.")
    background: bool | None = Field(None, description="Answer at once; the response runs.")
    previous_response_id: str | None = Field(
        None, max_length=256, description="Goes on behind it; forks where something came since."
    )
    conversation: Conversation | None = Field(None, description="Goes on at its end.")
    prompt: dict[str, JsonValue] | None = Field(
        None, description="Refused: register an agent instead."
    )
    prompt_cache_key: str | None = Field(None, description="Shown again; prefixes are found.")
    service_tier: str | None = Field(None, description="`flex` is the class `batch`.")
    reasoning: dict[str, JsonValue] | None = Field(
        None, description="Shown again; models reason as they were trained to."
    )
    truncation: Literal["auto", "disabled"] | None = Field(
        None, description="Nothing is ever cut: what does not fit is refused."
    )
    user: str | None = Field(None, description="Shown again.")
    safety_identifier: str | None = Field(None, description="Shown again.")


class ConversationBody(Lenient):
    metadata: Metadata | None = Field(None, description="Pairs of your own.")
    items: list[InputItem] | None = Field(None, max_length=256, description="What was said before.")


class ConversationPatch(Lenient):
    metadata: Metadata = Field(description="Replaces all pairs.")


class ItemsBody(Lenient):
    items: list[InputItem] = Field(
        min_length=1,
        max_length=256,
        description="In the order in which they were said.",
        examples=[[{"type": "message", "role": "user", "content": "I am in Lima."}]],
    )
