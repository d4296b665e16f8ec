"""Lists: `limit`, `after`, `before`, `order`, and the page they make."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel, Field

from agent_serving.api.context import Context
from agent_serving.domain.errors import InvalidRequest

T = TypeVar("T")

Order = Literal["asc", "desc"]
MAX_LIMIT = 100


class Page(BaseModel, Generic[T]):
    object: Literal["list"] = "list"
    data: list[T] = Field(description="The rows, in the order asked for.")
    first_id: str | None = Field(None, description="For `before`, to get the page in front.")
    last_id: str | None = Field(None, description="For `after`, to get the next page.")
    has_more: bool = Field(description="Whether there is more in the direction asked for.")


@dataclass(frozen=True, slots=True)
class ListQuery:
    """`after` and `before` are ids of rows, both excluded, in the order of the list. `before`
    alone means the page that ends there."""

    limit: int
    after: str | None
    before: str | None
    order: Order

    @property
    def descending(self) -> bool:
        return self.order == "desc"

    @property
    def backwards(self) -> bool:
        return self.before is not None and self.after is None


Limit = Annotated[
    int | None,
    Query(ge=1, le=MAX_LIMIT, description="Most rows on a page (20 where not set)."),
]


def _query(default: Order) -> Callable[..., Coroutine[Any, Any, ListQuery]]:
    async def query(
        api: Context,
        limit: Limit = None,
        after: Annotated[
            str | None, Query(max_length=128, description="Rows behind the row with this id.")
        ] = None,
        before: Annotated[
            str | None, Query(max_length=128, description="Rows in front of the row with this id.")
        ] = None,
        order: Annotated[
            Order, Query(description="By time: `asc` is oldest first, `desc` newest first.")
        ] = default,
    ) -> ListQuery:
        return ListQuery(limit or api.settings.page_size, after, before, order)

    return query


NewestFirst = Annotated[ListQuery, Depends(_query("desc"))]
OldestFirst = Annotated[ListQuery, Depends(_query("asc"))]


def cut(rows: Sequence[T], key: Callable[[T], str], query: ListQuery) -> tuple[list[T], bool]:
    """The page of `rows` (oldest first), and whether there is more. Raises InvalidRequest."""
    ordered = list(reversed(rows)) if query.descending else list(rows)
    places = {key(row): place for place, row in enumerate(ordered)}

    def place(param: str, row_id: str | None, default: int) -> int:
        if row_id is None:
            return default
        if row_id not in places:
            raise InvalidRequest(f"`{param}`: the list has no row {row_id!r}.", param=param)
        return places[row_id]

    start = place("after", query.after, -1) + 1
    end = place("before", query.before, len(ordered))
    window = ordered[start:end]
    page = window[-query.limit :] if query.backwards else window[: query.limit]
    return page, len(window) > len(page)
