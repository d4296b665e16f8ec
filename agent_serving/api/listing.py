"""Pages of sessions, with filters that no index serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent_serving.api import views
from agent_serving.api.context import Api
from agent_serving.api.paging import ListQuery
from agent_serving.domain.session import SessionStatus
from agent_serving.domain.summary import Summary
from agent_serving.ports import Listing

SCANNED_AT_ONCE = 200
MAX_SCANNED = 10_000


@dataclass(frozen=True, slots=True)
class SessionFilter:
    status: SessionStatus | None
    metadata: Mapping[str, str]

    @classmethod
    def of(cls, status: SessionStatus | None, query: Mapping[str, str]) -> SessionFilter:
        """The pairs are the parameters that are called `metadata.KEY`."""
        prefix = "metadata."
        pairs = {k.removeprefix(prefix): v for k, v in query.items() if k.startswith(prefix)}
        return cls(status, pairs)

    @property
    def selective(self) -> bool:
        return self.status is not None or bool(self.metadata)

    def admits(self, row: Summary) -> bool:
        return self.status in (None, row.status) and self.metadata.items() <= row.metadata.items()


async def list_page(api: Api, query: ListQuery, wanted: SessionFilter) -> views.SessionPage:
    """At most MAX_SCANNED sessions are looked at: where a page is short although there is more,
    its `last_id` (`first_id`, for `before`) is where to go on."""
    found: list[Summary] = []
    after, before = query.after, query.before
    scanned, more = 0, True
    while more and scanned < MAX_SCANNED and len(found) <= query.limit:
        listing = await _read(api, query, wanted, after, before)
        rows = [Summary.model_validate_json(row) for row in listing.rows]
        more = listing.more and bool(rows)
        scanned += len(rows)
        admitted = [row for row in rows if wanted.admits(row)]
        if query.backwards:
            found = [*admitted, *found]
            before = rows[0].id if rows else before
        else:
            found = [*found, *admitted]
            after = rows[-1].id if rows else after
        if not wanted.selective:
            break
    page = found[-query.limit :] if query.backwards else found[: query.limit]
    first, last = (page[0].id, page[-1].id) if page else (None, None)
    if more and len(found) < query.limit:
        first, last = (before, last) if query.backwards else (first, after)
    return views.SessionPage(
        data=[views.Session.of_summary(row) for row in page],
        first_id=first,
        last_id=last,
        has_more=more or len(found) > len(page),
    )


async def _read(
    api: Api, query: ListQuery, wanted: SessionFilter, after: str | None, before: str | None
) -> Listing:
    return await api.service.ports.store.list_sessions(
        api.tenant,
        limit=SCANNED_AT_ONCE if wanted.selective else query.limit,
        after=after,
        before=before,
        descending=query.descending,
    )
