"""What comes in for chat completions, and the request for a response that it means."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field, JsonValue

from agent_serving.api.bodies import Metadata
from agent_serving.api.errors import Unsupported
from agent_serving.api.openai.bodies import (
    MAX_ITEMS,
    Content,
    Format,
    InputItem,
    Lenient,
    NamedChoice,
    ResponseBody,
    Temperature,
    Text,
    Tool,
)
from agent_serving.api.openai.ignored import of_response, unknown
from agent_serving.domain.errors import InvalidRequest


class CalledFunction(Lenient):
    name: str = Field(max_length=64, description="What was called.")
    arguments: str = Field("{}", description="JSON text.")


class Call(Lenient):
    id: str = Field(max_length=256, description="Which call.")
    type: str = Field("function", description="Only `function`.")
    function: CalledFunction | None = Field(None, description="The function.")


class ChatMessage(Lenient):
    role: Literal["system", "developer", "user", "assistant", "tool"] = Field(
        description="Who speaks. System and developer messages come first.", examples=["user"]
    )
    content: Content | None = Field(None, description="What is said.", examples=["Hello"])
    name: str | None = Field(None, description="Says nothing to the model.")
    tool_calls: list[Call] | None = Field(None, max_length=256, description="Of an assistant.")
    tool_call_id: str | None = Field(None, max_length=256, description="Of a tool's message.")


class ChatFunction(Lenient):
    name: str = Field(max_length=256, description="What the model calls it.")
    description: str | None = Field(None, max_length=8192, description="What it does.")
    parameters: dict[str, JsonValue] | None = Field(
        None, description="JSON schema of the arguments."
    )
    strict: bool | None = Field(None, description="Arguments always fit the schema here.")


class ChatTool(Lenient):
    """With neither `description` nor `parameters`, a tool of this deployment, which runs here."""

    type: str = Field(description="Only `function` can be served.", examples=["function"])
    function: ChatFunction | None = Field(None, description="The function.")


class ChosenFunction(Lenient):
    name: str = Field(description="The function that must be called.")


class ChatChoice(Lenient):
    type: str = Field(description="Only `function` can be served.", examples=["function"])
    function: ChosenFunction | None = Field(None, description="The function.")


class ResponseFormat(Lenient):
    type: str = Field(description="`text`, `json_object` or `json_schema`.", examples=["text"])
    json_schema: dict[str, JsonValue] | None = Field(
        None, description="`schema` in it is the answer's; the grammar enforces it."
    )


class ChatStreamOptions(Lenient):
    include_usage: bool | None = Field(None, description="A last chunk tells the usage.")


class ChatBody(Lenient):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"messages": [{"role": "user", "content": "What is 17 * 23?"}]}]
        }
    )

    model: str | None = Field(
        None, max_length=512, description="As of a response.", examples=["agent:support@3"]
    )
    messages: list[ChatMessage] = Field(
        min_length=1, max_length=MAX_ITEMS, description="The whole conversation."
    )
    tools: list[ChatTool] | None = Field(
        None, max_length=128, description="What the model may call."
    )
    tool_choice: Literal["auto", "required", "none"] | ChatChoice | None = Field(
        None, description="Which calls the reply may or must make."
    )
    parallel_tool_calls: bool | None = Field(
        None, description="Models call in parallel as they were trained to."
    )
    response_format: ResponseFormat | None = Field(
        None, description="What the answer must look like."
    )
    max_completion_tokens: int | None = Field(
        None, ge=1, le=1_000_000, description="Of the answer."
    )
    max_tokens: int | None = Field(None, ge=1, le=1_000_000, description="Its older name.")
    temperature: Temperature
    top_p: float | None = Field(None, gt=0, le=1, description="Probability mass to draw from.")
    seed: int | None = Field(None, ge=0, lt=2**63, description="Makes drawing repeatable.")
    n: int | None = Field(None, description="Only 1 can be served.")
    stop: str | list[str] | None = Field(None, description="Cannot be served.")
    logprobs: bool | None = Field(None, description="Cannot be served.")
    functions: list[JsonValue] | None = Field(None, description="Refused; `tools` is its name now.")
    stream: bool | None = Field(None, description="Answer with server-sent chunks.")
    stream_options: ChatStreamOptions | None = Field(None, description="Of a stream.")
    metadata: Metadata | None = Field(None, description="Pairs of your own, shown in traces.")
    service_tier: str | None = Field(None, description="`flex` is the class `batch`.")
    user: str | None = Field(None, description="Of no effect.")

    @property
    def usage_wanted(self) -> bool:
        return self.stream_options is not None and bool(self.stream_options.include_usage)


def as_response(body: ChatBody) -> tuple[ResponseBody, list[str]]:
    """The response that it asks for, and what is ignored of it. Raises Unsupported,
    InvalidRequest."""
    for param, asked in (
        ("n", body.n not in (None, 1)),
        ("stop", bool(body.stop)),
        ("logprobs", bool(body.logprobs)),
        ("functions", bool(body.functions)),
    ):
        if asked:
            raise Unsupported(f"`{param}` cannot be served here.", param=param)
    items = [item for n, message in enumerate(body.messages) for item in _items(message, n)]
    if len(items) > MAX_ITEMS:
        raise InvalidRequest(
            f"`messages` with their calls are {len(items)} items; at most {MAX_ITEMS} can be read.",
            param="messages",
        )
    asked_for = ResponseBody(
        model=body.model,
        input=items,
        tools=[_tool(tool) for tool in body.tools] if body.tools is not None else None,
        tool_choice=_choice(body.tool_choice),
        parallel_tool_calls=body.parallel_tool_calls,
        text=Text(format=_format(body.response_format)) if body.response_format else None,
        max_output_tokens=body.max_completion_tokens or body.max_tokens,
        temperature=body.temperature,
        top_p=body.top_p,
        seed=body.seed,
        metadata=body.metadata,
        service_tier=body.service_tier,
        store=False,
    )
    return asked_for, [*unknown(body), *of_response(asked_for)]


def _items(message: ChatMessage, position: int) -> list[InputItem]:
    place = f"messages[{position}]"
    if message.role == "tool":
        return [
            InputItem(
                type="function_call_output",
                call_id=message.tool_call_id,
                output=message.content or "",
            )
        ]
    calls: list[InputItem] = []
    for n, call in enumerate(message.tool_calls or ()):
        if call.function is None:
            raise Unsupported(
                "Only calls of functions are known.", param=f"{place}.tool_calls[{n}]"
            )
        calls.append(
            InputItem(
                type="function_call",
                call_id=call.id,
                name=call.function.name,
                arguments=call.function.arguments,
            )
        )
    if message.content is None and message.role != "assistant":
        raise InvalidRequest(f"`{place}.content` is missing.", param=f"{place}.content")
    said = [] if not message.content and calls else [_said(message)]
    return said + calls


def _said(message: ChatMessage) -> InputItem:
    assert message.role != "tool"
    return InputItem(role=message.role, content=message.content or "")


def _tool(tool: ChatTool) -> Tool:
    if tool.function is None:
        return Tool(type=tool.type)
    return Tool(type=tool.type, **tool.function.model_dump(exclude_none=True))


def _choice(
    choice: Literal["auto", "required", "none"] | ChatChoice | None,
) -> Literal["auto", "required", "none"] | NamedChoice | None:
    if not isinstance(choice, ChatChoice):
        return choice
    return NamedChoice(type=choice.type, name=choice.function.name if choice.function else None)


def _format(wanted: ResponseFormat) -> Format:
    return Format.model_validate({"type": wanted.type, **(wanted.json_schema or {})})
