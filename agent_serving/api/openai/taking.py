"""How a request becomes a turn: a new session, the next turn, a fork, or the answer to calls."""

from __future__ import annotations

from dataclasses import dataclass, replace

from fastapi import Request

from agent_serving.api.context import Api
from agent_serving.api.errors import Unsupported
from agent_serving.api.openai.asked import turn_request, wanted_agent
from agent_serving.api.openai.bodies import ResponseBody
from agent_serving.api.openai.heard import Heard, heard, missing
from agent_serving.api.openai.ids import ResponseId, approval_id, no_response, session_of
from agent_serving.api.openai.objects import part_of, same_but_for_id
from agent_serving.api.openai.parts import Part, parts_of
from agent_serving.domain import receipt as receipts
from agent_serving.domain.errors import ImpossibleEvent, SessionBusy
from agent_serving.domain.receipt import RequestMark
from agent_serving.domain.session import TERMINAL, Session
from agent_serving.domain.values import Agent, Item
from agent_serving.runtime.inputs import ApprovalInput, Input, SteerInput, ToolResultInput
from agent_serving.runtime.turn_checks import busy

EPHEMERAL_SECONDS = 3600
"""How long a session that is not to be stored may outlive a process that died over it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, read."""

    api: Api
    body: ResponseBody
    heard: Heard
    request: Request
    mark: RequestMark | None

    @property
    def second(self) -> RequestMark | None:
        """Of the turn, where making the session was the first part of the request."""
        return None if self.mark is None else self.mark.but(part=2)


@dataclass(frozen=True, slots=True)
class Begun:
    """`sequence` is the number of the turn's first event, where it is known. `passing`: the session
    was made for this response alone, and goes when it is told."""

    id: ResponseId
    sequence: int | None = None
    replayed: bool = False
    passing: bool = False


async def take(api: Api, body: ResponseBody, request: Request, mark: RequestMark | None) -> Begun:
    """The response's turn, durable. Raises what `Sessions.start_turn`, `Inputs.answer` and
    `Forks.fork` raise, and Unsupported; then nothing was changed."""
    if body.previous_response_id is not None and body.conversation is not None:
        raise Unsupported(
            "Send either `previous_response_id` or `conversation`.", param="previous_response_id"
        )
    if body.background and body.store is False:
        raise Unsupported("A background response has to be stored.", param="store")
    if body.conversation is not None and body.store is False:
        raise Unsupported("What is said in a conversation is stored.", param="store")
    asked = Asked(api, body, heard(body.input, api.service.ports.new_id), request, mark)
    known = await api.service.sessions.maker.known(api.tenant, mark)
    if known is not None:
        taken = api.service.sessions.replay(known, asked.second)
        if taken is not None:
            return Begun(ResponseId(known.id, taken.turn.id), replayed=True)
        return await _turn(asked, known, known.agent, asked.second)
    if body.conversation is not None:
        given = body.conversation
        session_id = session_of(given if isinstance(given, str) else given.id, "conversation")
        session = await api.service.sessions.get(api.tenant, session_id)
        return await _in_conversation(asked, session)
    if body.previous_response_id is not None:
        before = ResponseId.parse(body.previous_response_id, "previous_response_id")
        session = await api.service.sessions.get(api.tenant, before.session_id)
        part = part_of(session, before)
        if part is None:
            raise no_response(str(before), "previous_response_id")
        return await _after(asked, session, part)
    return await _new(asked)


async def _new(asked: Asked) -> Begun:
    api, stored = asked.api, asked.body.store is not False
    asked.heard.split()
    _check_no_agreements(asked)
    agent = await wanted_agent(api, asked.body, None, asked.heard.instructions)
    ttl = None if stored else EPHEMERAL_SECONDS
    made = await api.service.sessions.open(api.tenant, agent, ttl_seconds=ttl, mark=asked.mark)
    return await _first_turn(asked, made.value, agent)


async def _first_turn(asked: Asked, session: Session, agent: Agent) -> Begun:
    """Of a session that was made for it."""
    api = asked.api
    try:
        begun = await _turn(asked, session, agent, asked.second)
    except Exception:
        # Nobody knows the session's id: it would stay for ever. The request may come again.
        await api.service.sessions.maker.forget(asked.mark)
        await api.service.sessions.delete(api.tenant, session.id)
        raise
    return replace(begun, passing=asked.body.store is False and asked.mark is None)


async def _in_conversation(asked: Asked, session: Session) -> Begun:
    api, body = asked.api, asked.body
    part = _asking(session)
    if part is not None and _answers(asked, session, part):
        return await _answer(asked, session, part)
    replayed = api.service.sessions.replay(session, asked.mark)
    if replayed is not None:
        return Begun(ResponseId(session.id, replayed.turn.id), replayed=True)
    if session.active is not None or session.queue:
        raise busy(session)
    system: tuple[str, ...] = ()
    if session.turns:
        _check_no_answers(asked)
        asked.heard.news()
    else:
        _check_no_agreements(asked)
        asked.heard.split()
        system = asked.heard.instructions
    agent = await wanted_agent(api, body, session.agent, system)
    await _change_agent(api, session, agent)
    return await _turn(asked, session, agent, asked.mark)


async def _after(asked: Asked, session: Session, part: Part) -> Begun:
    api, turn = asked.api, part.turn
    if _answers(asked, session, part):
        return await _answer(asked, session, part)
    replayed = api.service.sessions.replay(session, asked.mark)
    if replayed is not None:
        return Begun(ResponseId(session.id, replayed.turn.id), replayed=True)
    if turn.status not in TERMINAL:
        raise busy(session)
    if part != parts_of(turn)[-1]:
        raise Unsupported(
            "The calls of this response were answered already. Go on from the response that its "
            "answers made.",
            param="previous_response_id",
        )
    _check_no_answers(asked)
    asked.heard.news()
    agent = await wanted_agent(api, asked.body, session.agent)
    # What was added to a conversation since then is no part of what goes on from the response.
    is_last = session.turns[-1].id == turn.id and not session.added
    if is_last and asked.body.store is not False and agent.opens_as(session.agent):
        try:
            await _change_agent(api, session, agent)
            return await _turn(asked, session, agent, asked.mark, follows=turn.id)
        except (SessionBusy, ImpossibleEvent):
            pass  # another one came first; this one forks
    fork = await api.service.forks.fork(
        api.tenant, session.id, at_turn=turn.id, metadata={}, agent=agent, mark=asked.mark
    )
    return await _first_turn(asked, fork.value, agent)


async def _change_agent(api: Api, session: Session, agent: Agent) -> None:
    if same_but_for_id(agent, session.agent):
        return
    if session.token_count and not agent.opens_as(session.agent):
        raise Unsupported(
            "A conversation keeps the model, the instructions and the tools that it began with. Go "
            "on with others by `previous_response_id`, which forks, or begin another conversation.",
            param="instructions",
        )
    await api.service.sessions.change(api.tenant, session.id, agent=agent)


async def _turn(
    asked: Asked,
    session: Session,
    agent: Agent,
    mark: RequestMark | None,
    *,
    follows: str | None = None,
) -> Begun:
    if session.turns:
        texts, history = asked.heard.news(), tuple[Item, ...]()
    else:
        history, texts = asked.heard.split()
    turn = await turn_request(
        asked.api, agent, session.limits, asked.body, texts, asked.request, mark
    )
    taken = await asked.api.service.sessions.start_turn(
        asked.api.tenant, session.id, turn.but(history=history, follows=follows), at_hand=True
    )
    own = ResponseId(session.id, taken.turn.id)
    return Begun(own, taken.sequence, replayed=taken.replayed)


# --- answers to calls -----------------------------------------------------------------------


def _answers(asked: Asked, session: Session, part: Part) -> bool:
    """Whether the request answers the calls of `part`; it has to where the part waits for it."""
    now = asked.api.service.ports.clock.now()
    told = asked.heard.answers or asked.heard.agreements
    if told and receipts.find(session.receipts, asked.mark, now) is not None:
        return True
    return part.turn.status == "waiting" and part.is_open


def _asking(session: Session) -> Part | None:
    """The part of the last turn that waits for the caller, or else its last one."""
    parts = parts_of(session.turns[-1]) if session.turns else ()
    return next((part for part in reversed(parts) if part.is_open), parts[-1] if parts else None)


def _check_agreements(asked: Asked, part: Part) -> None:
    """Each question that is open has its answer, and no other."""
    wanted = {approval_id(call_id) for call_id in part.questions_left}
    given = {agreement.request_id for agreement in asked.heard.agreements}
    if missed := sorted(wanted - given):
        raise Unsupported(
            f"No answer found to the request for approval {missed[0]}. Send an "
            "mcp_approval_response item for each that was made.",
            param="input",
        )
    if unknown := sorted(given - wanted):
        raise Unsupported(
            f"There is no open request for approval {unknown[0][:100]!r}.", param="input"
        )


def _check_no_agreements(asked: Asked) -> None:
    for agreement in asked.heard.agreements:
        raise Unsupported(
            f"Nothing waits for an answer to {agreement.request_id[:100]!r}. Send it with the "
            "`previous_response_id` of the response that asked, or into its conversation.",
            param="input",
        )


def _check_no_answers(asked: Asked) -> None:
    _check_no_agreements(asked)
    for answer in asked.heard.answers:
        raise Unsupported(
            f"Call {answer.call_id!r} is not open; nothing waits for its output.", param="input"
        )


async def _answer(asked: Asked, session: Session, part: Part) -> Begun:
    api, turn = asked.api, part.turn
    now = api.service.ports.clock.now()
    receipt = receipts.find(session.receipts, asked.mark, now)
    number = part.number
    if receipt is None:
        given = {answer.call_id for answer in asked.heard.answers}
        missing([call_id for call_id in part.calls_left if call_id not in given])
        _check_agreements(asked, part)
        agent = await wanted_agent(api, asked.body, session.agent)
        if not agent.opens_as(session.agent):
            raise Unsupported(
                "The response still waits for its calls, so its model, instructions and tools "
                "cannot be changed now.",
                param="tools",
            )
    elif asked.body.conversation is not None:
        number -= 1  # the last part is what the first request made
    inputs: list[Input] = [
        ToolResultInput(call_id=answer.call_id, output=answer.output)
        for answer in asked.heard.answers
    ]
    inputs += [
        ApprovalInput(call_id=agreement.call_id, approve=agreement.approve)
        for agreement in asked.heard.agreements
    ]
    inputs += [SteerInput(content=text) for text in asked.heard.news() if text]
    taken = await api.service.inputs.answer(
        api.tenant, session.id, turn.id, inputs, mark=asked.mark
    )
    return Begun(ResponseId(session.id, turn.id, number + 1), replayed=taken.replayed)
