"""A web server and a name server for fetch_url, on this machine."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from agent_serving.domain.errors import ToolError

Fetch = Callable[..., str]


@dataclass
class Site:
    """A web server on this machine. `answers`: path → (status, headers, body)."""

    port: int
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    requests: list[tuple[str, str | None]] = field(default_factory=list)

    def url(self, path: str, host: str = "site.test") -> str:
        return f"http://{host}:{self.port}{path}"

    def answer(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"content-type": "text/plain"} | given, body)
        return self.url(path)


@dataclass
class Names:
    """The name server's answers; a list is used up call by call, its last element stays."""

    answers: dict[str, list[list[str]]]
    asked: list[str] = field(default_factory=list)


def refused(fetch: Fetch, url: str, **settings: str) -> str:
    with pytest.raises(ToolError) as caught:
        fetch(url, **settings)
    return caught.value.message
