"""What goes out for a batch."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from agent_serving.api import views
from agent_serving.api.amounts import COST, Cost, Time, Usage, View
from agent_serving.api.paging import Page
from agent_serving.domain import batch as domain
from agent_serving.domain.session import TurnStatus
from agent_serving.domain.values import Failure
from agent_serving.runtime.batches import BatchResult as Result


class RequestCounts(View):
    """The other counts add up to `total`."""

    total: int
    queued: int = Field(description="Not taken up yet.")
    in_progress: int
    waiting: int = Field(
        description="Whose turns need an answer, as any turn: `POST …/inputs`; or room in the "
        "tenant's budget."
    )
    completed: int
    incomplete: int = Field(description="A limit was reached; what there is stays.")
    failed: int
    cancelled: int

    @classmethod
    def of(cls, batch: domain.Batch) -> RequestCounts:
        return cls(**{name: getattr(batch, name) for name in cls.model_fields})


class Batch(View):
    id: str
    object: Literal["batch"] = "batch"
    status: domain.BatchStatus
    request_counts: RequestCounts
    usage: Usage = Field(description="Of the turns that are over.")
    cost: Cost | None = COST
    metadata: dict[str, str]
    results_url: str
    created_at: Time
    cancelled_at: Time | None = Field(description="When it was asked to be cancelled.")
    ended_at: Time | None
    expires_at: Time | None

    @classmethod
    def of(cls, batch: domain.Batch) -> Batch:
        return cls(
            id=batch.id,
            status=batch.status,
            request_counts=RequestCounts.of(batch),
            usage=Usage.of(batch.usage),
            cost=Cost.of(batch.cost),
            metadata=batch.metadata,
            results_url=f"/v1/batches/{batch.id}/results",
            created_at=batch.created_at,
            cancelled_at=batch.cancelled_at,
            ended_at=batch.ended_at,
            expires_at=batch.expires_at,
        )


class BatchPage(Page[Batch]):
    pass


class BatchResult(View):
    custom_id: str
    object: Literal["batch.result"] = "batch.result"
    status: TurnStatus
    session_id: str | None = Field(description="Null where no session was opened for it.")
    turn: views.Turn | None = Field(
        description="As it stands now. Null before it begins, and where it was deleted since."
    )
    error: Failure | None = Field(description="Why the turn failed, or why there is none.")

    @classmethod
    def of(cls, result: Result, *, jaeger_url: str | None) -> BatchResult:
        turn = None
        if result.turn is not None and result.session_id is not None:
            turn = views.Turn.of(result.session_id, result.turn, jaeger_url=jaeger_url)
        return cls(
            custom_id=result.custom_id,
            status=result.status,
            session_id=result.session_id,
            turn=turn,
            error=result.error,
        )


class BatchResultPage(Page[BatchResult]):
    pass
