"""Every metric: its name, its unit, what it counts, and the buckets of the histograms.

`gen_ai.*`, `http.*` and `process.*` are the OpenTelemetry semantic conventions' (all of `gen_ai.*`
is in development there: https://github.com/open-telemetry/semantic-conventions-genai), with their
buckets; `agent_serving.*` are ours. Attributes that spans have too are named in
`domain.span_names`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """`unit` is UCUM's; `buckets` are upper bounds."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


_OPERATION = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
_TOKENS = (
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
)  # fmt: skip
_PHASE = (0.0001, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

# --- the conventions' -----------------------------------------------------------------------

OPERATION_DURATION = Metric(
    "gen_ai.client.operation.duration",
    "s",
    "One request to an engine: admission, queue, prefill and decode.",
    _OPERATION,
)
TOKEN_USAGE = Metric(
    "gen_ai.client.token.usage",
    "{token}",
    "Tokens of one request to an engine; input includes what was cached.",
    _TOKENS,
)
TIME_TO_FIRST_TOKEN = Metric(
    "gen_ai.server.time_to_first_token",
    "s",
    "From sending a request to its first token.",
    (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)
TIME_PER_OUTPUT_TOKEN = Metric(
    "gen_ai.server.time_per_output_token",
    "s",
    "Decode time of a request for each token behind the first.",
    (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5),
)
EXECUTE_TOOL_DURATION = Metric(
    "gen_ai.execute_tool.duration", "s", "One tool call that was run.", _OPERATION
)
INVOKE_AGENT_DURATION = Metric(
    "gen_ai.invoke_agent.duration",
    "s",
    "One turn, from its begin to its end, without what it waited for its caller.",
    (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6),
)
REQUEST_DURATION = Metric(
    "http.server.request.duration",
    "s",
    "One HTTP request to the end of its answer, streams included.",
    (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)

# --- ours: what was done --------------------------------------------------------------------

STEPS = Metric("agent_serving.steps", "{step}", "Steps of the ledger that are over.")
PHASE_DURATION = Metric(
    "agent_serving.step.phase.duration", "s", "Where the time of a step went.", _PHASE
)
EXPECTED_TOKENS = Metric(
    "agent_serving.prefix.expected_tokens",
    "{token}",
    "Prompt tokens that an engine had computed before.",
)
CACHED_TOKENS = Metric(
    "agent_serving.prefix.cached_tokens",
    "{token}",
    "Of the expected tokens, those found in the engine's cache.",
)
LOST_TOKENS = Metric(
    "agent_serving.prefix.lost_tokens",
    "{token}",
    "Expected tokens that were computed again, by reason.",
)
COST = Metric(
    "agent_serving.cost",
    "",
    "Money, in the currency of the label; rounded here, exact in the ledger.",
)
GPU_TIME = Metric("agent_serving.gpu.time", "s", "GPU time of requests.")
DOUBTS = Metric(
    "agent_serving.tools.doubted", "{call}", "Calls that may or may not have run; somebody decides."
)
ADOPTED = Metric(
    "agent_serving.leases.adopted", "{session}", "Open turns taken over from another process."
)
SPANS_DROPPED = Metric("agent_serving.spans.dropped", "{span}", "Spans that could not be exported.")

# --- ours: what is in hand ------------------------------------------------------------------

QUEUE_DEPTH = Metric("agent_serving.queue.depth", "{request}", "Requests waiting for an engine.")
ADMITTED_REQUESTS = Metric(
    "agent_serving.admitted.requests", "{request}", "Requests that an engine was granted to."
)
ADMITTED_TOKENS = Metric(
    "agent_serving.admitted.working_set",
    "{token}",
    "Tokens that admitted requests may hold in KV: prompt and longest reply.",
)
OPEN_TURNS = Metric(
    "agent_serving.turns.open", "{turn}", "Open and queued turns of sessions that run here."
)
FOLLOWERS = Metric("agent_serving.followers", "{stream}", "Event streams that are followed here.")
ENGINES_READY = Metric("agent_serving.engine.ready", "1", "1 where a worker answered its probe.")
TASKS = Metric("agent_serving.tasks", "{task}", "asyncio tasks of this process that are not done.")
MEMORY = Metric("process.memory.usage", "By", "Resident memory of this process; on Linux.")
OPEN_FILES = Metric(
    "process.unix.file_descriptor.count",
    "{file_descriptor}",
    "Files and sockets that this process has open; on Linux.",
)

ALL = tuple(value for value in vars().copy().values() if isinstance(value, Metric))

# --- attributes that no span has ------------------------------------------------------------

TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105  # the name of an attribute
PHASE = "agent_serving.phase"
"""Those of the spans, and these two."""
TOOL = "tool"
ORCHESTRATION = "orchestration"
KIND = "agent_serving.step.kind"
STATUS = "agent_serving.status"
OTHER = "_OTHER"
"""Stands for every value behind the first so many of an attribute."""
