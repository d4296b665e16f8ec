"""A session: say something, follow it, fork it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack, overload

from agent_serving.client.answering import Answering
from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.asynchronous.turn import AsyncTurn
from agent_serving.client.asynchronous.turn_stream import AsyncTurnStream
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

if TYPE_CHECKING:
    from typing_extensions import TypeForm

T = TypeVar("T")


class AsyncSession:
    """`data` is the session as it was when it was read last; `refresh` reads it again.

    `output_type` is a pydantic model, a dataclass, a TypedDict, a Literal, an Enum or a type of
    Outlines: the engine holds the answer to it, and `Result.output` is of that type."""

    def __init__(self, transport: AsyncTransport, data: SessionData, answering: Answering) -> None:
        self.data = data
        self._transport = transport
        self._answering = answering

    @property
    def id(self) -> str:
        return self.data.id

    @property
    def path(self) -> str:
        return f"/sessions/{segment(self.id)}"

    async def refresh(self) -> Self:
        self.data = await self._transport.read(SessionData, get(self.path))
        return self

    @overload
    async def run(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> Result[str]: ...

    @overload
    async def run(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> Result[str]: ...

    @overload
    async def run(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> Result[T]: ...

    async def run(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> Result[Any]:
        """Say something, and have the answer. Raises TurnError, TurnWaitingError, OutputError,
        APIError."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "wait")
        data = await self._transport.read(TurnData, patient(call))
        return await self._turn(data.id, shape).outcome_of(data)

    @overload
    def stream(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[str]: ...

    @overload
    def stream(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[str]: ...

    @overload
    def stream(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[T]: ...

    def stream(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurnStream[Any]:
        """Say something, and follow the turn: a block whose value is iterated for events."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "stream")
        return AsyncTurnStream(self._turn("", shape), start=call)

    @overload
    async def start(
        self, input: Input, *, output_type: None = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurn[str]: ...

    @overload
    async def start(
        self, input: Input, *, output_type: Mapping[str, Any], **options: Unpack[TurnOptions]
    ) -> AsyncTurn[str]: ...

    @overload
    async def start(
        self, input: Input, *, output_type: TypeForm[T], **options: Unpack[TurnOptions]
    ) -> AsyncTurn[T]: ...

    async def start(
        self, input: Input, *, output_type: Any = None, **options: Unpack[TurnOptions]
    ) -> AsyncTurn[Any]:
        """Say something, and do not wait."""
        shape = shape_of(output_type)
        call = self._turn_call(input, shape, options, "background")
        data = await self._transport.read(TurnData, call)
        return self._turn(data.id, shape)

    @overload
    def turn(self, turn_id: str, *, output_type: None = None) -> AsyncTurn[str]: ...

    @overload
    def turn(self, turn_id: str, *, output_type: Mapping[str, Any]) -> AsyncTurn[str]: ...

    @overload
    def turn(self, turn_id: str, *, output_type: TypeForm[T]) -> AsyncTurn[T]: ...

    def turn(self, turn_id: str, *, output_type: Any = None) -> AsyncTurn[Any]:
        """A turn that was started before, here or elsewhere."""
        return self._turn(turn_id, shape_of(output_type))

    def _turn(self, turn_id: str, shape: OutputShape[Any]) -> AsyncTurn[Any]:
        return AsyncTurn(self._transport, self.id, turn_id, shape, self._answering)

    def _turn_call(
        self, input: Input, shape: OutputShape[Any], options: TurnOptions, mode: str
    ) -> Call:
        body = turn_body(input, shape, options) | {"mode": mode}
        return post(f"{self.path}/turns", body)

    async def fork(
        self,
        *,
        at_turn: str | None = None,
        agent: AgentChoice | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> AsyncSession:
        """A new session with the same past, up to `at_turn`; it has this one's tools."""
        body: dict[str, Any] = {"at_turn": at_turn, "metadata": metadata and dict(metadata)}
        answering = self._answering
        if agent is not None:
            body["agent"], toolbox = chosen(agent, answering.toolbox)
            answering = answering.with_toolbox(toolbox)
        given = {key: value for key, value in body.items() if value is not None}
        data = await self._transport.read(SessionData, post(f"{self.path}/fork", given))
        return AsyncSession(self._transport, data, answering)

    async def update(
        self,
        *,
        metadata: Mapping[str, str] | None = None,
        limits: LimitsSpec | None = None,
        budget: BudgetSpec | None = None,
    ) -> Self:
        """Change what is given; `metadata` and `budget` are replaced whole."""
        body = {"metadata": metadata, "limits": limits, "budget": budget}
        given = {key: plain(value) for key, value in body.items() if value is not None}
        self.data = await self._transport.read(SessionData, patch(self.path, given))
        return self

    async def delete(self) -> Deleted:
        """A turn under way is cancelled first."""
        return await self._transport.read(Deleted, delete(self.path))

    def turns(self) -> AsyncPages[TurnData]:
        return AsyncPages(self._transport, f"{self.path}/turns", TurnData.model_validate, {})

    def items(self) -> AsyncPages[Item]:
        """The transcript, in the order in which the model saw it."""
        return AsyncPages(self._transport, f"{self.path}/items", read_item, {"limit": 100})

    async def usage(self) -> SessionUsage:
        return await self._transport.read(SessionUsage, get(f"{self.path}/usage"))
