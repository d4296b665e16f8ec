"""One request, planned: it is sent again as it is."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from agent_serving.client.propagation import trace_headers
from agent_serving.client.settings import PATIENCE_SECONDS

Params = Mapping[str, str | int | list[str] | None]


@dataclass(frozen=True, slots=True)
class Call:
    """`path` is below /v1. `timeout` is seconds of silence; None is the client's usual one.
    `patience` is how long the service was asked to wait before it answers."""

    verb: str
    path: str
    params: Params = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    patience: float = 0.0

    @property
    def where(self) -> str:
        return f"{self.verb} /v1{self.path}"

    @property
    def query(self) -> dict[str, Any]:
        return {name: value for name, value in self.params.items() if value is not None}


def segment(given: str) -> str:
    """An id or a name as one part of a path. Raises ValueError for what would be another path: also
    a quoted slash, since servers unquote a path before they look at its parts."""
    if given in ("", ".", "..") or "/" in given:
        raise ValueError(f"{given!r} is no id, and no name.")
    return quote(given, safe="@")


def get(path: str, params: Params | None = None) -> Call:
    return Call("GET", path, params or {}, headers=trace_headers())


def delete(path: str) -> Call:
    return Call("DELETE", path, headers=trace_headers())


def patch(path: str, body: Any) -> Call:
    return Call("PATCH", path, body=body, headers=trace_headers())


def post(path: str, body: Any = None) -> Call:
    """With a key of its own: however often it is sent, it is done once."""
    key = {"idempotency-key": str(uuid.uuid4())}
    return Call("POST", path, body=body, headers=key | trace_headers())


def patient(call: Call) -> Call:
    """Answered once the turn is over, with its steps, or waits; or after a while with the turn as
    it is then."""
    headers = {**call.headers, "prefer": f"wait={PATIENCE_SECONDS}"}
    params = {**call.params, "include": "steps"}
    return replace(call, params=params, headers=headers, patience=PATIENCE_SECONDS)


def stream(verb: str, path: str, params: Params, timeout: float) -> Call:
    headers = {"accept": "text/event-stream", **trace_headers()}
    return Call(verb, path, params, headers=headers, timeout=timeout)
