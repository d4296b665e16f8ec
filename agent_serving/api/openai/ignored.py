"""What of a request has no effect here: named in a header, so that nobody is misled in silence."""

from __future__ import annotations

import re
from collections.abc import Iterable

from fastapi import Response
from pydantic import BaseModel

from agent_serving.api.openai.bodies import ResponseBody

INCLUDED_STEPS = "agent_serving.steps"
_UNPRINTABLE = re.compile(r"[^A-Za-z0-9_.\-]")
MOST_NAMES = 16


def unknown(body: BaseModel) -> list[str]:
    return list(body.model_extra or ())


def of_response(body: ResponseBody) -> list[str]:
    """Fields that nobody knows, and those that ask for what is not done."""
    names = unknown(body)
    if body.text is not None:
        names += [f"text.{name}" for name in unknown(body.text)]
    if body.reasoning:
        names.append("reasoning")
    if body.truncation == "auto":
        names.append("truncation")
    if body.parallel_tool_calls is False:
        names.append("parallel_tool_calls")
    names += [f"include.{name}" for name in body.include or () if name != INCLUDED_STEPS]
    return names


def warning(names: Iterable[str]) -> dict[str, str]:
    """As a header (RFC 9111 has it no more, but it says what it is)."""
    told = [_UNPRINTABLE.sub("?", name)[:64] for name in names]
    if not told:
        return {}
    more = "" if len(told) <= MOST_NAMES else f" and {len(told) - MOST_NAMES} more"
    return {"warning": f'299 agent-serving "ignored: {", ".join(told[:MOST_NAMES])}{more}"'}


def tell_ignored(response: Response, names: Iterable[str]) -> None:
    response.headers.update(warning(names))
