"""The names of spans, span events and attributes: written here and nowhere else.

`gen_ai.*` are OpenTelemetry's semantic conventions for generative AI, which are in development
(open-telemetry/semantic-conventions-genai); `http.*`, `server.*`, `url.*` and `error.*` are its
stable ones. `agent_serving.*` are our own.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "agent_serving"
"""The instrumentation scope."""

PROVIDER: Final = "sglang"

# --- spans ----------------------------------------------------------------------------------

INVOKE_AGENT: Final = "invoke_agent"
CHAT: Final = "chat"
EXECUTE_TOOL: Final = "execute_tool"
ADMISSION: Final = "admission"
ENGINE_QUEUE: Final = "engine.queue"
ENGINE_PREFILL: Final = "engine.prefill"
ENGINE_DECODE: Final = "engine.decode"
PHASES: Final = (ADMISSION, ENGINE_QUEUE, ENGINE_PREFILL, ENGINE_DECODE)

# --- span events ----------------------------------------------------------------------------

OPERATION_DETAILS: Final = "gen_ai.client.inference.operation.details"

# --- the conventions' attributes ------------------------------------------------------------

SERVICE_NAME: Final = "service.name"
ERROR_TYPE: Final = "error.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"

HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
URL_PATH: Final = "url.path"
URL_SCHEME: Final = "url.scheme"

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"

AGENT_ID: Final = "gen_ai.agent.id"
AGENT_NAME: Final = "gen_ai.agent.name"
AGENT_VERSION: Final = "gen_ai.agent.version"

REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STREAM: Final = "gen_ai.request.stream"

RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
"""Seconds."""

USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
"""Cached ones among them."""
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
"""Those of reasoning among them."""
USAGE_CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"

TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_DESCRIPTION: Final = "gen_ai.tool.description"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"

# Content: only where the deployment asks for it.
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_CALL_RESULT: Final = "gen_ai.tool.call.result"

# --- ours -----------------------------------------------------------------------------------

TENANT: Final = "agent_serving.tenant"
CLASS: Final = "agent_serving.class"
TURN_ID: Final = "agent_serving.turn.id"
STEP_ID: Final = "agent_serving.step.id"
STEP_INDEX: Final = "agent_serving.step.index"
WORKER: Final = "agent_serving.worker"
ATTEMPT: Final = "agent_serving.attempt"
ATTEMPT_STATUS: Final = "agent_serving.attempt.status"

PREFIX_EXPECTED: Final = "agent_serving.prefix.expected_tokens"
PREFIX_CACHED: Final = "agent_serving.prefix.cached_tokens"
PREFIX_LOST: Final = "agent_serving.prefix.lost_tokens"
PREFIX_REASON: Final = "agent_serving.prefix.reason"

COST_TOTAL: Final = "agent_serving.cost.total"
"""Of one attempt or one call, as a number: the exact decimal is in the step ledger."""
COST_CURRENCY: Final = "agent_serving.cost.currency"
COST_PREFIX_MISS: Final = "agent_serving.cost.prefix_miss"
COST_GPU_SECONDS: Final = "agent_serving.cost.gpu_seconds"

TOOL_EFFECT: Final = "agent_serving.tool.effect"
TOOL_EXECUTOR: Final = "agent_serving.tool.executor"
TOOL_OUTCOME: Final = "agent_serving.tool.outcome"
TOOL_MODEL_STEP: Final = "agent_serving.tool.model_step.id"

# Rollups have names of their own, so that nothing is summed twice.
TURN_STATUS: Final = "agent_serving.turn.status"
TURN_REASON: Final = "agent_serving.turn.reason"
TURN_QUEUED_MS: Final = "agent_serving.turn.queued_ms"
TURN_INPUT_TOKENS: Final = "agent_serving.turn.input_tokens"
TURN_CACHED_TOKENS: Final = "agent_serving.turn.cached_tokens"
TURN_OUTPUT_TOKENS: Final = "agent_serving.turn.output_tokens"
TURN_REASONING_TOKENS: Final = "agent_serving.turn.reasoning_tokens"
TURN_MODEL_STEPS: Final = "agent_serving.turn.model_steps"
TURN_TOOL_CALLS: Final = "agent_serving.turn.tool_calls"
TURN_COST_TOTAL: Final = "agent_serving.turn.cost.total"
TURN_COST_CURRENCY: Final = "agent_serving.turn.cost.currency"
TURN_COST_PREFIX_MISS: Final = "agent_serving.turn.cost.prefix_miss"
