"""Where the service is, what opens it, and how long it is waited for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEFAULT_URL = "http://127.0.0.1:8080"
SILENCE_SECONDS = 45.0
"""A stream in which not even a ping came for so long is broken: pings come every 15 s."""
PATIENCE_SECONDS = 20
"""How long one request waits for a turn, before it asks again: less than what lies between lets a
silent connection live."""


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """`timeout` is seconds for a request that is no stream; `max_retries` is how often one is sent
    again, and how often in a row a stream is opened anew without anything having come."""

    base_url: str = field(repr=False)
    api_key: str | None = field(repr=False)
    timeout: float
    max_retries: int

    @classmethod
    def of(
        cls, base_url: str | None, api_key: str | None, timeout: float, max_retries: int
    ) -> ClientSettings:
        """What is not given comes from AGENT_SERVING_URL and AGENT_SERVING_API_KEY."""
        url = base_url or os.environ.get("AGENT_SERVING_URL") or DEFAULT_URL
        key = api_key or os.environ.get("AGENT_SERVING_API_KEY") or None
        return cls(url.rstrip("/").removesuffix("/v1"), key, timeout, max_retries)

    @property
    def place(self) -> str:
        """`base_url` without the name and the password that it may have, to be shown."""
        parts = urlsplit(self.base_url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"}
