"""What a turn, an attempt and a tool call say of themselves in their spans."""

from __future__ import annotations

from urllib.parse import urlsplit

from agent_serving.domain import span_names as n
from agent_serving.domain.cost import Cost
from agent_serving.domain.events import Attempt
from agent_serving.domain.prefix import lost_tokens
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.span import Attributes, AttributeValue
from agent_serving.domain.step import ModelStep, ToolStep

LONGEST_DESCRIPTION = 1024

Said = dict[str, AttributeValue]


def turn_attributes(session: Session, turn: Turn) -> Attributes:
    agent, usage = session.agent, turn.usage
    said: Said = {
        n.OPERATION_NAME: n.INVOKE_AGENT,
        n.PROVIDER_NAME: n.PROVIDER,
        n.AGENT_ID: agent.id,
        n.AGENT_NAME: agent.name,
        n.AGENT_VERSION: str(agent.version),
        n.REQUEST_MODEL: agent.model,
        **_whose(session, turn),
        n.TURN_STATUS: turn.status,
        n.TURN_INPUT_TOKENS: usage.input_tokens,
        n.TURN_CACHED_TOKENS: usage.cached_tokens,
        n.TURN_OUTPUT_TOKENS: usage.output_tokens,
        n.TURN_REASONING_TOKENS: usage.reasoning_tokens,
        n.TURN_MODEL_STEPS: usage.model_steps,
        n.TURN_TOOL_CALLS: usage.tool_calls,
    }
    if turn.reason is not None:
        said[n.TURN_REASON] = turn.reason
    if turn.started_at is not None and turn.started_at > turn.created_at:
        said[n.TURN_QUEUED_MS] = (turn.started_at - turn.created_at).total_seconds() * 1000
    if turn.status == "failed":
        said[n.ERROR_TYPE] = turn.error.code if turn.error else "failed"
    cost = turn.cost
    if cost.currency is not None:
        said[n.TURN_COST_TOTAL] = float(cost.total)
        said[n.TURN_COST_CURRENCY] = cost.currency
        said[n.TURN_COST_PREFIX_MISS] = float(cost.prefix_miss)
    return said


def chat_attributes(
    session: Session, turn: Turn, step: ModelStep, attempt: Attempt | None
) -> Attributes:
    """`attempt` is None where the step failed before a request was made."""
    sampling = session.agent.sampling
    said: Said = {
        n.OPERATION_NAME: n.CHAT,
        n.PROVIDER_NAME: n.PROVIDER,
        n.REQUEST_MODEL: session.agent.model,
        n.REQUEST_MAX_TOKENS: step.max_new_tokens,
        n.REQUEST_STREAM: True,
        **_whose(session, turn),
        n.STEP_ID: step.id,
        n.STEP_INDEX: step.index,
    }
    for name, value in (
        (n.REQUEST_TEMPERATURE, sampling.temperature),
        (n.REQUEST_TOP_P, sampling.top_p),
        (n.REQUEST_SEED, sampling.seed),
    ):
        if value is not None:
            said[name] = value
    if attempt is not None:
        said |= _request(session, step, attempt)
    failed = attempt.error if attempt is not None else step.error
    if failed is not None:
        said[n.ERROR_TYPE] = failed.code
    return said


def tool_attributes(session: Session, turn: Turn, step: ToolStep) -> Attributes:
    said: Said = {
        n.OPERATION_NAME: n.EXECUTE_TOOL,
        n.TOOL_NAME: step.call.name,
        n.TOOL_TYPE: "function",
        n.TOOL_CALL_ID: step.call.call_id,
        n.TOOL_EFFECT: step.effect,
        n.TOOL_EXECUTOR: step.executor,
        n.TOOL_MODEL_STEP: step.model_step_id,
        **_whose(session, turn),
        n.STEP_ID: step.id,
        n.STEP_INDEX: step.index,
        **_costs(step.cost),
    }
    spec = session.agent.tool(step.call.name)
    if spec is not None and spec.description:
        said[n.TOOL_DESCRIPTION] = spec.description[:LONGEST_DESCRIPTION]
    outcome = "released" if step.result is None else step.result.outcome
    said[n.TOOL_OUTCOME] = outcome
    if outcome != "ok":
        said[n.ERROR_TYPE] = outcome
    return said


def _request(session: Session, step: ModelStep, attempt: Attempt) -> Said:
    usage = attempt.usage
    said: Said = {
        n.ATTEMPT: attempt.number,
        n.ATTEMPT_STATUS: attempt.status,
        n.USAGE_INPUT_TOKENS: usage.input_tokens,
        n.USAGE_OUTPUT_TOKENS: usage.output_tokens,
        n.USAGE_CACHED_TOKENS: usage.cached_tokens,
        n.USAGE_REASONING_TOKENS: usage.reasoning_tokens,
        n.PREFIX_EXPECTED: step.expected_tokens,
        **_costs(attempt.cost),
    }
    if attempt.worker:
        said |= {n.WORKER: attempt.worker, **_server(attempt.worker)}
    if attempt.rid:
        said[n.RESPONSE_ID] = attempt.rid
    if attempt.timings.ttft_ms is not None:
        said[n.RESPONSE_TIME_TO_FIRST_CHUNK] = attempt.timings.ttft_ms / 1000
    if attempt.status == "completed":
        said[n.RESPONSE_MODEL] = session.agent.model
        said[n.PREFIX_CACHED] = usage.cached_tokens
        said[n.PREFIX_LOST] = lost_tokens(
            step.expected_tokens, usage.cached_tokens, attempt.page_tokens
        )
    if attempt.prefix_reason is not None:
        said[n.PREFIX_REASON] = attempt.prefix_reason
    if step.finish is not None and attempt is step.attempts[-1]:
        said[n.RESPONSE_FINISH_REASONS] = (step.finish,)
    return said


def _whose(session: Session, turn: Turn) -> Said:
    inherited = session.origin is not None and turn.index < session.inherited_turns
    return {
        n.CONVERSATION_ID: session.origin.session_id
        if inherited and session.origin
        else session.id,
        n.TURN_ID: turn.id,
        n.TENANT: session.tenant,
        n.CLASS: session.agent.service_class,
    }


def _costs(cost: Cost) -> Said:
    said: Said = {}
    if cost.currency is not None:
        said[n.COST_TOTAL] = float(cost.total)
        said[n.COST_CURRENCY] = cost.currency
        said[n.COST_PREFIX_MISS] = float(cost.prefix_miss)
    if cost.gpu_seconds:
        said[n.COST_GPU_SECONDS] = float(cost.gpu_seconds)
    return said


def _server(worker: str) -> Said:
    """A worker's name is its authority, `host:port`, where it has a URL at all."""
    try:
        parts = urlsplit(f"//{worker}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return {}
    said: Said = {n.SERVER_ADDRESS: host} if host else {}
    return said | ({n.SERVER_PORT: port} if port else {})
