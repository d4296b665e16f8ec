"""A response as a chat completion, whole or in chunks: pure functions of what a response is."""

from __future__ import annotations

from agent_serving.api.errors import GenerationFailed
from agent_serving.api.openai.output import Json
from agent_serving.domain.errors import AgentServingError, EngineUnavailable

TAKEN_BACK = "The engine was lost behind what had been sent, and chunks cannot be taken back."


def completion_of(response: Json) -> Json:
    """Raises GenerationFailed, EngineUnavailable where the response failed."""
    error = failure_of(response)
    if error is not None:
        raise error
    items = response["output"]
    text = "".join(_said(item) for item in items if item["type"] == "message")
    reasoning = "".join(_said(item) for item in items if item["type"] == "reasoning")
    calls = [
        {
            "id": item["call_id"],
            "type": "function",
            "function": {"name": item["name"], "arguments": item["arguments"]},
        }
        for item in items
        if item["type"] == "function_call"
    ]
    message: Json = {"role": "assistant", "content": text or None, "refusal": None}
    if calls:
        message["tool_calls"] = calls
    else:
        message["content"] = text
    if reasoning:
        message["reasoning_content"] = reasoning
    choice = {
        "index": 0, "message": message, "finish_reason": _finish(response), "logprobs": None,
    }  # fmt: skip
    return {
        **_head(response, "chat.completion"),
        "choices": [choice],
        "usage": usage_of(response),
    }


class Chunks:
    """The chunks of a completion, from the events of its response."""

    def __init__(self, *, usage: bool) -> None:
        self._usage = usage
        self._head: Json = {}
        self._calls: dict[str, int] = {}
        self._sent: dict[str, str] = {}
        """What was sent, by item."""
        self._cut = False
        """Whether some of it is void, or its item not whole: nothing can come behind it."""
        self.failure: AgentServingError | None = None
        """Why there are no more chunks, where that is not the end."""

    def tell(self, event: Json) -> list[Json]:
        kind = event["type"]
        match kind:
            case "response.created":
                self._head = _head(event["response"], "chat.completion.chunk")
                return [self._chunk({"role": "assistant", "content": ""})]
            case "response.output_item.added":
                return self._added(event["item"])
            case "response.output_text.delta":
                return self._told(event, {"content": event["delta"]})
            case "response.reasoning_text.delta":
                return self._told(event, {"reasoning_content": event["delta"]})
            case "response.function_call_arguments.delta":
                function = {"arguments": event["delta"]}
                call = {"index": self._calls[event["item_id"]], "function": function}
                return self._told(event, {"tool_calls": [call]})
            case "response.output_item.done":
                item = event["item"]
                if item["id"] in self._sent and item["status"] == "incomplete":
                    self._cut = True
            case "response.completed" | "response.incomplete" | "response.failed":
                return self._end(event["response"])
            case "error":
                self.failure = GenerationFailed(event["message"])
        return []

    def _added(self, item: Json) -> list[Json]:
        if self._cut:
            self.failure = GenerationFailed(TAKEN_BACK)
        if self.failure is not None or item["type"] != "function_call":
            return []
        index = self._calls[item["id"]] = len(self._calls)
        function = {"name": item["name"], "arguments": ""}
        call = {"index": index, "id": item["call_id"], "type": "function", "function": function}
        self._sent[item["id"]] = ""
        return [self._chunk({"tool_calls": [call]})]

    def _told(self, event: Json, delta: Json) -> list[Json]:
        self._sent[event["item_id"]] = self._sent.get(event["item_id"], "") + event["delta"]
        return [self._chunk(delta)]

    def _end(self, response: Json) -> list[Json]:
        self.failure = failure_of(response)
        said = {item["id"]: _said(item) for item in response["output"]}
        if self.failure is None and not self._sent.items() <= said.items():
            self.failure = GenerationFailed(TAKEN_BACK)
        if self.failure is not None:
            return []
        last = self._chunk({}, _finish(response))
        if not self._usage:
            return [last]
        return [last, {**self._head, "choices": [], "usage": usage_of(response)}]

    def _chunk(self, delta: Json, finish: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        more = {"usage": None} if self._usage else {}
        return {**self._head, "choices": [choice], **more}


def failure_of(response: Json) -> AgentServingError | None:
    """What to say where the response is no completion."""
    if response["status"] == "failed":
        error = response["error"] or {"code": "", "message": "The generation failed."}
        if error["code"] == EngineUnavailable.code:
            return EngineUnavailable(error["message"])
        return GenerationFailed(error["message"])
    if response["status"] in ("cancelled", "queued", "in_progress"):
        return GenerationFailed(f"The generation is {response['status']}; it was given up.")
    return None


def usage_of(response: Json) -> Json:
    usage = response["usage"]
    return {
        "prompt_tokens": usage["input_tokens"],
        "completion_tokens": usage["output_tokens"],
        "total_tokens": usage["total_tokens"],
        "prompt_tokens_details": {"cached_tokens": usage["input_tokens_details"]["cached_tokens"]},
        "completion_tokens_details": usage["output_tokens_details"],
    }


def _head(response: Json, kind: str) -> Json:
    turn = response["agent_serving"]["turn_id"].partition("_")[2]
    return {
        "id": f"chatcmpl-{turn}",
        "object": kind,
        "created": response["created_at"],
        "model": response["model"],
        "system_fingerprint": None,
        "service_tier": response["service_tier"],
    }


def _finish(response: Json) -> str:
    if response["status"] == "incomplete":
        return "length"
    calls = any(item["type"] == "function_call" for item in response["output"])
    return "tool_calls" if calls else "stop"


def _said(item: Json) -> str:
    """The text of a message or of reasoning; of a call its arguments."""
    if "arguments" in item:
        return str(item["arguments"])
    return "".join(part["text"] for part in item["content"])
