"""Lists that fetch their next page by themselves."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from agent_serving.client.call import Params, get
from agent_serving.client.models.shape import Page
from agent_serving.client.synchronous.transport import Transport

T = TypeVar("T")


class Pages(Generic[T]):
    """All rows of a list, when iterated; page by page by `pages()`. Nothing is fetched before it is
    asked for. Raises APIError."""

    def __init__(
        self, transport: Transport, path: str, read: Callable[[Any], T], params: Params
    ) -> None:
        self._transport = transport
        self._path = path
        self._read = read
        self._params = params

    def __iter__(self) -> Generator[T, None, None]:
        for page in self.pages():
            yield from page.data

    def pages(self) -> Generator[Page[T], None, None]:
        params = dict(self._params)
        while True:
            page = self._page(params)
            yield page
            if not page.has_more or page.last_id is None:
                return
            params["after"] = page.last_id

    def first(self) -> Page[T]:
        """The first page alone."""
        return self._page(self._params)

    def all(self) -> list[T]:
        return list(self)

    def _page(self, params: Params) -> Page[T]:
        told = self._transport.json(get(self._path, params))
        return Page(
            data=[self._read(row) for row in told["data"]],
            first_id=told.get("first_id"),
            last_id=told.get("last_id"),
            has_more=told.get("has_more", False),
        )
