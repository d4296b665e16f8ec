"""What a session used, and what a tenant used over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field

from agent_serving.api.amounts import COST, Cost, PhaseTimings, Time, Usage, View, phases
from agent_serving.api.context import Api, Context, SessionId
from agent_serving.api.errors import documented
from agent_serving.domain.charge import Account, Charge, added, hour_of
from agent_serving.domain.cost import total_of
from agent_serving.domain.errors import InvalidRequest, NotFound, StoreUnavailable
from agent_serving.domain.step import ModelStep, ToolStep

router = APIRouter(prefix="/v1", tags=["usage"])

By = Literal["agent", "tenant", "tool", "model"]
KEPT = timedelta(days=400)
USUAL = timedelta(days=30)


class StepsUsage(View):
    """Some of a session's steps, added up."""

    name: str | None = Field(description="Of the tool; null for model steps.")
    steps: int
    timings: PhaseTimings
    cost: Cost | None = COST


class SessionUsage(View):
    """What a session's own turns used, added up."""

    object: Literal["session.usage"] = "session.usage"
    session_id: str
    stored_bytes: int | None = Field(
        description="Memory that the session takes in the store, as that estimates it; null where "
        "it does not tell."
    )
    turns: int
    usage: Usage
    timings: PhaseTimings
    cost: Cost | None = COST
    model_steps: StepsUsage
    tools: list[StepsUsage] = Field(description="By tool, in the order of their names.")


class UsageRow(View):
    key: str | None = Field(
        description="The agent (`name@version`), tenant, tool or model. With `by=tool`, null: what "
        "the model steps used."
    )
    usage: Usage
    worked_ms: float = Field(
        description="Wall time of turns that have ended, without what they waited."
    )
    cost: Cost | None = COST


class UsageReport(View):
    object: Literal["usage"] = "usage"
    by: By
    since: Time = Field(description="The full hour from which on it counts.")
    until: Time = Field(description="The full hour up to which it counts.")
    rows: list[UsageRow] = Field(
        description="By key; one for each currency, where prices were given in several."
    )
    totals: list[UsageRow] = Field(description="Of all rows, by currency.")


@router.get(
    "/sessions/{session_id}/usage",
    response_model=SessionUsage,
    summary="Add up what a session used",
    responses=documented(NotFound),
)
async def get_usage(session_id: SessionId, api: Context) -> SessionUsage:
    """Tokens, money and time by phase, over all steps of the session's own turns."""
    session = await api.service.sessions.get(api.tenant, session_id)
    steps = [step for turn in session.own_turns for step in turn.steps]
    tools: dict[str, list[ToolStep]] = {}
    for step in steps:
        if isinstance(step, ToolStep):
            tools.setdefault(step.call.name, []).append(step)
    return SessionUsage(
        session_id=session_id,
        stored_bytes=await _stored_bytes(api, session_id),
        turns=len(session.own_turns),
        usage=Usage.of(session.usage),
        timings=phases(step.timings for step in steps),
        cost=Cost.of(session.cost),
        model_steps=_steps(None, [step for step in steps if isinstance(step, ModelStep)]),
        tools=[_steps(name, calls) for name, calls in sorted(tools.items())],
    )


async def _stored_bytes(api: Api, session_id: str) -> int | None:
    try:
        return await api.service.ports.store.stored_bytes(session_id)
    except StoreUnavailable:
        # The session was there just now: it is this command that the server does not allow.
        return None


@router.get(
    "/usage",
    response_model=UsageReport,
    summary="Add up what a tenant used",
    responses=documented(),
)
async def get_report(
    api: Context,
    by: Annotated[By, Query(description="What the rows are.")] = "agent",
    since: Annotated[
        datetime | None,
        Query(description="From the hour of this time on (UTC); 30 days before `until`."),
    ] = None,
    until: Annotated[
        datetime | None, Query(description="Up to the end of this time's hour (UTC); now.")
    ] = None,
) -> UsageReport:
    """Each attempt and call counts in the hour in which it ended, whatever became of its turn or
    session: deleted sessions count too. Kept for 400 days."""
    now = api.service.ports.clock.now()
    end = _utc(until or now)
    # Far enough from the ends of the calendar to count back from.
    if end.year < 1971 or end.year > 9998:
        raise InvalidRequest("`until` is out of range.", param="until")
    begin = _utc(since) if since is not None else end - USUAL
    first, last = hour_of(begin), hour_of(end) + 1
    if not 0 < last - first <= KEPT // timedelta(hours=1) + 1:
        raise InvalidRequest(
            f"`since` has to be before `until`, by at most {KEPT.days} days.", param="since"
        )
    charges = await api.service.ports.store.charges(api.tenant, since=first, until=last)
    groups: dict[tuple[str | None, str | None], list[Charge]] = {}
    currencies: dict[str | None, list[Charge]] = {}
    for charge in charges:
        account = charge.account
        groups.setdefault((_key(by, account), account.currency), []).append(charge)
        currencies.setdefault(account.currency, []).append(charge)
    order = sorted(groups, key=lambda key: tuple(part or "" for part in key))
    return UsageReport(
        by=by,
        since=_time(first),
        until=_time(last),
        rows=[_row(key[0], groups[key]) for key in order],
        totals=[_row(None, rows) for _, rows in sorted(currencies.items(), key=_currency)],
    )


def _key(by: By, account: Account) -> str | None:
    key: str | None = getattr(account, by)
    return key


def _currency(item: tuple[str | None, object]) -> str:
    return item[0] or ""


def _row(key: str | None, charges: Iterable[Charge]) -> UsageRow:
    rows = list(charges)
    whole = rows[0].but(amounts=dict(added(rows)))
    return UsageRow(
        key=key,
        usage=Usage.of(whole.usage),
        worked_ms=whole.worked / timedelta(milliseconds=1),
        cost=Cost.of(whole.cost),
    )


def _steps(name: str | None, steps: Sequence[ModelStep | ToolStep]) -> StepsUsage:
    return StepsUsage(
        name=name,
        steps=len(steps),
        timings=phases(step.timings for step in steps),
        cost=Cost.of(total_of(step.cost for step in steps)),
    )


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _time(hour: int) -> datetime:
    return datetime.fromtimestamp(hour * 3600, UTC)
