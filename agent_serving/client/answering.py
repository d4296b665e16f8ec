"""Who answers what a turn waits for: tools, and the caller's callbacks."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from agent_serving.client.models.turn import RequiredInput
from agent_serving.client.toolbox import Answer, Toolbox, output_text, result

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Happened:
    """A call in doubt did run, and this is what came out."""

    output: Any


Resolution = Literal["retry", "abandon"] | Happened
"""What became of a call whose process died while it ran: run it again, tell the model that nobody
knows, or tell it what came out."""

Approve = Callable[[RequiredInput], bool | Awaitable[bool]]
Resolve = Callable[[RequiredInput], Resolution | Awaitable[Resolution]]

DECLINED = "The user has declined this call. Do not repeat it; go on without it."


@dataclass(frozen=True, slots=True)
class Answering:
    """`approve` is asked before each call of a client-side tool, and for each call that the service
    wants to have approved; without it client-side tools just run, and the service's questions are
    left to the caller. `in_doubt` is asked what became of a call that may or may not have run."""

    toolbox: Toolbox = field(default_factory=Toolbox)
    approve: Approve | None = None
    in_doubt: Resolve | None = None

    def with_toolbox(self, toolbox: Toolbox) -> Answering:
        return replace(self, toolbox=toolbox)

    async def answers(self, calls: Sequence[RequiredInput]) -> list[Answer]:
        """To those calls that can be answered here. Questions are asked one after the other, then
        tools run side by side."""
        answers: list[Answer] = []
        approved: list[RequiredInput] = []
        for call in calls:
            match call.type:
                case "tool_result" if call.name in self.toolbox:
                    if self.approve is None or await _told(self.approve(call)):
                        approved.append(call)
                    else:
                        answers.append(result(call, error=DECLINED))
                case "approval" if self.approve is not None:
                    answers.append(approval(call.call_id, await _told(self.approve(call))))
                case "in_doubt" if self.in_doubt is not None:
                    answers.append(resolution(call.call_id, await _told(self.in_doubt(call))))
                case _:
                    continue
        ran = await asyncio.gather(*(self.toolbox.run(call) for call in approved))
        return [*answers, *ran]


async def _told(said: T | Awaitable[T]) -> T:
    return await said if inspect.isawaitable(said) else said


def approval(call_id: str, approve: bool) -> Answer:
    return {"type": "approval", "call_id": call_id, "approve": approve}


def resolution(call_id: str, resolved: Resolution) -> Answer:
    answer: Answer = {"type": "in_doubt", "call_id": call_id}
    if isinstance(resolved, Happened):
        return answer | {"resolution": "result", "output": output_text(resolved.output)}
    return answer | {"resolution": resolved}
