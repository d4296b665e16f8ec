"""The body of `/generate`, and what is refused before it is sent."""

from __future__ import annotations

from typing import Any

from agent_serving.adapters.sglang.pool import Member
from agent_serving.domain.constraint import Constraint
from agent_serving.domain.errors import ContextLengthExceeded, InvalidRequest
from agent_serving.domain.values import Sampling, ServiceClass
from agent_serving.ports import Generation, Worker

_PRIORITY: dict[ServiceClass, int] = {"online": 100, "near_real_time": 50, "batch": 0}


def check(generation: Generation, worker: Worker) -> None:
    """A token id outside the vocabulary would stop the whole server, so it never leaves.

    Raises InvalidRequest, ContextLengthExceeded.
    """
    if not generation.prompt:
        raise InvalidRequest("The prompt has no tokens; render something first.")
    for position, token in enumerate(generation.prompt):
        if token < 0 or (worker.vocabulary_size is not None and token >= worker.vocabulary_size):
            raise InvalidRequest(
                f"Token id {token} at position {position} of the prompt is not in the vocabulary "
                f"of {worker.model} (0 to {(worker.vocabulary_size or 0) - 1}); the session was "
                "made with another model or is damaged. Nothing was sent."
            )
    wanted = len(generation.prompt) + generation.max_new_tokens
    if worker.context_length is not None and wanted > worker.context_length:
        raise ContextLengthExceeded(
            f"{len(generation.prompt)} prompt tokens and up to {generation.max_new_tokens} new "
            f"ones are {wanted}; the context of {worker.model} has {worker.context_length}. Ask "
            "for fewer new tokens, or fork the session at an earlier turn.",
            details={"prompt_tokens": len(generation.prompt), "limit": worker.context_length},
        )


def body_of(generation: Generation, member: Member, *, isolated: bool = False) -> dict[str, Any]:
    """`isolated`: a tenant's prefixes are found in the cache by that tenant alone."""
    found = member.found
    body: dict[str, Any] = {
        "rid": generation.rid,
        "input_ids": list(generation.prompt),
        "stream": True,
        "sampling_params": {
            # The reply's text and ids come as they were generated, end-of-turn token included.
            "no_stop_trim": True,
            "skip_special_tokens": False,
            "spaces_between_special_tokens": False,
            "max_new_tokens": generation.max_new_tokens,
            **_sampling(generation.sampling),
            **_constraint(generation.constraint),
        },
    }
    if isolated:
        body["extra_key"] = generation.tenant
    if found is not None and found.session_radix_cache:
        body["session_id"] = generation.session_id
    if found is not None and found.priority_sign:
        body["priority"] = found.priority_sign * _PRIORITY[generation.priority]
    return body


def headers_of(generation: Generation) -> dict[str, str]:
    if not generation.traceparent:
        return {}
    state = {"tracestate": generation.tracestate} if generation.tracestate else {}
    return {"traceparent": generation.traceparent, **state}


def _sampling(sampling: Sampling) -> dict[str, Any]:
    wire = {
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "sampling_seed": sampling.seed,
    }
    return {key: value for key, value in wire.items() if value is not None}


def _constraint(constraint: Constraint | None) -> dict[str, str]:
    return {} if constraint is None else {constraint.kind: constraint.value}
