"""A session: say something, follow it, fork it."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from agent_serving.client.answering import Answering
from agent_serving.client.bodies import (
    AgentChoice,
    BudgetSpec,
    Input,
    LimitsSpec,
    TurnOptions,
    chosen,
    plain,
    turn_body,
)
from agent_serving.client.call import Call, delete, get, patch, patient, post, segment
from agent_serving.client.models.item import Item, read_item
from agent_serving.client.models.session import SessionData
from agent_serving.client.models.shape import Deleted
from agent_serving.client.models.turn import TurnData
from agent_serving.client.models.usage import SessionUsage
from agent_serving.client.output_type import OutputShape, shape_of
from agent_serving.client.result import Result
from agent_serving.client.synchronous.pages import Pages
from agent_serving.client.synchronous.transport import Transport
from agent_serving.client.synchronous.turn import Turn
from agent_serving.client.synchronous.turn_stream import TurnStream

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")


class Session:
    """`data` is the session as it was when it was read last; `refresh` reads it again.

    `output_type` is a pydantic model, a dataclass, a TypedDict, a Literal, an Enum or a type of
    Outlines: the engine holds the answer to it, and `Result.output` is of that type."""

    def __init__(self, transport: Transport, data: SessionData, answering: Answering) -> None:
        self.data = data
        self._transport = transport
        self._answering = answering

    @property
    def id(self) -> str:
        return self.data.id

    @property
    def path(self) -> str:
        return f"/sessions/{segment(self.id)}"

    def refresh(self) -> Self:
        self.data = self._transport.read(SessionData, get(self.path))
        return self

    @overload
    def run(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> Result[str]: ...

    @overload
    def run(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> Result[str]: ...

    @overload
    def run(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> Result[T]: ...

    def run(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> Result[Any]:
        """Say something, and have the answer. Raises TurnError, TurnWaitingError, OutputError,
        APIError."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "wait")
        data = self._transport.read(TurnData, patient(call))
        return self._turn(data.id, shape).outcome_of(data)

    @overload
    def stream(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> TurnStream[str]: ...

    @overload
    def stream(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> TurnStream[str]: ...

    @overload
    def stream(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> TurnStream[T]: ...

    def stream(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> TurnStream[Any]:
        """Say something, and follow the turn: a block whose value is iterated for events."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "stream")
        return TurnStream(self._turn("", shape), start=call)

    @overload
    def start(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> Turn[str]: ...

    @overload
    def start(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> Turn[str]: ...

    @overload
    def start(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> Turn[T]: ...

    def start(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> Turn[Any]:
        """Say something, and do not wait."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "background")
        data = self._transport.read(TurnData, call)
        return self._turn(data.id, shape)

    @overload
    def turn(self, turn_id: str, *, output_type: None = None) -> Turn[str]: ...

    @overload
    def turn(self, turn_id: str, *, output_type: Mapping[str, Any]) -> Turn[str]: ...

    @overload
    def turn(self, turn_id: str, *, output_type: TypeForm[T]) -> Turn[T]: ...

    def turn(self, turn_id: str, *, output_type: Any = None) -> Turn[Any]:
        """A turn that was started before, here or elsewhere."""
        return self._turn(turn_id, shape_of(output_type))

    def _turn(self, turn_id: str, shape: OutputShape[Any]) -> Turn[Any]:
        return Turn(self._transport, self.id, turn_id, shape, self._answering)

    def _turn_call(
        self, input: Input, shape: OutputShape[Any], options: TurnOptions, mode: str
    ) -> Call:
        body = turn_body(input, shape, options) | {"mode": mode}
        return post(f"{self.path}/turns", body)

    def fork(
        self,
        *,
        at_turn: str | None = None,
        agent: AgentChoice | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Session:
        """A new session with the same past, up to `at_turn`; it has this one's tools."""
        body: dict[str, Any] = {"at_turn": at_turn, "metadata": metadata and dict(metadata)}
        answering = self._answering
        if agent is not None:
            body["agent"], toolbox = chosen(agent, answering.toolbox)
            answering = answering.with_toolbox(toolbox)
        given = {key: value for key, value in body.items() if value is not None}
        data = self._transport.read(SessionData, post(f"{self.path}/fork", given))
        return Session(self._transport, data, answering)

    def update(
        self,
        *,
        metadata: Mapping[str, str] | None = None,
        limits: LimitsSpec | None = None,
        budget: BudgetSpec | None = None,
    ) -> Self:
        """Change what is given; `metadata` and `budget` are replaced whole."""
        body = {"metadata": metadata, "limits": limits, "budget": budget}
        given = {key: plain(value) for key, value in body.items() if value is not None}
        self.data = self._transport.read(SessionData, patch(self.path, given))
        return self

    def delete(self) -> Deleted:
        """A turn under way is cancelled first."""
        return self._transport.read(Deleted, delete(self.path))

    def turns(self) -> Pages[TurnData]:
        return Pages(self._transport, f"{self.path}/turns", TurnData.model_validate, {})

    def items(self) -> Pages[Item]:
        """The transcript, in the order in which the model saw it."""
        return Pages(self._transport, f"{self.path}/items", read_item, {"limit": 100})

    def usage(self) -> SessionUsage:
        return self._transport.read(SessionUsage, get(f"{self.path}/usage"))
