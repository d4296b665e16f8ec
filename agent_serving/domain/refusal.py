"""Why a call is not run, as the result that tells the model so."""

from __future__ import annotations

from agent_serving.domain import schema
from agent_serving.domain.session import Turn
from agent_serving.domain.values import Agent, Approval, ToolCall, ToolResult

DENIED = "The call was not run: it was not approved. Go on without it."
NOBODY_TO_ASK = (
    "The call was not run: it needs an approval, which cannot be asked for here. Go on without it."
)


def refusal_of(
    agent: Agent, turn: Turn, call: ToolCall, approval: Approval | None, *, ahead: int
) -> ToolResult | None:
    """None when the call may run, or somebody may be asked whether it may. `ahead` are calls of
    the same reply that are to run before it."""
    invalid = check_call(agent, turn, call)
    if invalid is not None:
        return invalid
    if ahead >= calls_left(turn):
        return _used_up(call)
    if approval is not None and approval.approved is False:
        return ToolResult(call_id=call.call_id, output=DENIED, outcome="denied")
    spec = agent.tool(call.name)
    if turn.ends_at_calls and spec is not None and spec.requires_approval:
        return ToolResult(call_id=call.call_id, output=NOBODY_TO_ASK, outcome="denied")
    return None


def check_call(agent: Agent, turn: Turn, call: ToolCall) -> ToolResult | None:
    """Why it may not run, as far as that can be told while its reply still streams."""
    spec = agent.tool(call.name)
    if spec is None:
        names = ", ".join(tool.name for tool in agent.tools) or "none"
        return ToolResult(
            call_id=call.call_id,
            output=f"Error: there is no tool {call.name!r}. The tools are: {names}.",
            outcome="invalid",
        )
    problem = schema.problem(spec.parameters, call.arguments)
    if problem is not None:
        return ToolResult(
            call_id=call.call_id,
            output=f"Error: the arguments of {call.name} are not valid: {problem}",
            outcome="invalid",
        )
    return _used_up(call) if calls_left(turn) <= 0 else None


def calls_left(turn: Turn) -> int:
    """Of the turn's limit. A claim that was given up does not count: its call is claimed again."""
    claimed = (step.usage.tool_calls for step in turn.tool_steps if not step.released)
    return turn.limits.max_tool_calls - sum(claimed)


def _used_up(call: ToolCall) -> ToolResult:
    return ToolResult(
        call_id=call.call_id,
        output="Error: the turn's tool calls are used up. Answer with what is known.",
        outcome="limit",
    )
