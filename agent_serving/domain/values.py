"""The nouns of a session, as frozen values. Durations are milliseconds, times are UTC."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

JsonSchema = dict[str, Any]


class Value(BaseModel):
    """A frozen value; an unknown field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def but(self, **changes: Any) -> Self:
        """A copy with some fields changed; the changes are trusted, not validated."""
        return self.model_copy(update=changes)


Effect = Literal["pure", "idempotent", "once"]
"""What running a call twice would do: nothing at all, the same thing, or a second thing."""

ServiceClass = Literal["online", "near_real_time", "batch"]


PrefixReason = Literal[
    "cold",
    "evicted",
    "routed_elsewhere",
    "tools_changed",
    "compacted",
    "engine_restarted",
    "unknown",
]


Money = Annotated[Decimal, Field(ge=0, le=1_000_000_000, max_digits=18, decimal_places=9)]
"""An exact amount in the price book's currency."""


class Limits(Value):
    """What one turn may use. Reaching one ends the turn `incomplete` with the limit's name;
    at `max_tool_calls` the model is first asked to answer with what it has."""

    max_steps: int = Field(16, ge=1, le=1000, description="Model steps in one turn.")
    max_tool_calls: int = Field(64, ge=0, le=10_000, description="Tool calls in one turn.")
    max_output_tokens: int = Field(
        8192, ge=1, le=1_000_000, description="Tokens generated in one turn, all steps together."
    )
    max_seconds: float = Field(600.0, gt=0, le=86_400, description="Wall time of one turn.")
    max_cost: Money | None = Field(
        None, description="Money of one turn; never reached where its model has no prices."
    )


class Budget(Value):
    """What a turn, a session or a tenant may spend; None is no bound. It is looked at before each
    model step: where it is reached the turn pauses, and goes on when the budget is raised."""

    max_tokens: int | None = Field(
        None, ge=0, le=10**15, description="Tokens, input and output together."
    )
    max_cost: Money | None = Field(
        None, description="Money; never reached where the models have no prices."
    )
    max_seconds: float | None = Field(
        None, ge=0, le=10**9, description="Wall time of turns, without the time they wait."
    )
    max_steps: int | None = Field(None, ge=0, le=10**12, description="Model steps.")


class TenantBudget(Budget):
    """What all of a tenant's sessions together may spend in a day or a month (UTC)."""

    period: Literal["day", "month"] = "month"


BudgetScope = Literal["turn", "session", "tenant"]
BudgetName = Literal["max_tokens", "max_cost", "max_seconds", "max_steps"]


class Pause(Value):
    """Which budget a turn waits for."""

    scope: BudgetScope
    budget: BudgetName


class Sampling(Value):
    temperature: float | None = Field(
        None, ge=0, le=2, description="0 is greedy; the engine's own where not set."
    )
    top_p: float | None = Field(None, gt=0, le=1, description="Probability mass to draw from.")
    max_output_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Tokens of one reply (one model step)."
    )
    seed: int | None = Field(None, ge=0, lt=2**63, description="Makes drawing repeatable.")


class RemoteTool(Value):
    """A tool of an MCP server of the deployment. `name` is the server's own for it."""

    server: str
    name: str


class ToolSpec(Value):
    """A tool as the model and the constraint see it. `parameters` is a closed JSON schema of
    type object. `executor="client"` means that the turn waits for the caller to answer."""

    name: str = Field(pattern=r"^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$")
    description: str = Field("", max_length=8192)
    parameters: JsonSchema = Field(default_factory=lambda: {"type": "object", "properties": {}})
    effect: Effect = "once"
    timeout_seconds: float = Field(30.0, gt=0, le=3600)
    executor: Literal["server", "client"] = "server"
    requires_approval: bool = False
    """Whether each call waits until somebody has agreed to it."""
    remote: RemoteTool | None = None
    """Where it runs, if not in this process."""


class JsonSchemaOutput(Value):
    type: Literal["json_schema"] = "json_schema"
    schema_: JsonSchema = Field(alias="schema", description="JSON schema of the answer.")
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )


class RegexOutput(Value):
    type: Literal["regex"] = "regex"
    pattern: str = Field(min_length=1, max_length=16_384, description="Matches the whole answer.")


class EbnfOutput(Value):
    type: Literal["ebnf"] = "ebnf"
    grammar: str = Field(
        min_length=1, max_length=65_536, description="Rules in EBNF; `root` is the answer."
    )


class ChoiceOutput(Value):
    type: Literal["choice"] = "choice"
    choices: tuple[str, ...] = Field(
        min_length=1, max_length=1024, description="The answer is one of these."
    )


Output = Annotated[
    JsonSchemaOutput | RegexOutput | EbnfOutput | ChoiceOutput, Field(discriminator="type")
]
"""What a final answer must look like. A named grammar is resolved to one of these before it
is stored, so that a session never depends on a file that may change."""


class NamedTool(Value):
    type: Literal["function"] = "function"
    name: str = Field(description="One of the agent's tools.")


ToolChoice = Literal["auto", "required", "none"] | NamedTool
"""Which calls the first step of a turn may or must make. It shapes the constraint only, never
the rendered prompt, so it cannot break the prefix."""


class Agent(Value):
    """One version of an agent, as a session freezes it."""

    id: str
    name: str
    version: int
    model: str
    instructions: str = ""
    tools: tuple[ToolSpec, ...] = ()
    output: Output | None = None
    sampling: Sampling = Sampling()
    limits: Limits = Limits()
    service_class: ServiceClass = "online"
    dialect: str
    """Name of the tool-call dialect in grammars/, fixed when the agent is registered."""

    def opens_as(self, other: Agent) -> bool:
        """Whether a transcript begins with the same tokens for both."""
        mine = (self.model, self.dialect, self.instructions, self.tools)
        return mine == (other.model, other.dialect, other.instructions, other.tools)

    def tool(self, name: str) -> ToolSpec | None:
        return next((tool for tool in self.tools if tool.name == name), None)


class ToolCall(Value):
    """`arguments` is JSON text exactly as the model wrote it."""

    call_id: str
    name: str
    arguments: str


Outcome = Literal["ok", "error", "timeout", "invalid", "limit", "denied", "cancelled", "abandoned"]


class Approval(Value):
    """A call that somebody was asked about; `approved` is None until there is an answer."""

    model_step_id: str
    call: ToolCall
    approved: bool | None = None


class ToolResult(Value):
    """What the model is shown for a call. Every outcome but `ok` is text that says what went
    wrong: a tool's failure is a result, never a crash of the turn."""

    call_id: str
    output: str
    outcome: Outcome = "ok"


class Message(Value):
    """A message that is not tokens yet. `content` is data: control spellings inside it are
    rendered as plain text."""

    role: Literal["user", "assistant", "tool"]
    content: str
    name: str | None = None
    call_id: str | None = None
    calls: tuple[ToolCall, ...] = ()
    """Of an assistant's message that the caller tells of; what the model says here is tokens."""


class MessageItem(Value):
    type: Literal["message"] = "message"
    id: str
    role: Literal["user", "assistant"]
    text: str
    status: Literal["completed", "incomplete"] = "completed"


class ReasoningItem(Value):
    type: Literal["reasoning"] = "reasoning"
    id: str
    text: str
    status: Literal["completed", "incomplete"] = "completed"


class ToolCallItem(Value):
    """`status="incomplete"` marks a call that was cut off: it is shown, and never run."""

    type: Literal["tool_call"] = "tool_call"
    id: str
    call_id: str
    name: str
    arguments: str
    status: Literal["completed", "incomplete"] = "completed"

    @property
    def call(self) -> ToolCall:
        return ToolCall(call_id=self.call_id, name=self.name, arguments=self.arguments)


class ToolResultItem(Value):
    type: Literal["tool_result"] = "tool_result"
    id: str
    call_id: str
    name: str
    output: str
    outcome: Outcome


ReplyItem = Annotated[MessageItem | ReasoningItem | ToolCallItem, Field(discriminator="type")]
Item = Annotated[
    MessageItem | ReasoningItem | ToolCallItem | ToolResultItem, Field(discriminator="type")
]


class Usage(Value):
    """Tokens. `input_tokens` includes the cached ones; `output_tokens` includes reasoning."""

    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    model_steps: int = 0
    tool_calls: int = 0

    @property
    def uncached_tokens(self) -> int:
        return self.input_tokens - self.cached_tokens

    def __add__(self, other: Usage) -> Usage:
        return total_usage((self, other))


def total_usage(usages: Iterable[Usage]) -> Usage:
    """All of them added up: at most one new value, however many there are."""
    rows = list(usages)
    if len(rows) == 1:
        return rows[0]
    return Usage(
        input_tokens=sum(row.input_tokens for row in rows),
        cached_tokens=sum(row.cached_tokens for row in rows),
        output_tokens=sum(row.output_tokens for row in rows),
        reasoning_tokens=sum(row.reasoning_tokens for row in rows),
        model_steps=sum(row.model_steps for row in rows),
        tool_calls=sum(row.tool_calls for row in rows),
    )


class Timings(Value):
    """Milliseconds of one step. The phases (admission, engine_queue, prefill, decode, tool,
    orchestration) add up to `total_ms`: orchestration is the remainder by definition."""

    admission_ms: float = 0.0
    engine_queue_ms: float = 0.0
    prefill_ms: float = 0.0
    decode_ms: float = 0.0
    tool_ms: float = 0.0
    total_ms: float = 0.0
    ttft_ms: float | None = None
    itl_p50_ms: float | None = None
    itl_p99_ms: float | None = None

    @property
    def orchestration_ms(self) -> float:
        return self.total_ms - (
            self.admission_ms
            + self.engine_queue_ms
            + self.prefill_ms
            + self.decode_ms
            + self.tool_ms
        )


class Failure(Value):
    """Why a step or a turn failed, in the words of the error tree."""

    code: str
    message: str
