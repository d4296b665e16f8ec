"""What pydantic found wrong with a request, in words for people and a place for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError

from agent_serving.api.location import dotted, in_body
from agent_serving.domain.errors import InvalidRequest

MAX_PROBLEMS = 16


def explain(error: RequestValidationError) -> InvalidRequest:
    """The first problem is the message; `details.errors` has all."""
    problems: list[dict[str, Any]] = []
    for found in error.errors():
        problem = _problem(found, error.body)
        if problem not in problems:
            problems.append(problem)
    first = problems[0]
    more = f" ({len(problems) - 1} more in details.errors)" if len(problems) > 1 else ""
    return InvalidRequest(
        f"{first['message']}{more}",
        param=first["param"],
        details={"errors": problems[:MAX_PROBLEMS]} if len(problems) > 1 else None,
    )


def _problem(found: Mapping[str, Any], body: Any) -> dict[str, Any]:
    kind = str(found["type"])
    place, *loc = found["loc"]
    path = in_body(body, loc, missing=kind == "missing") if place == "body" else loc
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path = [*path, str(found["ctx"]["discriminator"]).strip("'")]
    param = dotted(path) or None
    return {"param": param, "message": _message(kind, str(found["msg"]), param, place)}


def _message(kind: str, told: str, param: str | None, place: str) -> str:
    if param is None:
        if kind == "missing":
            return "The request has no body. Send a JSON object."
        return f"The {place} as a whole is wrong: {told}."
    match kind:
        case "missing":
            return f"`{param}` is missing."
        case "extra_forbidden":
            return f"`{param}` is not a field that is known here. Remove it or correct its name."
        case _:
            return f"`{param}` is wrong: {told.removeprefix('Value error, ').rstrip('.')}."
