"""What comes in for agents, sessions and forks. An unknown field is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Discriminator, Field, Tag

from agent_serving.api.messages import InputBody
from agent_serving.domain.mcp import McpTools, RequireApproval
from agent_serving.domain.values import (
    Budget,
    ChoiceOutput,
    EbnfOutput,
    JsonSchema,
    JsonSchemaOutput,
    Limits,
    Money,
    RegexOutput,
    Sampling,
    ServiceClass,
    ToolSpec,
    Value,
)

Metadata = Annotated[
    dict[
        Annotated[str, Field(min_length=1, max_length=64)],
        Annotated[str, Field(max_length=512)],
    ],
    Field(
        max_length=16,
        description="Up to 16 pairs of your own: keys of up to 64 characters, values of up to 512.",
        examples=[{"customer": "c-1042"}],
    ),
]

Mode = Annotated[
    Literal["wait", "stream", "background"],
    Field(
        description="`wait` answers when the turn is over or waits for you; `stream` answers with "
        "the turn's server-sent events; `background` answers at once. The turn runs to its end in "
        "every mode, whether or not the caller stays.",
        examples=["wait"],
    ),
]


class GrammarOutput(Value):
    type: Literal["grammar"] = Field(description="An output grammar by its name.")
    name: str = Field(
        description="Name of an output grammar of this deployment: GET /v1/grammars.",
        examples=["iso_date"],
    )


OutputBody = Annotated[
    JsonSchemaOutput | RegexOutput | EbnfOutput | ChoiceOutput | GrammarOutput,
    Field(
        discriminator="type",
        description="What a final answer must look like; the engine's grammar enforces it.",
        examples=[
            {
                "type": "json_schema",
                "schema": {"type": "object", "properties": {"answer": {"type": "string"}}},
            }
        ],
    ),
]


class LimitsBody(Value):
    """Limits for one turn. What is left out keeps the value that it has without."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"max_steps": 8}]})

    max_steps: int | None = Field(None, ge=1, le=1000, description="Model steps in one turn.")
    max_tool_calls: int | None = Field(None, ge=0, le=10_000, description="Tool calls in one turn.")
    max_output_tokens: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="Tokens generated in one turn, all steps together.",
    )
    max_seconds: float | None = Field(
        None, gt=0, le=86_400, description="Wall time of one turn, without waiting for the caller."
    )
    max_cost: Money | None = Field(
        None, description="Money of one turn; never reached where its model has no prices."
    )

    def over(self, base: Limits) -> Limits:
        return base.but(**self.model_dump(exclude_none=True))


class FunctionTool(Value):
    """A client-side tool: the turn waits, and `POST …/inputs` answers the call."""

    type: Literal["function"] = Field(description="A function that the caller runs.")
    name: str = Field(
        pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$",
        description="What the model calls it.",
        examples=["look_up_order"],
    )
    description: str = Field(
        "", max_length=8192, description="What it does; the model chooses by it."
    )
    parameters: JsonSchema = Field(
        default_factory=lambda: {"type": "object", "properties": {}},
        description="JSON schema of the arguments, of type object.",
        examples=[{"type": "object", "properties": {"order_id": {"type": "string"}}}],
    )

    @property
    def spec(self) -> ToolSpec:
        return ToolSpec(
            name=self.name,
            description=self.description,
            parameters=self.parameters,
            executor="client",
        )


class McpTool(McpTools):
    """Tools of an MCP server that this deployment has."""

    type: Literal["mcp"] = Field(description="Tools of an MCP server.")
    server: str = Field(
        max_length=32,
        description="Its name in the deployment's configuration: GET /v1/tools. An address cannot "
        "be given.",
        examples=["git"],
    )
    allowed_tools: tuple[str, ...] | None = Field(
        None,
        max_length=512,
        description="Its tools as the server names them; all that the deployment allows where "
        "not set.",
        examples=[["git_status"]],
    )
    require_approval: RequireApproval = Field(
        "never",
        description="Which calls wait for an `approval` input. The deployment may ask for more.",
        examples=["always", {"always": {"tool_names": ["git_commit"]}}],
    )


def _kind_of_tool(value: Any) -> str:
    if isinstance(value, str):
        return "name"
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "mcp" if kind == "mcp" else "function"


ToolBody = Annotated[
    Annotated[
        str,
        Tag("name"),
        Field(max_length=64, description="A server-side tool by its name: GET /v1/tools."),
    ]
    | Annotated[FunctionTool, Tag("function")]
    | Annotated[McpTool, Tag("mcp")],
    Discriminator(_kind_of_tool),
]


def _is_no_id(name: str) -> str:
    if name.startswith("agent_"):
        raise ValueError("a name must not begin as ids do, with agent_")
    return name


AgentName = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"), AfterValidator(_is_no_id)
]


class AgentBody(Value):
    """An agent. Registering a name again makes the next version; sessions keep theirs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "name": "helper",
                    "instructions": "You are a helpful assistant.",
                    "tools": ["calculator", "convert_units"],
                    "limits": {"max_steps": 8},
                }
            ]
        }
    )

    name: AgentName = Field(description="Names the agent.", examples=["helper"])
    model: str | None = Field(
        None,
        max_length=512,
        description="A model of GET /v1/models; the one that is served where not set.",
        examples=["demo"],
    )
    instructions: str = Field(
        "", max_length=262_144, description="The system message.", examples=["Answer briefly."]
    )
    tools: list[ToolBody] = Field(
        default_factory=list,
        max_length=128,
        description="Server-side tools by name, client-side tools whole, those of MCP servers by "
        "their server.",
        examples=[["calculator"]],
    )
    output: OutputBody | None = Field(
        None, description="What final answers must look like; free text where not set."
    )
    sampling: Sampling = Field(
        default=Sampling(), description="How replies are drawn.", examples=[{"temperature": 0}]
    )
    limits: LimitsBody = Field(
        default=LimitsBody(), description="What one turn may use.", examples=[{"max_steps": 8}]
    )
    service_class: ServiceClass = Field(
        "online",
        alias="class",
        description="How urgent its turns are when there is not room for all.",
        examples=["online"],
    )


class InlineAgent(AgentBody):
    """An agent that only its session knows."""

    name: AgentName = Field("inline", description="Names the agent.", examples=["inline"])


def _kind_of_agent(value: Any) -> str:
    return "reference" if isinstance(value, str) else "inline"


AgentChoice = Annotated[
    Annotated[str, Tag("reference"), Field(min_length=1, max_length=128)]
    | Annotated[InlineAgent, Tag("inline")],
    Discriminator(_kind_of_agent),
]


class SessionBody(Value):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"agent": "helper"},
                {"agent": {"tools": ["calculator"]}, "input": "What is 17 * 23?"},
            ]
        }
    )

    agent: AgentChoice = Field(
        description="An agent's id, its name, `name@version`, or an agent in full.",
        examples=["helper", "helper@2", {"tools": ["calculator"]}],
    )
    metadata: Metadata = Field(default_factory=dict)
    ttl_seconds: int | None = Field(
        None,
        ge=1,
        le=31_536_000,
        description="After this time the session is gone; it is kept where not set.",
        examples=[86_400],
    )
    budget: Budget = Field(
        default=Budget(),
        description="What all its turns together may spend. Where it is reached the turn pauses, "
        "and goes on when it is raised.",
        examples=[{"max_cost": "2.50"}],
    )
    input: InputBody | None = Field(
        None, description="Starts the first turn at once.", examples=["What is 17 * 23?"]
    )
    mode: Mode = Field("wait", description="How to answer when there is an `input`.")


class SessionPatch(Value):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"metadata": {"customer": "c-1042"}}]}
    )

    metadata: Metadata | None = Field(None, description="Replaces all of the session's pairs.")
    limits: LimitsBody | None = Field(
        None, description="For turns from now on; what is left out stays as it is."
    )
    budget: Budget | None = Field(
        None,
        description="Replaces the session's budget: what is left out has no bound. A turn that "
        "waits for it goes on if there is room now.",
        examples=[{"max_cost": "5.00"}],
    )


class ForkBody(Value):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"at_turn": "turn_01k0a3v5e2n7p4r8s6t1w9x3c5"}]}
    )

    at_turn: str | None = Field(
        None,
        max_length=128,
        description="The last turn that the fork shares; the last that is over where not set.",
    )
    metadata: Metadata | None = Field(None, description="Of the fork; the origin's where not set.")
    agent: AgentChoice | None = Field(
        None,
        description="Another agent for the same model, as for a new session; the origin's where "
        "not set. Other instructions or tools cost the fork its prefix, once.",
        examples=["helper@2"],
    )
