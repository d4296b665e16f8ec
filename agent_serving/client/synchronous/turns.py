"""What is below a session, by ids alone: turns, steps, items, events."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from agent_serving.client.bodies import BudgetSpec, plain
from agent_serving.client.call import get, patch, post, segment
from agent_serving.client.models.event import Event, read_event
from agent_serving.client.models.item import Item, read_item
from agent_serving.client.models.step import Step
from agent_serving.client.models.turn import TurnData
from agent_serving.client.synchronous.event_source import EventSource
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.toolbox import Answer


class Turns:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, session_id: str, *, limit: int | None = None, order: str | None = None
    ) -> Pages[TurnData]:
        """Oldest first."""
        params = {"limit": limit, "order": order}
        path = f"/sessions/{segment(session_id)}/turns"
        return Pages(self._transport, path, TurnData.model_validate, params)

    def get(self, session_id: str, turn_id: str) -> TurnData:
        return self._transport.read(TurnData, get(_path(session_id, turn_id)))

    def update(self, session_id: str, turn_id: str, *, budget: BudgetSpec) -> TurnData:
        body = {"budget": plain(budget)}
        return self._transport.read(TurnData, patch(_path(session_id, turn_id), body))

    def cancel(self, session_id: str, turn_id: str) -> TurnData:
        call = post(f"{_path(session_id, turn_id)}/cancel")
        return self._transport.read(TurnData, call)

    def inputs(self, session_id: str, turn_id: str, inputs: Sequence[Answer]) -> TurnData:
        """Answers to what the turn waits for, and messages to steer it: all or none."""
        call = post(f"{_path(session_id, turn_id)}/inputs", {"inputs": [*inputs]})
        return self._transport.read(TurnData, call)

    def trace(self, session_id: str, turn_id: str) -> dict[str, Any]:
        """The turn's spans, as OTLP JSON."""
        told: dict[str, Any] = self._transport.json(get(f"{_path(session_id, turn_id)}/trace"))
        return told


class Steps:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(self, session_id: str, turn_id: str, *, limit: int | None = None) -> Pages[Step]:
        """The rows of a turn's ledger, in the order in which the steps began."""
        path = f"{_path(session_id, turn_id)}/steps"
        return Pages(self._transport, path, Step.model_validate, {"limit": limit})

    def get(self, session_id: str, turn_id: str, step_id: str) -> Step:
        path = f"{_path(session_id, turn_id)}/steps/{segment(step_id)}"
        return self._transport.read(Step, get(path))


class Items:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self, session_id: str, *, limit: int | None = None, order: str | None = None
    ) -> Pages[Item]:
        """The transcript, oldest first."""
        params = {"limit": limit, "order": order}
        return Pages(self._transport, f"/sessions/{segment(session_id)}/items", read_item, params)


class Events:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def list(
        self,
        session_id: str,
        *,
        after: int = 0,
        turn_id: str | None = None,
        types: Sequence[str] | None = None,
        limit: int | None = None,
    ) -> Pages[Event]:
        """Those that there are by now, behind the sequence `after`."""
        params = _filter(turn_id, types) | {"after": after, "limit": limit}
        return Pages(self._transport, f"/sessions/{segment(session_id)}/events", read_event, params)

    def follow(
        self,
        session_id: str,
        *,
        after: int = 0,
        turn_id: str | None = None,
        types: Sequence[str] | None = None,
    ) -> Generator[Event, None, None]:
        """Those that there are and those to come, each once, over as many connections as it takes:
        to the end of the turn, where one is named."""
        wanted = _filter(turn_id, types)
        source = EventSource(self._transport, session_id, wanted, after=after)
        with closing(source):
            while (event := source.next()) is not None:
                yield event


def _path(session_id: str, turn_id: str) -> str:
    return f"/sessions/{segment(session_id)}/turns/{segment(turn_id)}"


def _filter(
    turn_id: str | None, types: Sequence[str] | None
) -> dict[str, str | int | list[str] | None]:
    return {"turn_id": turn_id, "types": ",".join(types) if types else None}
