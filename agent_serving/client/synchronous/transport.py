"""Requests over HTTP: sent again while that may help, refused in this client's words."""

# Made from ../asynchronous by `python -m agent_serving.client.generate`. Do not edit.

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from agent_serving.client.call import Call
from agent_serving.client.errors import (
    APIConnectionError,
    APIError,
    APIResponseError,
    APIStatusError,
    APITimeoutError,
    refusal,
)
from agent_serving.client.retrying import is_temporary, pause
from agent_serving.client.settings import ClientSettings
from agent_serving.client.synchronous.waiting import sleep

M = TypeVar("M", bound=BaseModel)


class Transport:
    def __init__(self, settings: ClientSettings, http: httpx.Client | None) -> None:
        self.settings = settings
        self._http = http or httpx.Client()
        self._is_ours = http is None

    def close(self) -> None:
        if self._is_ours:
            self._http.close()

    def read(self, model: type[M], call: Call) -> M:
        """The answer as a value. Raises APIError."""
        response = self.send(call)
        try:
            return model.model_validate_json(response.content)
        except ValidationError as error:
            raise _unreadable(call, error) from error

    def json(self, call: Call) -> Any:
        response = self.send(call)
        try:
            return response.json()
        except ValueError as error:
            raise _unreadable(call, error) from error

    def send(self, call: Call, *, stream: bool = False) -> httpx.Response:
        """A successful answer; of a stream only its head. Raises APIError."""
        for failures in count(1):
            headers: Mapping[str, str] = {}
            try:
                response = self._http.send(self._request(call), stream=stream)
                if response.is_success:
                    return response
                headers = response.headers
                error: APIError = _refused(call, response)
                temporary = is_temporary(response.status_code, headers)
            except httpx.TransportError as cause:
                error, temporary = self._silent(call, cause), True
                error.__cause__ = cause
            if not temporary or failures > self.settings.max_retries:
                raise error
            seconds = pause(failures, headers)
            if seconds is None:
                raise error
            sleep(seconds)
        raise AssertionError("unreachable")

    def _request(self, call: Call) -> httpx.Request:
        settings = self.settings
        return self._http.build_request(
            call.verb,
            f"{settings.base_url}/v1{call.path}",
            params=call.query or None,
            json=call.body,
            headers={**settings.headers, **call.headers},
            timeout=httpx.Timeout((call.timeout or settings.timeout) + call.patience, connect=5.0),
        )

    def _silent(self, call: Call, cause: httpx.TransportError) -> APIConnectionError:
        late = isinstance(cause, httpx.TimeoutException)
        kind = APITimeoutError if late else APIConnectionError
        what = str(cause) or type(cause).__name__
        place = self.settings.place
        return kind(
            f"{call.where}: {place} does not answer ({what}). Is the service there? Name it by "
            "base_url= or AGENT_SERVING_URL."
        )


def _refused(call: Call, response: httpx.Response) -> APIStatusError:
    try:
        response.read()
        body = response.json()
    except (ValueError, httpx.TransportError):
        body = None
    finally:
        response.close()
    return refusal(response.status_code, response.headers, body, call.where)


def _unreadable(call: Call, error: Exception) -> APIResponseError:
    return APIResponseError(f"{call.where}: the answer cannot be read: {error}")
