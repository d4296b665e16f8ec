"""A turn that was started: read it, wait for it, answer it, cancel it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from agent_serving.client.answering import Answering, Resolution, approval, resolution
from agent_serving.client.asynchronous.pages import AsyncPages
from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.asynchronous.waiting import finished
from agent_serving.client.bodies import BudgetSpec, plain
from agent_serving.client.call import get, patch, patient, post, segment
from agent_serving.client.errors import ConflictError, without_answer
from agent_serving.client.models.step import Step
from agent_serving.client.models.turn import TurnData
from agent_serving.client.output_type import OutputShape
from agent_serving.client.result import Result
from agent_serving.client.toolbox import Answer, output_text

if TYPE_CHECKING:
    from agent_serving.client.asynchronous.turn_stream import AsyncTurnStream

T = TypeVar("T")


class AsyncTurn(Generic[T]):
    """A handle; the turn runs whether or not anybody holds it."""

    def __init__(
        self,
        transport: AsyncTransport,
        session_id: str,
        turn_id: str,
        shape: OutputShape[T],
        answering: Answering,
    ) -> None:
        self.transport = transport
        self.session_id = session_id
        self.id = turn_id
        self._shape = shape
        self._answering = answering
        self._found: dict[tuple[str, str], Answer] = {}

    @property
    def path(self) -> str:
        return f"/sessions/{segment(self.session_id)}/turns/{segment(self.id)}"

    async def get(self) -> TurnData:
        """The turn as it is now."""
        return await self.transport.read(TurnData, get(self.path))

    def steps(self) -> AsyncPages[Step]:
        return AsyncPages(self.transport, f"{self.path}/steps", Step.model_validate, {"limit": 100})

    def attach(self, *, after: int = 0) -> AsyncTurnStream[T]:
        """Follow its events, from the first one, or behind the one with this sequence."""
        from agent_serving.client.asynchronous.turn_stream import AsyncTurnStream

        return AsyncTurnStream(self, after=after)

    async def wait(self, timeout: float | None = None) -> Result[T]:
        """Its end, answering on the way what can be answered here; `timeout` is in seconds. Raises
        TurnError, TurnWaitingError, TurnTimeoutError, OutputError, APIError."""
        async with self.attach() as stream:
            return await stream.result(timeout)

    async def outcome(self) -> Result[T]:
        """What it came to, where it is over. Raises TurnError, TurnWaitingError, OutputError."""
        return await self._result(await self.get())

    async def outcome_of(self, turn: TurnData) -> Result[T]:
        """What it comes to from here on: waited for, and answered where that can be done here.
        Raises TurnError, TurnWaitingError, OutputError, APIError."""
        goes_on = True
        while goes_on and (turn.is_open or turn.status == "waiting"):
            if turn.is_open:
                turn = await self.transport.read(TurnData, patient(get(self.path)))
            else:
                turn, goes_on = await self._reply(turn, patiently=True)
        return await self._result(turn)

    async def _result(self, turn: TurnData) -> Result[T]:
        if turn.status != "completed":
            raise without_answer(turn)
        steps = await self.steps().all() if turn.steps is None else turn.steps
        return Result(output=self._shape.parse(turn.output_text), turn=turn, steps=steps)

    async def cancel(self) -> TurnData:
        """Idempotent. It is `cancelled` once the engine has let go of it."""
        return await self.transport.read(TurnData, post(f"{self.path}/cancel"))

    async def steer(self, content: str) -> TurnData:
        """A message that the model sees before its next step."""
        return await self.answer([{"type": "steer", "content": content}])

    async def give_result(self, call_id: str, output: Any) -> TurnData:
        """The result of a client-side call."""
        said = {"type": "tool_result", "call_id": call_id, "output": output_text(output)}
        return await self.answer([said])

    async def give_error(self, call_id: str, error: str) -> TurnData:
        """What went wrong in a client-side call; the model reads it."""
        return await self.answer([{"type": "tool_result", "call_id": call_id, "error": error}])

    async def approve(self, call_id: str, approve: bool = True) -> TurnData:
        """Whether a call that asks for it may run."""
        return await self.answer([approval(call_id, approve)])

    async def resolve(self, call_id: str, what: Resolution) -> TurnData:
        """What became of a call in doubt."""
        return await self.answer([resolution(call_id, what)])

    async def answer(self, answers: list[Answer]) -> TurnData:
        """`inputs` as the REST API takes them: all or none, in this order."""
        return await self.transport.read(TurnData, post(f"{self.path}/inputs", {"inputs": answers}))

    async def change_budget(self, budget: BudgetSpec) -> TurnData:
        """A turn that waits for its budget goes on where that is enough."""
        return await self.transport.read(TurnData, patch(self.path, {"budget": plain(budget)}))

    async def answered(self) -> bool:
        """Answer what it waits for; whether it goes on."""
        turn, goes_on = await self.get(), True
        while goes_on and turn.status == "waiting":
            turn, goes_on = await self._reply(turn)
        return goes_on

    async def _reply(self, turn: TurnData, *, patiently: bool = False) -> tuple[TurnData, bool]:
        """Answer what it waits for; the turn then, and whether it goes on as far as it is up to
        this program. `patiently`: once it is over or waits again. What was found for a call is kept
        until it is taken: no tool runs a second time because an answer beside it came too late."""
        calls = {(call.type, call.call_id): call for call in turn.required_inputs}
        new = [call for key, call in calls.items() if key not in self._found]
        answers = await finished(self._answering.answers(new))
        self._found |= {(answer["type"], answer["call_id"]): answer for answer in answers}
        given = [self._found[key] for key in calls if key in self._found]
        if not given:
            return turn, False
        path, body = f"{self.path}/inputs", {"inputs": given}
        call = patient(post(path, {**body, "mode": "wait"})) if patiently else post(path, body)
        try:
            after = await self.transport.read(TurnData, call)
        except ConflictError as error:
            # Somebody else was faster, or the turn was cancelled meanwhile.
            if error.code != "turn_not_active":
                raise
            return await self.get(), True
        self._found.clear()
        left = {(call.type, call.call_id) for call in after.required_inputs}
        return after, after.status != "waiting" or not left <= calls.keys()
