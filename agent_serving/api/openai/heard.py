"""Input items, as what a session hears: history, messages, answers to calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from agent_serving.api.errors import Unsupported
from agent_serving.api.openai.bodies import Content, Input, InputItem
from agent_serving.api.openai.ids import call_asked_about
from agent_serving.api.openai.output import SERVER_LABEL
from agent_serving.domain.errors import InvalidRequest
from agent_serving.domain.mcp import served_name
from agent_serving.domain.values import (
    Item,
    MessageItem,
    ToolCallItem,
    ToolResultItem,
)

NewId = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Or its opposite: the answer to a request for approval."""

    request_id: str
    approve: bool

    @property
    def call_id(self) -> str:
        return call_asked_about(self.request_id)


@dataclass(frozen=True, slots=True)
class Heard:
    """`instructions` are the system messages in front."""

    instructions: tuple[str, ...]
    items: tuple[Item, ...]
    agreements: tuple[Agreement, ...] = ()

    @property
    def answers(self) -> tuple[ToolResultItem, ...]:
        return tuple(item for item in self.items if isinstance(item, ToolResultItem))

    def split(self) -> tuple[tuple[Item, ...], tuple[str, ...]]:
        """History, and the user's messages at the end. Raises Unsupported where the history has a
        call without an answer, or an answer without a call."""
        end = len(self.items)
        while end and _says(self.items[end - 1]):
            end -= 1
        history = self.items[:end]
        _check_pairs(history)
        return history, tuple(i.text for i in self.items[end:] if isinstance(i, MessageItem))

    def news(self) -> tuple[str, ...]:
        """The user's messages, for a session that knows all else. Raises Unsupported."""
        if self.instructions or any(
            isinstance(item, MessageItem) and item.role != "user" for item in self.items
        ):
            raise Unsupported(
                "What goes on from an earlier response or in a conversation takes messages of the "
                "user and outputs of calls; system, developer and assistant messages are for the "
                "beginning. Change `instructions`, or send the whole history without "
                "`previous_response_id` and `conversation`.",
                param="input",
            )
        return tuple(item.text for item in self.items if isinstance(item, MessageItem))


def heard(given: Input | None, new_id: NewId, *, param: str = "input") -> Heard:
    """Raises Unsupported (400) for what cannot be served, InvalidRequest."""
    if given is None or isinstance(given, str):
        text = given or ""
        items = (MessageItem(id=new_id("item"), role="user", text=text),) if text else ()
        return Heard((), items)
    instructions: list[str] = []
    found: list[Item] = []
    agreements: list[Agreement] = []
    names: dict[str, str] = {}
    for position, item in enumerate(given):
        place = f"{param}[{position}]"
        if item.type == "mcp_approval_response":
            agreements.append(_agreement(item, place))
        elif item.type == "message" and item.role in ("system", "developer"):
            if found:
                raise Unsupported(
                    "A system or developer message can only come before all others.", param=place
                )
            instructions.append(text_of(item.content, f"{place}.content"))
        else:
            new = _items(item, names, new_id, place)
            for each in new:
                if isinstance(each, ToolCallItem):
                    names.setdefault(each.call_id, each.name)
            found += new
    return Heard(tuple(instructions), tuple(found), tuple(agreements))


def _agreement(item: InputItem, place: str) -> Agreement:
    request_id = _given(item.approval_request_id, f"{place}.approval_request_id")
    if item.approve is None:
        raise InvalidRequest(f"`{place}.approve` is missing.", param=f"{place}.approve")
    return Agreement(request_id, item.approve)


def _items(item: InputItem, names: Mapping[str, str], new_id: NewId, place: str) -> Sequence[Item]:
    """`names` has what was called before, by call id."""
    match item.type:
        case "message":
            if item.role not in ("user", "assistant"):
                raise InvalidRequest("`role` is missing.", param=f"{place}.role")
            text = text_of(item.content, f"{place}.content")
            return [MessageItem(id=new_id("item"), role=item.role, text=text)]
        case "function_call":
            return [_call(item, item.call_id, new_id, place)]
        case "function_call_output":
            call_id = _given(item.call_id, f"{place}.call_id")
            name = names.get(call_id, "")
            return [_result(call_id, name, text_of(item.output, f"{place}.output"), new_id)]
        case "mcp_call":
            call = _call(item.model_copy(update={"name": _called(item)}), item.id, new_id, place)
            output = text_of(item.output, f"{place}.output") if item.output else "Error."
            return [call, _result(call.call_id, call.name, output, new_id)]
        case "reasoning" | "mcp_approval_request":
            return []
        case other:
            raise Unsupported(
                f"Items of type {other[:64]!r} cannot be read here. Send messages, function_call, "
                "function_call_output, mcp_call, mcp_approval_request, mcp_approval_response or "
                "reasoning.",
                param=f"{place}.type",
            )


def _called(item: InputItem) -> str | None:
    """By the model: a tool of an MCP server by the server's name too."""
    if item.name is None or item.server_label in (None, SERVER_LABEL):
        return item.name
    return served_name(item.server_label, item.name)


def _call(item: InputItem, call_id: str | None, new_id: NewId, place: str) -> ToolCallItem:
    return ToolCallItem(
        id=new_id("item"),
        call_id=_given(call_id, f"{place}.call_id"),
        name=_given(item.name, f"{place}.name"),
        arguments=item.arguments or "{}",
    )


def _result(call_id: str, name: str, output: str, new_id: NewId) -> ToolResultItem:
    return ToolResultItem(
        id=new_id("item"), call_id=call_id, name=name, output=output, outcome="ok"
    )


def text_of(content: Content | None, param: str) -> str:
    """Raises Unsupported for parts that are no text."""
    if content is None:
        raise InvalidRequest(f"`{param}` is missing.", param=param)
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for position, part in enumerate(content):
        text = part.refusal if part.type == "refusal" else part.text
        if part.type not in ("input_text", "output_text", "text", "refusal") or text is None:
            raise Unsupported(
                f"Content of type {part.type[:64]!r} cannot be read: the models here read text.",
                param=f"{param}[{position}]",
            )
        texts.append(text)
    return "\n".join(texts)


def _given(value: str | None, param: str) -> str:
    if not value:
        raise InvalidRequest(f"`{param}` is missing.", param=param)
    return value


def _says(item: Item) -> bool:
    return isinstance(item, MessageItem) and item.role == "user"


def _check_pairs(history: Sequence[Item]) -> None:
    calls: set[str] = set()
    for item in history:
        if isinstance(item, ToolCallItem):
            calls.add(item.call_id)
        elif isinstance(item, ToolResultItem):
            if item.call_id not in calls:
                raise Unsupported(
                    f"There is no function call with call_id {item.call_id!r} before its output. "
                    "Send the call too, or name the response that made it by "
                    "`previous_response_id`.",
                    param="input",
                )
            calls.remove(item.call_id)
    missing(sorted(calls))


def missing(call_ids: Sequence[str]) -> None:
    """Raises Unsupported where there is one."""
    if call_ids:
        raise Unsupported(
            f"No tool output found for function call {call_ids[0]}. Send a function_call_output "
            "item for each call that was made.",
            param="input",
        )
