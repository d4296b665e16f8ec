"""Answers from the caller: results of client-side calls, approvals, what became of calls in doubt,
steers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from agent_serving.domain import events as e
from agent_serving.domain import receipt as receipts
from agent_serving.domain.errors import InvalidRequest, TurnNotActive
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import OPEN, Session, Turn
from agent_serving.domain.step import ToolStep
from agent_serving.domain.values import Timings, ToolResult, Value
from agent_serving.ports import Ports
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.sessions import Sessions
from agent_serving.runtime.turn_checks import turn_of
from agent_serving.runtime.turn_request import Taken

MAX_RESULT_CHARS = 262_144


class ToolResultInput(Value):
    """The result of a client-side call: `output` (text, or JSON), or `error`."""

    type: Literal["tool_result"] = "tool_result"
    call_id: str
    output: Any | None = None
    error: str | None = None


class ApprovalInput(Value):
    """Whether a call that was asked about may run."""

    type: Literal["approval"] = "approval"
    call_id: str
    approve: bool


class InDoubtInput(Value):
    """What became of a call in doubt: it had this `result`, `retry` it, or `abandon` it."""

    type: Literal["in_doubt"] = "in_doubt"
    call_id: str
    resolution: Literal["result", "retry", "abandon"]
    output: Any | None = None


class SteerInput(Value):
    type: Literal["steer"] = "steer"
    content: str = Field(min_length=1)


Input = Annotated[
    ToolResultInput | ApprovalInput | InDoubtInput | SteerInput, Field(discriminator="type")
]


class Inputs:
    def __init__(
        self, ports: Ports, journals: Journals, runners: Runners, sessions: Sessions
    ) -> None:
        self._ports = ports
        self._journals = journals
        self._runners = runners
        self._sessions = sessions

    async def answer(
        self,
        tenant: str,
        session_id: str,
        turn_id: str,
        inputs: Sequence[Input],
        *,
        mark: RequestMark | None = None,
    ) -> Taken:
        """All inputs are checked before the first is taken. Each is a part of the request: those
        that an earlier request with this mark had taken are passed over. Raises NotFound,
        TurnNotActive (also for a call that is not open), InvalidRequest, IdempotencyMismatch."""
        journal = await self._journals.open(session_id, tenant)
        before = receipts.find(journal.session.receipts, mark, self._ports.clock.now())
        done = 0 if before is None else before.part
        for position, given in enumerate(inputs[done:], done):
            self._check(journal.session, turn_id, given, f"inputs[{position}]")
        _check_once(inputs)
        told: list[int | None] = [None] * done
        for position, given in enumerate(inputs[done:], done):
            part = None if mark is None else mark.but(part=position + 1)
            told.append(await self._take(journal, turn_id, given, part))
        self._runners.ensure(journal)
        turn = turn_of(journal.session, turn_id)
        return Taken(turn, told[0], replayed=not any(told))

    def _check(self, session: Session, turn_id: str, given: Input, param: str) -> None:
        turn = turn_of(session, turn_id)
        if turn.status not in OPEN:
            raise TurnNotActive(
                f"Turn {turn_id} is {turn.status}; it takes no more inputs.", param=param
            )
        match given:
            case SteerInput():
                return
            case ApprovalInput():
                _check_asked(turn, given.call_id, param)
            case ToolResultInput():
                _open_call(turn, given.call_id, param, status="running", executor="client")
                if (given.output is None) == (given.error is None):
                    raise InvalidRequest("Give either `output` or `error`.", param=param)
                _check_size(_text(given.error or given.output), param)
            case InDoubtInput():
                _open_call(turn, given.call_id, param, status="in_doubt", executor="server")
                if (given.resolution == "result") != (given.output is not None):
                    raise InvalidRequest(
                        "`output` belongs to resolution=result, and only there.", param=param
                    )
                _check_size(_text(given.output), param)

    async def _take(
        self,
        journal: Journal,
        turn_id: str,
        given: Input,
        mark: RequestMark | None,
    ) -> int | None:
        """The number of the first event that tells of it; None where it was taken before."""
        if isinstance(given, SteerInput):
            now = journal.session
            texts = [given.content]
            steered = await self._sessions.steer(
                now.tenant, now.id, turn_id, texts, mark=mark, at_hand=True
            )
            return steered.sequence

        def fact(
            session: Session,
        ) -> e.ToolFinished | e.ToolReleased | e.ApprovalResolved | None:
            turn = turn_of(session, turn_id)
            now = self._ports.clock.now()
            if receipts.taken(session.receipts, mark, now):
                return None
            if isinstance(given, ApprovalInput):
                _check_asked(turn, given.call_id, "call_id")
                return e.ApprovalResolved(
                    at=now,
                    turn_id=turn_id,
                    call_id=given.call_id,
                    approved=given.approve,
                    resumes=turn.resumed_by(given.call_id),
                    request=mark,
                )
            if isinstance(given, InDoubtInput):
                step = _open_call(turn, given.call_id, "call_id", "in_doubt", "server")
                if given.resolution == "retry":
                    return e.ToolReleased(
                        at=now,
                        turn_id=turn_id,
                        step_id=step.id,
                        resumes=turn.resumed_by(given.call_id),
                        request=mark,
                    )
            else:
                step = _open_call(turn, given.call_id, "call_id", "running", "client")
            waited_ms = (now - step.started_at).total_seconds() * 1000
            return e.ToolFinished(
                at=now,
                turn_id=turn_id,
                step_id=step.id,
                name=step.call.name,
                result=_result(given),
                timings=Timings(tool_ms=waited_ms, total_ms=waited_ms),
                resumes=turn.resumed_by(given.call_id),
                request=mark,
            )

        committed = await journal.commit(fact)
        return None if committed is None else committed.sequence


def _result(given: ToolResultInput | InDoubtInput) -> ToolResult:
    match given:
        case ToolResultInput(error=str() as error):
            return ToolResult(call_id=given.call_id, output=error, outcome="error")
        case InDoubtInput(resolution="abandon"):
            output = "It is not known whether this call had its effect. It was not run again."
            return ToolResult(call_id=given.call_id, output=output, outcome="abandoned")
        case _:
            return ToolResult(call_id=given.call_id, output=_text(given.output))


def _text(output: Any) -> str:
    return output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)


def _check_size(text: str, param: str) -> None:
    if len(text) > MAX_RESULT_CHARS:
        raise InvalidRequest(
            f"The result has {len(text)} characters; at most {MAX_RESULT_CHARS} are taken. Store "
            "it somewhere and give the model a reference or an excerpt.",
            param=param,
        )


def _check_once(inputs: Sequence[Input]) -> None:
    calls = [given.call_id for given in inputs if not isinstance(given, SteerInput)]
    for position, call_id in enumerate(calls):
        if call_id in calls[:position]:
            raise InvalidRequest(f"Call {call_id!r} is answered twice.", param="inputs")


def _check_asked(turn: Turn, call_id: str, param: str) -> None:
    asked = [approval.call.call_id for approval in turn.open_approvals]
    if call_id not in asked:
        raise TurnNotActive(
            f"No approval is asked for call {call_id!r} in turn {turn.id}. "
            f"Asked for: {', '.join(asked) or 'none'}.",
            param=param,
        )


def _open_call(turn: Turn, call_id: str, param: str, status: str, executor: str) -> ToolStep:
    for step in turn.tool_steps:
        if (step.call.call_id, step.status, step.executor) == (call_id, status, executor):
            return step
    open_calls = [s.call.call_id for s in turn.tool_steps if s.result is None]
    raise TurnNotActive(
        f"Call {call_id!r} is not open for this answer in turn {turn.id}. "
        f"Open calls: {', '.join(open_calls) or 'none'}.",
        param=param,
    )
