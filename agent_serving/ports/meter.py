"""The meter port: what the API tells the metrics, and how it shows them."""

from __future__ import annotations

from typing import Protocol


class Meter(Protocol):
    def request_ended(
        self, method: str, route: str | None, status: int | None, seconds: float
    ) -> None:
        """`route` is the template (`/v1/sessions/{session_id}`), None where no route was found;
        `status` is None where the caller went before an answer began."""
        ...

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """All metrics in the text format that the `Accept` header asks for, and its media type.
        May be asked from any thread."""
        ...
