"""Batches: make one, list, read, cancel, delete; and their results."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response

from agent_serving.api import views
from agent_serving.api.agents import REFUSED
from agent_serving.api.batch_bodies import BatchBody
from agent_serving.api.batch_drafts import BatchCheck
from agent_serving.api.batch_views import Batch, BatchPage, BatchResult, BatchResultPage
from agent_serving.api.context import Api, Context
from agent_serving.api.errors import BadHeader, documented
from agent_serving.api.idempotency import Mark, tell
from agent_serving.api.paging import ListQuery, NewestFirst, OldestFirst
from agent_serving.domain import batch as domain
from agent_serving.domain.errors import (
    BatchBusy,
    BatchNotActive,
    IdempotencyMismatch,
    InvalidRequest,
    NotFound,
    ShuttingDown,
)
from agent_serving.domain.receipt import RequestMark
from agent_serving.runtime.idempotency import Made

router = APIRouter(prefix="/v1", tags=["batches"])

BatchId = Annotated[
    str, Path(description="Id of a batch.", examples=["batch_01k0a4b2c6d1e3f5g7h9j2k4m6"])
]


@router.post(
    "/batches",
    status_code=201,
    response_model=Batch,
    summary="Make a batch",
    responses=documented(
        BadHeader, NotFound, *REFUSED, IdempotencyMismatch, ShuttingDown, body=True
    ),
)
async def create_batch(body: BatchBody, api: Context, response: Response, mark: Mark) -> Batch:
    """Each request becomes a session with one turn at class `batch`. All are checked first, and
    all or none accepted: from the answer on each of them is run, once, whatever becomes of the
    caller or of any process. They begin as there is room beside what is more urgent."""
    made = await _made(api, body, mark)
    tell(response, replayed=made.replayed)
    response.headers["location"] = f"/v1/batches/{made.value.id}"
    return Batch.of(made.value)


async def _made(api: Api, body: BatchBody, mark: RequestMark | None) -> Made[domain.Batch]:
    batches = api.service.batches
    known = await batches.known(api.tenant, mark)
    if known is not None:
        return Made(known, replayed=True)
    return await batches.create(api.tenant, await BatchCheck(api, body).draft(), mark=mark)


@router.get("/batches", response_model=BatchPage, summary="List batches", responses=documented())
async def list_batches(api: Context, query: NewestFirst) -> BatchPage:
    listing = await api.service.batches.page(
        api.tenant,
        limit=query.limit,
        after=query.after,
        before=query.before,
        descending=query.descending,
    )
    rows = listing.rows
    return BatchPage(
        data=[Batch.of(row) for row in rows],
        first_id=rows[0].id if rows else None,
        last_id=rows[-1].id if rows else None,
        has_more=listing.more,
    )


@router.get(
    "/batches/{batch_id}",
    response_model=Batch,
    summary="Read a batch",
    responses=documented(NotFound),
)
async def get_batch(batch_id: BatchId, api: Context) -> Batch:
    return Batch.of(await api.service.batches.get(api.tenant, batch_id))


@router.get(
    "/batches/{batch_id}/results",
    response_model=BatchResultPage,
    summary="List a batch's results",
    responses=documented(NotFound),
)
async def list_batch_results(
    batch_id: BatchId, api: Context, query: OldestFirst
) -> BatchResultPage:
    """One for each request, in the order in which they were sent (`asc`), as it stands now.
    `after` and `before` are custom ids here."""
    batch = await api.service.batches.get(api.tenant, batch_id)
    places, more = await _places(api, batch, query)
    results = await api.service.batches.results(batch, places)
    jaeger = api.settings.jaeger_url
    return BatchResultPage(
        data=[BatchResult.of(result, jaeger_url=jaeger) for result in results],
        first_id=results[0].custom_id if results else None,
        last_id=results[-1].custom_id if results else None,
        has_more=more,
    )


@router.post(
    "/batches/{batch_id}/cancel",
    status_code=202,
    response_model=Batch,
    summary="Cancel a batch",
    responses=documented(BadHeader, NotFound, BatchNotActive, IdempotencyMismatch),
)
async def cancel_batch(batch_id: BatchId, api: Context, response: Response, mark: Mark) -> Batch:
    """Idempotent. No request is taken up any more, and the turns under way are cancelled; the
    batch is `cancelling` until they are over, then `cancelled`. What has completed stays."""
    made = await api.service.batches.cancel(api.tenant, batch_id, mark=mark)
    tell(response, replayed=made.replayed)
    return Batch.of(made.value)


@router.delete(
    "/batches/{batch_id}",
    response_model=views.Deleted,
    summary="Delete a batch",
    responses=documented(NotFound, BatchBusy),
)
async def delete_batch(batch_id: BatchId, api: Context) -> views.Deleted:
    """Of one that is over: its list of requests and what came of them. Its sessions stay, as those
    that were opened one by one."""
    await api.service.batches.delete(api.tenant, batch_id)
    return views.Deleted(id=batch_id, object="batch.deleted")


async def _places(api: Api, batch: domain.Batch, query: ListQuery) -> tuple[range, bool]:
    """Of the rows of the page, and whether there is more. Raises InvalidRequest."""
    ordered = range(batch.total)[::-1] if query.descending else range(batch.total)

    async def index(param: str, custom_id: str | None, default: int) -> int:
        if custom_id is None:
            return default
        place = await api.service.batches.place(batch, custom_id)
        if place is None:
            raise InvalidRequest(f"`{param}`: the batch has no request {custom_id!r}.", param=param)
        return ordered.index(place)

    start = await index("after", query.after, -1) + 1
    end = await index("before", query.before, len(ordered))
    window = ordered[start : max(start, end)]
    page = window[-query.limit :] if query.backwards else window[: query.limit]
    return page, len(window) > len(page)
