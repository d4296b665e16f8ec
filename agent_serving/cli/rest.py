"""The REST API as the demo and the chat use it: JSON in, JSON or server-sent events out."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from agent_serving.domain.errors import AgentServingError

Json = dict[str, Any]


class RestError(AgentServingError):
    """The service refused a request (with this `refusal`, its code), or does not answer."""

    code = "rest_error"
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its type and the JSON of the whole event."""

    type: str
    body: Json

    @property
    def data(self) -> Json:
        data: Json = self.body["data"]
        return data


class Rest:
    """A client of one service; `url` is its base, without `/v1`, and `key` what it is opened with,
    where it needs that. Raises RestError."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        timeout = httpx.Timeout(30.0, read=120.0)
        # The service is on this machine: no proxy from the environment.
        self._http = httpx.AsyncClient(
            base_url=self.url,
            timeout=timeout,
            trust_env=False,
            headers={} if key is None else {"authorization": f"Bearer {key}"},
            # The system's certificates, or those that SSL_CERT_FILE names.
            verify=ssl.create_default_context(),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(self, path: str) -> Json:
        return await self._call("GET", path)

    async def post(self, path: str, body: Json | None = None) -> Json:
        return await self._call("POST", path, {} if body is None else body)

    async def put(self, path: str, body: Json) -> Json:
        return await self._call("PUT", path, body)

    async def list(self, path: str) -> list[Json]:
        """All of a list, page by page."""
        rows: list[Json] = []
        after = ""
        while True:
            page = await self.get(f"{path}?limit=100&order=asc{after}")
            rows += page["data"]
            if not page["has_more"]:
                return rows
            after = f"&after={page['last_id']}"

    async def delete(self, path: str) -> None:
        await self._call("DELETE", path)

    async def text(self, path: str) -> str:
        """What is no JSON."""
        return (await self._answer("GET", path)).text

    def stream(self, path: str, body: Json) -> AsyncGenerator[Event, None]:
        """The events of the answer, as they come."""
        return self._stream("POST", path, body=body)

    def follow(self, path: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """A session's events behind `after`, for as long as it is there."""
        return self._stream("GET", path, after=after)

    async def _stream(
        self, verb: str, path: str, *, body: Json | None = None, after: int = 0
    ) -> AsyncGenerator[Event, None]:
        headers = {"accept": "text/event-stream"}
        if after:
            headers["last-event-id"] = str(after)
        try:
            async with self._http.stream(verb, path, json=body, headers=headers) as answer:
                if answer.is_error:
                    await answer.aread()
                    raise _refused(answer)
                async for event in _events(_lines(answer)):
                    yield event
        except httpx.HTTPError as error:
            raise self._silent(error) from error

    async def _call(self, verb: str, path: str, body: Json | None = None) -> Json:
        result: Json = (await self._answer(verb, path, body)).json()
        return result

    async def _answer(self, verb: str, path: str, body: Json | None = None) -> httpx.Response:
        try:
            answer = await self._http.request(verb, path, json=body)
        except httpx.HTTPError as error:
            raise self._silent(error) from error
        if answer.is_error:
            raise _refused(answer)
        return answer

    def _silent(self, error: httpx.HTTPError) -> RestError:
        what = str(error) or type(error).__name__
        return RestError(
            f"{self.url} does not answer ({what}). Start the service with `agent-serving up`, or "
            "name another one with --url."
        )


def _refused(answer: httpx.Response) -> RestError:
    code = param = None
    try:
        error = answer.json()["error"]
        code, param = error["code"], error["param"]
        told = f"{code}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        told = answer.text[:500]
    request = answer.request
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        told += " Pass it with --key, or in AGENT_SERVING_API_KEY."
    refused = RestError(
        f"{request.method} {request.url.path}: {answer.status_code} {told}", param=param
    )
    refused.refusal = code
    return refused


async def _events(lines: AsyncIterator[str]) -> AsyncIterator[Event]:
    async for block in _blocks(lines):
        data = "\n".join(_field(block, "data"))
        if data:
            body = json.loads(data)
            yield Event(body["type"], body)


async def _lines(answer: httpx.Response) -> AsyncIterator[str]:
    """httpx's own lines end at every Unicode line separator, which JSON may contain."""
    pending = b""
    async for chunk in answer.aiter_bytes():
        *complete, pending = (pending + chunk).split(b"\n")
        for line in complete:
            yield line.decode().removesuffix("\r")


async def _blocks(lines: AsyncIterator[str]) -> AsyncIterator[list[str]]:
    block: list[str] = []
    async for line in lines:
        if line:
            block.append(line)
        elif block:
            yield block
            block = []


def _field(block: Iterable[str], name: str) -> Iterable[str]:
    prefix = f"{name}:"
    return (line.removeprefix(prefix).lstrip() for line in block if line.startswith(prefix))
