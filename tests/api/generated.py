"""Requests that schemathesis makes of the OpenAPI document: the same ones in every run.

`AGENT_SERVING_TEST_SCHEMA=100` makes so many of each operation and kind, in place of a few.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.core.transport import Response
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = int(os.environ.get("AGENT_SERVING_TEST_SCHEMA", "3"))
SECONDS = 30
"""Longer than any answer takes: one that never comes is found, and not waited for."""

Operation = APIOperation[Any, Any, Any, Any]
Ids = dict[str, str]

CONFORMS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

_ORDER = ("GET", "PATCH", "PUT", "POST", "DELETE")
_LAST = "cancel_turn"
"""What is cancelled or deleted has been read, changed and answered before."""

_IN_BODIES = {
    "agent": "agent",
    "at_turn": "turn_id",
    "call_id": "call_id",
    "conversation": "conversation_id",
    "previous_response_id": "response_id",
}
"""Fields that refer to objects, and the kind of the id."""


def operations_of(document: dict[str, Any]) -> list[Operation]:
    found = []
    for operation in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(operation, Ok), operation
        found.append(operation.ok())
    return sorted(found, key=_turn_of)


def name_of(operation: Operation) -> str:
    return str(operation.definition.raw["operationId"])


def _turn_of(operation: Operation) -> tuple[int, bool]:
    return _ORDER.index(operation.method.upper()), name_of(operation) == _LAST


def kinds_of(operation: Operation) -> Iterator[SearchStrategy[Any]]:
    """The document's own examples, what fits the operation's schema, and what does not."""
    yield from operation.get_strategies_from_examples()
    yield operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    # A path alone cannot be wrong: any text may be an id.
    if operation.query or operation.body:
        yield operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def each_of(cases: SearchStrategy[Any], probe: Callable[[Any], None]) -> None:

    @settings(
        max_examples=EXAMPLES,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def probed(case: Any) -> None:
        probe(case)

    probed()


def on(case: Any, ids: Ids) -> None:
    """Turns the request to the objects with these ids."""
    if case.path_parameters:
        case.path_parameters = {name: ids[name] for name in case.path_parameters}
    if isinstance(case.body, dict | list):
        case.body = _referring(case.body, ids)
    if "turn_id" in (case.query or {}):
        case.query = {**case.query, "turn_id": ids["turn_id"]}


def _referring(value: Any, ids: Ids) -> Any:
    match value:
        case dict():
            return {
                key: ids.get(_IN_BODIES[key], part)
                if key in _IN_BODIES and isinstance(part, str)
                else _referring(part, ids)
                for key, part in value.items()
            }
        case list():
            return [_referring(part, ids) for part in value]
        case _:
            return value


def send(case: Any, url: str, secret: str | None) -> Response:
    """The answer, after it was held against the document. `secret` is the key's."""
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    answer: Response = case.call(base_url=url, headers=headers, timeout=SECONDS)
    case.validate_response(answer, checks=CONFORMS, headers=headers)
    return answer
