"""One batch, run under a lease: its requests are taken up, begun, and counted when they are over.

Whatever is done here may be done again, by this process or by another one: requests are begun in
sessions whose ids were given with the batch, and counted once.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Sequence

from agent_serving.domain import events as e
from agent_serving.domain.batch import (
    Batch,
    BatchRequest,
    Outcome,
    amounts_of,
    mark_of,
    outcome_of,
)
from agent_serving.domain.errors import (
    AgentServingError,
    BudgetExhausted,
    CapacityError,
    ImpossibleEvent,
    LogGone,
    NotFound,
    RequestError,
    SessionBusy,
    StoreUnavailable,
    TurnNotActive,
)
from agent_serving.domain.session import Session, Turn
from agent_serving.domain.values import Agent, Failure
from agent_serving.ports import Ports, UnderWay
from agent_serving.runtime.journal import Journal, Journals
from agent_serving.runtime.leases import HeldLease
from agent_serving.runtime.news import News
from agent_serving.runtime.runners import Runners
from agent_serving.runtime.sessions import Sessions
from agent_serving.runtime.turn_request import TurnRequest
from agent_serving.runtime.window import Window

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""Between two looks at turns that another process runs, and at what could not be begun."""
REST_SECONDS = 5.0
"""Between two looks at turns that wait for somebody, and at what met a defect."""
LOOKS = 64
"""Sessions that are looked up in the store in one pass: thousands of turns may wait, or go on in
another process."""


class BatchRun:
    def __init__(
        self,
        ports: Ports,
        journals: Journals,
        runners: Runners,
        sessions: Sessions,
        window: Window,
        batch: Batch,
        held: HeldLease,
    ) -> None:
        self._ports = ports
        self._store = ports.store.batches
        self._journals = journals
        self._runners = runners
        self._sessions = sessions
        self._window = window
        self._batch = batch
        self._held = held
        self._agents: list[Agent] = []
        self._requests: dict[int, BatchRequest] = {}
        self._resting: dict[int, float] = {}
        self._ended: set[str] = set()
        self._refused: set[int] = set()
        self._news = News()

    def hear(self, session_id: str | None = None) -> None:
        """A turn of this session has ended, or there is room, or the batch is cancelled."""
        if session_id is not None:
            self._ended.add(session_id)
        self._news.set()

    async def run(self) -> None:
        """Returns when the batch has ended or is gone. Raises Fenced, LogGone."""
        while True:
            try:
                if not await self._advance():
                    return
            except StoreUnavailable as error:
                log.warning("batch %s waits: %s", self._batch.id, error.message)
                await asyncio.sleep(LOOK_SECONDS)

    async def _advance(self) -> bool:
        """False where there is nothing more to do."""
        self._news.clear()
        batch = await self._store.get(self._batch.id)
        if batch is None or batch.ended_at is not None:
            return False
        self._batch = batch
        under_way = await self._store.under_way(batch.id)
        if await self._look(under_way) or await self._take(under_way.running):
            return True
        await self._news.within(LOOK_SECONDS)
        return True

    async def _take(self, running: Sequence[int]) -> bool:
        batch = self._batch
        more = min(self._window.room(batch.id, running), batch.queued)
        if more > 0:
            await self._store.take(batch.id, batch.taken + more)
        return more > 0

    async def _look(self, under_way: UnderWay) -> bool:
        """At each request under way that may have moved; whether one of them is over or waits."""
        now = asyncio.get_running_loop().time()
        self._refused.intersection_update(under_way.running)
        self._window.keep(
            self._batch.id,
            under_way.running,
            held_up=bool(self._refused),
            idle=not under_way.running and not self._batch.queued,
        )
        places = [*under_way.running, *under_way.waiting]
        await self._read(places)
        due = self._due(now)
        waiting = frozenset(under_way.waiting)
        moves = (self._move(place, place in waiting) for place in due)
        # None is left to go on alone, beside the next look.
        moved = await asyncio.gather(*moves, return_exceptions=True)
        for each in moved:
            if isinstance(each, BaseException):
                raise each
        return any(moved)

    async def _read(self, places: Sequence[int]) -> None:
        """The requests at these places, as far as they are not known, and no others."""
        missing = [place for place in places if place not in self._requests]
        known = self._requests
        if missing:
            known = known | await self._store.requests(self._batch.id, missing)
        self._requests = {place: known[place] for place in places if place in known}

    def _due(self, now: float) -> list[int]:
        """Places to look at: all that run here, and of the others those that have ended here, then
        those that were not looked at for longest. What is left out comes before the next time."""
        cancelled = self._batch.cancelled_at is not None
        near, far = list[int](), list[tuple[bool, float, int]]()
        for place, request in self._requests.items():
            quiet, since = request.session_id not in self._ended, self._resting.get(place, 0.0)
            if quiet and not cancelled and since > now:
                continue
            if self._here(request) is None:
                far.append((quiet, since, place))
            else:
                near.append(place)
        looked_up = [place for _, _, place in heapq.nsmallest(LOOKS, far)]
        for place in looked_up:
            self._rest(place, 0.0)
        due = [*near, *looked_up]
        left = {request.session_id for request in self._requests.values()}
        self._ended &= left - {self._requests[place].session_id for place in due}
        return due

    async def _move(self, place: int, parked: bool) -> bool:
        """Whether the request is over, or waits, or goes on, where it did not before."""
        try:
            return await self._moved(place, parked)
        except StoreUnavailable:
            raise
        except LogGone:
            return await self._fail(place, _deleted())
        except (CapacityError, BudgetExhausted, ImpossibleEvent, SessionBusy, TurnNotActive):
            # What was accepted is begun as soon as it may.
            return self._later(place, LOOK_SECONDS)
        except Exception:
            log.exception("request %d of batch %s met a defect", place, self._batch.id)
            return self._later(place, REST_SECONDS)

    async def _moved(self, place: int, parked: bool) -> bool:
        session = await self._session(self._requests[place])
        turn = session.turns[0] if session is not None and session.turns else None
        if turn is None:
            return await self._begin(place, session)
        self._refused.discard(place)
        outcome = outcome_of(turn)
        if outcome is not None:
            await self._settle(place, outcome, turn)
            return True
        if self._batch.cancelled_at is not None and turn.cancel is None:
            assert session is not None
            await self._sessions.cancel(session.tenant, session.id, turn.id)
        waits = turn.status == "waiting"
        if waits:
            self._rest(place, REST_SECONDS)
        else:
            self._window.sit(self._batch.id, place, begun=True)
        if waits != parked:
            await self._store.park(self._batch.id, place, waiting=waits)
        return waits != parked

    async def _session(self, request: BatchRequest) -> Session | None:
        journal = self._here(request) or await self._journals.find(request.session_id)
        return None if journal is None else journal.session

    def _here(self, request: BatchRequest) -> Journal | None:
        """Where its turn is run by this process, which so knows how it stands."""
        journal = self._journals.at_hand(request.session_id)
        return journal if self._runners.runs(request.session_id) else None

    async def _begin(self, place: int, session: Session | None) -> bool:
        """Whether it has begun, or is over before it began."""
        request, tenant = self._requests[place], self._batch.tenant
        if self._batch.cancelled_at is not None:
            await self._settle(place, Outcome(status="cancelled"))
            return True
        if not self._window.sit(self._batch.id, place, begun=False):
            return False
        try:
            await self._start(request, session)
        except (BudgetExhausted, SessionBusy):
            raise
        except NotFound:
            return await self._fail(place, _deleted())
        except RequestError as error:
            await self._fail(place, Failure(code=error.code, message=error.message))
            # Nobody has a use for a session in which nothing was said.
            with contextlib.suppress(AgentServingError):
                await self._sessions.delete(tenant, request.session_id)
            return True
        self._refused.discard(place)
        return True

    async def _start(self, request: BatchRequest, session: Session | None) -> None:
        await self._held.certain()
        if session is None:
            await self._sessions.maker.make(await self._opened(request))
        batch = await self._store.get(self._batch.id)
        if batch is None or batch.cancelled_at is not None:
            self.hear()
            return
        await self._sessions.start_turn(self._batch.tenant, request.session_id, _asked(request))

    async def _opened(self, request: BatchRequest) -> e.SessionOpened:
        self._agents = self._agents or await self._store.agents(self._batch.id)
        return e.SessionOpened(
            at=self._ports.clock.now(),
            session_id=request.session_id,
            tenant=self._batch.tenant,
            agent=self._agents[request.agent],
            metadata=request.metadata,
            expires_at=self._batch.expires_at,
        )

    async def _fail(self, place: int, failure: Failure) -> bool:
        await self._settle(place, Outcome(status="failed", error=failure))
        return True

    async def _settle(self, place: int, outcome: Outcome, turn: Turn | None = None) -> None:
        await self._store.settle(
            self._batch.id,
            place,
            outcome,
            at=self._ports.clock.now(),
            amounts={} if turn is None else amounts_of(turn),
            currency=None if turn is None else turn.cost.currency,
        )

    def _later(self, place: int, seconds: float) -> bool:
        self._refused.add(place)
        self._window.rise(self._batch.id, place)
        self._rest(place, seconds)
        return False

    def _rest(self, place: int, seconds: float) -> None:
        self._resting[place] = asyncio.get_running_loop().time() + seconds


def _asked(request: BatchRequest) -> TurnRequest:
    return TurnRequest(
        input=request.input,
        output=request.output,
        limits=request.limits,
        metadata=request.metadata,
        mark=mark_of(request),
    )


def _deleted() -> Failure:
    return Failure(
        code="not_found",
        message="The session of this request was deleted before its turn was over.",
    )
