"""What goes out, for the document; `objects` and `output` make it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from agent_serving.api.amounts import View
from agent_serving.api.openai.parts import Status

Items = list[dict[str, Any]]


class ResponseError(View):
    code: str
    message: str


class IncompleteDetails(View):
    reason: str | None = Field(description="The limit that was reached.")


class ConversationOf(View):
    id: str


class InputTokensDetails(View):
    cached_tokens: int
    cache_write_tokens: int


class OutputTokensDetails(View):
    reasoning_tokens: int


class ResponseUsage(View):
    """Of all model steps together: each reads the whole transcript."""

    input_tokens: int
    input_tokens_details: InputTokensDetails
    output_tokens: int
    output_tokens_details: OutputTokensDetails
    total_tokens: int


class Whereabouts(View):
    session_id: str
    turn_id: str
    trace_id: str
    steps: Items | None = Field(
        None, description="The step ledger, where `include` has `agent_serving.steps`."
    )


class Response(View):
    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Status
    error: ResponseError | None
    incomplete_details: IncompleteDetails | None
    model: str
    instructions: str | None
    tools: Items
    tool_choice: Any
    text: Any
    metadata: dict[str, str]
    conversation: ConversationOf | None
    previous_response_id: str | None
    background: bool
    store: bool
    parallel_tool_calls: bool
    temperature: float | None
    top_p: float | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    reasoning: Any
    truncation: str
    user: str | None
    safety_identifier: str | None
    service_tier: str
    prompt_cache_key: str | None
    output: Items = Field(
        description="`message`, `reasoning`, `function_call` (the caller runs it) and `mcp_call` "
        "(it ran here)."
    )
    usage: ResponseUsage | None = Field(description="Null until it is over.")
    agent_serving: Whereabouts = Field(description="The turn that it is.")


class DeletedResponse(View):
    id: str
    object: Literal["response"] = "response"
    deleted: Literal[True] = True


class ItemList(View):
    object: Literal["list"] = "list"
    data: Items
    first_id: str | None
    last_id: str | None
    has_more: bool


class Conversation(View):
    id: str
    object: Literal["conversation"] = "conversation"
    created_at: int
    metadata: dict[str, str]


class DeletedConversation(View):
    id: str
    object: Literal["conversation.deleted"] = "conversation.deleted"
    deleted: Literal[True] = True


class FunctionOfCall(View):
    name: str
    arguments: str


class CallOfMessage(View):
    id: str
    type: Literal["function"]
    function: FunctionOfCall


class CompletionMessage(View):
    role: Literal["assistant"]
    content: str | None
    refusal: None = None
    tool_calls: list[CallOfMessage] | None = None
    reasoning_content: str | None = Field(None, description="What the model thought, if it did.")


class CompletionChoice(View):
    index: int
    message: CompletionMessage
    finish_reason: Literal["stop", "length", "tool_calls"]
    logprobs: None = None


class PromptTokensDetails(View):
    cached_tokens: int


class CompletionUsage(View):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokensDetails
    completion_tokens_details: OutputTokensDetails


class Completion(View):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: None = None
    service_tier: str
    choices: list[CompletionChoice]
    usage: CompletionUsage
