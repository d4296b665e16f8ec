"""Lists that fetch their next page by themselves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import Any, Generic, TypeVar

from agent_serving.client.asynchronous.transport import AsyncTransport
from agent_serving.client.call import Params, get
from agent_serving.client.models.shape import Page

T = TypeVar("T")


class AsyncPages(Generic[T]):
    """All rows of a list, when iterated; page by page by `pages()`. Nothing is fetched before it is
    asked for. Raises APIError."""

    def __init__(
        self, transport: AsyncTransport, path: str, read: Callable[[Any], T], params: Params
    ) -> None:
        self._transport = transport
        self._path = path
        self._read = read
        self._params = params

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async for page in self.pages():
            for row in page.data:
                yield row

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        params = dict(self._params)
        while True:
            page = await self._page(params)
            yield page
            if not page.has_more or page.last_id is None:
                return
            params["after"] = page.last_id

    async def first(self) -> Page[T]:
        """The first page alone."""
        return await self._page(self._params)

    async def all(self) -> list[T]:
        return [row async for row in self]

    async def _page(self, params: Params) -> Page[T]:
        told = await self._transport.json(get(self._path, params))
        return Page(
            data=[self._read(row) for row in told["data"]],
            first_id=told.get("first_id"),
            last_id=told.get("last_id"),
            has_more=told.get("has_more", False),
        )
